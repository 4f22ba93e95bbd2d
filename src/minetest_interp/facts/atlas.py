"""What the report prints of an atlas: plain numbers, lists and maps, ready for JSON.

An *atlas* maps names to arrays with one row per unit, as `atlas.compute` gives them. Every score is a map of its
`value` (the dream's), its `floor` (the shuffled-weights control's) and its `ceiling` (real frames'), None where one is
not defined.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Num

from minetest_interp.facts.study import Arrays
from minetest_interp.io.errors import InputError


class Score(NamedTuple):
    """name: in facts. arrays: of an atlas, None where a score has no such side. digits: decimals worth printing."""

    name: str
    value: str
    floor: str | None
    ceiling: str | None
    digits: int


def _with_controls(name: str, digits: int) -> Score:
    return Score(name, name, f"{name}_control", f"{name}_real", digits)


SCORES = (
    _with_controls("z", 2),
    _with_controls("hf", 3),
    _with_controls("path_middle", 3),
    _with_controls("path_middle_standardised", 3),
    _with_controls("path_last", 3),
    _with_controls("path_last_standardised", 3),
    _with_controls("fd", 2),
    # ASSUME: nothing real stands beside these two; frames have no seeds, and no picture of them comes from a control.
    Score("agreement", "agreement", "agreement_control", None, 3),
    Score("control_correlation", "control_correlation", None, None, 3),
)


def atlas_summary(atlas: Arrays, headline: Sequence[str]) -> dict:
    """Counts, flags and mean scores of an atlas, by layer and over the `headline` units.

    Returns:
      affine_layer: the one whose dreams are in closed form, None without one. units: layer to number of units. dead,
      saturated: layer to names. constant: names of the units that do not vary over the frames. layers, headline: scores
      averaged over a layer's or the headline's units, each mean over the units where that number is defined; `n` of a
      score counts the units whose value is. rows: the headline units, each with name, layer, flag and its scores.

    Raises:
      InputError: a headline unit is not in the atlas.
    """
    names, layers, flags = ([str(entry) for entry in atlas[key]] for key in ("name", "layer", "flag"))
    missing = [name for name in headline if name not in names]
    if missing:
        raise InputError(
            f"headline units must be in the atlas; {missing[0]!r} is not. It begins {', '.join(names[:5])}."
        )
    chosen = [names.index(name) for name in headline]
    members = {layer: [i for i, other in enumerate(layers) if other == layer] for layer in dict.fromkeys(layers)}

    def flagged(flag: str) -> dict:
        return {layer: [names[i] for i in rows if flags[i] == flag] for layer, rows in members.items()}

    return {
        "affine_layer": str(atlas["affine_layer"]) or None,
        "units": {layer: len(rows) for layer, rows in members.items()},
        "dead": flagged("dead"),
        "saturated": flagged("saturated"),
        "constant": [name for name, constant in zip(names, atlas["constant"], strict=True) if constant],
        "headline": mean_scores(atlas, chosen),
        "layers": {layer: mean_scores(atlas, rows) for layer, rows in members.items()},
        "rows": [
            {"name": names[i], "layer": layers[i], "flag": flags[i], "scores": unit_scores(atlas, i)} for i in chosen
        ],
    }


def unit_scores(atlas: Arrays, i: int) -> dict[str, dict]:
    """Unit i's scores: name to value, floor and ceiling."""
    return {
        score.name: {side: None if key is None else _number(atlas[key][i]) for side, key in _sides(score)}
        for score in SCORES
    }


def mean_scores(atlas: Arrays, rows: Sequence[int]) -> dict[str, dict]:
    """Scores averaged over some units, and `n`, the number of units whose value is defined."""
    return {
        score.name: {side: None if key is None else _mean(atlas[key][rows]) for side, key in _sides(score)}
        | {"n": int(np.isfinite(atlas[score.value][rows]).sum())}
        for score in SCORES
    }


def _sides(score: Score) -> list[tuple[str, str | None]]:
    return [("value", score.value), ("floor", score.floor), ("ceiling", score.ceiling)]


def _mean(numbers: Num[np.ndarray, " unit"]) -> float | None:
    defined = np.asarray(numbers, np.float64)[np.isfinite(numbers)]
    return float(defined.mean()) if len(defined) else None


def _number(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
