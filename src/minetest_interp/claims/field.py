"""What the policy does around one tree on a plain, by the tree's place and by what else is changed.

A sweep has the cells that differ in the trunk's bearing alone; sweeps are the clusters. Bearings are in degrees from
where the agent looks, positive to the left.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from minetest_interp.analysis import intervals, stats
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.measured import NO_VALUE, Arrays, Measured
from minetest_interp.model.field import SAME, STACKS, is_night

TURNS, VALUES = "turns-to-trunk-in-field", "values-trunk-ahead"
PARTS = {TURNS: ("day", "night", "stone"), VALUES: ("day", "night")}
NO_FIELD = "the study names no field"
NO_SWEEPS = "the field has no such sweep over bearings"
STONE = "stone"  # the kind that is no tree


def measure(cells: Mapping[str, np.ndarray] | None, *, side: int, level: Level) -> Measured:
    """Tests the claims about a field; what cannot be measured is missing.

    Args:
      cells: the stacks and columns of a field with `turn`, the steering, and `value`, NaN without one, `[cell]`.
      side: 1 where positive steering turns left, -1 where it turns right.
    """
    if cells is None:
        nothing = missing(NO_FIELD)
        return Measured(
            {"reason": np.array(NO_FIELD)}, {claim: dict.fromkeys(parts, nothing) for claim, parts in PARTS.items()}
        )
    turn, value = side * cells["turn"].astype(np.float64), cells["value"].astype(np.float64)
    number = sweeps(cells)
    first = np.array([np.flatnonzero(number == n)[0] for n in range(number.max() + 1)], int)
    stone, night = cells["kind"][first] == STONE, is_night(cells["time"][first])
    chosen = {"day": ~stone & ~night, "night": ~stone & night, "stone": stone}
    turns = _by_sweep(turn, cells["bearing"], number)
    ahead = _by_sweep(value, -np.abs(cells["bearing"]), number)
    estimates = {TURNS: {part: _mean(turns[chosen[part]], level) for part in PARTS[TURNS]}}
    known = np.isfinite(value).all()
    estimates[VALUES] = {
        part: _mean(ahead[chosen[part]], level) if known else missing(NO_VALUE) for part in PARTS[VALUES]
    }
    arrays: Arrays = {name: array for name, array in cells.items() if name != STACKS}
    arrays["seen"] = cells[STACKS][number == 0, -1]
    arrays |= {"turn": turn, "value": value, "sweep": number, "night": night, "turns": turns, "ahead": ahead}
    return Measured(arrays, estimates)


def sweeps(cells: Mapping[str, np.ndarray]) -> Int[np.ndarray, " cell"]:
    """The number of each cell's sweep, in order of first appearance; -1 on the map."""
    names = zip(*(cells[name].tolist() for name in SAME), strict=True)
    known: dict[tuple, int] = {}
    return np.array(
        [-1 if on_map else known.setdefault(name, len(known)) for name, on_map in zip(names, cells["map"], strict=True)]
    )


def _by_sweep(values: np.ndarray, places: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Rank correlation within each sweep; 0 where the values or the places are all equal."""
    found = [stats.spearman(values[number == n], places[number == n]) for n in range(number.max() + 1)]
    return np.nan_to_num(np.array(found, np.float64))


def _mean(correlations: np.ndarray, level: Level) -> Estimate:
    if not len(correlations):
        return missing(NO_SWEEPS)
    mean = intervals.weighted_mean(correlations)
    return intervals.estimate(mean, np.arange(len(correlations)), level, chance=0.0)
