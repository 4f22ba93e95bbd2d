"""Similarities and summaries; plain numpy in double precision."""

import numpy as np
import scipy.stats


def cosine_similarity(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Cosine of the angle between each row of `[N, D]` and `[D]`; 0 where either has no length."""
    vectors, direction = np.asarray(vectors, float), np.asarray(direction, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(direction)
    return np.divide(vectors @ direction, lengths, out=np.zeros(len(vectors)), where=lengths > 0)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of two arrays of one shape; NaN where either does not vary."""
    x, y = (np.asarray(values, float).ravel() - np.mean(values) for values in (x, y))
    length = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / length) if length > 0 else float("nan")


def correlations(rows: np.ndarray) -> np.ndarray:
    """Pearson's correlations of the rows of `[M, N]`, `[M, M]`; NaN where one does not vary."""
    centred = np.asarray(rows, float) - np.mean(rows, axis=1, keepdims=True, dtype=float)
    lengths = np.linalg.norm(centred, axis=1)
    products = np.outer(lengths, lengths)
    found = np.full(products.shape, np.nan)
    np.divide(centred @ centred.T, products, out=found, where=products > 0)
    return found.clip(-1, 1)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two vectors, ties sharing their mean rank; NaN if either is constant."""
    return correlation(scipy.stats.rankdata(a), scipy.stats.rankdata(b))


def highest(values: np.ndarray, *, count: int) -> np.ndarray:
    """Indices of the `count` highest of `[N]`, highest first; equal ones in their order."""
    return np.argsort(-np.asarray(values), kind="stable")[:count]


def share_larger(values: np.ndarray, channel: int) -> np.ndarray:
    """Share of the other channels whose value is larger than this one's: `[..., C]` to `[...]`."""
    return (values > values[..., channel, None]).sum(-1) / (values.shape[-1] - 1)


def opposite_signs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where two arrays of one shape have strictly opposite signs, boolean."""
    return np.sign(x) * np.sign(y) < 0


def sign_changes(x: np.ndarray, y: np.ndarray) -> float:
    """Share of pairs of strictly opposite sign."""
    return float(np.mean(opposite_signs(x, y)))
