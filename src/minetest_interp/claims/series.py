"""Several checkpoints of one study side by side: a training run over time, or seeds.

A *member* is one of them. What is said of M members stands in their order; NaN and None are what a member lacks.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import scipy

from minetest_interp.analysis import stats

QUANTILES = (0.05, 0.5, 0.95)  # of the frames


def claims(ledgers: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """By claim, what each member's ledger says of it.

    Args:
      ledgers: member to its ledger, all of the same claims.

    Returns:
      per claim: id, statement, unit, what, direction; in the members' order estimates, intervals, chances, claimed (for
      what is claimed may be a member's own chance) and verdicts; and `changes`, how often a verdict differs from that
      before it.
    """
    rows = []
    for versions in zip(*ledgers.values(), strict=True):
        first = [claim["parts"][0] for claim in versions]
        verdicts = [claim["verdict"] for claim in versions]
        rows.append(
            {
                **{key: versions[-1][key] for key in ("id", "statement", "unit")},
                **{key: first[-1][key] for key in ("what", "direction")},
                "claimed": [part["claimed"] for part in first],
                **{f"{key}s": [part[key] for part in first] for key in ("estimate", "interval", "chance")},
                "verdicts": verdicts,
                "changes": sum(a != b for a, b in pairwise(verdicts)),
            }
        )
    return rows


def behaviours(measured: Sequence[Mapping[str, np.ndarray]], steering: str) -> dict[str, np.ndarray]:
    """`quantiles/NAME` `[M, 3]` over the frames for each behaviour and the value; `similarity` `[M, M]`.

    similarity: correlation over the frames of two members' steering; NaN where one does not vary.
    """
    names = [key.removeprefix("original/") for key in measured[0] if key.startswith("original/")]
    over_frames = {name: np.stack([member[f"original/{name}"] for member in measured]) for name in names}
    kept = {f"quantiles/{name}": np.quantile(values, QUANTILES, axis=1).T for name, values in over_frames.items()}
    return kept | {"similarity": stats.correlations(over_frames[steering])}


def units(
    units: Sequence[Mapping[str, np.ndarray]], causal: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What the channels of the layers that are asked about trunks do in each member, and whether the same ones do it.

    Returns:
      `LAYER/trunk` `[M, C]`, AUROC for trunk less .5, absent without labelled frames; `LAYER/steering` `[M, C]`, mean
      absolute change of the steering when the channel is set to zero; and for both `.../similarity` `[M, M]`, rank
      correlations of two members' channels, sizes where signs do not matter.
    """
    kept = {}
    for layer in units[0]["layers"]:
        kept[f"{layer}/steering"] = np.stack([member[f"zero/{layer}/steering"].mean(0) for member in causal])
        if all(f"{layer}/auroc" in member for member in units):
            kept[f"{layer}/trunk"] = np.stack([member[f"{layer}/auroc"] for member in units]) - 0.5
    ranks = {name: scipy.stats.rankdata(values, axis=1) for name, values in kept.items()}
    return kept | {f"{name}/similarity": stats.correlations(values) for name, values in ranks.items()}


def similarity_to_others(similarity: np.ndarray, *, ordered: bool) -> np.ndarray:
    """How much each member is like the others, `[M, M]` to `[M]`: like the last where they are in order, else the mean.

    NaN where that is not defined.
    """
    if ordered:
        return similarity[:, -1]
    others = np.where(np.eye(len(similarity), dtype=bool), np.nan, similarity)
    known = np.isfinite(others)
    sums = np.where(known, others, 0).sum(1)
    return np.divide(sums, known.sum(1), out=np.full(len(similarity), np.nan), where=known.any(1))
