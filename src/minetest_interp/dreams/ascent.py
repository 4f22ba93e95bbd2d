"""Adam with jitter and noise on images as parameters: U objectives x K seeds at once, over C copies each.

Each step shows every image to the network in C copies, each moved by its own whole number of pixels (edges repeated)
and with its own noise. The draws depend on seed, step and copy alone, never on what else is in the batch.
A step is one compiled function called from Python: XLA runs convolutions inside lax loops on a single thread.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from minetest_interp.dreams import parametrisations
from minetest_interp.dreams.parametrisations import Image, Window
from minetest_interp.io.errors import InputError
from minetest_interp.model import objectives
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.batches import map_batches
from minetest_interp.model.networks import Field, Network
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import nature

FORMS = ("penalty", "target")
VIEWS = 2**11  # kept: two seeds and two copies of 512 steps, 32 MiB at 64 x 64 pixels
RENDERED = 4  # pictures at a time: few enough that most calls have so many, and compile nothing new


class Method(NamedTuple):
    """How to ascend.

    steps, lr: of Adam. copies, jitter (pixels either way), noise (standard deviation in grey levels): of the views.
    form "penalty" maximises objective - strength / 2 * mean(z^2); "target" minimises
    pull * relu(target - objective) + strength / 2 * sum(z^2), z being the parameters' distance from their anchor.
    """

    steps: int = 384
    lr: float = 0.05
    copies: int = 2
    jitter: int = 4
    noise: float = 10.0
    form: str = "penalty"
    strength: float = 2.0
    pull: float = 50.0


class Draws(NamedTuple):
    """Of each view: its move, `[C, K, 2]` whole pixels from 0 to 2 jitter, and its normal noise `[C, K, h, w]`."""

    moves: AnyArray
    noise: AnyArray


class Ascent(NamedTuple):
    """parameters: `[U, K, ...]`. scores: `[steps, U, K]`, each step's objective, the mean over its copies."""

    parameters: AnyArray
    scores: np.ndarray


def ascend(
    network: Network,
    asked: Sequence[Objective],
    image: Image,
    *,
    seeds: Sequence[int],
    method: Method = Method(),  # noqa: B008, a NamedTuple is immutable
    targets: Sequence[float] | None = None,
    anchors: AnyArray | None = None,
    position: tuple[int, int] | None = None,
    names: Sequence[str] | None = None,
    progress: Callable[[int], None] = lambda step: None,
) -> Ascent:
    """Ascends each of U objectives from each of K seeds.

    Args:
      asked: objectives of one kind, scaled by their natural standard deviation (see `objectives.scaled`). On a
        `Field` network they must read the unit at `position` alone.
      targets: `[U]`, form "target" only: where each objective has reached enough, in its own units.
      anchors: `[U, ...]` parameters of real frames to start from and to be held to (accentuation); zero if left out.
      position: (row, column) of the unit that a `Field` network computes.
      names: of the objectives, for errors.
      progress: is called with the number of each step that is done.

    Raises:
      InputError: a setting out of range, or objectives that do not fit the network.
      FloatingPointError: an objective stopped being finite; says which, and at which step.
    """
    _check(method, targets, asked, seeds)
    view, box = _view(network, image, position, method.jitter)
    if position is not None:
        asked = [objectives.at(objective, position) for objective in asked]
    goal = np.zeros(len(asked)) if targets is None else np.asarray(targets)
    # Not moved from NumPy to JAX at every step.
    fixed = jax.device_put((network, objectives.stack(asked), image, view, _weigh(method, image, goal)))
    z, anchor = _begin(image, len(asked), seeds, anchors)
    shapes = jax.eval_shape(optax.adam(method.lr).init, z)
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    names, scores = names or [f"objective {i}" for i in range(len(asked))], []
    for step in range(method.steps):
        draws = _draw(seeds, step, method, image.sides, box)
        z, state, score = _step(fixed, z, anchor, state, draws, seen=box[2:])
        scores.append(score)
        progress(step + 1)
        if step % 64 == 63:
            _check_finite(scores, 64, names)
    _check_finite(scores, len(scores), names)
    return Ascent(z, np.asarray(scores))


def pictures(image: Image, parameters: AnyArray) -> np.ndarray:
    """`[U, K, ...]` parameters to whole grey frames `[U, K, T, H, W]` (T = 1 when shared)."""
    flat = np.asarray(parameters).reshape(-1, *image.shape)
    whole = map_batches(lambda some: _render(image, some, parametrisations.window(image.sides)), flat, size=RENDERED)
    return whole.reshape(*parameters.shape[:2], *whole.shape[1:])


@jax.jit
def _render(image: Image, parameters: Array, view: Window) -> Array:
    return image.render(parameters, view)


class Weights(NamedTuple):
    """What a step adds up: reward * -score + pull * relu(goal - score) + square * sum of squares, and its noise.

    goal: `[U]`; the rest are numbers.
    """

    lr: AnyArray
    noise: AnyArray
    reward: AnyArray
    pull: AnyArray
    square: AnyArray
    goal: AnyArray


def _weigh(method: Method, image: Image, goal: np.ndarray) -> Weights:
    """Both forms as numbers, so that one compiled step serves both."""
    reward, pull, square = 0.0, method.pull, 0.5 * method.strength
    if method.form == "penalty":
        reward, pull, square = 1.0, 0.0, square / np.prod(image.shape)
    numbers = method.lr, method.noise, reward, pull, square, goal
    return Weights(*(np.asarray(number, np.float32) for number in numbers))


def _view(network: Network, image: Image, position, margin: int) -> tuple[Window, tuple[int, int, int, int]]:
    """The pixels to render (with a margin for the jitter), and (top, left, height, width) of what the network sees."""
    if isinstance(network, Field) != (position is not None):
        raise InputError("`position` must be given for the network of a receptive field, and only then.")
    box = (0, 0, *image.sides)
    if isinstance(network, Field):
        box = nature(network.geometry).box(network.layer, position)
    return parametrisations.window(image.sides, box=box, margin=margin), box


def _begin(image: Image, count: int, seeds: Sequence[int], anchors: AnyArray | None) -> tuple[np.ndarray, np.ndarray]:
    start = np.stack([image.start(seed) for seed in seeds])[None]
    anchor = np.zeros((count, 1, *image.shape), np.float32) if anchors is None else np.asarray(anchors)[:, None]
    if anchor.shape != (count, 1, *image.shape):
        raise InputError(f"`anchors` must be [{count}, {image.shape}]; got {anchor[:, 0].shape}. Use `Image.encode`.")
    if image.kind == "maco" and anchors is not None:
        start = np.float32(0.1 / np.pi) * start
    return anchor + start, anchor


def _draw(
    seeds: Sequence[int], step: int, method: Method, sides: tuple[int, int], box: tuple[int, int, int, int]
) -> Draws:
    top, left, height, width = box
    moves = np.empty((method.copies, len(seeds), 2), np.int32)
    noise = np.empty((method.copies, len(seeds), height, width), np.float32)
    for copy, k in np.ndindex(moves.shape[:2]):
        moves[copy, k], whole = _draw_view(seeds[k], step, copy, method.jitter, sides)
        noise[copy, k] = whole[top : top + height, left : left + width]
    return Draws(moves, noise)


@functools.lru_cache(maxsize=VIEWS)
def _draw_view(seed: int, step: int, copy: int, jitter: int, sides: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """One view's move and noise; kept, since every batch of units draws the same."""
    generator = np.random.default_rng([seed, step, copy])
    move = generator.integers(0, 2 * jitter + 1, 2)
    # ASSUME: one draw of a whole frame, so that a receptive field sees its part of the same noise.
    return move, generator.standard_normal(sides, np.float32)


@functools.partial(jax.jit, static_argnames="seen")
def _step(fixed, z: Array, anchor: Array, state: optax.OptState, draws: Draws, seen: tuple[int, int]):
    network, objective, image, view, weights = fixed
    units, seeds = z.shape[:2]

    def loss(z: Array) -> tuple[Array, Array]:
        frames = image.render(z.reshape(units * seeds, *z.shape[2:]), view)
        shown = _copies(frames.reshape(units, seeds, *frames.shape[1:]), draws, weights.noise, seen)
        views = len(shown) // units
        everyone = jax.tree.map(lambda leaf: jnp.tile(leaf, (views,) + (1,) * (leaf.ndim - 1)), objective)
        score = everyone(network(shown)).reshape(-1, seeds, units).mean(0).T
        square = jnp.square(z - anchor).reshape(units, seeds, -1).sum(-1)
        short = jax.nn.relu(weights.goal[:, None] - score)
        return (weights.pull * short - weights.reward * score + weights.square * square).sum(), score

    (_, score), gradient = jax.value_and_grad(loss, has_aux=True)(z)
    updates, state = optax.adam(weights.lr).update(gradient, state)
    return optax.apply_updates(z, updates), state, score


def _copies(frames: Array, draws: Draws, noise: Array, seen: tuple[int, int]) -> Array:
    """`[U, K, T, h + 2 j, w + 2 j]` to what the network sees, `[C * K * U, T, h, w]`."""
    units, seeds, count = frames.shape[:3]
    views = []
    for copy in range(len(draws.moves)):
        for k in range(seeds):
            shown = jax.lax.dynamic_slice(frames[:, k], (0, 0, *draws.moves[copy, k]), (units, count, *seen))
            views.append(shown + noise * draws.noise[copy, k][None, None])
    return jnp.concatenate(views)


def _check(method: Method, targets, asked, seeds) -> None:
    if method.form not in FORMS:
        raise InputError(f"`form` must be one of {', '.join(FORMS)}; got {method.form!r}.")
    if (targets is not None) != (method.form == "target") or (targets is not None and len(targets) != len(asked)):
        raise InputError(
            f"form 'target' must have one target for each of the {len(asked)} objectives; no other has any."
        )
    if min(method.steps, method.copies) < 1 or min(method.jitter, method.noise, method.strength) < 0 or not seeds:
        raise InputError(f"`steps` and `copies` must be at least 1, the rest not negative, with a seed; got {method}.")


def _check_finite(scores: Sequence[Array], last: int, names: Sequence[str]) -> None:
    recent = np.asarray(scores[-last:])
    if np.isfinite(recent).all():
        return
    step, unit, _ = (int(i) for i in np.argwhere(~np.isfinite(recent))[0])
    raise FloatingPointError(
        f"{names[unit]} must stay finite while it is ascended; it is {recent[step, unit]} over the seeds at step "
        f"{len(scores) - len(recent) + step}. Check the policy's parameters, or lower `lr`."
    )
