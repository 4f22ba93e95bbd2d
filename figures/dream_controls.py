"""Panel "dream-controls": dreams and heads of the policy beside those of shuffled weights."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import style
from minetest_interp.io import files
from panel import arrays, panel_command

KINDS = {"real": "policy", "shuffled": "shuffled weights"}
AREAS = {"middle_left": ("middle left", 0.25), "edges": ("edges", 0.5)}  # share of the columns
TURNS = ("left", "right")
BINS = 40
HEAD, TILE = (0.4, 0.55), (1.36, 1.08)  # inches, on a page and on a phone: above the pictures, a picture
GAP = 0.08  # inches between two


def load(results: Path) -> dict[str, object]:
    path = results / "evidence" / "dream_controls.npz"
    heads = files.read_arrays(results / "evidence" / "heads.npz")
    valued = f"value/{next(iter(KINDS))}/repetition" in files.array_names(path)
    return {
        "repetition": _repetitions(path) if valued else None,
        "shares": {
            (turn, area): arrays(path, *(f"{turn}/{kind}/{area}" for kind in KINDS)) for area in AREAS for turn in TURNS
        },
        "example": arrays(path, *(f"value/{kind}/example" for kind in KINDS)) if valued else None,
        "contrast": {turn: arrays(path, *(f"{turn}/{kind}/contrast" for kind in KINDS)) for turn in TURNS},
        "heads": str(heads["reason"]) if "reason" in heads else (float(heads["observed"]), heads["null"]),
    }


def _repetitions(path: Path) -> dict[str, list[np.ndarray]]:
    """By words, of dreams of the value, at lags off the stride where there is one, and of dreams of turning."""
    names, found = files.array_names(path), {}
    found["value"] = arrays(path, *(f"value/{kind}/repetition" for kind in KINDS))
    if f"value/{next(iter(KINDS))}/off_stride" in names:
        found["value, off\nthe stride"] = arrays(path, *(f"value/{kind}/off_stride" for kind in KINDS))
    turns = [arrays(path, *(f"{turn}/{kind}/repetition" for turn in TURNS)) for kind in KINDS]
    return found | {"left and\nright": [np.mean(each, axis=0) for each in turns]}


def draw(
    repetition: dict[str, list[np.ndarray]] | None,
    shares: dict[tuple[str, str], list[np.ndarray]],
    example: list[np.ndarray] | None,
    contrast: dict[str, list[np.ndarray]],
    heads: tuple[float, np.ndarray] | str,
) -> Figure:
    """Each list holds what is the policy's, then what is that of shuffled weights.

    Args:
      repetition: by words to `[seeds]`; None without a value. shares: (dream, area of columns) to `[seeds]`.
      example: `[R, R]` grey levels, one seed's dream of the value. contrast: by turn `[R, R]`, mean over the seeds.
      heads: the heads' mean absolute cosine, and `[R]` draws of it with the critic's weights in random order; or why
        there is none.
    """
    head, tile = style.either(*zip(HEAD, TILE, strict=True))
    lower = head + 2 * (tile + GAP)
    width, height = style.width(), style.either(5.75, lower + 7.7)
    figure = Figure(figsize=(width, height))

    # Placed by hand: the layout engine rounds nested grids differently from one run to the next.
    def axes(left: float, top: float, wide: float, high: float) -> Axes:
        return figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))

    titles = (
        style.wrapped("a dream of the value,\nits own grey scale", 14),
        *(style.wrapped(f"contrast of dreams\nof turning {turn}", 14) for turn in TURNS),
    )
    for row, kind in enumerate(KINDS.values()):
        pictures = [axes(0.22 + column * (tile + GAP), head + row * (tile + GAP), tile, tile) for column in range(3)]
        if example is None:
            style.say(pictures[0], "no value to dream of:\nthis policy has no critic")
        else:
            pictures[0].imshow(example[row], cmap="gray", interpolation="none")
        pictures[0].set(xticks=[], yticks=[])
        pictures[example is None].set_ylabel(kind)
        for ax, turn in zip(pictures[1:], TURNS, strict=True):
            _contrast(ax, contrast[turn][row])
        if row == 0:
            for ax, title in zip(pictures, titles, strict=True):
                ax.set_title(title)
    beside = (4.7, head, 1.95, 2 * tile + GAP - 0.5), (0.5, lower + 0.1, 2.35, 1.75), (3.4, lower + 0.1, 3.25, 1.75)
    below = (0.4, lower + 0.4, 3.1, 1.2), (0.55, lower + 2.35, 3.0, 1.75), (0.55, lower + 4.75, 3.0, 1.75)
    of_heads, repeats, sides = (axes(*place) for place in style.either(beside, below))
    _heads(of_heads, heads)
    if repetition is None:
        style.say(repeats, "no value to dream of")
    else:
        _pairs(repeats, list(repetition.values()))
        repeats.set_xticks(range(len(repetition)), list(repetition))
        repeats.set_ylabel("highest autocorrelation")
    _pairs(sides, list(shares.values()))
    sides.hlines([AREAS[area][1] for _, area in shares], np.arange(len(shares)) - 0.4, np.arange(len(shares)) + 0.4,
                 color=style.MIRRORED, linewidth=1.2, zorder=0)  # fmt: skip
    sides.set_ylim(top=max(0.55, sides.get_ylim()[1]))
    sides.set_xticks(range(len(shares)), [f"{AREAS[area][0]}:\n{turn}" for turn, area in shares])
    sides.set_ylabel("share of the contrast")
    key = [
        Line2D([], [], color=style.OBSERVED, marker="o", linestyle="", markersize=4),
        Line2D([], [], color=style.NULL, marker="o", linestyle="", markersize=4),
        Line2D([], [], color=style.MIRRORED),
    ]
    figure.legend(key, ["policy", "shuffled weights (heads: critic's in random order)", "share of the area"],
                 loc="lower center", ncols=style.either(3, 1))  # fmt: skip
    return figure


def _contrast(ax: Axes, shares: np.ndarray) -> None:
    """A map of contrast `[R, R]`, its quarters of columns apart; scaled to its own maximum."""
    ax.imshow(shares, cmap="magma", vmin=0, vmax=shares.max() or 1.0, interpolation="none")
    for quarter in (1, 2, 3):
        ax.axvline(quarter * shares.shape[1] / 4 - 0.5, color="white", linewidth=0.6, linestyle=":")
    ax.set(xticks=[], yticks=[])


def _pairs(ax: Axes, groups: list[list[np.ndarray]]) -> None:
    """One group of dots for each pair of `[seeds]`: the policy's on the left, its shuffled twins' on the right."""
    for i, pair in enumerate(groups):
        for x, values, colour in zip((i - 0.2, i + 0.2), pair, (style.OBSERVED, style.NULL), strict=True):
            ax.plot(np.full(len(values), x), values, "o", color=colour, markersize=3, alpha=0.5, markeredgewidth=0)
        for values in zip(*pair, strict=True):
            ax.plot([i - 0.2, i + 0.2], values, color=style.FAINT, linewidth=0.4, zorder=0)
    ax.set_xlim(-0.6, len(groups) - 0.4)
    ax.set_ylim(bottom=min(0.0, *(np.min(pair) for pair in groups)))
    ax.spines[["top", "right"]].set_visible(False)


def _heads(ax: Axes, heads: tuple[float, np.ndarray] | str) -> None:
    ax.set_title("actor and critic")
    if isinstance(heads, str):
        return style.say(ax, textwrap.fill(f"Not measured: {heads}", 24))
    observed, null = heads
    ax.hist(null, BINS, color=style.NULL)
    ax.axvline(observed, color=style.OBSERVED, linewidth=1.5)
    ax.set_xlim(0, 1.1 * max(observed, null.max()))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set(yticks=[], xlabel="mean |cosine| of the actions' own\nweights with the critic's")


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
