"""Panel "attribution": which pixels move the steering and the value, by every method, and how far to trust each."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

import style
from panel import arrays, panel_command, seen_frame

# Score to title and, where the verdict has one, its limit.
SHOWN = {
    "deletion_above_random": ("deletion\nabove random", 0.0),
    "insertion_below_random": ("insertion\nbelow random", None),
    "randomisation": ("correlation with\nshuffled weights", 0.5),
    "sensitivity": ("max-\nsensitivity", 1.0),
}
COLOURS = (style.OBSERVED, style.MIRRORED)  # of the replacements
EDGE, SCORE, LABEL, NUMBER, WORDS, GAP = 0.05, 0.34, 1.05, 0.62, 1.3, 0.14  # inches across
MOST, HEAD, KEY, LINE, FOOT = 1.2, 0.36, 0.42, 0.31, 0.42  # inches down


def load(results: Path) -> dict[str, object]:
    path = results / "evidence" / "attribution.npz"
    names = ("frames", "methods", "objectives", "judged", "replacements", "maps", "maps_frames", "verdicts")
    frames, methods, objectives, judged, replacements, maps, mapped, verdicts = arrays(path, *names)
    scores, completeness = arrays(path, "frame/scores", "completeness_median")
    rows = [list(objectives).index(name) for name in judged]
    scores = scores[[list(frames).index(name) for name in mapped]][:, rows]
    strongest = int(np.abs(scores[:, 0]).argmax())  # of the few frames with maps, the one that steers most
    measured = dict(zip(SHOWN, arrays(path, *(f"mean/{name}" for name in SHOWN)), strict=True))
    measured["randomisation"] = measured["randomisation"][..., -1]  # all weights shuffled
    measured = {name: values[:, :, 0] for name, values in measured.items()}
    return {
        "read": seen_frame(results, "original", mapped[strongest]),
        "judged": [str(name) for name in judged],
        "scores": scores[strongest],
        "maps": maps[:, :, strongest].sum(2),
        "methods": [str(name) for name in methods],
        "replacements": [str(name) for name in replacements],
        "measured": {name: values if values.ndim == 3 else values[..., None] for name, values in measured.items()},
        "completeness": completeness[:, rows[0]],
        "verdicts": [str(verdict) for verdict in verdicts],
    }


def draw(
    read: np.ndarray,
    judged: list[str],
    scores: np.ndarray,
    maps: np.ndarray,
    methods: list[str],
    replacements: list[str],
    measured: dict[str, np.ndarray],
    completeness: np.ndarray,
    verdicts: list[str],
) -> Figure:
    """Above, a frame and its maps; below, a line for each of M methods, best deletion first.

    Args:
      scores: `[J]`, the frame's. maps: `[M, J, H, W]`, summed over the stack's frames.
      measured: score to mean, low and high of the steering, `[3, M, parts]`; parts are replacements, or one.
      completeness: `[M]`, median relative error of the steering; NaN for methods that claim none.
    """
    width, count = style.width(), len(methods)
    place = style.either(_across, _down)(width, count, len(judged))
    tile, height = place.tile, place.height
    figure = Figure(figsize=(width, height))

    def add(x: float, y: float, wide: float, high: float) -> Axes:
        """Axes whose top left corner lies x inches from the left and y from the top."""
        return figure.add_axes((x / width, 1 - (y + high) / height, wide / width, high / height))

    ax = add(EDGE, HEAD, tile, tile)
    style.show_frame(ax, read)
    ax.set_title("the frame")
    for m, name in enumerate(methods):
        for j, score in enumerate(scores):
            ax = add(*place.of_map(m, j), tile - 0.04, tile - 0.04)
            ax.imshow(maps[m, j], interpolation="none", **style.centred(maps[m, j]))
            ax.set(xticks=[], yticks=[])
            quantity = f"{style.plain(judged[j], limit=10)}\n{style.signed(score, digits=2)}"
            beside, above = style.either((quantity, _two_lines(name)), (_two_lines(name), quantity))
            if style.either(m, j) == 0:
                ax.set_ylabel(beside, labelpad=2)
            if style.either(j, m) == 0:
                ax.set_title(above)
    note = "\n".join(
        style.wrapped(line)
        for line in (
            "Red raises the quantity, blue lowers it; each map on a scale of its own, summed over the stack's frames.",
            f"Below: the maps of {style.plain(judged[0])} over the frames, with intervals; best deletion first.",
        )
    )
    figure.text(EDGE / width, 1 - (place.note + 0.06) / height, note, va="top", fontsize=style.small(7))

    order = np.argsort(-measured["deletion_above_random"][0].mean(1), kind="stable")
    high, names = LINE * count, [style.plain(name, limit=16) for name in methods]
    for i, (name, (title, limit)) in enumerate(SHOWN.items()):
        left, top = place.of_score(i)
        ax = add(left, top, place.plot - GAP, high)
        _dots(ax, measured[name][:, order], limit=limit)
        ax.set_title(title, fontsize=style.small(7))
        ax.set(ylim=(count - 0.5, -0.5), yticks=range(count))
        ax.set_yticklabels([names[m] for m in order] if left == LABEL else [])
    left, top = place.words
    words = add(left, top, NUMBER + WORDS, high)
    words.set(xlim=(0, NUMBER + WORDS), ylim=(count - 0.5, -0.5))
    words.set_axis_off()
    for x, title in ((NUMBER / 2 - 0.05, "complete-\nness error"), (NUMBER + WORDS / 2, "verdict")):
        words.annotate(title, (x, 1), xycoords=("data", "axes fraction"), xytext=(0, 6), textcoords="offset points",
                       ha="center", va="baseline", fontsize=style.small(7))  # fmt: skip
    for line, m in enumerate(order):
        if style.on_phone():
            words.text(-0.05, line, names[m], ha="right", va="center")
        words.text(NUMBER / 2 - 0.05, line, _percent(completeness[m]), ha="center", va="center",
                   fontsize=style.small(7))  # fmt: skip
        trusted = verdicts[m] == "trust"
        words.text(NUMBER + 0.05, line, verdicts[m].replace("; ", "\n"), va="center", fontsize=style.small(7),
                   linespacing=1.05, weight="bold" if trusted else "normal")  # fmt: skip
    handles = [Line2D([], [], marker="o", markersize=3.5, linewidth=1.2, color=colour) for colour in COLOURS]
    labels = [f"removed pixels: {style.plain(name)}" for name in replacements]
    handles.append(Line2D([], [], color=style.INK, linewidth=0.7, linestyle="--"))
    figure.legend(handles, [*labels, "limit of the verdict"], loc="lower left", ncols=style.either(3, 1),
                  fontsize=style.small(7), borderaxespad=0.3)  # fmt: skip
    return figure


class Places(NamedTuple):
    """Inches from the left and the top. tile: of a map. of_map: by method and quantity. of_score: by number."""

    height: float
    tile: float
    of_map: Callable[[int, int], tuple[float, float]]
    note: float
    plot: float
    of_score: Callable[[int], tuple[float, float]]
    words: tuple[float, float]


def _across(width: float, methods: int, judged: int) -> Places:
    """A column of maps for each method, and all scores side by side."""
    tile = min(MOST, (width - 2 * EDGE - SCORE) / (methods + 1))
    top = HEAD + judged * tile + KEY
    plot = (width - EDGE - LABEL - NUMBER - WORDS) / len(SHOWN)
    return Places(
        height=top + HEAD + LINE * methods + FOOT,
        tile=tile,
        of_map=lambda m, j: (EDGE + tile + SCORE + m * tile, HEAD + j * tile),
        note=top - KEY,
        plot=plot,
        of_score=lambda i: (LABEL + i * plot, top + HEAD),
        words=(width - EDGE - WORDS - NUMBER, top + HEAD),
    )


def _down(width: float, methods: int, judged: int) -> Places:
    """On a phone: a row of maps for each method, and two scores in a row."""
    tile, block = (width - EDGE - LABEL) / (judged + 1), 2 * HEAD + LINE * methods
    top = HEAD + methods * tile + 2.4 * KEY
    plot = (width - LABEL) / 2
    return Places(
        height=top + 3 * block + 2 * FOOT,
        tile=tile,
        of_map=lambda m, j: (width - (judged - j) * tile, HEAD + m * tile),
        note=HEAD + methods * tile,
        plot=plot,
        of_score=lambda i: (LABEL + i % 2 * plot, top + HEAD + i // 2 * block),
        words=(LABEL, top + HEAD + 2 * block),
    )


def _dots(ax: Axes, values: np.ndarray, *, limit: float | None) -> None:
    """Means `[3, M, parts]` with their intervals, the parts of one line side by side; the limit dashed."""
    count = values.shape[-1]
    for part, shift in enumerate(0.3 * (np.arange(count) - (count - 1) / 2)):
        mean, low, high = values[..., part]
        lines = np.arange(len(mean)) + shift
        ax.hlines(lines, low, high, color=COLOURS[part], linewidth=1.2)
        ax.plot(mean, lines, "o", markersize=3.5, color=COLOURS[part])
    if limit is None:
        ax.axvline(0, color=style.FAINT, linewidth=0.7, zorder=0)
    else:
        ax.axvline(limit, color=style.INK, linewidth=0.7, linestyle="--", zorder=0)
    lowest, highest = ax.get_xlim()
    ax.set_xlim(min(lowest, 0), max(highest, 1.15 * (limit or 0)))
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.xaxis.set_major_formatter(lambda x, _: f"{round(x, 3) + 0.0:g}".replace("-", "−").replace("0.", "."))
    ax.grid(axis="y", color="#EEEEEE", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize=style.small(7))


def _two_lines(name: str) -> str:
    """A method's name, broken after its first word."""
    return style.plain(name, limit=24).replace(" ", "\n", 1)


def _percent(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{100 * value:.0f} %"


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
