"""How much of a readout some channels of a layer carry: all others are held at their means over frames.

Means are those at each position, of what the next layer reads. Sets of channels are 0 or 1, `[U, C]`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int

from minetest_interp.analysis.mask_overlap import activations
from minetest_interp.model import networks
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.batches import map_batches
from minetest_interp.model.networks import Plain
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy

RUNS = 256  # edited runs at a time
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of a layer's channels that are kept, or held


def read_activation(
    policy: Policy, layer: str, greys: Float[np.ndarray, "frame *stack row column"]
) -> Float[np.ndarray, "frame ... channel"]:
    """A layer's activation on frames as the next layer reads it: after the ReLU, where one follows."""
    shown = activations(policy, greys, [layer])[layer]
    return np.maximum(shown, 0) if policy.architecture.passed_through(layer) == "relu" else shown


def keep_alone(
    policy: Policy,
    readout: Objective,
    layer: str,
    activation: Float[np.ndarray, "frame ... channel"],
    means: Float[np.ndarray, "... channel"],
    kept: Bool[np.ndarray, "set channel"],
) -> Float[np.ndarray, "frame set"]:
    """The readout of each frame where the channels of a set keep their activation and all others have their means.

    Args:
      activation: as `read_activation` gives it.
    """
    network = networks.plain(policy, start=layer)
    count = len(activation) * len(kept)
    # Filled up, so that few runs take the step that is compiled for many.
    frames, sets = np.divmod(np.minimum(np.arange(max(count, RUNS)), count - 1), len(kept))

    def step(frame: np.ndarray, number: np.ndarray) -> Array:
        own = kept[number].reshape(len(number), *[1] * (means.ndim - 1), -1)
        return _read(network, readout, np.where(own, activation[frame], means[None]))

    return map_batches(step, frames, sets, size=RUNS)[:count].reshape(len(activation), len(kept))


def holding_effects(
    policy: Policy,
    readout: Objective,
    layer: str,
    activation: Float[np.ndarray, "frame ... channel"],
    means: Float[np.ndarray, "... channel"],
) -> Float[np.ndarray, " channel"]:
    """Mean absolute change of the readout over frames when one channel alone is held at its mean."""
    channels = activation.shape[-1]
    kept = np.concatenate([np.ones((1, channels), bool), ~np.eye(channels, dtype=bool)])
    read = keep_alone(policy, readout, layer, activation, means, kept).astype(np.float64)
    return np.abs(read[:, 1:] - read[:, :1]).mean(0)


def explained(
    readout: Float[np.ndarray, " frame"], kept: Float[np.ndarray, "frame set"]
) -> Callable[[np.ndarray], np.ndarray]:
    """The variance of the readout that each set explains: 1 less that of its change over its own, `[..., U]`.

    1 where it stays as it is and 0 where it no longer varies, less where it is further from itself than its mean is. A
    constant change does not count. NaN where the readout does not vary.
    """
    readout, change = np.asarray(readout, np.float64), np.asarray(kept, np.float64) - readout[:, None]
    # About their means, so that small variances are exact.
    readout, change = readout - readout.mean(), change - change.mean(0)

    def statistic(weights: Float[np.ndarray, "*resample frame"]) -> Float[np.ndarray, "*resample set"]:
        total = weights.sum(-1, keepdims=True)
        left = weights @ change**2 / total - (weights @ change / total) ** 2
        whole = weights @ readout[:, None] ** 2 / total - (weights @ readout[:, None] / total) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(whole > 0, 1 - left / whole, np.nan)

    return statistic


def share_of(channels: int, share: float) -> int:
    """How many of a layer's two or more channels a share is: at least 1, at most all but 1."""
    return int(np.clip(round(share * channels), 1, channels - 1))


def sizes(channels: int) -> Int[np.ndarray, " size"]:
    """How many channels `SHARES` of a layer are, and how many are left then; each number once, smallest first."""
    some = {share_of(channels, share) for share in SHARES}
    return np.array(sorted(some | {channels - count for count in some}))


def strongest_sets(
    strength: Float[np.ndarray, " channel"], count: Int[np.ndarray, " set"]
) -> Bool[np.ndarray, "set channel"]:
    """For each of some numbers the set of as many channels, the strongest; equal ones in their order."""
    ranks = np.argsort(np.argsort(-strength, kind="stable"))
    return ranks[None] < count[:, None]


@jax.jit
def _read(network: Plain, readout: Objective, activation: AnyArray) -> Array:
    return jnp.asarray(readout(network(activation)))
