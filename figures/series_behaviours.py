"""Panel "series-behaviours": each checkpoint's behaviours over the frames, and how similar their steering is."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import series_axis
import style
from panel import arrays, panel_command
from series_axis import Members

COLUMNS, FEWER = 3, 1  # on a page, on a phone
ROW_INCHES = 1.9


def load(results: Path, *, behaviour: str) -> dict[str, object]:
    members, _ = series_axis.load(results)
    path = results / "series.npz"
    with np.load(path, allow_pickle=False) as stored:
        names = [key.removeprefix("quantiles/") for key in stored if key.startswith("quantiles/")]
    found = arrays(path, "similarity", *(f"quantiles/{name}" for name in names))
    return {
        "members": members,
        "behaviour": behaviour,
        "similarity": found[0],
        "quantiles": dict(zip(names, found[1:], strict=True)),
    }


def draw(members: Members, behaviour: str, similarity: np.ndarray, quantiles: dict[str, np.ndarray]) -> Figure:
    """quantiles: by behaviour `[M, 3]`, low, median and high of the frames. similarity: `[M, M]` of the steering."""
    columns = style.either(COLUMNS, FEWER)
    rows = -(-(len(quantiles) + 1) // columns)
    figure = style.figure(aspect=(ROW_INCHES * rows) / style.width())
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (name, values) in zip(axes, quantiles.items(), strict=False):
        _spread(ax, members, values)
        ax.set_title(style.plain(name))
    _likeness(axes[len(quantiles)], members, similarity)
    axes[len(quantiles)].set_title(style.plain(f"{behaviour}, correlation over the frames"))
    for ax in axes[len(quantiles) + 1 :]:
        ax.axis("off")
    return figure


def _spread(ax: Axes, members: Members, values: np.ndarray) -> None:
    low, middle, high = values.T
    if members.along:
        ax.fill_between(members.places, low, high, color=style.OBSERVED, alpha=0.2, linewidth=0)
        ax.plot(members.places, middle, color=style.OBSERVED, linewidth=1.2, marker="o", markersize=1.5)
        ax.set_xlabel(style.plain(members.along))
    else:
        ax.vlines(members.places, low, high, color=style.OBSERVED, alpha=0.4, linewidth=2)
        ax.plot(members.places, middle, "o", color=style.OBSERVED, markersize=3)
    if values.min() < 0 < values.max():
        ax.axhline(0, color=style.FAINT, linewidth=0.6, zorder=0)
    ax.spines[["top", "right"]].set_visible(False)
    series_axis.numbered(ax, members)


def _likeness(ax: Axes, members: Members, similarity: np.ndarray) -> None:
    image = ax.imshow(similarity, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="none")
    series_axis.columns(ax, members)
    ax.set_yticks([])
    style.colour_bar(ax, image, "correlation", ticks=[-1, 0, 1])


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
