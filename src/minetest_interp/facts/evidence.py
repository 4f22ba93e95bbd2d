"""What the report prints beside the ledger: units that the data name, trust in maps, channels that carry the drive."""

from collections.abc import Mapping

import numpy as np

LEADING = 5  # channels of conv2 that are named


def found_units(units: Mapping[str, np.ndarray], causal: Mapping[str, np.ndarray]) -> list[dict]:
    """The units that the data name, best first, and what setting each to zero does to the steering.

    Returns:
      name; auroc, of the second half in the first half's direction; on, whether trunks switch it on; q; effect, the
      mean absolute change; rank of that effect among the `of` channels of its layer, 1 the largest.
    """
    rows = []
    for name in map(str, units["found"]):
        layer, channel = name.split("/")[0], int(name.split("/")[1])
        effects = causal[f"zero/{layer}/steering"].mean(0)
        rows.append(
            {
                "name": name,
                "auroc": float(units[f"{layer}/second"][channel]),
                "on": bool(units[f"{layer}/auroc"][channel] > 0.5),
                "q": float(units[f"{layer}/q"][channel]),
                "effect": float(effects[channel]),
                "rank": int((effects > effects[channel]).sum()) + 1,
                "of": len(effects),
            }
        )
    return rows


def attribution_methods(stored: Mapping[str, np.ndarray]) -> list[dict]:
    """Each method's scores for the steering, those that beat random most first.

    deletion, insertion: beyond random maps, pixels replaced by the mean frame; deletion with its interval. randomised:
    likeness to the map of shuffled weights. sensitivity: largest relative change. completeness: median relative error,
    None for a method that claims none.
    """
    steering = list(stored["objectives"]).index(stored["judged"][0])
    rows = []
    for i, name in enumerate(map(str, stored["methods"])):
        estimate, low, high = map(float, stored["mean/deletion_above_random"][:, i, 0, 0])
        error = float(stored["completeness_median"][i, steering])
        rows.append(
            {
                "name": name,
                "verdict": str(stored["verdicts"][i]),
                "deletion": {"estimate": estimate, "interval": [low, high] if np.isfinite([low, high]).all() else None},
                "insertion": float(stored["mean/insertion_below_random"][0, i, 0, 0]),
                "randomised": float(stored["mean/randomisation"][0, i, 0, -1]),
                "sensitivity": float(stored["mean/sensitivity"][0, i, 0]),
                "completeness": error if np.isfinite(error) else None,
            }
        )
    return sorted(rows, key=lambda row: -row["deletion"]["estimate"])


def leading_channels(circuits: Mapping[str, np.ndarray]) -> list[dict]:
    """The channels of conv2 that carry most of the variance of the steering's drive: name and share, largest first."""
    shares = circuits["channels/variance_share"][0, :-1]
    order = np.argsort(-shares, kind="stable")[:LEADING]
    return [{"name": f"conv2/{channel}", "share": float(shares[channel])} for channel in order]
