"""Panel "circuits": the channels, paths and factors that make up the steering drive and the value."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

import style
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from panel import arrays, panel_command, seen

CHANNELS = 8  # the strongest, beside the named one
TILES = (2, 2)  # rows and columns of a factor's exemplars
TILE, GAP, APART = 0.37, 0.03, 0.12  # inches: an exemplar, between two, between factors
LEFT, LINE, CIRCUIT = 0.55, 0.15, 2.3  # inches: the layers' names, a line of text, the upper half's axes
HEAD, BETWEEN = 2.6 * LINE, 6.6 * LINE  # inches: above the upper half, and between the halves
SHOWN = 4  # factors, the strongest
GROUP = TILES[1] * (TILE + GAP) + APART
BARS = LEFT + SHOWN * GROUP  # inches: where the attributions begin
BELOW = 0.75  # inches: the attributions on a phone, below the frames
WIDEST = 4.0  # points, of the strongest path


class Factors(NamedTuple):
    """One layer. channels: `[K, 2]` that each factor holds most of. crops: `[K, E, h, w]` of its strongest frames.

    boxes: `[K, E, 4]` receptive fields (top, left, height, width) in the crops. attribution: `[R, K + 1]`, the
    residual last.
    """

    channels: np.ndarray
    crops: np.ndarray
    boxes: np.ndarray
    attribution: np.ndarray


class Paths(NamedTuple):
    """One readout's strongest. ends: `[P, 2]` channel and hidden unit. strength, flow, weight: `[P]`. share: of all."""

    ends: np.ndarray
    strength: np.ndarray
    flow: np.ndarray
    weight: np.ndarray
    share: float


def load(results: Path, *, named: dict[str, int]) -> dict[str, object]:
    path = results / "evidence" / "circuits.npz"
    read = seen(results, "original")
    readouts, shares = arrays(path, "readouts", "channels/variance_share")
    layers = [row["name"] for row in files.read_json(results / "network.json")["layers"]]
    before, chosen = layers[-2], named.get(layers[-2])
    if chosen is not None and not 0 <= chosen < shares.shape[1] - 1:
        raise InputError(f"`named` must be a channel of {before}, 0 to {shares.shape[1] - 2}; got {chosen}.")
    made = files.array_names(path)
    fields = arrays(path, *(f"paths/{name}" for name in ("units", "strength", "flow", "weight", "share")))
    return {
        "readouts": [str(name) for name in readouts],
        "shares": shares,
        "paths": [Paths(*(field[r] for field in fields)) for r in range(len(readouts))],
        "factors": {layer: _load_factors(path, layer, read) for layer in layers if f"{layer}/factors" in made},
        "before": before,
        "named": chosen,
    }


def _load_factors(path: Path, layer: str, read: np.ndarray) -> Factors:
    keys = ("factors", "exemplars", "boxes", "attribution")
    directions, exemplars, boxes, attribution = arrays(path, *(f"{layer}/{key}" for key in keys))
    if not len(directions):
        return Factors(np.empty((0, 2), int), np.empty((0, 0, 1, 1)), np.empty((0, 0, 4), int), attribution)
    exemplars, boxes = (array[:SHOWN, : TILES[0] * TILES[1]] for array in (exemplars, boxes))
    size, field = np.array(read.shape[1:3]), boxes[..., 2:].max((0, 1))
    height, width = sides = np.minimum(size, 3 * field)
    corners = np.clip(boxes[..., :2] - (sides - field) // 2, 0, size - sides)
    crops = [
        [read[frame, top : top + height, left : left + width] for frame, (top, left) in zip(*row, strict=True)]
        for row in zip(exemplars, corners, strict=True)
    ]
    inside = np.concatenate([boxes[..., :2] - corners, boxes[..., 2:]], -1)
    return Factors(np.argsort(-directions[:SHOWN], 1, kind="stable")[:, :2], np.array(crops), inside, attribution)


def draw(
    readouts: list[str],
    shares: np.ndarray,
    paths: list[Paths],
    factors: dict[str, Factors],
    before: str,
    named: int | None,
) -> Figure:
    """Above: each channel's share of the readouts' variance, and the strongest paths. Below: the layers' factors.

    Args:
      shares: `[R, C + 1]`, the biases last. before: the layer of the channels, before the hidden units. named: the
        channel of it that the claims name, None where they name none.
    """
    width = style.width()
    below = style.either(0, 1)  # on a phone, what a page has beside stands below
    row = TILES[0] * (TILE + GAP) + LINE + APART + below * (BELOW + 6 * LINE)
    graph = below * (CIRCUIT + BETWEEN + LINE)
    lower = HEAD + CIRCUIT + BETWEEN + graph + below * 2 * LINE
    height = lower + len(factors) * row
    figure = Figure(figsize=(width, height))

    def axes(left: float, top: float, wide: float, high: float) -> Axes:
        return figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))

    for r, name in enumerate(readouts):
        _variance(axes(0.62 + 1.5 * r, HEAD, 0.95, CIRCUIT), name, shares[r], before, named, first=r == 0)
    _graph(axes(style.either(3.7, 0.5), HEAD + graph, style.either(2.9, 3.05), CIRCUIT), readouts, paths, before, named)
    for i, (layer, found) in enumerate(factors.items()):
        _factor_row(axes, layer, found, readouts, lower + i * row)
    text = axes(0, lower - style.either(2.2, 3) * LINE, width, 2 * LINE)
    text.set(xlim=(0, width), ylim=(0, 1))
    text.set_axis_off()
    words = (
        "factors of each layer: where they are strongest (box: receptive field),",
        "and the channels they hold most of",
    )
    text.text(style.either(LEFT, 0.1), 0.5, style.either("\n".join(words), style.wrapped(" ".join(words))), va="center")
    if below:
        return figure
    text.text((BARS + 0.4 + width) / 2, 0.75, "mean |attribution| to", ha="center", va="center")
    wide = (width - BARS) / len(readouts)
    for r, name in enumerate(readouts):
        text.text(BARS + r * wide + 0.2 + wide / 2, 0.25, style.plain(name, limit=14), ha="center", va="center")
    return figure


def _variance(ax: Axes, name: str, shares: np.ndarray, before: str, named: int | None, *, first: bool) -> None:
    """The strongest channels, the named one where it is not among them, and the biases."""
    order = list(np.argsort(-shares[:-1], kind="stable")[:CHANNELS])
    order += [] if named is None or named in order else [named]
    rows = [*order, len(shares) - 1]
    colours = [
        style.NULL if row == len(shares) - 1 else style.MIRRORED if row == named else style.OBSERVED for row in rows
    ]
    ax.barh(range(len(rows)), shares[rows], color=colours, height=0.7)
    ax.axvline(0, color=style.INK, linewidth=0.6)
    ax.set_yticks(range(len(rows)), [*(str(row) for row in order), "biases"])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=3)
    ax.set_title(style.plain(name, limit=20))
    ax.set_xlabel("share of the\nvariance over frames")
    ax.set_ylabel(style.plain(f"channel of {before}") if first else "")
    ax.spines[["top", "right", "left"]].set_visible(False)


def _graph(ax: Axes, readouts: list[str], paths: list[Paths], before: str, named: int | None) -> None:
    """Channels on the left, hidden units in the middle, readouts on the right; width is a path's strength."""
    channels = _ordered([(path.ends[:, 0], path.strength) for path in paths])
    units = _ordered([(path.ends[:, 1], path.strength) for path in paths])
    heights = [_spread(channels), _spread(units), _spread(range(len(readouts)))]
    for r, path in enumerate(paths):
        widest = path.strength.max() or 1.0
        through: dict[int, float] = {}
        for (channel, unit), strength, flow in zip(path.ends, path.strength, path.flow, strict=True):
            _line(ax, 0, heights[0][channel], heights[1][unit], flow, WIDEST * strength / widest)
            through[unit] = through.get(unit, 0.0) + strength
        weights = dict(zip(path.ends[:, 1], path.weight, strict=True))
        strongest = max(through.values()) or 1.0
        for unit, strength in through.items():
            _line(ax, 1, heights[1][unit], heights[2][r], weights[unit], WIDEST * strength / strongest)
    for column, (nodes, side) in enumerate(zip(heights, ("right", "center", "left"), strict=True)):
        for node, y in nodes.items():
            text = style.plain(readouts[node], limit=12) if column == 2 else str(node)
            colour = style.MIRRORED if column == 0 and node == named else style.INK
            x = column + {"right": -0.03, "center": 0, "left": 0.03}[side]
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6} if column == 1 else None
            ax.text(x, y, text, ha=side, va="center", color=colour, bbox=box)
    shares = " and ".join(f"{100 * path.share:.1f} %" for path in paths)
    ax.set_title(f"the {len(paths[0].ends)} strongest paths of each:\n{shares} of all paths' strength")
    ax.set(xlim=(-0.12, 2.65), ylim=(-0.03, 1.03))
    ax.set_axis_off()
    for x, text in enumerate((style.plain(f"channel of {before}"), "hidden unit", "readout")):
        ax.text(x, -0.06, text, ha="center", va="top")
    key = [Line2D([], [], color=colour, linewidth=2) for colour in (style.POSITIVE, style.NEGATIVE)]
    ax.legend(key, ["raises", "lowers"], loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)


def _line(ax: Axes, column: int, start: float, end: float, sign: float, width: float) -> None:
    colour = style.POSITIVE if sign > 0 else style.NEGATIVE
    ax.plot([column, column + 1], [start, end], color=colour, linewidth=max(width, 0.4), alpha=0.7, zorder=0,
            solid_capstyle="butt")  # fmt: skip


def _ordered(ends: list[tuple[np.ndarray, np.ndarray]]) -> list[int]:
    """Nodes from the first readout's to the last's, by where on average their paths' strength goes."""
    pull: dict[int, np.ndarray] = {}
    for r, (nodes, strengths) in enumerate(ends):
        for node, strength in zip(nodes, strengths / (strengths.sum() or 1.0), strict=True):
            pull[int(node)] = pull.get(int(node), np.zeros(2)) + strength * np.array([r, 1])
    return sorted(pull, key=lambda node: (pull[node][0] / (pull[node][1] or 1.0), node))


def _spread(nodes: Iterable[int]) -> dict[int, float]:
    """Heights from 1 down to 0, evenly."""
    nodes = list(nodes)
    return {node: 1 - (i + 0.5) / len(nodes) for i, node in enumerate(nodes)}


def _factor_row(axes: Callable[..., Axes], layer: str, found: Factors, readouts: list[str], top: float) -> None:
    """The factors' strongest frames and the channels they hold most of, then what each adds to the readouts."""
    high, start = TILES[0] * (TILE + GAP) - GAP, style.either(LEFT, 0.1)
    bars, beside = style.either((BARS, top), (0.15, top + high + 4.6 * LINE))
    if style.on_phone():
        top += LINE
    for k, (crops, boxes, channels) in enumerate(zip(found.crops, found.boxes, found.channels, strict=True)):
        left = start + k * GROUP
        for e, (crop, box) in enumerate(zip(crops, boxes, strict=True)):
            row, column = divmod(e, TILES[1])
            ax = axes(left + column * (TILE + GAP), top + row * (TILE + GAP), TILE, TILE)
            style.show_frame(ax, crop)
            ax.spines[:].set_visible(False)
            if (box[2:] < crop.shape[:2]).any():
                ax.add_patch(Rectangle((box[1] - 0.5, box[0] - 0.5), box[3], box[2], fill=False, linewidth=0.8,
                                       edgecolor=style.MIRRORED))  # fmt: skip
        below = axes(left, top + high, GROUP, LINE)
        below.set_axis_off()
        below.text(0, 0.4, f"{k + 1}: {', '.join(map(str, channels))}", va="center")
    name = axes(start - 0.08, top, style.either(BARS - LEFT, 3), high)
    name.set_axis_off()
    where = style.either({"y": 0.5, "ha": "right", "va": "center"}, {"y": 1.05, "ha": "left", "va": "bottom"})
    name.text(x=0, s=style.plain(layer, limit=12), **where)
    if not len(found.channels):
        name.text(0.1, 0.5, "no factors: no unit of this layer is ever above zero", va="center")
    wide = (style.width() - bars) / len(found.attribution)
    for r, values in enumerate(found.attribution):
        ax = axes(bars + r * wide + 0.4, beside + style.either(0, LINE), wide - 0.45, style.either(high, BELOW))
        if style.on_phone():
            ax.set_title(f"mean |attribution| to\n{style.plain(readouts[r], limit=14)}")
        colours = [style.OBSERVED] * (len(values) - 1) + [style.FAINT]
        places = [*range(len(values) - 1), len(values) - 0.7]
        ax.bar(places, values, color=colours, width=0.75)
        ax.locator_params(axis="y", nbins=3)
        ax.set_xticks(places, [*(str(k + 1) for k in range(len(values) - 1)), "rest"])
        ax.tick_params(axis="x", length=0, pad=2)
        ax.spines[["top", "right"]].set_visible(False)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
