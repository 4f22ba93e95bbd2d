"""Edit one layer, run on, and measure what changes: ablation, patching, steering, and their controls.

*greys* are frames `[N, S, S]`, 0 to 255, each shown to the network as a still stack. *units* are U sets of a layer's C
channels, 0 or 1, `[U, C]`. *readouts* are R objectives. An effect is a readout of the edited run less that of the
unedited one, in the readout's units: `[N, U, R]`. Frames are streamed; edits of one layer share a compiled step.

Edits act on a layer as it is shown, before the function that follows. Where that is a ReLU, a number of at least 0
comes out of it unchanged, so "set to v" means the activation that the next layer reads.
"""

from collections.abc import Iterator, Sequence
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from minetest_interp.analysis.intervals import Statistic
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks
from minetest_interp.model.architecture import Edit
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.batches import map_batches
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.labels import OFF_MIDDLE
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, Sizes, layer_gradients

RUNS = 256  # edited runs at a time
CHUNK = 1024  # frames whose activations are held at a time
FEW = 4  # frames whose activations are computed at a time: so few that one compiled step serves all sets of frames


class Effects(NamedTuple):
    """change: signed effects. size: absolute ones, larger than |change| where several donors are averaged."""

    change: np.ndarray
    size: np.ndarray


def replace(layer: str, units: AnyArray, values: AnyArray | float) -> Edit:
    """The edit that sets a set of channels `[C]` to `values`, `[B, ..., C]` as the layer's activation."""

    def edit(name: str, activation: Array) -> Array:
        if name != layer:
            return activation
        return jnp.where(jnp.broadcast_to(units, activation.shape).astype(bool), values, activation)

    return edit


def add(layer: str, vector: AnyArray) -> Edit:
    """The edit that adds a vector, `[h, w, C]` or at every position `[C]` (activation addition; Mini et al. 2023)."""

    def edit(name: str, activation: Array) -> Array:
        return activation + jnp.broadcast_to(vector, activation.shape) if name == layer else activation

    return edit


def rescale(layer: str, units: AnyArray, factor: float) -> Edit:
    """The edit that multiplies a set of channels `[C]` by a factor."""
    return lambda name, activation: replace(layer, units, factor * activation)(name, activation)


def in_turn(*edits: Edit) -> Edit:
    """The edit that makes several, one after the other."""
    return lambda name, activation: reduce(lambda made, edit: edit(name, made), edits, activation)


def read_out(policy: Policy, readouts: Sequence[Objective], greys: np.ndarray) -> np.ndarray:
    """The readouts on unedited frames, `[N, R]`."""
    return _stream(partial(_read_out, policy.params, tuple(readouts), network=policy.network), policy, greys)


def ablation_effects(
    policy: Policy,
    readouts: Sequence[Objective],
    layer: str,
    greys: np.ndarray,
    *,
    values: ArrayLike = 0.0,
    units: np.ndarray | None = None,
) -> np.ndarray:
    """Effects of setting channels to the same numbers on every frame, `[N, U, R]`.

    The headline effect of a channel: set to zero at every position, the mean over frames of the absolute change.

    Args:
      values: one number, or the layer's shape, such as `mean_activation`; at least 0 before a ReLU.
      units: default every channel alone, U = C.

    Raises:
      InputError: `units` are not sets of the layer's channels.
    """
    given = np.broadcast_to(np.asarray(values, np.float32), (len(greys), *policy.architecture.shape(layer)))
    return _replace_all(policy, readouts, layer, units, lambda part: given[part], greys)


def patching_effects(
    policy: Policy,
    readouts: Sequence[Objective],
    layer: str,
    greys: np.ndarray,
    sources: np.ndarray,
    *,
    units: np.ndarray | None = None,
) -> np.ndarray:
    """Effects of giving channels the activation that the network computes on other frames, `[N, U, R]`.

    Activation patching (Pearl 2001; Meng et al. 2022). Patching all channels gives the source's own outputs.

    Args:
      sources: `[N, S, S]`, one for each frame. units: default every channel alone.
    """
    return _replace_all(policy, readouts, layer, units, lambda part: _activation(policy, layer, sources[part]), greys)


def resampling_effects(
    policy: Policy,
    readouts: Sequence[Objective],
    layer: str,
    greys: np.ndarray,
    donors: np.ndarray,
    *,
    units: np.ndarray | None = None,
) -> Effects:
    """Resample ablation (Chan et al. 2022): patching from each of D donors `[N, D]`, averaged over them."""
    change = size = 0.0
    for column in donors.T:
        effect = patching_effects(policy, readouts, layer, greys, greys[column], units=units)
        change, size = change + effect / donors.shape[1], size + np.abs(effect) / donors.shape[1]
    return Effects(np.asarray(change), np.asarray(size))


def steering_effects(
    policy: Policy, readouts: Sequence[Objective], layer: str, greys: np.ndarray, vectors: np.ndarray
) -> np.ndarray:
    """Effects of adding each of V vectors, `[V, h, w, C]` or at every position `[V, C]`, to a layer: `[N, V, R]`."""
    vectors = np.concatenate([np.zeros_like(vectors[:1]), vectors]).astype(np.float32)

    def step(stack: np.ndarray) -> Array:
        return _changes(policy.params, tuple(readouts), stack, vectors, network=policy.network, layer=layer, edit=add)

    return _stream(step, policy, greys, size=max(1, RUNS // len(vectors)))


def replacement_effects(
    policy: Policy,
    readouts: Sequence[Objective],
    layer: str,
    greys: np.ndarray,
    mirrored: np.ndarray,
    donors: np.ndarray | None,
) -> dict[str, Effects]:
    """Every single channel of a layer under every replacement: zero, mean, patch, and resample where there are donors.

    mean: the channel's mean over the frames at each position. patch: its activation on the mirrored frame.
    """
    rectified = policy.architecture.passed_through(layer) == "relu"
    mean = mean_activation(policy, layer, greys, rectified=rectified)
    changes = {
        "zero": ablation_effects(policy, readouts, layer, greys),
        "mean": ablation_effects(policy, readouts, layer, greys, values=mean),
        "patch": patching_effects(policy, readouts, layer, greys, mirrored),
    }
    found = {name: Effects(change, np.abs(change)) for name, change in changes.items()}
    if donors is not None:
        found["resample"] = resampling_effects(policy, readouts, layer, greys, donors)
    return found


def mean_activation(policy: Policy, layer: str, greys: np.ndarray, *, rectified: bool) -> np.ndarray:
    """Mean over frames of a layer's activation at each position, `[h, w, C]`; after the ReLU if `rectified`."""
    total = np.zeros(policy.architecture.shape(layer))
    for _, activation in stream_activations(policy, layer, greys):
        total += (np.maximum(activation, 0) if rectified else activation).sum(0, dtype=np.float64)
    return (total / len(greys)).astype(np.float32)


def stream_activations(policy: Policy, layer: str, greys: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers of frames `[P]`, some at a time, and the layer's activation on these as it is shown, `[P, h, w, C]`."""
    yield from ((part, _activation(policy, layer, greys[part])) for part in _chunks(greys))


def draw_donors(clusters: np.ndarray, *, count: int, seed: int) -> np.ndarray | None:
    """For each of N frames `count` others `[N, count]`, drawn evenly from those outside its cluster of near-duplicates.

    None where all frames are near-duplicates of one another.
    """
    _, clusters, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        return None
    # Sorted by cluster, the frames outside a cluster are those from its end round to its start.
    order, ends, others = np.argsort(clusters, kind="stable"), np.cumsum(sizes), len(clusters) - sizes
    steps = np.random.default_rng(seed).integers(others[clusters][:, None], size=(len(clusters), count))
    return order[(ends[clusters][:, None] + steps) % len(clusters)]


def random_units(channels: int, *, size: int, count: int, seed: int) -> np.ndarray:
    """The control of a set of `size` channels: `count` random sets of that size, `[count, channels]`."""
    generator = np.random.default_rng(seed)
    return generator.permuted(np.tile(np.arange(channels) < size, (count, 1)), axis=1)


def random_directions(vector: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """The control of a steering vector: `count` normal vectors of its shape and length, `[count, *shape]`."""
    drawn = np.random.default_rng(seed).standard_normal((count, *vector.shape))
    lengths = np.sqrt((drawn**2).sum(tuple(range(1, drawn.ndim)), keepdims=True))
    return (drawn * np.linalg.norm(vector) / lengths).astype(np.float32)


def gradient_sides(policy: Policy, readout: Objective, layer: str, greys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A readout `[N]`, and its gradient with respect to each channel of a layer, left less right half, `[N, C]`.

    Means over the positions of each half, per unit of activation as it is shown. The middle column of an odd grid
    belongs to neither half; a single column has no halves and gives NaN.
    """
    step = partial(_gradient_sides, policy.params, readout, network=policy.network, layer=layer)
    return _stream(step, policy, greys)


def rank_share(sizes: np.ndarray, channel: int) -> Statistic:
    """Share of the other channels whose weighted mean over frames is larger than the channel's, of `[N, C]`."""
    others = max(1, sizes.shape[1] - 1)

    def statistic(weights: np.ndarray) -> np.ndarray:
        totals = weights @ sizes.astype(np.float64)
        return np.asarray((totals > totals[..., channel, None]).sum(-1) / others)

    return statistic


def carried_share(change: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Share of a difference `[N]` that each channel's change `[N, C]` carries (least squares), `[C]`; NaN for none."""
    with np.errstate(invalid="ignore"):
        return difference @ change / (difference @ difference)


def steering_vector(
    policy: Policy, layer: str, greys: np.ndarray, position: np.ndarray, *, least: int = 5
) -> np.ndarray:
    """What trunks on the left add to a layer, its shape `[h, w, C]`, to be added where it is shown.

    Mean activation, as it is shown, of frames with the trunk left of -`OFF_MIDDLE`, less that right of `OFF_MIDDLE`
    (difference of means; Mini et al. 2023).

    Args:
      position: `[M]`, -1 (left) to 1 (right), NaN without trunk. least: frames that each side must have.

    Raises:
      InputError: a side has fewer.
    """
    sides = greys[position < -OFF_MIDDLE], greys[position > OFF_MIDDLE]
    if min(map(len, sides)) < least:
        raise InputError(
            f"a steering vector needs at least {least} frames with a trunk on each side in one half of the labelled "
            f"frames; got {len(sides[0])} left, {len(sides[1])} right. Label more."
        )
    left, right = (mean_activation(policy, layer, side, rectified=False) for side in sides)
    return left - right


def dose_response(
    policy: Policy,
    readouts: Sequence[Objective],
    layer: str,
    greys: np.ndarray,
    vectors: np.ndarray,
    *,
    strengths: Sequence[float],
) -> np.ndarray:
    """Effects of adding each of V vectors to a layer at S strengths, `[V, N, S, R]`.

    Raises:
      InputError: no frames.
    """
    if not len(greys):
        raise InputError("a steering vector needs frames to be tested on; all labelled frames are near-duplicates.")
    scale = np.asarray(strengths, np.float32).reshape(-1, *[1] * (vectors.ndim - 1))
    return np.stack([steering_effects(policy, readouts, layer, greys, scale * vector) for vector in vectors])


def _replace_all(policy, readouts, layer, units, values, greys) -> np.ndarray:
    """Effects `[N, U, R]`; `values` gives what channels are set to on the frames of some numbers."""
    shape = policy.architecture.shape(layer)
    units = np.eye(shape[-1]) if units is None else np.asarray(units)
    if units.ndim != 2 or units.shape[1] != shape[-1] or not np.isin(units, (0, 1)).all():
        raise InputError(f"`units` must be 0 or 1, [U, {shape[-1]}] in layer {layer!r}; got shape {units.shape}.")
    units = np.concatenate([np.zeros((1, shape[-1])), units]).astype(bool)

    def step(grey: np.ndarray, given: np.ndarray) -> Array:
        stack = as_stacks(grey, policy.architecture.frames)
        return _changes(
            policy.params, tuple(readouts), stack, units, given, network=policy.network, layer=layer, edit=replace
        )

    size = max(1, RUNS // len(units))
    return np.concatenate([map_batches(step, greys[part], values(part), size=size) for part in _chunks(greys)])


def _chunks(greys: np.ndarray) -> list[np.ndarray]:
    """The frames' numbers, `CHUNK` at a time."""
    return np.split(np.arange(len(greys)), range(CHUNK, len(greys), CHUNK))


def _stream(step, policy: Policy, greys: np.ndarray, **size):
    return map_batches(lambda batch: step(as_stacks(batch, policy.architecture.frames)), greys, **size)


def _activation(policy: Policy, layer: str, greys: np.ndarray) -> np.ndarray:
    """The layer's activation on frames, `[N, ...]`."""
    network = networks.plain(policy)
    return _stream(lambda stack: networks.run(network, stack).layers[layer], policy, greys, size=FEW)


def _apply(readouts: Sequence[Objective], trace) -> Array:
    return jnp.stack([readout(trace) for readout in readouts], -1)


@partial(jax.jit, static_argnames=("network",))
def _read_out(params, readouts: tuple[Objective, ...], stack: Array, *, network: Sizes) -> Array:
    return _apply(readouts, Policy(network, params).run(stack))


@partial(jax.jit, static_argnames=("network", "layer", "edit"))
def _changes(params, readouts, stack: Array, varied: Array, *fixed: Array, network: Sizes, layer: str, edit) -> Array:
    """Effects `[B, U, R]` of `edit(layer, one, *fixed)` for each of U + 1, of which the first must change nothing."""
    policy = Policy(network, params)
    activation = policy.run(stack).layers[layer]

    def answer(one: Array) -> Array:
        return _apply(readouts, policy.run(activation, start=layer, edit=edit(layer, one, *fixed)))

    answered = jax.vmap(answer, out_axes=1)(varied)
    return answered[:, 1:] - answered[:, :1]


@partial(jax.jit, static_argnames=("network", "layer"))
def _gradient_sides(params, readout: Objective, stack: Array, *, network: Sizes, layer: str) -> tuple[Array, Array]:
    scores, gradients = layer_gradients(Policy(network, params), readout, stack)
    gradient, half = gradients[layer], gradients[layer].shape[2] // 2
    return scores, gradient[:, :, :half].mean((1, 2)) - gradient[:, :, -half:].mean((1, 2))
