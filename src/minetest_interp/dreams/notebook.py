"""The notebook's dream: ascend an objective from a start at any of the five targets, and the same problem done well."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from minetest_interp.model.networks import Blocks, Network
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Geometry, Policy

# What each target can be: grey levels, any pre-activation, and what a ReLU lets through.
RANGES = {
    "input": (0.0, 255.0),
    "conv0": (-jnp.inf, jnp.inf),
    "conv1": (-jnp.inf, jnp.inf),
    "conv2": (-jnp.inf, jnp.inf),
    "hidden": (0.0, jnp.inf),
}


class Dream(NamedTuple):
    """start, image: `[1, ...]` at the target. scores: `[steps + 1]`, the objective before each step and at the end."""

    start: Array
    image: Array
    scores: np.ndarray


def grey_start(geometry: Geometry, *, seed: int) -> Array:
    """The notebook's start: grey level 128 plus a tenth of a level of uniform noise, `[1, T, H, W]`."""
    noise = np.random.default_rng(seed).random((1, *geometry.shape("input")), dtype=np.float32)
    return jnp.asarray(128 + 0.1 * noise)


def deep_dream(
    policy: Policy,
    objective: Objective,
    start: Array,
    *,
    target: str = "input",
    lr: float = 1e3,
    steps: int = 600,
    progress: Callable[[int], object] = lambda step: None,
) -> Dream:
    """The notebook's dream: plain gradient ascent, clipped to the target's range after each step.

    Args:
      start: a stack `[1, T, H, W]`; the ascent begins at its activation of `target`.
      lr: step length per unit of gradient.
      progress: is called with the number of each step that is done.

    Raises:
      FloatingPointError: the objective stopped being finite.
    """
    trace = policy.run(start)
    x = begin = trace.layers[target]
    low, high = RANGES[target]
    # ASSUME: a Python loop over one compiled step. XLA runs convolutions inside lax loops on a single thread.
    step = jax.jit(jax.value_and_grad(lambda x: objective(policy.run(x, start=target)).sum()))
    scores = []
    for i in range(steps):
        score, gradient = step(x)
        scores.append(score)
        x = jnp.clip(x + lr * gradient, low, high)
        progress(i + 1)
    return Dream(begin, x, _finite([*scores, step(x)[0]]))


def sign_ascent(
    network: Network,
    objective: Objective,
    start: Array,
    *,
    step: float = 16.0,
    steps: int = 100,
    progress: Callable[[int], object] = lambda step: None,
) -> Dream:
    """The notebook's problem, the box of grey levels 0..255, by projected sign ascent.

    Every pixel moves by the same amount, `step` grey levels at first and linearly less to none, along the sign of
    its gradient; pixels without gradient stay.

    Args:
      network: of `blocks`. start: stacks `[B, T, H, W]`; the items ascend independently, their scores are summed.

    Raises:
      FloatingPointError: the objective stopped being finite.
    """
    x, scores = network.pack(start) if isinstance(network, Blocks) else start, []
    for i in range(steps):
        score, x = _sign_step(network, objective, x, step * (1 - i / steps))
        scores.append(score)
        progress(i + 1)
    last = _sign_step(network, objective, x, 0.0)[0]
    whole = network.unpack(x, start) if isinstance(network, Blocks) else x
    return Dream(start, whole, _finite([*scores, last]))


@jax.jit
def _sign_step(network: Network, objective: Objective, x: Array, length: Array) -> tuple[Array, Array]:
    run = network.run if isinstance(network, Blocks) else network
    score, gradient = jax.value_and_grad(lambda x: objective(run(x)).sum())(x)
    return score, jnp.clip(x + length * jnp.sign(gradient), *RANGES["input"])


def _finite(of_steps: list[Array]) -> np.ndarray:
    scores = np.asarray(of_steps)
    if not np.isfinite(scores).all():
        first = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise FloatingPointError(
            f"the dream's objective must stay finite; it is {scores[first]} at step {first}. Lower `lr`."
        )
    return scores
