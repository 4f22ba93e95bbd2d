"""Where maps are strong, against masks of what they should find.

A map's *strength* is the absolute value of what each pixel adds. A map that is the same everywhere, as one of zeros is,
finds a mask as often as a pixel drawn at random does.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from minetest_interp.analysis.intervals import Statistic
from minetest_interp.model.arrays import AnyArray


class Found(NamedTuple):
    """How each map finds each mask, 0 to 1; of frames' maps and their own masks the diagonal is the frames' own.

    pointing: whether its largest strength lies inside, or the share of equally large ones that do (the pointing game;
      Zhang et al. 2018).
    mass: share of its strength that lies inside (relevance mass accuracy; Arras et al. 2022).
    """

    pointing: Float[np.ndarray, "map mask"]
    mass: Float[np.ndarray, "map mask"]


def pixel_strength(
    maps: Float[AnyArray, "*maps frame row column"], *, read: tuple[int, int]
) -> Float[np.ndarray, "*maps row column"]:
    """The absolute value of the sum over a stack's frames; 0 where the network does not read (`Architecture.reads`)."""
    strength = np.zeros((*maps.shape[:-3], *maps.shape[-2:]))
    strength[..., : read[0], : read[1]] = np.abs(maps.sum(-3, dtype=np.float64))[..., : read[0], : read[1]]
    return strength


def find(
    strength: Float[np.ndarray, "map row column"], masks: Bool[np.ndarray, "mask row column"], *, read: tuple[int, int]
) -> Found:
    """How maps find masks, over the pixels that the network reads."""
    seen = strength[:, : read[0], : read[1]].reshape(len(strength), -1)
    inside = masks[:, : read[0], : read[1]].reshape(len(masks), -1).T.astype(np.float64)
    seen = np.where(seen.any(1, keepdims=True), seen, 1.0)
    largest = (seen == seen.max(1, keepdims=True)).astype(np.float64)
    return Found(*(share @ inside / share.sum(1, keepdims=True) for share in (largest, seen)))


def others(found: Float[np.ndarray, "frame frame"]) -> Float[np.ndarray, " frame"]:
    """How each frame's map finds the masks of the other frames, on average; NaN for a single frame."""
    with np.errstate(invalid="ignore"):
        return (found.sum(1) - np.diag(found)) / (np.float64(len(found)) - 1)


def above_others(found: Float[np.ndarray, "frame frame"]) -> Statistic:
    """How maps find their own frame's mask, less how they find those of other frames; 0 where they do not depend on it.

    Masks of all sizes stand equally often on both sides, so that large ones are no advantage. Other frames' masks are
    weighted as the frames are, so that an interval has their spread too.
    """
    own = np.diag(found)
    rest = found - np.diag(own)

    def statistic(weights: Float[np.ndarray, "*resample frame"]) -> Float[np.ndarray, "*resample"]:
        total = weights.sum(-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            elsewhere = (weights @ rest.T) / (total - weights)
        counted = np.where(weights > 0, weights * (own - elsewhere), 0.0)
        return np.asarray(counted.sum(-1) / total[..., 0])

    return statistic
