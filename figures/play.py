"""Panel "play": what the agent does in whole episodes, beside agents that see nothing."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import panel_command

# What an agent is called, its colour and its line.
AGENTS = {
    "own": ("the agent", style.OBSERVED, "-"),
    "random": ("random actions", style.NULL, ":"),
    "forward": ("always forward", "#999999", "--"),
    "out-of-order": ("its own, out of order", style.MIRRORED, "-."),
}
COMPARED = {"digs-logs": "logs dug", "earns-more": "shaped reward earned"}


def load(results: Path, *, behaviour: str) -> dict[str, object]:
    arrays = files.read_arrays(results / "evidence/play.npz")
    found = {"behaviour": style.plain(behaviour, limit=16), "reason": str(arrays.get("reason", ""))}
    if found["reason"]:
        return found
    agents = [str(agent) for agent in arrays["agents"]]
    return found | {
        "distance": {agent: arrays[f"distance/{agent}"] for agent in agents},
        "compared": {name: dict(zip(agents, arrays[f"compared/{name}"], strict=True)) for name in COMPARED},
        "followed": arrays["followed"],
        "turned": {name: arrays[f"turned/{name}"] for name in ("direction", "darker")},
    }


def draw(
    behaviour: str,
    reason: str,
    distance: dict[str, np.ndarray] | None = None,
    compared: dict[str, dict[str, np.ndarray]] | None = None,
    followed: np.ndarray | None = None,
    turned: dict[str, np.ndarray] | None = None,
) -> Figure:
    """Above, agents beside each other; below, what followed on values and how the agent turned.

    Args:
      reason: why nothing was measured, else empty. distance: by agent the mean, low and high in each part of an episode
        `[T, 3]`. compared: by quantity and agent the mean, low and high `[3]`. followed: by groups of steps the value and
        the mean, low and high of what followed `[G, 4]`. turned: likewise by what it is turned to.
    """
    if distance is None or compared is None or followed is None or turned is None:
        return style.words(f"Not measured: {reason}.")
    figure = style.figure(aspect=0.85)
    upper, lower = figure.subfigures(2, 1)
    time, *bars = upper.subplots(1, 3, width_ratios=(1.6, 1, 1))
    _over_time(time, distance)
    for ax, (name, label) in zip(bars, COMPARED.items(), strict=True):
        _agents(ax, compared[name], label)
    foresight, direction, darker = lower.subplots(1, 3)
    _groups(foresight, followed, "the agent's value", "reward that followed, discounted")
    _groups(direction, turned["direction"], "nearest trunk: degrees to the left", f"{behaviour}, positive is left")
    _groups(darker, turned["darker"], "left half darker by, grey levels", f"{behaviour}, positive is left")
    for ax in (direction, darker):
        ax.xaxis.set_inverted(True)  # left is drawn on the left
        ax.axhline(0, color=style.INK, linewidth=0.6, ls="--")
    return figure


def _over_time(ax: Axes, distance: dict[str, np.ndarray]) -> None:
    for agent, means in distance.items():
        name, colour, line = AGENTS[agent]
        places = (np.arange(len(means)) + 0.5) / len(means)
        ax.plot(places, means[:, 0], color=colour, ls=line, label=name)
        if np.isfinite(means[:, 1:]).all():
            ax.fill_between(places, *means[:, 1:].T, color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="part of the episode", ylabel="nodes to the nearest trunk", xlim=(0, 1), ylim=(0, None))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _agents(ax: Axes, means: dict[str, np.ndarray], label: str) -> None:
    for place, (agent, (mean, low, high)) in enumerate(means.items()):
        _, colour, _ = AGENTS[agent]
        ax.plot(place, mean, "o", color=colour, markersize=5)
        if np.isfinite([low, high]).all():
            ax.vlines(place, low, high, color=colour, linewidth=1.5)
    ax.set_xticks(range(len(means)), [AGENTS[agent][0] for agent in means], rotation=40, ha="right")
    ax.set(ylabel=f"{label}, an episode", xlim=(-0.5, len(means) - 0.5))
    ax.axhline(0, color=style.INK, linewidth=0.6, ls="--")
    ax.spines[["top", "right"]].set_visible(False)


def _groups(ax: Axes, means: np.ndarray, along: str, label: str) -> None:
    if not len(means):
        style.say(ax, "nothing to show")
        return
    some = np.isfinite(means[:, 2:]).all(1)
    ax.vlines(means[some, 0], *means[some, 2:].T, color=style.OBSERVED, linewidth=1.5)
    ax.plot(means[:, 0], means[:, 1], "o", color=style.OBSERVED, markersize=4)
    ax.set(xlabel=along, ylabel=label)
    ax.spines[["top", "right"]].set_visible(False)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
