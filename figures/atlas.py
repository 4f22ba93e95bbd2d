"""Panels "atlas-*": every unit of one layer, its dream beside its shuffled-weights control, as the unit sees it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import style
from minetest_interp.io.errors import InputError
from panel import arrays, panel_command

FLAGS = {"dead": "dead: never above 0.", "saturated": "saturated: always above 0."}
FEW, COLUMNS, FEWER = 16, {True: 4, False: 7}, {True: 2, False: 3}  # up to `FEW` units get wide tiles; on a phone fewer
# In pixels of the PNG, and whole, so that a pixel of a picture is a whole number of them.
GAP, SEAM, HEAD = 18, 4, 16  # between tiles, within a pair, above the first row beside the heading
LINE, NUMBER = 25, 74  # height of a line of text, width of a number
LEADING = 30  # from a line of the heading to the next


def load(results: Path, *, layer: str) -> dict[str, object]:
    keys = ("name", "layer", "box", "pictures", "control", "control_correlation", "flag")
    names, layers, boxes, pictures, controls, correlations, flags = arrays(results / "atlas.npz", *keys)
    rows = np.flatnonzero(layers == layer)
    if not len(rows):
        raise InputError(
            f"`layer` must be one of the atlas' layers, {', '.join(dict.fromkeys(layers))}; got {layer!r}."
        )
    return {
        "layer": layer,
        "names": [str(names[i]).removeprefix(f"{layer}/") for i in rows],
        "pairs": [(_cut(pictures[i, 0], boxes[i]), _cut(controls[i, 0], boxes[i])) for i in rows],
        "correlations": correlations[rows],
        "flags": [str(flags[i]) for i in rows],
        # The closed form is the same for every seed.
        "which": ", first seed" if np.ptp(pictures[rows], axis=1).any() else "",
    }


def draw(
    layer: str,
    names: list[str],
    pairs: list[tuple[np.ndarray, np.ndarray]],
    correlations: np.ndarray,
    flags: list[str],
    which: str = "",
) -> Figure:
    """Pairs in rows; below each the unit's name, the correlation of the two, and a flag where there is one.

    Args:
      pairs: dream and control `[h, w]`, grey levels.
      correlations: `[U]`, -1 to 1; NaN where it is not defined.
      which: what the heading adds to the word dream.
    """
    width = round(style.width() * style.DPI)
    columns = style.either(COLUMNS, FEWER)[len(names) <= FEW]
    tile = (width - GAP * (columns + 1)) // columns
    rows, across = pairs[0][0].shape
    wide = _side(across, (tile - SEAM) // 2)
    high = wide * rows // across
    pitch = high + 2 * LINE + GAP
    heading = (
        f"{style.plain(layer)}, {len(names)} units. Left: dream{which}. Right: its control, from shuffled weights."
    )
    lines = _title(heading, set(flags))
    head = HEAD + LEADING * sum(text.count("\n") + 1 for text in lines)
    height = head + pitch * -(-len(names) // columns)
    figure = Figure(figsize=(width / style.DPI, height / style.DPI))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    above = 0
    for text, colour in zip(lines, (style.INK, style.NULL), strict=True):
        for line in text.split("\n"):
            ax.text(GAP, LINE * 0.8 + LEADING * above, line, va="center", color=colour)
            above += 1
    for i, (name, pair, correlation, flag) in enumerate(zip(names, pairs, correlations, flags, strict=True)):
        left = GAP + (i % columns) * (tile + GAP)
        top = head + (i // columns) * pitch
        for shift, picture in zip((0, wide + SEAM), pair, strict=True):
            extent = (left + shift, left + shift + wide, top + high, top)
            ax.imshow(picture, extent=extent, cmap="gray", vmin=0, vmax=255, interpolation="none")
            # A dream may be white at its edge, as the page is.
            ax.add_patch(Rectangle(extent[::3], wide, high, fill=False, edgecolor=style.FAINT, linewidth=0.4))
        low = top + high + LINE * 0.55
        ax.text(left, low, style.plain(name, limit=16), va="center")
        ax.text(left, low + LINE, _signed(correlation), va="center", color=style.NULL)
        ax.text(left + NUMBER, low + LINE, flag, va="center", color=style.POSITIVE)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return figure


def _title(heading: str, flags: set[str]) -> tuple[str, str]:
    """The heading, and what the numbers and flags mean; on a phone in several lines."""
    key = "Number: correlation of the two in the receptive field."
    meanings = [FLAGS[flag] for flag in sorted(flags & set(FLAGS))]
    return style.wrapped(heading), style.wrapped(" ".join([key, *meanings]))


def _signed(correlation: float) -> str:
    # Adding nothing takes the sign off what rounds to zero.
    return "–" if np.isnan(correlation) else style.signed(round(float(correlation), 2) + 0.0, digits=2)


def _side(pixels: int, available: int) -> int:
    """The largest whole multiple of `pixels` in `available`, so that pixels have one size; or all of it."""
    return available // pixels * pixels or available


def _cut(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    top, left, height, width = box
    return picture[top : top + height, left : left + width]


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
