"""Behaviour cloning: a policy that answers random crops as the steering rule does."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from minetest_interp.demo.crops import Frame, random_crops
from minetest_interp.policy import Geometry, Network, Policy


class Settings(NamedTuple):
    """How to train.

    batches, crops: steps of the optimiser, and crops in each. learning_rate: of Adam at the start; it falls to 0 along
    half a cosine. weight_decay: decoupled. value_weight: weight of the value's squared error beside the cross-entropy
    in nats. average: share of the running mean of the parameters kept at each step; the mean is what is saved.
    """

    seed: int = 1
    batches: int = 3000
    crops: int = 64
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    value_weight: float = 4.0
    average: float = 0.995


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
    params = network.init(jax.random.key(settings.seed), jnp.zeros((1, *geometry.shape("input"))))["params"]
    optimiser = optax.adamw(
        optax.cosine_decay_schedule(settings.learning_rate, settings.batches), weight_decay=settings.weight_decay
    )

    def loss(params, greys, probabilities, values):
        trace = network.apply({"params": params}, greys[:, None])
        error = (trace.value - values) ** 2
        return (optax.softmax_cross_entropy(trace.logits, probabilities) + settings.value_weight * error).mean()

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params, mean, state, greys, probabilities, values):
        found, gradient = jax.value_and_grad(loss)(params, greys, probabilities, values)
        update, state = optimiser.update(gradient, state, params)
        params = optax.apply_updates(params, update)
        return params, optax.incremental_update(params, mean, 1 - settings.average), state, found

    mean, state = jax.tree.map(jnp.copy, params), optimiser.init(params)
    for done in range(1, settings.batches + 1):
        crops = random_crops(rng, frames, count=settings.crops, exposures=True)
        params, mean, state, found = step(params, mean, state, crops.greys, crops.probabilities, crops.values)
        if done % 50 == 0 or done == settings.batches:
            progress(done, float(found))
    return _with_frames(Policy(geometry, jax.tree.map(np.asarray, mean)), Geometry().frames)


def answers(policy: Policy, greys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The policy's action probabilities `[N, A]` and values `[N]` for grey frames `[N, 64, 64]`, each seen as a static stack."""
    run = jax.jit(lambda grey: policy.run(jnp.repeat(grey[:, None], policy.geometry.frames, 1))[:2])
    parts = [run(greys[i : i + 256]) for i in range(0, len(greys), 256)]
    logits, values = (np.concatenate([np.asarray(part[k]) for part in parts]) for k in (0, 1))
    return np.asarray(jax.nn.softmax(logits)), values


def _with_frames(policy: Policy, frames: int) -> Policy:
    """The policy of one frame as one of `frames` frames that answers a static stack alike."""
    kernel = np.repeat(policy.params["conv0"]["kernel"] / frames, frames, axis=2)
    params = policy.params | {"conv0": policy.params["conv0"] | {"kernel": kernel}}
    return Policy(policy.geometry._replace(frames=frames), params)
