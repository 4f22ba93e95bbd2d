"""Panel "series-verdicts": the verdict of every claim, a row, on every checkpoint, a column."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import series_axis
import style
from panel import panel_command
from series_axis import Members

ROW_INCHES, FOOT_INCHES = 0.3, 1.0  # twice as high on a phone
SYMBOLS = 24  # members: beside more there is no space for a verdict's symbol


def load(results: Path) -> dict[str, object]:
    members, compared = series_axis.load(results)
    return {"members": members, "claims": compared["claims"]}


def draw(members: Members, claims: list[dict]) -> Figure:
    """Colours and symbols are those of the ledger."""
    figure = style.figure(aspect=style.either(1, 2) * (ROW_INCHES * len(claims) + FOOT_INCHES) / style.width())
    ax = figure.subplots()
    verdicts = list(style.VERDICTS)
    grid = np.array([[verdicts.index(verdict) for verdict in claim["verdicts"]] for claim in claims])
    colours = ListedColormap([colour for _, colour in style.VERDICTS.values()])
    ax.imshow(grid, cmap=colours, vmin=-0.5, vmax=len(verdicts) - 0.5, aspect="auto", interpolation="none")
    if len(members.names) <= SYMBOLS:
        for (row, column), verdict in np.ndenumerate(grid):
            symbol = style.VERDICTS[verdicts[verdict]][0]
            ax.text(column, row, symbol, ha="center", va="center", color="white", fontsize=style.small(7))
    ax.set_yticks(range(len(claims)), [_short(claim["statement"]) for claim in claims], fontsize=style.small(7))
    for edge in np.arange(len(claims) - 1) + 0.5:
        ax.axhline(edge, color="white", linewidth=1)
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    series_axis.columns(ax, members)
    marks = [Patch(color=colour, label=f"{symbol} {verdict}") for verdict, (symbol, colour) in style.VERDICTS.items()]
    figure.legend(handles=marks, loc="outside upper center", ncols=style.either(len(marks), 1), handlelength=1)
    return figure


def _short(statement: str) -> str:
    return "\n".join(textwrap.wrap(style.plain(statement, limit=96), style.either(50, 26)))


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
