"""The scripted steering rule that the demo policy imitates: pure functions of labels, never of grey levels.

A *view* is a picture's labels on one pixel grid: `trunk`, boolean `[h, w]`, and `distance`, float `[h, w]` in nodes
(1 node = 1 m), infinite where nothing is hit. Positions run from -1 to 1: -1 is the left or lower edge of the view, 1
the right or upper edge, and pixels count at their centres. The 36 actions are in the published order,
18 forward + 9 jump + 3 mouse_x + mouse_y, with mouse_x 0 = left, 2 = right and mouse_y 0 = up, 2 = down.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

# ASSUME: settled by earlier policies, measured on frames that are neither the study's nor those for training now.
SIGHT_NODES = 24.0  # trunks farther away are lost in the fog
FULL_SHARE = 0.3  # a trunk that covers this share of the view has the rule's whole attention
NEAREST_QUANTILE = 0.1  # "how far a trunk is": this quantile of its pixels' distances, so that no stray pixel decides
BLUR_NODES = 3.0  # trunks that lie less than this farther away than the nearest still pull
VALUE_NODES = 8.0  # the value falls by a factor e over this distance
REACH_NODES, REACH_BLUR_NODES = 3.5, 0.5  # dig below this distance; walk above it
AHEAD = 0.5  # a trunk this far from the centre is no longer quite ahead
TURN_PULL, PITCH_PULL, REST = 4.0, 2.0, 1.0  # logits of the mouse: pull at the edge of the view, and of no motion
WALK_TOWARD, WALK_ASIDE, WALK_SEARCHING = 0.9, 0.3, 0.7  # probability of forward
JUMP_WALKING, JUMP_STANDING = 0.2, 0.02  # probability of jump


class Target(NamedTuple):
    """The nearest trunk in a view.

    attention: 0 (no trunk in sight) to 1. x, y: position in [-1, 1], right and up positive; 0 without attention.
    distance: in nodes, infinite without attention.
    """

    attention: float
    x: float
    y: float
    distance: float


def find_target(trunk: Bool[np.ndarray, "row column"], distance: Num[np.ndarray, "row column"]) -> Target:
    """Finds the nearest trunk: a mean over trunk pixels in sight in which near pixels count most.

    A pixel d nodes behind the trunk's distance weighs exp(-d / BLUR_NODES), so that two trunks at the same distance
    pull to the middle between them and a trunk far behind another does not pull. Attention is the share of the
    view covered by trunk in sight, over FULL_SHARE, at most 1.

    Mirroring the view exactly negates x and changes nothing else, up to rounding.
    """
    height, width = trunk.shape
    rows, columns = np.nonzero(trunk & (distance <= SIGHT_NODES))
    if not len(rows):
        return Target(0.0, 0.0, 0.0, np.inf)
    away = distance[rows, columns].astype(np.float64)
    nearest = float(np.quantile(away, NEAREST_QUANTILE))
    weights = np.exp(-np.maximum(away - nearest, 0) / BLUR_NODES)
    weights /= weights.sum()
    x = float(weights @ (2 * (columns + 0.5) / width - 1))
    y = -float(weights @ (2 * (rows + 0.5) / height - 1))
    return Target(min(1.0, len(rows) / trunk.size / FULL_SHARE), x, y, nearest)


def action_probabilities(target: Target) -> Float[np.ndarray, "36"]:
    """The rule's distribution over the 36 actions.

    Turning: mouse_x is drawn from softmax(-4 a x, 1, 4 a x) and mouse_y (up, none, down) from
    softmax(2 a y, 1, -2 a y), where a is the attention; so p(right) - p(left) grows smoothly with x and has its sign.
    Walking: forward has probability .9 where the trunk is ahead and .3 where it is far to a side, times the
    probability of not digging; digging (standing still; punching is always on) sets in where the trunk is
    ahead and nearer than REACH_NODES. Jumping: .2 when walking, .02 when not.
    Searching: as the attention goes to 0 the rule walks with probability .7 and turns left as often as right.
    """
    a = target.attention
    ahead = np.exp(-((target.x / AHEAD) ** 2))
    dig = ahead / (1 + np.exp(np.minimum((target.distance - REACH_NODES) / REACH_BLUR_NODES, 500)))
    toward = (WALK_ASIDE + (WALK_TOWARD - WALK_ASIDE) * ahead) * (1 - dig)
    walk = a * toward + (1 - a) * WALK_SEARCHING
    forward = np.array([1 - walk, walk])
    jump = np.array([[1 - JUMP_STANDING, JUMP_STANDING], [1 - JUMP_WALKING, JUMP_WALKING]])
    mouse_x = _softmax(np.array([-TURN_PULL * a * target.x, REST, TURN_PULL * a * target.x]))
    mouse_y = _softmax(np.array([PITCH_PULL * a * target.y, REST, -PITCH_PULL * a * target.y]))
    return np.einsum("f,fj,x,y->fjxy", forward, jump, mouse_x, mouse_y).reshape(-1)


def rule_value(target: Target) -> float:
    """How near a trunk is: attention times exp(-distance / 8 nodes), in [0, 1]; 0 with none in sight."""
    return float(target.attention * np.exp(-target.distance / VALUE_NODES))


def yaw(probabilities: Float[np.ndarray, "*batch 36"]) -> Float[np.ndarray, "*batch"]:
    """p(left) - p(right) of distributions: positive turns left, as everywhere in this project."""
    mouse_x = probabilities.reshape(*probabilities.shape[:-1], 2, 2, 3, 3).sum((-4, -3, -1))
    return np.asarray(mouse_x[..., 0] - mouse_x[..., 2])


def mirror_actions(probabilities: Float[np.ndarray, "*batch 36"]) -> Float[np.ndarray, "*batch 36"]:
    """The same distribution with left and right exchanged."""
    factors = probabilities.reshape(*probabilities.shape[:-1], 2, 2, 3, 3)
    return factors[..., ::-1, :].reshape(probabilities.shape)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
