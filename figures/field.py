"""Panel "field": the steering and the value around one tree on a plain, by its place and by what else is changed."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

import style
from minetest_interp.model.field import COLUMNS
from panel import arrays, panel_command

FACTORS = {"distance": "nodes away", "kind": "kind of tree", "ground": "ground"}
ARROW = 2.6  # nodes, of full steering


def load(results: Path, *, behaviour: str) -> dict[str, object]:
    names = *COLUMNS, "turn", "value", "sweep", "night"
    *found, seen = arrays(results / "evidence/field.npz", *names, "seen")
    return {"behaviour": style.plain(behaviour, limit=16), "cells": dict(zip(names, found, strict=True)), "seen": seen}


def draw(behaviour: str, cells: dict[str, np.ndarray], seen: np.ndarray) -> Figure:
    """What is seen in the base; three plots of the steering against the bearing, each of one factor; a map of places.

    Args:
      cells: as `evidence/field.npz` has them, by cell, and night by sweep; the first sweep is the base.
      seen: the newest frames of the base.
    """
    figure = style.figure(aspect=1, phone=5.2)
    upper, lower = figure.subfigures(2, 1, height_ratios=style.either((1, 6), (1, 9)))
    _frames(upper, cells, seen)
    (distance, kind), (ground, around) = style.grid(lower, 2, 2)
    levels = levels_of(cells)
    for ax, factor in zip((distance, kind, ground), FACTORS, strict=True):
        _sweeps(ax, cells, levels, factor)
        ax.set(xlabel="bearing of the trunk: degrees to the left", ylabel=f"{behaviour}, positive is left")
    _map(lower, around, cells)
    return figure


def levels_of(cells: dict[str, np.ndarray]) -> dict[int, tuple[str, str, bool]]:
    """By sweep the factor in which it differs from the first of all, its level, and whether it is of the night.

    The base has "" for a factor. Trees without leaves are kinds too.
    """
    found: dict[int, tuple[str, str, bool]] = {}
    for number in range(cells["sweep"].max() + 1):
        [at, *_] = np.flatnonzero(cells["sweep"] == number)
        if not number:
            base = at
        name = str(cells["kind"][at])
        bare = bool(cells["leaves"][base]) and not cells["leaves"][at] and name == cells["kind"][base]
        said = {
            "distance": f"{cells['distance'][at]:g}",
            "kind": "bare" if bare else name,
            "ground": str(cells["ground"][at]),
        }
        changed = next((f for f in FACTORS if cells[f][at] != cells[f][base] or (f == "kind" and bare)), "")
        found[number] = changed, said.get(changed, ""), bool(cells["night"][number])
    return found


def _frames(figure: SubFigure, cells: dict[str, np.ndarray], seen: np.ndarray) -> None:
    bearings = cells["bearing"][cells["sweep"] == 0]
    for ax, at in zip(np.ravel(style.grid(figure, 1, len(seen), phone=4)), np.argsort(-bearings), strict=True):
        style.show_grey(ax, seen[at])
        ax.set_xlabel(f"{bearings[at]:+g}°".replace("-", "−") if bearings[at] else "0°", labelpad=1)


def _sweeps(ax: Axes, cells: dict[str, np.ndarray], levels: dict[int, tuple[str, str, bool]], factor: str) -> None:
    base = np.flatnonzero(cells["sweep"] == 0)
    names = list(dict.fromkeys(level for changed, level, _ in levels.values() if changed == factor))
    own = f"{cells[factor][base[0]]:g}" if factor == "distance" else str(cells[factor][base[0]])
    colours = {"": style.INK} | dict(zip(names, style.LEVELS, strict=False))
    for number, (changed, level, night) in levels.items():
        if changed in ("", factor):
            at = np.flatnonzero(cells["sweep"] == number)
            at = at[np.argsort(cells["bearing"][at])]
            line = {"color": colours.get(level, style.FAINT), "ls": "--" if night else "-", "marker": "."}
            ax.plot(cells["bearing"][at], cells["turn"][at], linewidth=1, markersize=3, **line)
    called = {style.plain(name or own).replace("_", " "): {"color": colour} for name, colour in colours.items()}
    if factor == "distance":
        called |= {"day": {"color": style.FAINT}, "night": {"color": style.FAINT, "ls": "--"}}
    handles = [Line2D([], [], label=name, **line) for name, line in called.items()]
    above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "title": FACTORS[factor]}
    ax.legend(
        handles=handles, fontsize=style.small(6), handlelength=1.6, columnspacing=1, ncols=style.either(4, 2), **above
    )
    ax.axhline(0, color=style.INK, linewidth=0.6, ls=":")
    ax.axvline(0, color=style.INK, linewidth=0.6, ls=":")
    ax.set(ylim=(-1.02, 1.02))
    ax.xaxis.set_inverted(True)
    ax.spines[["top", "right"]].set_visible(False)


def _map(figure: SubFigure, ax: Axes, cells: dict[str, np.ndarray]) -> None:
    """Seen from above, the agent looks up; an arrow to the left is a turn to the left."""
    at = np.flatnonzero(cells["map"])
    if not len(at):
        style.say(ax, "the field has no map of places")
        return
    bearing = np.radians(cells["bearing"][at])
    x, y = cells["distance"][at] * np.sin(bearing), -cells["distance"][at] * np.cos(bearing)
    turn, value = cells["turn"][at], cells["value"][at]
    known = np.isfinite(value).all()
    shown = ax.scatter(x, y, c=value if known else style.FAINT, s=90, marker="s", cmap="cividis", linewidths=0)
    for left, up, size in zip(x, y, turn, strict=True):
        ax.annotate(
            "",
            (left - ARROW * size, up),
            (left, up),
            arrowprops={
                "arrowstyle": "-|>",
                "color": style.POSITIVE if size > 0 else style.NEGATIVE,
                "linewidth": 1.2,
                "mutation_scale": 6,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    ax.plot(0, 0, "^", color=style.INK, markersize=9)
    ax.set(
        xlabel="nodes to the right of the tree",
        ylabel="nodes beyond the tree",
        title="places around the tree",
        aspect="equal",
    )
    ax.spines[["top", "right"]].set_visible(False)
    if known:
        figure.colorbar(shown, ax=ax, label="value", shrink=0.8)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
