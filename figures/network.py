"""Panel k: the network, drawn from its description."""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

import style
from minetest_interp.io import files
from panel import panel_command

HEIGHT = 2.45
MIDDLE = 1.68  # all volumes are centred on this height; inches from below, as are all lengths here
LARGEST = 1.0
SHEETS = 8  # at most; more channels would only blur into each other
STEP = 0.035  # from one sheet to the one behind it
BAR = 0.12, 1.2  # width and height of a dense layer
HEAD = 0.74, 0.4
DENSE, HEADS = 0.8, 0.95  # widths of a dense layer's place and of the heads'
ROOMY = 1.1  # inches a volume; the words of narrower ones stand in two rows
DOWN, ASIDE, BESIDE = 1.1, 0.9, 2.6  # on a phone: a volume's height, its middle and that of its words, from the left
LOWER = 0.68  # by which the second row of words stands below the first
GREY = "#555555"
BLUE, SAND, WHITE = ("#DCE8F3", "#2F5D8A"), ("#FBEBD3", "#B26B00"), ("#F2F2F2", GREY)  # layers, heads, input
PUT_OUT = {"actor": "{} logits", "critic": "{} value", "q": "{} Q values"}


def load(results: Path) -> dict[str, object]:
    described = files.read_json(results / "network.json")
    return {name: described[name] for name in signature(draw).parameters}


def draw(
    frames: int,
    height: int,
    width: int,
    layers: Sequence[Mapping],
    heads: Sequence[Mapping],
    actions: int,
    reads: Sequence[int],
    parameters: int,
) -> Figure:
    """A stack of sheets for each layer with positions and a bar for each without, each with its shape and its field.

    Args:
      layers, heads: as in `minetest_interp.model.description`.
    """
    page = style.width()
    words = f"{parameters:,} parameters" + "\nReLU behind every layer but the heads" * _rectified(layers)
    maps, dense = ([layer for layer in layers if bool(layer["field"]) is spatial] for spatial in (True, False))
    if style.on_phone():
        return _downwards(frames, height, width, maps, dense, heads, actions, reads, words)
    place = (page - 0.25 - DENSE * len(dense) - HEADS) / (len(maps) + 1)
    rest = 0.0 if place >= ROOMY else LOWER
    figure = Figure(figsize=(page, HEIGHT + rest))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, page), ylim=(-rest, HEIGHT))
    ax.set_axis_off()

    centres = [0.15 + place * (i + 0.5) for i in range(len(maps) + 1)]
    sizes = [(height, width, frames), *(layer["shape"] for layer in maps)]
    volumes = _volumes(ax, [(x, MIDDLE) for x in centres], sizes, largest=min(LARGEST, 0.65 * place))
    _kernels(ax, volumes, sizes, maps, roomy=place >= ROOMY)
    _words(ax, centres[0], "input", f"{frames} × {height} × {width}", *_read(frames))
    for i, layer in enumerate(maps, 1):
        rows, columns = layer["field"]
        field = _by(rows["size"], columns["size"])
        _words(ax, centres[i], layer["name"], " × ".join(map(str, layer["shape"])), field if rest else f"sees {field}",
               f"every {rows['stride']} px", lower=rest * (i % 2))  # fmt: skip

    depth = (min(sizes[-1][2], SHEETS) - 1) * STEP
    begin, x = volumes[-1][0] + volumes[-1][2] + depth, centres[-1] + place / 2
    for layer in dense:
        x += DENSE / 2
        _arrow(ax, (begin + 0.06, MIDDLE), (x - BAR[0] / 2 - 0.04, MIDDLE))
        corner = x - BAR[0] / 2, MIDDLE - BAR[1] / 2
        ax.add_patch(Rectangle(corner, *BAR, facecolor=BLUE[0], edgecolor=BLUE[1], lw=0.8))
        _words(ax, x, layer["name"], str(layer["shape"][0]), f"sees {_by(*reads)}" if layer is dense[0] else "")
        begin, x = x + BAR[0] / 2, x + DENSE / 2
    _heads(ax, begin, x + HEADS / 2, heads, actions)
    ax.text(page - 0.15, 0.1 - rest, words, ha="right", va="bottom", color=GREY)
    return figure


def _downwards(frames, height, width, maps, dense, heads, actions, reads, words: str) -> Figure:
    """The same on a phone: one layer below the other, with its words on its right."""
    page, rows = style.width(), len(maps) + 1
    high = DOWN * rows + HEADS * len(dense) + 1.3
    figure = Figure(figsize=(page, high))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, page), ylim=(0, high))
    ax.set_axis_off()
    middles = [high - DOWN * (i + 0.5) for i in range(rows)]
    sizes = [(height, width, frames), *(layer["shape"] for layer in maps)]
    _kernels(ax, _volumes(ax, [(ASIDE, y) for y in middles], sizes, largest=0.8), sizes, maps, roomy=False)
    _words(ax, BESIDE, "input", f"{frames} × {height} × {width}", *_read(frames), top=middles[0] + 0.3)
    for y, layer in zip(middles[1:], maps, strict=True):
        at, across = layer["field"]
        window = layer["windows"][0]
        kernel = "{} × {}, stride {}".format(*window["size"], window["stride"][0])
        _words(ax, BESIDE, layer["name"], " × ".join(map(str, layer["shape"])), kernel,
               f"sees {_by(at['size'], across['size'])}, every {at['stride']} px", top=y + 0.3)  # fmt: skip
    begin, y = middles[-1] - 0.4, high - DOWN * rows
    for layer in dense:
        y -= HEADS / 2
        _arrow(ax, (ASIDE, begin), (ASIDE, y + BAR[0] / 2 + 0.03))
        ax.add_patch(Rectangle((ASIDE - BAR[1] / 2, y - BAR[0] / 2), *BAR[::-1], facecolor=BLUE[0], edgecolor=BLUE[1],
                               lw=0.8))  # fmt: skip
        _words(ax, BESIDE, layer["name"], str(layer["shape"][0]), f"sees {_by(*reads)}" if layer is dense[0] else "",
               top=y + 0.15)  # fmt: skip
        begin, y = y - BAR[0] / 2, y - HEADS / 2
    for i, head in enumerate(heads):
        at = ASIDE + 1.2 * i, y - 0.35
        _arrow(ax, (ASIDE + 0.3 * i, begin - 0.03), (at[0], at[1] + HEAD[1] / 2 + 0.03))
        _head(ax, *at, head, actions)
    ax.text(page - 0.1, 0.1, words, ha="right", va="bottom", color=GREY)
    return figure


def _read(frames: int) -> tuple[str, str]:
    return ("frames, or", "colours") if frames == 3 else ("grey frames,", "oldest first")


def _rectified(layers: Sequence[Mapping]) -> bool:
    return all("relu" in (layer["next"], layer["function"]) for layer in layers)


def _volumes(ax: Axes, centres, sizes, *, largest: float) -> list[tuple[float, float, float, float]]:
    """Sheets one behind the other for each (rows, columns, channels); left, low, width and height of the front ones."""
    most, fronts = max(sizes[0][:2]), []
    for (x, y), (rows, columns, count) in zip(centres, sizes, strict=True):
        # Sides shrink sixteenfold and more; their square roots still fit on a page.
        high, wide = (largest * (side / most) ** 0.5 for side in (rows, columns))
        sheets = min(count, SHEETS)
        left, low = x - (wide + (sheets - 1) * STEP) / 2, y - (high + (sheets - 1) * STEP) / 2
        face, edge = BLUE if fronts else WHITE
        for i in reversed(range(sheets)):
            corner = left + i * STEP, low + i * STEP
            ax.add_patch(Rectangle(corner, wide, high, facecolor=face, edgecolor=edge, lw=0.8))
        fronts.append((left, low, wide, high))
    return fronts


def _kernels(ax: Axes, volumes, sizes, maps: Sequence[Mapping], *, roomy: bool) -> None:
    """For each layer that is one convolution, the patch that a unit reads of the layer before, joined to that unit."""
    for i, layer in enumerate(maps):
        if [window["kind"] for window in layer["windows"]] != ["convolution"]:
            continue
        [window] = layer["windows"]
        left, low, wide, high = volumes[i]
        seen_high, seen_wide = (
            side * size / count for side, size, count in zip((high, wide), window["size"], sizes[i][:2], strict=True)
        )
        x, y = min(left + 0.62 * wide - seen_wide / 2, left + wide - seen_wide), low + 0.4 * high - seen_high / 2
        ax.add_patch(Rectangle((x, y), seen_wide, seen_high, facecolor="none", edgecolor=style.POSITIVE, lw=1))
        right, up = style.either((0.16, 0.5), (0.5, 0.84))
        unit = volumes[i + 1][0] + right * volumes[i + 1][2], volumes[i + 1][1] + up * volumes[i + 1][3]
        for begin in style.either(((x + seen_wide, y), (x + seen_wide, y + seen_high)), ((x, y), (x + seen_wide, y))):
            ax.plot([begin[0], unit[0]], [begin[1], unit[1]], color=style.POSITIVE, lw=0.6)
        ax.plot(*unit, "o", color=style.POSITIVE, ms=2.5)
        if roomy:
            gap = (left + wide + (min(sizes[i][2], SHEETS) - 1) * STEP + volumes[i + 1][0]) / 2
            words = f"{window['size'][0]} × {window['size'][1]}\nstride {window['stride'][0]}"
            ax.text(gap, MIDDLE + 0.1, words, ha="center", va="bottom", color=GREY)


def _heads(ax: Axes, begin: float, x: float, heads: Sequence[Mapping], actions: int) -> None:
    for i, head in enumerate(heads):
        y = MIDDLE + 0.84 * ((len(heads) - 1) / 2 - i)
        _arrow(ax, (begin + 0.04, MIDDLE + (y - MIDDLE) * 0.5), (x - HEAD[0] / 2 - 0.03, y))
        _head(ax, x, y, head, actions)


def _head(ax: Axes, x: float, y: float, head: Mapping, actions: int) -> None:
    ax.add_patch(FancyBboxPatch((x - HEAD[0] / 2, y - HEAD[1] / 2), *HEAD, facecolor=SAND[0], edgecolor=SAND[1],
                                boxstyle="round,pad=0,rounding_size=0.06", lw=0.8))  # fmt: skip
    count = 1 if head["name"] == "critic" else actions
    ax.text(x, y, f"{head['name']}\n{PUT_OUT[head['name']].format(count)}", ha="center", va="center")


def _words(ax: Axes, x: float, name: str, shape: str, *rest: str, lower: float = 0.0, top: float = 0.9) -> None:
    ax.text(x, top - lower, name, ha="center", va="center", weight="bold")
    for i, line in enumerate((shape, *rest)):
        ax.text(x, top - style.either(0.17, 0.15) - lower - 0.15 * i, line, ha="center", va="center")


def _arrow(ax: Axes, begin: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, begin, arrowprops={"arrowstyle": "-|>", "lw": 0.8, "color": style.INK, "shrinkA": 0, "shrinkB": 0}
    )


def _by(rows: int, columns: int) -> str:
    return f"{rows} × {columns} px"


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
