"""Panel "play": what the agent does in whole episodes, beside agents that see nothing."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import style
from panel import arrays, panel_command

OWN = "own"
# What an agent is called, its colour, its line and its mark. Others stand in the table of the report alone.
AGENTS = {
    OWN: ("the agent", style.OBSERVED, "-", "o"),
    "random": ("random actions", style.NULL, ":", "s"),
    "forward": ("always forward", "#999999", "--", "^"),
    "out-of-order": ("its own probabilities, out of order", style.MIRRORED, "-.", "D"),
    "mirrored": ("the agent, frames mirrored", "#b07aa1", (0, (6, 2, 1, 2, 1, 2)), "v"),
    "even": ("the agent, halves of one brightness", "#59a14f", (0, (1, 3)), "P"),
}
COMPARED = {"digs-logs": "logs dug in an episode", "earns-more": "reward of an episode"}


def load(results: Path, *, behaviour: str) -> dict[str, object]:
    path = results / "evidence/play.npz"
    agents, followed, direction, darker = arrays(path, "agents", "followed", "turned/direction", "turned/darker")
    shown = [agent for agent in agents if agent in AGENTS]
    distance = arrays(path, *(f"distance/{agent}" for agent in shown))
    compared = arrays(path, *(f"compared/{name}" for name in COMPARED))
    return {
        "behaviour": style.plain(behaviour, limit=16),
        "distance": dict(zip(shown, distance, strict=True)),
        "compared": {n: _by_agent(agents, of) for n, of in zip(COMPARED, compared, strict=True)},
        "followed": followed,
        "turned": {"direction": direction, "darker": darker},
    }


def _by_agent(agents: np.ndarray, means: np.ndarray) -> dict[str, np.ndarray]:
    return {agent: of for agent, of in zip(agents, means, strict=True) if agent in AGENTS}


def draw(
    behaviour: str,
    distance: dict[str, np.ndarray],
    compared: dict[str, dict[str, np.ndarray]],
    followed: np.ndarray,
    turned: dict[str, np.ndarray],
) -> Figure:
    """Above, agents beside each other; below, what followed on values and how the agent turned.

    Args:
      distance: by agent the mean, low and high in each part of an episode `[T, 3]`. compared: by quantity and agent the
        mean, low and high `[3]`. followed: by groups of steps the value and the mean, low and high of what followed
        `[G, 4]`. turned: likewise by what it is turned to.
    """
    figure = style.figure(aspect=0.75, phone=5.2)
    upper, lower = figure.subfigures(2, 1)
    [[time, *bars]] = style.grid(upper, 1, 3, width_ratios=(1.6, 1, 1))
    _over_time(time, distance)
    for ax, (name, label) in zip(bars, COMPARED.items(), strict=True):
        _agents(ax, compared[name], label)
    handles = [_handle(agent) for agent in distance]
    upper.legend(
        handles=handles, loc="outside upper center", ncols=min(len(handles), style.either(3, 1)), handlelength=3
    )
    [[foresight, direction, darker]] = style.grid(lower, 1, 3)
    follows = {"ylabel": "reward that followed, discounted", "none": "the agent has no value"}
    _groups(foresight, followed, "the agent's value", **follows)
    sides = {"ylabel": f"{behaviour}, positive is left", "none": "a trunk was hardly ever in front", "sided": True}
    _groups(direction, turned["direction"], "nearest trunk: degrees to the left", **sides)
    _groups(darker, turned["darker"], "left half darker by: grey levels", **sides)
    return figure


def _handle(agent: str) -> Line2D:
    name, colour, line, mark = AGENTS[agent]
    return Line2D([], [], color=colour, ls=line, marker=mark, markersize=4, label=name)


def _over_time(ax: Axes, distance: dict[str, np.ndarray]) -> None:
    """The mean distance of every agent, and the interval of the agent's own alone, since four would hide each other."""
    if not any(np.isfinite(means[:, 0]).any() for means in distance.values()):
        style.say(ax, "no trunk is known")
        return
    for agent, means in distance.items():
        _, colour, line, _ = AGENTS[agent]
        places = (np.arange(len(means)) + 0.5) / len(means)
        ax.plot(places, means[:, 0], color=colour, ls=line)
        if agent == OWN and np.isfinite(means[:, 1:]).all():
            ax.fill_between(places, *means[:, 1:].T, color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="part of the episode that is over", ylabel="nodes to the nearest trunk", xlim=(0, 1), ylim=(0, None))
    ax.spines[["top", "right"]].set_visible(False)


def _agents(ax: Axes, means: dict[str, np.ndarray], label: str) -> None:
    for place, (agent, (mean, low, high)) in enumerate(means.items()):
        _, colour, _, mark = AGENTS[agent]
        ax.plot(place, mean, mark, color=colour, markersize=5)
        if np.isfinite([low, high]).all():
            ax.vlines(place, low, high, color=colour, linewidth=1.5)
    ax.set(ylabel=label, xlim=(-0.5, len(means) - 0.5), xticks=[])
    ax.axhline(0, color=style.INK, linewidth=0.6, ls="--")
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def _groups(ax: Axes, means: np.ndarray, xlabel: str, *, ylabel: str, none: str, sided: bool = False) -> None:
    """Groups of steps; none: what is said where there are none; sided: left is drawn on the left."""
    if not len(means):
        style.say(ax, none)
        return
    some = np.isfinite(means[:, 2:]).all(1)
    ax.vlines(means[some, 0], *means[some, 2:].T, color=style.OBSERVED, linewidth=1.5)
    ax.plot(means[:, 0], means[:, 1], "o", color=style.OBSERVED, markersize=4)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    if sided:
        ax.xaxis.set_inverted(True)
        ax.axhline(0, color=style.INK, linewidth=0.6, ls="--")


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
