"""The notebook's dream: ascend an objective from a start at any of the five targets, and the same problem done well."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from minetest_interp.model.architecture import GREYS
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.networks import Blocks, Network, plain, run
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, Sizes


class Dream(NamedTuple):
    """start, image: `[1, ...]` at the target. scores: `[steps + 1]`, the objective before each step and at the end."""

    start: AnyArray
    image: AnyArray
    scores: np.ndarray


def grey_start(geometry: Sizes, *, seed: int) -> np.ndarray:
    """The notebook's start: grey level 128 plus a tenth of a level of uniform noise, `[1, T, H, W]`."""
    noise = np.random.default_rng(seed).random((1, *geometry.shape("input")), dtype=np.float32)
    return 128 + np.float32(0.1) * noise


def deep_dream(
    policy: Policy,
    objective: Objective,
    start: AnyArray,
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
    begin = np.asarray(run(plain(policy), start).layers[target])
    image, scores = plain_ascent(
        plain(policy, start=target),
        objective,
        begin,
        lr=lr,
        steps=steps,
        bounds=policy.architecture.bounds(target),
        progress=progress,
    )
    return Dream(begin, image, scores[:, 0])


def plain_ascent(
    network: Network,
    objective: Objective,
    start: AnyArray,
    *,
    lr: float,
    steps: int,
    bounds: tuple[float, float] = GREYS,
    names: Sequence[str] = (),
    progress: Callable[[int], object] = lambda step: None,
) -> tuple[np.ndarray, np.ndarray]:
    """`deep_dream` of a batch, each item on its own: the last step's items, and the scores `[steps + 1, B]`.

    Networks of one geometry share one compiled step.

    Args:
      start: `[B, ...]`, activations of the target at which the network starts; bounds: what they can be.
      lr: step length per unit of gradient. names: of the items, for errors.

    Raises:
      FloatingPointError: the objective stopped being finite; says whose, and at which step.
    """
    # Not moved from NumPy to JAX at every step.
    fixed = jax.device_put((network, _as_tree(objective), np.array(bounds, np.float32)))
    length, still = jax.device_put((np.float32(lr), np.float32(0)))
    x, scores = _pack(network, start), []
    for i in range(steps):
        score, x = _step(fixed, x, length)
        scores.append(score)
        progress(i + 1)
    scores.append(_step(fixed, x, still)[0])
    return _unpack(network, x, start), _finite(scores, names)


def sign_ascent(
    network: Network,
    objective: Objective,
    start: AnyArray,
    *,
    step: float = 16.0,
    steps: int = 100,
    progress: Callable[[int], object] = lambda step: None,
) -> Dream:
    """The notebook's problem, the box of grey levels 0..255, by projected sign ascent.

    Every pixel moves by the same amount, `step` grey levels at first and linearly less to none, along the sign of
    its gradient; pixels without gradient stay.

    Args:
      network: of `networks`. start: stacks `[B, T, H, W]`; the items ascend independently, their scores are summed.

    Raises:
      FloatingPointError: the objective stopped being finite.
    """
    fixed = jax.device_put((network, _as_tree(objective), np.array(GREYS, np.float32)))
    x, scores = _pack(network, start), []
    for i in range(steps):
        score, x = _step(fixed, x, np.float32(step * (1 - i / steps)), sign=True)
        scores.append(score)
        progress(i + 1)
    scores.append(_step(fixed, x, np.float32(0), sign=True)[0])
    return Dream(start, _unpack(network, x, start), _finite(scores).sum(1))


def _as_tree(objective: Objective) -> Objective:
    """An objective that compiled functions take as an argument; a plain function is compiled in."""
    return jax.tree_util.Partial(objective) if jax.tree_util.all_leaves([objective]) else objective


# ASSUME: a Python loop over one compiled step. XLA runs convolutions inside lax loops on a single thread.
@functools.partial(jax.jit, static_argnames="sign")
def _step(fixed, x: Array, length: Array, sign: bool = False) -> tuple[Array, Array]:
    network, objective, (low, high) = fixed
    forward = network.run if isinstance(network, Blocks) else network

    def total(x: Array) -> tuple[Array, Array]:
        score = objective(forward(x))
        return score.sum(), score

    gradient, score = jax.grad(total, has_aux=True)(x)
    return score, jnp.clip(x + length * (jnp.sign(gradient) if sign else gradient), low, high)


def _pack(network: Network, start: AnyArray) -> AnyArray:
    return network.pack(start) if isinstance(network, Blocks) else start


def _unpack(network: Network, x: AnyArray, start: AnyArray) -> np.ndarray:
    return np.asarray(network.unpack(x, start) if isinstance(network, Blocks) else x)


def _finite(of_steps: list[Array], names: Sequence[str] = ()) -> np.ndarray:
    scores = np.stack([np.asarray(score) for score in of_steps])
    if not np.isfinite(scores).all():
        step, item = (int(index) for index in np.argwhere(~np.isfinite(scores))[0])
        name = names[item] if names else "the dream's objective"
        raise FloatingPointError(
            f"{name} must stay finite while it is ascended; it is {scores[step, item]} at step {step}. "
            "Check the policy's parameters, or lower `lr`."
        )
    return scores
