"""Panel "recipes": the scores of every recipe: the dream, its shuffled-weights control, and the best real frames."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import style
from panel import arrays, panel_command

# Score to title, its second line, both with the layers of the path scores, and the scale of its axis.
SHOWN = {
    "z": ("z", "sd, log beyond ±1", "symlog"),
    "hf": ("HF", "share > ¼ cycle/px", "linear"),
    "fd": ("Fréchet (FD)", "{middle}, log axis", "log"),
    "agreement": ("seed agreement", "correlation", "linear"),
    "control_correlation": ("dream ~ control", "correlation", "linear"),
    "path_middle": ("path, {middle}", "raw", "linear"),
    "path_last": ("path, {last}", "raw", "linear"),
    "path_middle_standardised": ("path, {middle}", "standardised", "linear"),
    "path_last_standardised": ("path, {last}", "standardised", "linear"),
}
COLUMNS, FEWER = 5, 2  # on a page, on a phone
LINE, HEAD, FOOT = 0.18, 0.38, 0.3  # inches: a recipe, above and below the rows of one block
LEFT, NUMBERS, GAP = (
    (1.12, 1.15),
    0.34,
    0.1,
)  # inches: the recipes' names (on a page, on a phone), the printed means, between columns


def load(results: Path) -> dict[str, object]:
    path = results / "recipes.npz"
    names, units, measured, layers = arrays(path, "recipes", "units", "measured", "path_layers")
    rows = [list(units).index(name) for name in measured]
    drawn = {}
    for score in SHOWN:
        (dream,) = arrays(path, score)
        control = real = None
        if score != "control_correlation":
            control, real = arrays(path, f"{score}_control", f"{score}_real")
            control, real = control[:, rows], real[rows]
        drawn[score] = (dream[:, rows], control, real)
    return {"recipes": [str(name) for name in names], "layers": [str(name) for name in layers], "scores": drawn}


def draw(
    recipes: list[str],
    layers: list[str],
    scores: dict[str, tuple[np.ndarray, np.ndarray | None, np.ndarray | None]],
) -> Figure:
    """One small plot a score, one line a recipe; the mean over the units is printed beside.

    Args:
      layers: the middle and the last of the path scores.
      scores: name to the dreams' `[M, U]`, the controls' `[M, U]` and the real frames' `[U]`.
    """
    columns = style.either(COLUMNS, FEWER)
    blocks = -(-(len(SHOWN) + 1) // columns)
    width, block = style.width(), HEAD + LINE * len(recipes) + FOOT
    height = blocks * block
    figure = Figure(figsize=(width, height))
    start = style.either(*LEFT)
    pitch = (width - start) / columns
    for i, (score, (title, unit, scale)) in enumerate(SHOWN.items()):
        row, column = divmod(i, columns)
        left, bottom = start + column * pitch, height - (row + 1) * block + FOOT
        box = (left / width, bottom / height, (pitch - NUMBERS - GAP) / width, LINE * len(recipes) / height)
        ax = figure.add_axes(box)
        _score(ax, *scores[score], scale=scale)
        middle, last = (style.plain(layer, limit=10) for layer in layers)
        ax.set_title(
            f"{title}\n{unit}".format(middle=middle, last=last), loc="left", fontsize=style.small(7), linespacing=1.2
        )
        ax.set(ylim=(len(recipes) - 0.5, -0.5), yticks=range(len(recipes)))
        ax.set_yticklabels([style.plain(name, limit=18) for name in recipes] if column == 0 else [])
    left, bottom = start + (columns - 1) * pitch, FOOT
    _key(figure, (left / width, bottom / height, pitch / width, LINE * len(recipes) / height), scores)
    return figure


def _score(ax: Axes, dream: np.ndarray, control: np.ndarray | None, real: np.ndarray | None, *, scale: str) -> None:
    lines = np.arange(len(dream))
    if scale == "log":
        ax.set_xscale("log")
    elif scale == "symlog":
        ax.set_xscale("symlog", linthresh=1)
        ax.set_xticks([-10, 0, 10], ["−10", "0", "10"])
        ax.minorticks_off()
    if real is not None and np.isfinite(real).any():
        ax.axvline(np.nanmean(real), color=style.MIRRORED, linewidth=1.2, zorder=1)
    if scale != "log":
        ax.axvline(0, color=style.FAINT, linewidth=0.6, zorder=0)
    if control is not None:
        ax.plot(_means(control), lines, "o", markersize=4, markerfacecolor="white", markeredgecolor=style.NULL,
                markeredgewidth=0.8, zorder=3)  # fmt: skip
    for line, units in zip(lines, dream, strict=True):
        ax.plot(units, np.full(len(units), line), "|", markersize=4, color=style.OBSERVED, alpha=0.35, zorder=2)
    means = _means(dream)
    ax.plot(means, lines, "o", markersize=4, color=style.OBSERVED, zorder=4)
    for line, mean in zip(lines, means, strict=True):
        ax.text(1.06, line, _number(mean), transform=ax.get_yaxis_transform(), va="center", fontsize=style.small(7),
                color=style.OBSERVED)  # fmt: skip
    ax.grid(axis="y", color="#EEEEEE", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize=style.small(7))
    if scale == "linear":
        _few_ticks(ax)


def _few_ticks(ax: Axes) -> None:
    """Zero and the multiples of a half inside the axis, a fifth where there is no half."""
    low, high = ax.get_xlim()
    step = 0.5 if max(-low, high) >= 0.5 else 0.2
    if high - low > 3:
        step = 10 ** np.ceil(np.log10((high - low) / 3))
    ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step + 0.0  # no negative zero
    wide = len(ticks) > 3 or low < -0.45
    ax.set_xticks(ticks, [f"{tick:g}".replace("-", "−").replace("0.", ".") if wide else f"{tick:g}" for tick in ticks])


def _key(figure: Figure, box: tuple[float, float, float, float], scores: dict) -> None:
    ax = figure.add_axes(box)
    ax.set_axis_off()
    count = scores["z"][0].shape[1]
    handles = [
        Line2D([], [], marker="o", markersize=4, linestyle="", color=style.OBSERVED),
        Line2D([], [], marker="|", markersize=5, linestyle="", color=style.OBSERVED, alpha=0.5),
        Line2D([], [], marker="o", markersize=4, linestyle="", markerfacecolor="white", markeredgecolor=style.NULL),
        Line2D([], [], color=style.MIRRORED, linewidth=1.2),
    ]
    labels = [f"dream, mean of\n{count} units", "each unit", "control, mean:\nshuffled weights", "best real frames"]
    ax.legend(
        handles, labels, loc="upper left", fontsize=style.small(7), borderaxespad=0, handlelength=1.2, labelspacing=0.7
    )


def _means(values: np.ndarray) -> np.ndarray:
    """Means over units, NaN left out; NaN where nothing is left."""
    defined = np.isfinite(values)
    total, count = np.where(defined, values, 0).sum(1), defined.sum(1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
