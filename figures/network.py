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
    page = style.WIDTH_INCHES["page"]
    maps, dense = ([layer for layer in layers if bool(layer["field"]) is spatial] for spatial in (True, False))
    place = (page - 0.25 - DENSE * len(dense) - HEADS) / (len(maps) + 1)
    rest = 0.0 if place >= ROOMY else LOWER
    figure = Figure(figsize=(page, HEIGHT + rest))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, page), ylim=(-rest, HEIGHT))
    ax.set_axis_off()

    centres = [0.15 + place * (i + 0.5) for i in range(len(maps) + 1)]
    sizes = [(height, width, frames), *(layer["shape"] for layer in maps)]
    volumes = _volumes(ax, centres, sizes, largest=min(LARGEST, 0.65 * place))
    _kernels(ax, volumes, sizes, maps, roomy=place >= ROOMY)
    _words(
        ax,
        centres[0],
        "input",
        f"{frames} × {height} × {width}",
        *(("frames, or", "colours") if frames == 3 else ("grey frames,", "oldest first")),
    )
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
    everywhere = all("relu" in (layer["next"], layer["function"]) for layer in layers)
    words = f"{parameters:,} parameters" + "\nReLU behind every layer but the heads" * everywhere
    ax.text(page - 0.15, 0.1 - rest, words, ha="right", va="bottom", color=GREY)
    return figure


def _volumes(ax: Axes, centres, sizes, *, largest: float) -> list[tuple[float, float, float, float]]:
    """Sheets one behind the other for each (rows, columns, channels); left, low, width and height of the front ones."""
    most, fronts = max(sizes[0][:2]), []
    for x, (rows, columns, count) in zip(centres, sizes, strict=True):
        # Sides shrink sixteenfold and more; their square roots still fit on a page.
        high, wide = (largest * (side / most) ** 0.5 for side in (rows, columns))
        sheets = min(count, SHEETS)
        left, low = x - (wide + (sheets - 1) * STEP) / 2, MIDDLE - (high + (sheets - 1) * STEP) / 2
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
        unit = volumes[i + 1][0] + 0.16 * volumes[i + 1][2], volumes[i + 1][1] + 0.5 * volumes[i + 1][3]
        for corner in (y, y + seen_high):
            ax.plot([x + seen_wide, unit[0]], [corner, unit[1]], color=style.POSITIVE, lw=0.6)
        ax.plot(*unit, "o", color=style.POSITIVE, ms=2.5)
        if roomy:
            gap = (left + wide + (min(sizes[i][2], SHEETS) - 1) * STEP + volumes[i + 1][0]) / 2
            words = f"{window['size'][0]} × {window['size'][1]}\nstride {window['stride'][0]}"
            ax.text(gap, MIDDLE + 0.1, words, ha="center", va="bottom", color=GREY)


def _heads(ax: Axes, begin: float, x: float, heads: Sequence[Mapping], actions: int) -> None:
    for i, head in enumerate(heads):
        y = MIDDLE + 0.84 * ((len(heads) - 1) / 2 - i)
        _arrow(ax, (begin + 0.04, MIDDLE + (y - MIDDLE) * 0.5), (x - HEAD[0] / 2 - 0.03, y))
        ax.add_patch(FancyBboxPatch((x - HEAD[0] / 2, y - HEAD[1] / 2), *HEAD, facecolor=SAND[0], edgecolor=SAND[1],
                                    boxstyle="round,pad=0,rounding_size=0.06", lw=0.8))  # fmt: skip
        count = 1 if head["name"] == "critic" else actions
        ax.text(x, y, f"{head['name']}\n{PUT_OUT[head['name']].format(count)}", ha="center", va="center")


def _words(ax: Axes, x: float, name: str, shape: str, *rest: str, lower: float = 0.0) -> None:
    ax.text(x, 0.9 - lower, name, ha="center", va="center", weight="bold")
    for i, line in enumerate((shape, *rest)):
        ax.text(x, 0.73 - lower - 0.15 * i, line, ha="center", va="center")


def _arrow(ax: Axes, begin: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, begin, arrowprops={"arrowstyle": "-|>", "lw": 0.8, "color": style.INK, "shrinkA": 0, "shrinkB": 0}
    )


def _by(rows: int, columns: int) -> str:
    return f"{rows} × {columns} px"


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
