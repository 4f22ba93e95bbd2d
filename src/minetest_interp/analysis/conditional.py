"""How two numbers go together given others: partial correlation as a statistic of weights."""

import numpy as np
from jaxtyping import Num

from minetest_interp.analysis.intervals import Statistic

ROUNDING = 1e-9  # of a variance: what is left of it below this share is none


def weighted_partial_correlation(
    x: Num[np.ndarray, " sample"], y: Num[np.ndarray, " sample"], given: Num[np.ndarray, "variable sample"]
) -> Statistic:
    """Pearson's correlation of what least squares by `given` and a constant leave of x and y.

    Of ranks it is the partial rank correlation. NaN where nothing is left of either.
    """
    rows = np.concatenate([np.stack([x, y]), np.asarray(given)]).astype(np.float64)
    rows -= rows.mean(1, keepdims=True)
    count = len(rows)
    products = (rows[:, None] * rows[None]).reshape(count**2, -1)

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(-1)[..., None]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = weights @ rows.T / total
            squares = (weights @ products.T / total).reshape(*weights.shape[:-1], count, count)
        covariance = np.nan_to_num(squares - means[..., :, None] * means[..., None, :])
        own, shared, between = covariance[..., :2, :2], covariance[..., :2, 2:], covariance[..., 2:, 2:]
        explained = shared @ np.linalg.pinv(between, rcond=ROUNDING, hermitian=True) @ np.swapaxes(shared, -1, -2)
        left = own - explained
        variances = [np.where(left[..., i, i] > ROUNDING * own[..., i, i], left[..., i, i], np.nan) for i in (0, 1)]
        return np.asarray(left[..., 0, 1] / np.sqrt(variances[0] * variances[1]))

    return statistic
