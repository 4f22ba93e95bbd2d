"""Panel "frames": every frame of a study as a thumbnail, in natural order, with one behaviour below it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import style
from panel import arrays, panel_command

COLUMNS, FEWER = 7, 3  # on a page, on a phone
GAP, HEAD, LINE = 0.08, 0.3, 0.14  # inches: between tiles, a line of the heading, a line of text


def load(
    results: Path, *, behaviour: str, plus: str = "", minus: str = "", positive: str = "right"
) -> dict[str, object]:
    names, pictures, sizes = arrays(results / "pictures.npz", "frames", "pictures", "sizes")
    (values,) = arrays(results / "readouts.npz", f"original/{behaviour}")
    return {
        "frames": [str(name) for name in names],
        "pictures": [picture[:height, :width] for picture, (height, width) in zip(pictures, sizes, strict=True)],
        "values": values,
        "behaviour": behaviour,
        "ends": {1: plus, -1: minus},
        "positive": positive,
    }


def draw(
    frames: list[str],
    pictures: list[np.ndarray],
    values: np.ndarray,
    behaviour: str,
    ends: dict[int, str],
    positive: str = "right",
) -> Figure:
    """Thumbnails in rows; below each its name, its value and a bar of it.

    Args:
      pictures: uint8 `[h, w, 3]` each, sizes may differ.
      values: `[N]`, -1 to 1, or returns in reward units.
      ends: what above and below zero mean, in a word each.
      positive: the side to which positive bars point; "left" for a yaw, so that a bar points where the agent turns.
    """
    width = style.width()
    columns, head = style.either((COLUMNS, HEAD), (FEWER, 2 * HEAD))
    tile = (width - GAP * (columns + 1)) / columns
    # ASSUME: nearly all frames share one shape; a tall one is fitted into the most common tile.
    shapes = [picture.shape[0] / picture.shape[1] for picture in pictures]
    photo = tile * min(float(np.median(shapes)), 1.5)
    pitch = photo + 2 * LINE + 0.05 + GAP
    height = head + GAP + pitch * -(-len(frames) // columns)
    figure = Figure(figsize=(width, height))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    side = -1 if positive == "left" else 1
    most = max(1.0, float(np.abs(values).max()))
    _key(ax, behaviour, ends, side, width, most)
    for i, (frame, picture, value) in enumerate(zip(frames, pictures, values, strict=True)):
        left = GAP + (i % columns) * (tile + GAP)
        top = head + GAP + (i // columns) * pitch
        scale = min(tile / picture.shape[1], photo / picture.shape[0])
        w, h = picture.shape[1] * scale, picture.shape[0] * scale
        middle, low = left + tile / 2, top + photo
        ax.imshow(picture, extent=(middle - w / 2, middle + w / 2, low, low - h), interpolation="antialiased")
        ax.text(middle, low + LINE * 0.62, style.plain(frame, limit=14), ha="center", va="center")
        _bar(ax, value, most, left=left, top=low + LINE + 0.03, length=tile, side=side)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return figure


def _bar(ax, value: float, most: float, *, left: float, top: float, length: float, side: int) -> None:
    """A bar from the middle of its track, and the number in the half that the bar leaves free."""
    half, middle = length / 2, left + length / 2
    height = LINE * 0.75
    ax.add_patch(Rectangle((left, top), length, height, facecolor="#EEEEEE", linewidth=0))
    colour = style.POSITIVE if value > 0 else style.NEGATIVE
    direction = side if value > 0 else -side
    ax.add_patch(Rectangle((middle, top), direction * half * abs(value) / most, height, facecolor=colour, linewidth=0))
    ax.plot([middle, middle], [top - 0.015, top + height + 0.015], color=style.INK, linewidth=0.6)
    ax.text(middle - direction * half / 2, top + height / 2, style.signed(value, digits=2), ha="center",
            va="center_baseline", color=colour)  # fmt: skip


def _key(ax, behaviour: str, ends: dict[int, str], side: int, width: float, most: float) -> None:
    y, half = HEAD / 2 + 0.04, 0.45
    ax.text(GAP, y, f"{style.plain(behaviour)} of the policy on each frame", va="center")
    y += style.either(0, HEAD)
    middle = style.either(width - GAP - 1.45, width / 2)
    for sign, colour in ((1, style.POSITIVE), (-1, style.NEGATIVE)):
        direction = sign * side
        ax.add_patch(Rectangle((middle, y - LINE * 0.37), direction * half, LINE * 0.75, facecolor=colour, linewidth=0))
        end = f"{'+' if sign > 0 else '−'}{most:.3g} {style.plain(ends.get(sign, ''), limit=10)}".rstrip()
        ax.text(middle + direction * (half + 0.06), y, end, va="center", ha="left" if direction > 0 else "right",
                color=colour)  # fmt: skip
    ax.plot([middle, middle], [y - 0.08, y + 0.08], color=style.INK, linewidth=0.6)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
