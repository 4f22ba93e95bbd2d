"""Panel k: the network, drawn from its geometry."""

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
GREY = "#555555"
BLUE, SAND = ("#DCE8F3", "#2F5D8A"), ("#FBEBD3", "#B26B00")  # face and edge: layers that learn, heads


def load(results: Path) -> dict[str, object]:
    described = files.read_json(results / "network.json")
    return {name: described[name] for name in signature(draw).parameters}


def draw(
    frames: int,
    size: int,
    channels: list[int],
    kernels: list[int],
    strides: list[int],
    sides: list[int],
    hidden: int,
    actions: int,
    receptive_fields: list[list[int]],
    parameters: int,
) -> Figure:
    """A stack of sheets per layer, each with its shape and with what one of its units sees."""
    width = style.WIDTH_INCHES["page"]
    figure = Figure(figsize=(width, HEIGHT))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, HEIGHT))
    ax.set_axis_off()

    sheets = [min(count, SHEETS) for count in (frames, *channels)]
    # Side lengths shrink sixteenfold; their square roots still fit on a page.
    drawn = [LARGEST * (side / size) ** 0.5 for side in (size, *sides)]
    centres = (0.66, 2.08, 3.22, 4.3)
    fronts = []
    for name, x, side, count in zip(("input", "conv0", "conv1", "conv2"), centres, drawn, sheets, strict=True):
        fronts.append(_sheets(ax, x, side, count, ("#F2F2F2", GREY) if name == "input" else BLUE))
    for i, kernel in enumerate(kernels):
        seen = drawn[i] * kernel / (size, *sides)[i]
        _kernel(ax, fronts[i], drawn[i], seen, fronts[i + 1], drawn[i + 1])
        gap = (fronts[i][0] + drawn[i] + (sheets[i] - 1) * STEP + fronts[i + 1][0]) / 2
        ax.text(gap, MIDDLE + 0.1, f"{kernel} × {kernel}\nstride {strides[i]}", ha="center", va="bottom", color=GREY)

    _words(ax, centres[0], "input", f"{frames} × {size} × {size}", "grey frames,", "oldest first")
    for i, x in enumerate(centres[1:]):
        field, stride = receptive_fields[i]
        _words(ax, x, f"conv{i}", f"{sides[i]} × {sides[i]} × {channels[i]}", f"sees {field} × {field} px",
               f"every {stride} px")  # fmt: skip

    dense, bar = 5.34, 1.2
    ax.add_patch(Rectangle((dense - 0.06, MIDDLE - bar / 2), 0.12, bar, facecolor=BLUE[0], edgecolor=BLUE[1], lw=0.8))
    _words(ax, dense, "hidden", str(hidden), f"sees {_read(receptive_fields, sides)} px", "")
    last = fronts[-1][0] + drawn[-1] + (sheets[-1] - 1) * STEP
    _arrow(ax, (last + 0.06, MIDDLE), (dense - 0.1, MIDDLE))
    for y, head, what in ((MIDDLE + 0.42, "actor", f"{actions} logits"), (MIDDLE - 0.42, "critic", "1 value")):
        _arrow(ax, (dense + 0.1, MIDDLE + (y - MIDDLE) * 0.5), (5.8, y))
        ax.add_patch(FancyBboxPatch((5.86, y - 0.2), 0.74, 0.4, boxstyle="round,pad=0,rounding_size=0.06",
                                    facecolor=SAND[0], edgecolor=SAND[1], lw=0.8))  # fmt: skip
        ax.text(6.23, y, f"{head}\n{what}", ha="center", va="center")
    ax.text(width - 0.15, 0.1, f"{parameters:,} parameters\nReLU behind every layer but the heads", ha="right",
            va="bottom", color=GREY)  # fmt: skip
    return figure


def _sheets(ax: Axes, x: float, side: float, count: int, colours: tuple[str, str]) -> tuple[float, float]:
    """Sheets one behind the other, as a whole centred on `x`; the lower left corner of the front one."""
    depth = (count - 1) * STEP
    left, low = x - (side + depth) / 2, MIDDLE - (side + depth) / 2
    for i in reversed(range(count)):
        ax.add_patch(Rectangle((left + i * STEP, low + i * STEP), side, side, facecolor=colours[0],
                               edgecolor=colours[1], lw=0.8))  # fmt: skip
    return left, low


def _kernel(ax: Axes, front, side: float, seen: float, target, target_side: float) -> None:
    """The patch that a unit of the next layer reads, joined to that unit."""
    x, y = front[0] + 0.62 * side - seen / 2, front[1] + 0.4 * side - seen / 2
    x = min(x, front[0] + side - seen)
    ax.add_patch(Rectangle((x, y), seen, seen, facecolor="none", edgecolor=style.POSITIVE, lw=1))
    unit = (target[0] + 0.16 * target_side, target[1] + 0.5 * target_side)
    for corner in (y, y + seen):
        ax.plot([x + seen, unit[0]], [corner, unit[1]], color=style.POSITIVE, lw=0.6)
    ax.plot(*unit, "o", color=style.POSITIVE, ms=2.5)


def _words(ax: Axes, x: float, name: str, shape: str, *rest: str) -> None:
    ax.text(x, 0.9, name, ha="center", va="center", weight="bold")
    for i, line in enumerate((shape, *rest)):
        ax.text(x, 0.73 - 0.15 * i, line, ha="center", va="center")


def _arrow(ax: Axes, begin: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, begin, arrowprops={"arrowstyle": "-|>", "lw": 0.8, "color": style.INK, "shrinkA": 0, "shrinkB": 0}
    )


def _read(receptive_fields: list[list[int]], sides: list[int]) -> str:
    field, stride = receptive_fields[-1]
    read = field + stride * (sides[-1] - 1)
    return f"{read} × {read}"


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
