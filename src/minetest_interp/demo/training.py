"""Behaviour cloning: a policy that answers random crops as the steering rule does."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float

from minetest_interp.demo.crops import Frame, exposed, random_crops, with_mirrors
from minetest_interp.demo.initial import Network
from minetest_interp.model.architecture import Edit
from minetest_interp.model.batches import map_batches
from minetest_interp.model.policy import LAYERS, Geometry, Policy, nature

WHERE_LAYERS = ("conv1", "conv2")


class Settings(NamedTuple):
    """How to train.

    batches, crops: steps of the optimiser, and crops in each, one half the mirror images of the other.
    learning_rate: of Adam at the start; it falls to 0 along half a cosine. weight_decay: decoupled.
    value_weight, where_weight: of the value's squared error, and of reading where trunks are from the convolutions,
      beside the cross-entropy of the actions in nats.
    average: share of the running mean of the parameters kept at each step; the mean is what is saved.
    planted: share of crops with trees from other frames.
    dropout: share of hidden units silenced at each step; of conv2's channels, a quarter of that share.
    """

    seed: int = 1
    batches: int = 10000
    crops: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    value_weight: float = 4.0
    average: float = 0.995
    planted: float = 0.8
    dropout: float = 0.2
    where_weight: float = 2.0


def train(
    frames: Sequence[Frame], settings: Settings, *, progress: Callable[[int, float], None] = lambda step, loss: None
) -> Policy:
    """Trains a policy from scratch; the same frames and settings give the same bytes on one machine.

    Args:
      progress: called every 50 batches with how many are done and the loss in nats.
    """
    # The stack is static, so only the sum of conv0's kernel over its frames matters: one frame is trained, and each
    # frame of the saved policy gets an equal share of its kernel.
    geometry = Geometry(frames=1)
    network = Network(geometry)
    rng = np.random.default_rng(settings.seed)
    key = jax.random.key(settings.seed)
    params = {
        "network": network.init(key, jnp.zeros((1, *geometry.shape("input"))))["params"],
        "where": {name: jnp.zeros((geometry.channels[LAYERS.index(name)] + 1, 2)) for name in WHERE_LAYERS},
    }
    optimiser = optax.adamw(
        optax.cosine_decay_schedule(settings.learning_rate, settings.batches), weight_decay=settings.weight_decay
    )

    def loss(params, key, crops):
        policy = Policy(geometry, params["network"])
        trace = policy.run(crops.greys[:, None], edit=_dropout(key, settings.dropout))
        error = ((trace.value - crops.values) ** 2).mean()
        cross_entropy = optax.softmax_cross_entropy(trace.logits, crops.probabilities).mean()
        where = _where_loss(params["where"], trace.layers, crops.trunk, geometry)
        return cross_entropy + settings.value_weight * error + settings.where_weight * where, cross_entropy

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params, mean, state, key, crops):
        (_, found), gradient = jax.value_and_grad(loss, has_aux=True)(params, key, crops)
        update, state = optimiser.update(gradient, state, params)
        params = optax.apply_updates(params, update)
        return params, optax.incremental_update(params, mean, 1 - settings.average), state, found

    mean, state = jax.tree.map(jnp.copy, params), optimiser.init(params)
    for done in range(1, settings.batches + 1):
        crops = exposed(
            rng, with_mirrors(random_crops(rng, frames, count=settings.crops // 2, planted=settings.planted))
        )
        params, mean, state, found = step(params, mean, state, jax.random.fold_in(key, done), crops)
        if done % 50 == 0 or done == settings.batches:
            progress(done, float(found))
    return _with_frames(Policy(geometry, jax.tree.map(np.asarray, mean["network"])), Geometry().frames)


def predictions(
    policy: Policy, greys: Float[np.ndarray, "batch row column"]
) -> tuple[Float[np.ndarray, "batch action"], Float[np.ndarray, " batch"]]:
    """The policy's action probabilities and values for grey frames, as static stacks."""
    run = jax.jit(lambda grey: policy.run(jnp.repeat(grey[:, None], policy.geometry.frames, 1))[:2])
    logits, values = map_batches(run, greys)
    return np.asarray(jax.nn.softmax(logits)), values


def _where_loss(heads: Mapping[str, Array], layers: Mapping[str, Array], trunk: Array, geometry: Geometry) -> Array:
    """Cross-entropy in nats of reading from each position of a convolution how much trunk it looks at.

    What a position looks at is the middle half of its receptive field. The reading is linear and
    shared by all positions; it serves training alone and is thrown away.
    """
    total = 0.0
    for name, head in heads.items():
        _, _, field, _ = nature(geometry).box(name, (0, 0))
        stride, *_ = nature(geometry).box(name, (1, 0))
        margin, side = field // 4, geometry.shape(name)[0]
        width = field - 2 * margin
        middle = trunk[:, margin : margin + width + stride * (side - 1), margin : margin + width + stride * (side - 1)]
        sums = jax.lax.reduce_window(middle, 0.0, jax.lax.add, (1, width, width, 1), (1, stride, stride, 1), "VALID")
        read = nn.relu(layers[name]) @ head[:-1] + head[-1].reshape(1, 1, 1, -1)
        total += optax.sigmoid_binary_cross_entropy(read, sums / width**2).mean()
    return jnp.asarray(total)


def _dropout(key: Array, share: float) -> Edit:
    """Silences a random share of the hidden units and of the last convolution's channels, and scales up the others."""

    def edit(name: str, activation: Array) -> Array:
        if name not in ("conv2", "hidden"):
            return activation
        shape = (len(activation), *(1,) * (activation.ndim - 2), activation.shape[-1])
        lost = share if name == "hidden" else share / 4
        kept = jax.random.bernoulli(jax.random.fold_in(key, LAYERS.index(name)), 1 - lost, shape)
        return activation * kept / (1 - lost)

    return edit


def _with_frames(policy: Policy, frames: int) -> Policy:
    """The policy of one frame as one of `frames` frames that gives the same answers on a static stack."""
    kernel = np.repeat(policy.params["conv0"]["kernel"] / frames, frames, axis=2)
    params = {**policy.params, "conv0": {**policy.params["conv0"], "kernel": kernel}}
    return Policy(policy.geometry._replace(frames=frames), params)
