"""What the panels of a series share: its members along an axis."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

import style
from minetest_interp.io import files
from minetest_interp.io.errors import InputError

FEW = 8  # members whose names fit beside one another
TICKS = 4  # of them that are named where they do not
SHORT = EngFormatter(sep="")  # 2.5M
DOTS = 40  # members: more of them are a line


class Members(NamedTuple):
    """names: in order. along: what the numbers in their names count, None where they have no order. places: numbers."""

    names: list[str]
    along: str | None
    places: np.ndarray


def load(results: Path) -> tuple[Members, dict]:
    """The members, and everything else that the comparison has to say in words and numbers."""
    path = results / "series.json"
    if not path.is_file():
        raise InputError(f"{path}: the panel reads this result; there is none. Build it.")
    compared = files.read_json(path)
    rows, along = compared["members"], compared["along"]
    places = [row["place"] if along else i for i, row in enumerate(rows)]
    return Members([row["name"] for row in rows], along, np.array(places, float)), compared


def numbered(ax: Axes, members: Members) -> None:
    """A horizontal axis on which each member stands where its number is; without an order, one after another."""
    if members.along:
        margin = 0.04 * (np.ptp(members.places) or 1)
        ax.set_xlim(members.places.min() - margin, members.places.max() + margin)
        ax.locator_params(axis="x", nbins=4)
        ax.xaxis.set_major_formatter(SHORT)
    else:
        ax.set_xlim(-0.5, len(members.names) - 0.5)
        _name(ax, members)


def columns(ax: Axes, members: Members) -> None:
    """A horizontal axis of an image with a column for each member."""
    _name(ax, members)
    ax.set_xlabel(style.plain(members.along or "checkpoint"))


def _name(ax: Axes, members: Members) -> None:
    count = len(members.names)
    shown = np.arange(count) if count <= FEW else np.unique(np.linspace(0, count - 1, TICKS).round().astype(int))
    if members.along:
        ax.set_xticks(shown, [SHORT(members.places[i]) for i in shown])
    else:
        words = [style.plain(members.names[i], limit=14) for i in shown]
        ax.set_xticks(shown, words, rotation=30, ha="right", rotation_mode="anchor", fontsize=style.small(7))
