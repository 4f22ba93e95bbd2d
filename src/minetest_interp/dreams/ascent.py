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
from minetest_interp.model.networks import Field, Network, field_box
from minetest_interp.model.objectives import Objective

FORMS = ("penalty", "target")


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


class Ascent(NamedTuple):
    """parameters: `[U, K, ...]`. scores: `[steps, U, K]`, each step's objective, the mean over its copies."""

    parameters: Array
    scores: np.ndarray


def ascend(
    network: Network,
    asked: Sequence[Objective],
    image: Image,
    *,
    seeds: Sequence[int],
    method: Method = Method(),  # noqa: B008, a NamedTuple is immutable
    targets: Sequence[float] | None = None,
    anchors: Array | None = None,
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
    view, extent = _view(network, image, position, method.jitter)
    if position is not None:
        asked = [objectives.at(objective, position) for objective in asked]
    stacked = objectives.stack(asked)
    goal = jnp.asarray(np.zeros(len(asked)) if targets is None else targets, jnp.float32)
    z, anchor = _begin(image, len(asked), seeds, anchors)
    state = optax.adam(method.lr).init(z)
    keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    names, scores = names or [f"objective {i}" for i in range(len(asked))], []
    numbers = tuple(jnp.float32(number) for number in (method.lr, method.noise, method.strength, method.pull))
    static = {"form": method.form, "extent": extent}
    for step in range(method.steps):
        draws = _draw(keys, step, method.jitter, method.copies, image.size)
        z, state, score = _step(network, stacked, image, z, anchor, state, goal, draws, view, numbers, **static)
        scores.append(score)
        progress(step + 1)
        if step % 64 == 63:
            _check_finite(scores, 64, names)
    _check_finite(scores, len(scores), names)
    return Ascent(z, np.asarray(scores))


def pictures(image: Image, parameters: Array) -> np.ndarray:
    """`[U, K, ...]` parameters to whole grey frames `[U, K, T, S, S]` (T = 1 when shared)."""
    flat = parameters.reshape(-1, *image.shape)
    whole = image.render(flat, parametrisations.window(image.size))
    return np.asarray(whole).reshape(*parameters.shape[:2], *whole.shape[1:])


def _view(network: Network, image: Image, position, margin: int) -> tuple[Window, tuple[int, int, int]]:
    """The pixels to render (with a margin for the jitter), and (top, left, extent) of what the network sees."""
    if isinstance(network, Field) != (position is not None):
        raise InputError("`position` must be given for the network of a receptive field, and only then.")
    box = field_box(network.geometry, network.layer, position) if isinstance(network, Field) else (0, 0, image.size)
    return parametrisations.window(image.size, top=box[0], left=box[1], extent=box[2], margin=margin), box


def _begin(image: Image, count: int, seeds: Sequence[int], anchors: Array | None) -> tuple[Array, Array]:
    start = jnp.stack([image.start(seed) for seed in seeds])[None]
    anchor = jnp.zeros((count, 1, *image.shape)) if anchors is None else jnp.asarray(anchors)[:, None]
    if anchor.shape != (count, 1, *image.shape):
        raise InputError(f"`anchors` must be [{count}, {image.shape}]; got {anchor[:, 0].shape}. Use `Image.encode`.")
    if image.kind == "maco" and anchors is not None:
        start = 0.1 * start / np.pi
    return anchor + jnp.broadcast_to(start, (count, *start.shape[1:])), anchor


# ASSUME: the draws are compiled apart from the step, once for all objectives and images: threefry compiles slowly.
@functools.partial(jax.jit, static_argnames=("copies", "size"))
def _draw(keys: Array, step: Array, jitter: Array, copies: int, size: int) -> tuple[Array, Array]:
    """Each view's move, `[C, K, 2]` whole pixels from 0 to 2 jitter, and its standard normal noise `[C, K, S, S]`."""

    def view(key: Array, copy: Array) -> tuple[Array, Array]:
        move, noise = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, step), copy))
        # ASSUME: the noise is one draw of a whole frame, so that a receptive field sees its part of the same.
        return jax.random.randint(move, (2,), 0, 2 * jitter + 1), jax.random.normal(noise, (size, size))

    return jax.vmap(jax.vmap(view, (0, None)), (None, 0))(keys, jnp.arange(copies))


@functools.partial(jax.jit, static_argnames=("form", "extent"))
def _step(network, objective, image, z, anchor, state, goal, draws, view, numbers, form, extent):
    units, seeds = z.shape[:2]
    lr, noise, strength, pull = numbers

    def loss(z):
        frames = image.render(z.reshape(units * seeds, *z.shape[2:]), view)
        seen = _copies(frames.reshape(units, seeds, *frames.shape[1:]), draws, noise, extent)
        views = len(seen) // units
        everyone = jax.tree.map(lambda leaf: jnp.tile(leaf, (views,) + (1,) * (leaf.ndim - 1)), objective)
        score = everyone(network(seen)).reshape(-1, seeds, units).mean(0).T
        square = jnp.square(z - anchor).reshape(units, seeds, -1)
        if form == "penalty":
            cost = 0.5 * strength * square.mean(-1) - score
        else:
            cost = pull * jax.nn.relu(goal[:, None] - score) + 0.5 * strength * square.sum(-1)
        return cost.sum(), score

    (_, score), gradient = jax.value_and_grad(loss, has_aux=True)(z)
    updates, state = optax.adam(lr).update(gradient, state)
    return optax.apply_updates(z, updates), state, score


def _copies(frames: Array, draws: tuple[Array, Array], noise: Array, extent) -> Array:
    """`[U, K, T, h + 2 j, w + 2 j]` to what the network sees, `[C * K * U, T, h, w]`."""
    top, left, side = extent
    units, seeds, count = frames.shape[:3]
    moves, standard = draws
    seen = []
    for copy in range(len(moves)):
        for k in range(seeds):
            shown = jax.lax.dynamic_slice(frames[:, k], (0, 0, *moves[copy, k]), (units, count, side, side))
            shown = shown + noise * standard[copy, k, top : top + side, left : left + side][None, None]
            seen.append(shown)
    return jnp.concatenate(seen)


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
