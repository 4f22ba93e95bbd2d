"""Panel "reward": the value beside what the shaped reward pays, and what single edits do to it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import panel_command

MOST_NODES = 4  # as the means are taken
SPREAD = 0.3  # nodes over which points of one number are spread


def load(results: Path, *, concept: str) -> dict[str, object]:
    arrays = files.read_arrays(results / "evidence/reward.npz")
    named = {"concept": style.plain(concept, limit=16), "reason": str(arrays.get("reason", ""))}
    if named["reason"]:
        return named
    return named | {
        "value": arrays["value"],
        "seen": {name: (arrays[name], arrays[f"means/{name}"]) for name in ("ray", "middle")},
        "correlations": _estimates(arrays, "correlations"),
        "changes": _estimates(arrays, "changes"),
    }


def draw(
    concept: str,
    reason: str,
    value: np.ndarray | None = None,
    seen: dict[str, tuple[np.ndarray, np.ndarray]] | None = None,
    correlations: dict[str, tuple[float, np.ndarray]] | None = None,
    changes: dict[str, tuple[float, np.ndarray]] | None = None,
) -> Figure:
    """Above, frames by what they show, and means of groups; below, correlations and changes with their intervals.

    Args:
      reason: why nothing was measured, else empty. value: `[M]`. seen: by "ray" and "middle" what the frames show `[M]`
        and the groups' place, mean, low and high `[G, 4]`. correlations, changes: by name the estimate and its
        interval.
    """
    if value is None or seen is None or correlations is None or changes is None:
        return style.words(f"The value was not compared with the reward: {reason}.")
    figure = style.figure(aspect=0.8, phone=3.3)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.5, 1))
    [[ray, middle]] = style.grid(upper, 1, 2, sharey=True)
    _frames(ray, value, *seen["ray"], apart=True)
    ray.set(xlabel="tree nodes on the view ray", ylabel="value, in reward")
    ray.set_xticks(range(MOST_NODES + 1), [*map(str, range(MOST_NODES)), f"{MOST_NODES}+"])
    _frames(middle, value, *seen["middle"], apart=False)
    middle.set_xlabel(f"{concept}'s share of the picture's middle")
    [[left, right]] = style.grid(lower, 1, 2)
    names = {
        "ray": "nodes on the ray,\ngiven brightness",
        "middle": f"{concept} in the middle,\ngiven brightness",
        "area": f"{concept} in the picture,\ngiven brightness",
        "brightness": "brightness",
    }
    _intervals(left, correlations, names, "rank correlation with the value")
    names = {"trunk": f"with the nearest {concept}", "logs": "logs in the display", "darker": "darker: gamma 2"}
    _intervals(right, changes, names, "change of the value, in reward")
    return figure


def _estimates(arrays: dict[str, np.ndarray], kind: str) -> dict[str, tuple[float, np.ndarray]]:
    rows = zip(*(arrays[f"{kind}/{key}"] for key in ("names", "estimate", "interval")), strict=True)
    return {str(name): (float(estimate), interval) for name, estimate, interval in rows}


def _frames(ax: Axes, value: np.ndarray, shown: np.ndarray, means: np.ndarray, *, apart: bool) -> None:
    """Frames as points, groups of them as means with intervals; apart: points of whole numbers are spread sideways."""
    ax.spines[["top", "right"]].set_visible(False)
    known = np.isfinite(shown)
    if not known.any():
        ax.text(0.5, 0.5, "the labels do not tell it", ha="center", va="center", transform=ax.transAxes)
        return
    places, x = means[:, 0], shown[known].astype(float)
    if apart:
        # By the golden ratio: always in the same places, and neighbours in the table apart.
        x = np.minimum(x, MOST_NODES)
        places = np.minimum(np.round(places), MOST_NODES)
        for number in np.unique(x):
            same = x == number
            x[same] += SPREAD * (2 * (np.arange(same.sum()) * 0.6180339887 % 1) - 1)
    ax.plot(x, value[known], "o", color=style.FAINT, markersize=2, alpha=0.8)
    some = np.isfinite(means[:, 2:]).all(1)
    ax.vlines(places[some], *means[some, 2:].T, color=style.OBSERVED, linewidth=1.5)
    ax.plot(places, means[:, 1], "o", color=style.OBSERVED, markersize=5)


def _intervals(ax: Axes, found: dict[str, tuple[float, np.ndarray]], names: dict[str, str], label: str) -> None:
    rows = [name for name in names if name in found]
    ax.spines[["top", "right"]].set_visible(False)
    if not rows:
        style.say(ax, "nothing could be measured")
        return
    ax.axvline(0, color=style.INK, linewidth=0.6, ls="--")
    for place, name in enumerate(rows):
        estimate, interval = found[name]
        if np.isfinite(interval).all():
            ax.hlines(place, *interval, color=style.OBSERVED, linewidth=1.5)
        ax.plot(estimate, place, "o", color=style.OBSERVED, markersize=5)
    ax.set_yticks(range(len(rows)), [names[name] for name in rows])
    ax.set(xlabel=label, ylim=(len(rows) - 0.5, -0.5))


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
