"""Which frames to weigh how for a direction of a layer: trunks' side, brightness, and the first given the second.

A direction is the sum of the frames' activations by such weights `[N]`, which sum to zero (`combined`). All point to
the left: they are added where trunks, or dark halves, on the left are to be distinguished from right.
"""

import numpy as np
from jaxtyping import Float, Num

from minetest_interp.analysis import interventions
from minetest_interp.io.errors import InputError
from minetest_interp.model.labels import OFF_MIDDLE
from minetest_interp.model.policy import Policy


def combined(
    policy: Policy, layer: str, greys: np.ndarray, weights: Float[np.ndarray, "direction frame"]
) -> Float[np.ndarray, "direction row column channel"]:
    """Sums of a layer's activations on frames, as it is shown, by rows of weights."""
    total = np.zeros((len(weights), *policy.architecture.shape(layer)))
    for part, activation in interventions.stream_activations(policy, layer, greys):
        total += np.tensordot(weights[:, part], activation.astype(np.float64), 1)
    return total.astype(np.float32)


def darker_left(difference: Num[np.ndarray, " frame"], *, least: int = 5) -> Float[np.ndarray, " frame"]:
    """Mean of the frames whose left half is darker less mean of those whose right half is.

    Args:
      difference: mean grey level of the left half less that of the right. least: frames that each side must have.

    Raises:
      InputError: a side has fewer.
    """
    left, right = difference < 0, difference > 0
    if min(left.sum(), right.sum()) < least:
        raise InputError(
            f"a direction of brightness needs at least {least} frames that are darker on each side; got {left.sum()} "
            f"darker on the left, {right.sum()} on the right. Label more."
        )
    return left / left.sum() - right / right.sum()


def side_given(
    position: Num[np.ndarray, " frame"], difference: Num[np.ndarray, " frame"]
) -> Float[np.ndarray, " frame"]:
    """Trunk on the left less on the right at equal brightness of both halves, by least squares.

    Frames with the trunk within `OFF_MIDDLE` of the middle, or without one (NaN), have weight 0.
    """
    off = np.abs(np.nan_to_num(position)) > OFF_MIDDLE
    side = -np.sign(position[off])
    design = np.stack([side, np.ones(len(side)), difference[off]], 1)
    weights = np.zeros(len(position))
    weights[off] = 2 * np.linalg.pinv(design)[0]
    return weights


def without(vector: Float[np.ndarray, "*shape"], direction: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The part of a vector that is orthogonal to a direction; all of it where the direction has no length."""
    length = np.linalg.norm(direction)
    if not length:
        return vector
    along = direction / length
    return np.asarray(vector - (vector * along).sum() * along, vector.dtype)
