"""What the evidence says of one unit, as plain numbers: concept overlap, effects of its removal, claims that name it.

Arrays are those that the measurements store; the map of a measurement that the study did not run is empty. Wherever
something was not measured the answer is None, and the page says why.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Num

from minetest_interp.analysis import edges
from minetest_interp.facts.study import Arrays

# In the order of the page; the first is the headline.
REPLACEMENTS = ("zero", "mean", "resample", "patch")
CONFLICT_Q = 0.05  # the rate of false discoveries at which channels are named as well


def trunk_overlap(units: Arrays, layer: str, channel: int) -> dict | None:
    """How a channel tells trunks: AUROC and IoU against trunk masks.

    Returns:
      auroc, on all frames; held_out, of the second half in the direction that the first half gave; on, whether trunks
      switch the channel on; q; iou and iou_chance, of the second half; rank by held_out among the layer's `of`
      channels, 1 the best.
    """
    if f"{layer}/auroc" not in units:
        return None
    found = {name: float(units[f"{layer}/{name}"][channel]) for name in ("auroc", "q", "iou", "iou_chance")}
    held_out = units[f"{layer}/second"]
    return found | {"held_out": float(held_out[channel]), "on": found["auroc"] > 0.5, **rank(held_out, channel)}


def gradient_following(units: Arrays, layer: str, channel: int) -> dict | None:
    """How a channel of the first layer follows oriented gradients of grey levels.

    Returns:
      correlation, with the gradient that the first half of the frames chose, on the second; angle in degrees, 0 where
      grey levels grow to the right and 90 downwards; sigma in pixels; brightness, the correlation with the mean grey
      level; kernel, the share of its energy in the best gradient; rank by the correlation among the `of` channels.
    """
    if f"{layer}/template" not in units:
        return None
    sigma, angle = divmod(int(units[f"{layer}/template"][channel]), len(edges.ANGLES))
    followed = units[f"{layer}/gradient/second"]
    return {
        "correlation": float(followed[channel]),
        "angle": int(edges.ANGLES[angle]),
        "sigma": edges.SIGMAS[sigma],
        "brightness": float(units[f"{layer}/brightness/second"][channel]),
        "kernel": float(units[f"{layer}/kernel"][channel]),
        **rank(followed, channel),
    }


def removal_effects(causal: Arrays, layer: str, channel: int, steering: str) -> dict | None:
    """What becomes of an agent's behaviours and value when a channel is replaced.

    Returns:
      others, the names of the readouts beside the steering; rows, one for each replacement that was made: its name,
      the mean absolute change of the steering (size), the signed one (change), the rank of the size in the layer, and
      the sizes for the `others`; carried, the share of the mirror image's steering that patching the channel from it
      carries over.
    """
    if f"zero/{layer}/size" not in causal:
        return None
    readouts = [str(name) for name in causal["quantities"]]
    column = readouts.index(steering)
    others = [i for i in range(len(readouts)) if i != column]
    rows = []
    for name in REPLACEMENTS:
        if f"{name}/{layer}/size" in causal:
            sizes, changes = (causal[f"{name}/{layer}/{key}"] for key in ("size", "change"))
            rows.append(
                {
                    "name": name,
                    "size": float(sizes[channel, column]),
                    "change": float(changes[channel, column]),
                    **rank(sizes[:, column], channel),
                    "others": [float(sizes[channel, i]) for i in others],
                }
            )
    carried = float(causal[f"patch/{layer}/share"][channel])
    return {
        "others": [readouts[i] for i in others],
        "rows": rows,
        "carried": carried if np.isfinite(carried) else None,
    }


def movers(causal: Arrays, layers: Sequence[str], readout: str, *, sign: int, count: int) -> list[dict] | None:
    """The channels whose setting to zero changes a behaviour or the value most: name, size and signed change.

    Args:
      sign: -1 for the behaviour the other way round.
    """
    readouts = [str(name) for name in causal.get("quantities", ())]
    if readout not in readouts:
        return None
    column = readouts.index(readout)
    rows: list[dict] = [
        {"name": f"{layer}/{channel}", "size": float(size), "change": sign * float(change)}
        for layer in layers
        if f"zero/{layer}/size" in causal
        for channel, (size, change) in enumerate(
            zip(causal[f"zero/{layer}/size"][:, column], causal[f"zero/{layer}/change"][:, column], strict=True)
        )
    ]
    return sorted(rows, key=lambda row: -row["size"])[:count]


def carriers(circuits: Arrays, layer: str, readout: str, *, sign: int, count: int) -> list[dict] | None:
    """The channels that carry most of a readout's variance over the frames: name, mean addition and share.

    None without such a readout; no channel for one that does not vary.

    Args:
      layer: theirs, the last one with positions. sign: -1 for the readout's other side, to which every channel adds the
        contrary.
    """
    readouts = [str(name) for name in circuits.get("readouts", ())]
    if readout not in readouts:
        return None
    row = readouts.index(readout)
    # The last are the biases, which are no channel's.
    means, shares = (circuits[f"channels/{name}"][row, :-1] for name in ("mean", "variance_share"))
    if np.isnan(shares).any():
        return []
    order = np.argsort(-shares, kind="stable")[:count]
    return [{"name": f"{layer}/{i}", "mean": sign * float(means[i]), "share": float(shares[i])} for i in order]


def claims_about(claims: Sequence[Mapping], name: str) -> list[Mapping]:
    """The claims of a ledger that are about a unit; a behaviour reversed is the same readout."""
    return [claim for claim in claims if name.removesuffix(" reversed") in claim["units"]]


def rank(numbers: Num[np.ndarray, " channel"], channel: int) -> dict[str, int]:
    """The rank of a channel's number, 1 the largest, `of` how many."""
    return {"rank": int((numbers > numbers[channel]).sum()) + 1, "of": len(numbers)}


def is_conflict(on: bool, q: float, strongest: int, of: int) -> bool:
    """Whether a unit's strongest frames deny its concept score: most hold a concept that switches it off, or most lack
    one that switches it on.

    Args:
      on: whether the concept switches the unit on, by its score. q: of the score, which may be chance.
      strongest: how many of the `of` strongest frames hold the concept.
    """
    return q < CONFLICT_Q and (2 * strongest < of if on else 2 * strongest > of)


def similar_units(
    correlations: Num[np.ndarray, "unit unit"], names: Sequence[str], i: int, *, count: int
) -> tuple[list[dict], list[dict]]:
    """The units whose activations go with unit i's over the frames, and those that go against it: name and correlation.

    Strongest first; empty for a unit that does not vary.
    """
    others = [j for j in range(len(names)) if j != i and np.isfinite(correlations[i, j])]
    ranked = sorted(others, key=lambda j: -correlations[i, j])
    along = [j for j in ranked if correlations[i, j] > 0][:count]
    against = [j for j in reversed(ranked) if correlations[i, j] < 0][:count]

    def rows(chosen: Sequence[int]) -> list[dict]:
        return [{"name": names[j], "correlation": float(correlations[i, j])} for j in chosen]

    return rows(along), rows(against)
