"""Similarities and summaries; plain numpy in double precision."""

import numpy as np


def cosine_similarity(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Cosine of the angle between each row of `[N, D]` and `[D]`; 0 where either has no length."""
    vectors, direction = np.asarray(vectors, float), np.asarray(direction, float)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(direction)
    return np.divide(vectors @ direction, lengths, out=np.zeros(len(vectors)), where=lengths > 0)


def correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Pearson's correlation of two `[N]`; None where either does not vary."""
    x, y = (np.asarray(values, float) - np.mean(values) for values in (x, y))
    length = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / length) if length > 0 else None


def sign_changes(x: np.ndarray, y: np.ndarray) -> float:
    """Share of pairs of strictly opposite sign."""
    return float(np.mean(np.sign(x) * np.sign(y) < 0))
