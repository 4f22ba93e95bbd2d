"""What the report prints of a comparison of recipes."""

from collections.abc import Sequence

import numpy as np

from minetest_interp.facts.atlas import SCORES
from minetest_interp.facts.study import Arrays


def recipe_summary(arrays: Arrays, *, over: Sequence[str] | None = None) -> dict:
    """Facts of a comparison, ready for JSON: recipe to score to mean, control, real (means over units) and units.

    Args:
      arrays: of `compare`. over: the units that count; all if left out.

    Returns:
      `{recipe: {score: {"mean", "control", "real", "units": {unit: number}}}}`. Units without a number (NaN) are None
      and left out of the means; so is a control or ceiling that a score does not have.
    """
    names = [str(name) for name in arrays["units"]]
    rows = [names.index(name) for name in (names if over is None else over)]

    def facts(score: str, m: int) -> dict:
        control, real = arrays.get(f"{score}_control"), arrays.get(f"{score}_real")
        return {
            "mean": _mean(arrays[score][m, rows]),
            "control": None if control is None else _mean(control[m, rows]),
            "real": None if real is None else _mean(real[rows]),
            "units": {names[i]: _mean(arrays[score][m, i : i + 1]) for i in rows},
        }

    return {
        str(name): {score.name: facts(score.name, m) for score in SCORES} for m, name in enumerate(arrays["recipes"])
    }


def _mean(values: np.ndarray) -> float | None:
    values = np.asarray(values)[np.isfinite(values)]
    return float(values.mean()) if len(values) else None
