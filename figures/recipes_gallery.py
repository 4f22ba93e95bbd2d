"""Panel "recipes-gallery": a unit's best real frames, every recipe's dream of it, and a control."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import style
from minetest_interp.io.errors import InputError
from panel import arrays, panel_command

LEFT, LINE, GAP = 0.72, 0.115, 0.05  # inches: the units' names, a line of the columns' names, between pictures
APART = 0.1  # more space where real frames end and where the control begins


def load(
    results: Path, *, control: str = "", recipes: Sequence[str] = (), units: Sequence[str] = (), seeds: int = 1
) -> dict[str, object]:
    """control: the recipe whose shuffled-weights dream is shown, none if empty. recipes, units: all if empty."""
    path = results / "recipes.npz"
    known, names, gallery, boxes, real = arrays(path, "recipes", "units", "gallery", "boxes", "real")
    pictures, controls = arrays(path, "pictures", "controls")
    if not 1 <= seeds <= pictures.shape[2]:
        raise InputError(f"{path}: `seeds` must be 1 to {pictures.shape[2]}; got {seeds}.")
    rows = [_find(path, "units", name, names) for name in (units or gallery)]
    columns = [_find(path, "recipes", name, known) for name in (recipes or known)]
    shown = {str(known[m]): pictures[m, rows, :seeds] for m in columns}
    nonsense = controls[_find(path, "control", control, known), rows, :seeds] if control else None
    return {
        "units": [str(names[i]) for i in rows],
        "boxes": boxes[rows],
        "real": real[rows],
        "pictures": shown,
        "control": (control, nonsense),
    }


def draw(
    units: list[str],
    boxes: np.ndarray,
    real: np.ndarray,
    pictures: dict[str, np.ndarray],
    control: tuple[str, np.ndarray | None],
) -> Figure:
    """One row a unit. Dreams are cut to the unit's receptive field; the first real frame is shown cut as well.

    Args:
      boxes: `[U, 4]` top, left, height and width of the receptive field. real: `[U, 2, H, W]`.
      pictures: recipe to `[U, K, H, W]`. control: its recipe and `[U, K, H, W]`.
    """
    heads = ["top frame 1", "top frame 2", "top frame 1, cropped"]
    blocks = [pictures[name] for name in pictures]
    heads += [name if k == 0 else "" for name, block in pictures.items() for k in range(block.shape[1])]
    if control[1] is not None:
        blocks.append(control[1])
        heads += ["control (shuffled weights)" if k == 0 else "" for k in range(control[1].shape[1])]
    count, whole = len(heads), real.shape[2:]
    width, columns, rows = style.width(), *style.either((count, len(units)), (len(units), count))
    tile = (width - LEFT - style.either(2 * APART, 0) - GAP * columns) / columns
    heads = [_wrapped(head) for head in heads]
    above = LINE * style.either(max(head.count("\n") + 1 for head in heads), 2.4) + 0.06
    height = above + rows * (tile + GAP) + style.either(0, 2 * APART)
    figure = Figure(figsize=(width, height))
    extra = np.zeros(count)
    extra[3:] += APART
    if control[1] is not None:
        extra[-control[1].shape[1] :] += APART

    def place(unit: int, head: int) -> tuple[float, float]:
        """A picture's left and lower edge; on a phone each unit has a column."""
        column, row, right, down = style.either((head, unit, extra[head], 0), (unit, head, 0, extra[head]))
        return LEFT + column * (tile + GAP) + right, height - above - row * (tile + GAP) - down - tile

    def name_row(unit: int, head: int, words: str) -> None:
        figure.text((LEFT - 0.06) / width, (place(unit, head)[1] + tile / 2) / height, words, ha="right", va="center")

    for i, (name, box) in enumerate(zip(units, boxes, strict=True)):
        top, left, high, wide = box
        cut = (slice(top, top + high), slice(left, left + wide))
        row = [real[i, 0], real[i, 1], real[i, 0][cut], *(p[cut] for block in blocks for p in block[i])]
        words = style.plain(name, limit=14).replace(" ", "\n")
        if not style.on_phone():
            name_row(i, 0, words)
        for j, frame in enumerate(row):
            x, y = place(i, j)
            ax = figure.add_axes((x / width, y / height, tile / width, tile / height))
            style.show_grey(ax, frame)
            if j < 2 and (high, wide) != whole:
                _outline(ax, *box)
            if style.either(i, j) == 0:
                ax.set_title(style.either(heads[j], words), fontsize=style.small(7), linespacing=1.1, pad=3)
            if style.on_phone() and i == 0:
                name_row(i, j, heads[j])
    return figure


def _outline(ax: Axes, top: int, left: int, high: int, wide: int) -> None:
    for colour, line in (("white", 1.8), (style.POSITIVE, 0.9)):
        ax.add_patch(Rectangle((left - 0.5, top - 0.5), wide, high, fill=False, edgecolor=colour, linewidth=line))


def _wrapped(head: str) -> str:
    """Lines that fit a narrow column."""
    return "\n".join(textwrap.wrap(style.plain(head, limit=32), 10))


def _find(path: Path, what: str, name: str, known: np.ndarray) -> int:
    found = np.flatnonzero(known == name)
    if not len(found):
        raise InputError(f"{path}: `{what}` must be of {', '.join(map(str, known))}; got {name!r}.")
    return int(found[0])


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
