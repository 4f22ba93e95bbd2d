"""Panels e and f: what the policy does on a frame and on its mirror image."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import item, panel_command, seen_frame

VIEWS = ("original", "mirrored")


def load(results: Path, *, frame: str, behaviour: str, positive: str) -> dict[str, object]:
    path = results / "readouts.npz"
    with np.load(path, allow_pickle=False) as stored:
        names = [key.partition("/")[2] for key in stored.files if key.startswith("original/")]
    return {
        "returns": "q" in files.read_json(results / "network.json")["outputs"],
        "frame": frame,
        "leftward": behaviour if positive == "left" else None,
        "read": {view: seen_frame(results, view, frame) for view in VIEWS},
        "behaviours": {view: {name: float(item(path, f"{view}/{name}", frame)) for name in names} for view in VIEWS},
    }


def draw(
    returns: bool,
    frame: str,
    leftward: str | None,
    read: dict[str, np.ndarray],
    behaviours: dict[str, dict[str, float]],
) -> Figure:
    """The two views and a bar per behaviour and view; the value, where there is one, in words.

    Args:
      returns: behaviours are differences of Q values in reward units, and not of probabilities, from -1 to 1.
      leftward: the behaviour whose positive bars point to the left, since it is positive for a turn to the left.
      read: by view, `[H, W]`, grey levels, or `[H, W, 3]` colours.
    """
    figure = style.figure(aspect=0.37, phone=1.35)
    axes = figure.subplot_mosaic(
        style.either([["original", "mirrored", "bars"]], [["original", "mirrored"], ["bars", "bars"]]),
        width_ratios=style.either((1, 1, 1.45), (1, 1)),
    )
    colours = dict(zip(VIEWS, (style.ORIGINAL, style.MIRRORED), strict=True))
    for view in VIEWS:
        ax = axes[view]
        style.show_frame(ax, read[view])
        for spine in ax.spines.values():
            spine.set(color=colours[view], linewidth=2)
        ax.set_title(style.plain(frame, limit=24) if view == "original" else "its mirror image")
        if "value" in behaviours[view]:
            ax.set_xlabel(f"value {style.signed(behaviours[view]['value'])}\n(reward units)")
    ax = axes["bars"]
    names = [name for name in behaviours["original"] if name != "value"]
    rows = np.arange(len(names))
    end = max(abs(behaviours[view][name]) for view in VIEWS for name in names) or 1.0 if returns else 1
    for view, shift in zip(VIEWS, (-0.19, 0.19), strict=True):
        lengths = [behaviours[view][name] for name in names]
        pointing = [-length if name == leftward else length for name, length in zip(names, lengths, strict=True)]
        ax.barh(rows + shift, pointing, 0.34, color=colours[view], label=view)
        for row, length in zip(rows + shift, lengths, strict=True):
            ax.text(1.45 * end, row, style.signed(length), ha="right", va="center")
    ax.axvline(0, color=style.INK, linewidth=0.6)
    ax.set(xlim=(-end, end), ylim=(len(names) - 0.5, -0.5))
    if returns:
        ax.set_xlabel("difference of mean Q values (reward units)")
    else:
        ax.set_xlabel("probability, or difference of two")
    ax.set_xticks([])  # the numbers stand beside the bars
    ax.set_yticks(
        rows, [style.plain(name, limit=16) + (": left is left" if name == leftward else "") for name in names]
    )
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, borderaxespad=0.2, handlelength=1)
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
