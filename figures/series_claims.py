"""Panel "series-claims": every claim's estimate with its interval for each checkpoint, coloured by its verdict."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import series_axis
import style
from panel import panel_command
from series_axis import Members

COLUMNS, FEWER = 3, 1  # on a page, on a phone
ROW_INCHES, FOOT_INCHES = 1.2, 0.55


def load(results: Path) -> dict[str, object]:
    members, compared = series_axis.load(results)
    return {"members": members, "claims": compared["claims"]}


def draw(members: Members, claims: list[dict]) -> Figure:
    """A small plot for each claim; a solid line at chance, a dashed one at what is claimed."""
    columns = style.either(COLUMNS, FEWER)
    rows = -(-len(claims) // columns)
    figure = style.figure(aspect=(ROW_INCHES * rows + style.either(1, 2) * FOOT_INCHES) / style.width())
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, claim in zip(axes, claims, strict=False):
        _follow(ax, members, claim)
    for ax in axes[len(claims) :]:
        ax.axis("off")
    if members.along:
        figure.supxlabel(style.plain(members.along), fontsize=style.small(8))
    marks = [
        *(
            Line2D([], [], color=c, marker="o", markersize=4, linewidth=1.5, label=v)
            for v, (_, c) in style.VERDICTS.items()
        ),
        Line2D([], [], color=style.NULL, linewidth=0.8, label="chance"),
        Line2D([], [], color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), label="claimed"),
    ]
    figure.legend(
        handles=marks,
        loc="outside upper center",
        ncols=style.either(len(marks), 2),
        fontsize=style.small(7),
        handlelength=1.4,
        columnspacing=1,
    )
    return figure


def _follow(ax: Axes, members: Members, claim: dict) -> None:
    ax.set_title(
        "\n".join(textwrap.wrap(style.plain(claim["statement"], limit=96), style.either(36, 50))),
        fontsize=style.small(7),
        loc="left",
    )
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=style.small(7))
    estimates, chances = (np.array(claim[key], float) for key in ("estimates", "chances"))
    bounds = np.array([bounds or (np.nan, np.nan) for bounds in claim["intervals"]], float)
    series_axis.numbered(ax, members)
    if np.isnan(estimates).all():
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", va="center", fontsize=style.small(7))
        ax.set_yticks([])
        return
    small = len(members.names) > series_axis.DOTS
    if members.along:
        ax.plot(members.places, estimates, color=style.FAINT, linewidth=0.8, zorder=1)
    ax.plot(*_level(members, chances), color=style.NULL, linewidth=0.8, zorder=0)
    goals = np.array(claim["claimed"], float)
    ax.plot(*_level(members, goals), color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    for verdict, (_, colour) in style.VERDICTS.items():
        of = np.array(claim["verdicts"]) == verdict
        ax.vlines(members.places[of], *bounds[of].T, color=colour, linewidth=0.7 if small else 1.5, alpha=0.6)
        ax.plot(members.places[of], estimates[of], "o", color=colour, markersize=1.5 if small else 3)


def _level(members: Members, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A level over the whole axis, for it may differ from member to member."""
    if len(values) == 1 or not members.along:
        edges = np.concatenate([members.places - 0.5, members.places[-1:] + 0.5])
        return np.repeat(edges, 2)[1:-1], np.repeat(values, 2)
    return members.places, values


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
