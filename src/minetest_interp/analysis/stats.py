"""Similarities and summaries; plain numpy in double precision."""

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int, Num, Shaped


def cosine_similarity(
    vectors: Float[np.ndarray, "vector dimension"], direction: Float[np.ndarray, " dimension"]
) -> Float[np.ndarray, " vector"]:
    """Cosine of the angle between each vector and the direction; 0 where either has no length."""
    vectors, direction = np.asarray(vectors, float), np.asarray(direction, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(direction)
    return np.divide(vectors @ direction, lengths, out=np.zeros(len(vectors)), where=lengths > 0)


def half_means(greys: Num[np.ndarray, "frame *stack row column"]) -> Float[np.ndarray, "left_and_right frame"]:
    """Mean grey level of the left and of the right half of each frame."""
    middle, inside = greys.shape[-1] // 2, tuple(range(1, greys.ndim))
    return np.stack([half.mean(inside, dtype=np.float64) for half in (greys[..., :middle], greys[..., middle:])])


def correlation(x: Shaped[np.ndarray, "*sample"], y: Shaped[np.ndarray, "*sample"]) -> float:
    """Pearson's correlation of two arrays; NaN where either does not vary."""
    x, y = (np.asarray(values, float).ravel() - np.mean(values) for values in (x, y))
    length = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / length) if length > 0 else float("nan")


def correlations(rows: Shaped[np.ndarray, "variable sample"]) -> Float[np.ndarray, "variable variable"]:
    """Pearson's correlations of the rows with one another; NaN where one does not vary."""
    centred = np.asarray(rows, float) - np.mean(rows, axis=1, keepdims=True, dtype=float)
    lengths = np.linalg.norm(centred, axis=1)
    products = np.outer(lengths, lengths)
    found = np.full(products.shape, np.nan)
    np.divide(centred @ centred.T, products, out=found, where=products > 0)
    return found.clip(-1, 1)


def spearman(a: Shaped[np.ndarray, " sample"], b: Shaped[np.ndarray, " sample"]) -> float:
    """Rank correlation of two vectors, ties sharing their mean rank; NaN if either is constant."""
    return correlation(scipy.stats.rankdata(a), scipy.stats.rankdata(b))


def highest(values: Shaped[np.ndarray, " item"], *, count: int) -> Int[np.ndarray, " highest"]:
    """Indices of the `count` highest, highest first; equal ones in their order."""
    return np.argsort(-np.asarray(values), kind="stable")[:count]


def share_larger(values: Num[np.ndarray, "*weighting channel"], channel: int) -> Num[np.ndarray, "*weighting"]:
    """Share of the other channels whose value is larger than this one's."""
    return np.asarray((values > values[..., channel, None]).sum(-1) / (values.shape[-1] - 1))


def opposite_signs(x: Num[np.ndarray, "*sample"], y: Num[np.ndarray, "*sample"]) -> Bool[np.ndarray, "*sample"]:
    """Where two arrays have strictly opposite signs."""
    return np.sign(x) * np.sign(y) < 0


def sign_changes(x: Num[np.ndarray, "*sample"], y: Num[np.ndarray, "*sample"]) -> float:
    """Share of pairs of strictly opposite sign."""
    return float(np.mean(opposite_signs(x, y)))


def mirror_test(steering: Float[np.ndarray, " frame"], mirrored: Float[np.ndarray, " frame"]) -> dict:
    """How a behaviour answers to mirroring, over frames.

    A perfectly mirror-symmetric policy changes the sign on every frame, correlates 1 and has no bias.

    Returns:
      n; flips: share of frames whose sign changes; correlation: of the behaviour with minus its mirrored self, None
      where either does not vary; bias: mean of the two, which symmetry would make zero.
    """
    if not len(steering):
        return {"n": 0, "flips": None, "correlation": None, "bias": None}
    likeness = correlation(steering, -mirrored)
    return {
        "n": len(steering),
        "flips": sign_changes(steering, mirrored),
        "correlation": likeness if np.isfinite(likeness) else None,
        "bias": float((steering + mirrored).mean() / 2),
    }
