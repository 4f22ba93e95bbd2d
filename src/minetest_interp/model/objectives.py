"""Scores of a trace, to ascend or to read out: functions from a `Trace` to one score per item, `[B]`.

An objective is a pytree whose numbers are its leaves, so one compiled step serves every channel of a layer, and
`stack` scores U objectives of one kind at once: their leaves gain a leading axis that is matched with the batch.
A position is (row, column) on the layer's grid, from the top left; the centre is (h // 2, w // 2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import ActionTable, Behaviour
from minetest_interp.model.architecture import Architecture, Trace
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.policy import LAYERS, Geometry, Objective, Sizes


@flax.struct.dataclass
class Reading:
    """A weighted sum over one layer's activation. weights: the layer's shape, or `[B, ...]` when stacked."""

    weights: AnyArray
    layer: str = flax.struct.field(pytree_node=False)

    def __call__(self, trace: Trace) -> Array:
        activation = trace.layers[self.layer]
        items = 0 if self.weights.ndim == activation.ndim else None
        return jax.vmap(jnp.vdot, (0, items))(activation, self.weights)


@flax.struct.dataclass
class Value:
    """sign times the critic's value, or the largest Q value; leaves: sign `[]` or `[B]`."""

    sign: AnyArray

    def __call__(self, trace: Trace) -> Array:
        if trace.value is None:
            raise InputError("a value must be there to be read; this network has neither a critic nor Q values.")
        return jnp.asarray(self.sign) * trace.value


@flax.struct.dataclass
class Logit:
    """A weighted sum of the logits; leaves: weights `[A]` or `[B, A]`."""

    weights: AnyArray

    def __call__(self, trace: Trace) -> Array:
        return jnp.sum(jnp.broadcast_to(self.weights, trace.logits.shape) * trace.logits, axis=-1)


@flax.struct.dataclass
class Returns:
    """A weighted sum of the Q values; leaves: weights `[A]` or `[B, A]`."""

    weights: AnyArray

    def __call__(self, trace: Trace) -> Array:
        if trace.q is None:
            raise InputError("Q values must be there to be read; this network has an actor. Use a probability.")
        return jnp.sum(jnp.broadcast_to(self.weights, trace.q.shape) * trace.q, axis=-1)


@flax.struct.dataclass
class LogOdds:
    """log-sum-exp of the logits of `plus` minus that of `minus`; leaves: boolean `[A]` or `[B, A]`."""

    plus: AnyArray
    minus: AnyArray

    def __call__(self, trace: Trace) -> Array:
        plus, minus = (jnp.broadcast_to(mask, trace.logits.shape) for mask in (self.plus, self.minus))
        return _masked_logsumexp(trace.logits, plus) - _masked_logsumexp(trace.logits, minus)


@flax.struct.dataclass
class Probability:
    """A weighted sum of the action probabilities; leaves: weights `[A]` or `[B, A]`."""

    weights: AnyArray

    def __call__(self, trace: Trace) -> Array:
        p = jax.nn.softmax(trace.logits)
        return jnp.sum(jnp.broadcast_to(self.weights, p.shape) * p, axis=-1)


@flax.struct.dataclass
class Scaled:
    """`inner` in natural standard deviations above its natural mean; leaves: mean, sd `[]` or `[B]`."""

    inner: Objective
    mean: AnyArray
    sd: AnyArray

    def __call__(self, trace: Trace) -> Array:
        return (self.inner(trace) - self.mean) / self.sd


@flax.struct.dataclass
class Sum:
    """A weighted sum of objectives; leaves: one weight `[]` or `[B]` for each term."""

    terms: tuple[Objective, ...]
    weights: tuple[AnyArray, ...]

    def __call__(self, trace: Trace) -> Array:
        return jnp.asarray(sum(weight * term(trace) for term, weight in zip(self.terms, self.weights, strict=True)))


def value(*, sign: float = 1.0) -> Objective:
    """The critic's estimate of the discounted return, in reward units."""
    return Value(np.asarray(sign, np.float32))


def behaviour_probability(behaviour: Behaviour, *, sign: int = 1) -> Objective:
    """Probability of the behaviour's actions, those it subtracts counted negative: the post's yaw, in [-1, 1]."""
    return Probability(sign * np.asarray(behaviour.weights))


def readouts(table: ActionTable, network: Architecture) -> dict[str, Objective]:
    """What an agent puts out, by name: each behaviour, then the value of a network that has one.

    A behaviour is a probability, -1 to 1, or of Q values a difference in reward units.
    """
    read = return_difference if "q" in network.outputs else behaviour_probability
    behaviours = {name: read(behaviour) for name, behaviour in table.behaviours.items()}
    return behaviours | ({"value": value()} if "value" in network.outputs else {})


def behaviour(behaviour: Behaviour, *, sign: int = 1) -> Objective:
    """Log-odds of the behaviour's actions, in nats: log-sum-exp of its plus minus that of its minus.

    It does not saturate where probabilities reach 0 or 1. A negative `sign` exchanges the two sides.
    """
    plus, against = behaviour.sides
    return LogOdds(*map(np.asarray, (plus, against) if sign > 0 else (against, plus)))


def return_difference(behaviour: Behaviour, *, sign: int = 1) -> Objective:
    """Mean Q value of the behaviour's actions less that of those it subtracts, or of all others; in reward units."""
    return Returns(np.asarray(sign * behaviour.mean_difference, np.float32))


def logit(geometry: Geometry, *, action: int) -> Objective:
    """One action's unnormalised log-probability."""
    _check_range("action", action, geometry.actions, "the policy")
    return Logit(np.eye(geometry.actions, dtype=np.float32)[action])


def neuron(geometry: Sizes, layer: str, *, channel: int, position: tuple[int, int] | None = None) -> Objective:
    """One unit of a layer: a channel at one position (default the centre), or a unit of a layer without positions."""
    return direction(geometry, layer, _one_hot(geometry, layer, channel), position=position)


def channel_mean(geometry: Sizes, layer: str, *, channel: int) -> Objective:
    """Mean activation of one channel of a layer, over its positions."""
    return direction_mean(geometry, layer, _one_hot(geometry, layer, channel))


def direction(
    geometry: Sizes,
    layer: str,
    weights: Float[AnyArray, " channel"],
    *,
    position: tuple[int, int] | None = None,
) -> Objective:
    """A weighted sum of a layer's channels at one position (default the centre): an NMF component, a steering vector.

    Args:
      weights: one for each channel of `layer`, or unit of a layer without positions.

    Raises:
      InputError: unknown layer, a wrong number of weights, weights not finite, or a position outside the layer.
    """
    weights, shape = _check_weights(geometry, layer, weights)
    if len(shape) == 1:
        if position is not None:
            raise InputError(f"`position` must be left out in layer {layer!r}, which has none.")
        return Reading(weights, layer)
    row, column = centre(geometry, layer) if position is None else position
    _check_range("row", row, shape[0], f"layer {layer!r}")
    _check_range("column", column, shape[1], f"layer {layer!r}")
    everywhere = np.zeros(shape, np.float32)
    everywhere[row, column] = weights
    return Reading(everywhere, layer)


def direction_mean(geometry: Sizes, layer: str, weights: Float[AnyArray, " channel"]) -> Objective:
    """The mean of a direction over a layer's positions."""
    weights, shape = _check_weights(geometry, layer, weights)
    if len(shape) == 1:
        raise InputError(f"a mean over positions needs a layer that has some; got {layer!r}. Use `direction`.")
    return Reading(np.broadcast_to(weights / np.float32(shape[0] * shape[1]), shape), layer)


def weighted_sum(terms: Sequence[Objective], weights: Sequence[float]) -> Objective:
    """The sum of objectives times their weights; scale the terms first where their units differ."""
    if not terms or len(terms) != len(weights):
        raise InputError(f"a sum must have one weight for each term; got {len(terms)} terms, {len(weights)} weights.")
    return Sum(tuple(terms), tuple(np.asarray(weight, np.float32) for weight in weights))


def of_one_kind(asked: Sequence[Objective]) -> list[Objective]:
    """The same objectives, each as a sum over all their kinds, so that one compiled step serves them all."""
    examples = {jax.tree.structure(objective): objective for objective in asked}

    def as_sum(objective: Objective) -> Objective:
        terms = list((examples | {jax.tree.structure(objective): objective}).values())
        return weighted_sum(terms, [float(term is objective) for term in terms])

    return [as_sum(objective) for objective in asked]


def scaled(objective: Objective, natural: Float[AnyArray, " frame"], *, name: str = "the objective") -> Scaled:
    """The objective in natural standard deviations above its natural mean.

    Args:
      natural: the objective on natural frames.

    Raises:
      InputError: it does not vary over the frames (a dead unit), or is not finite.
    """
    natural = np.asarray(natural, np.float64)
    if not np.isfinite(natural).all():
        raise InputError(f"{name} must be finite on the natural frames; it is not on {(~np.isfinite(natural)).sum()}.")
    if is_constant(natural):
        raise InputError(
            f"{name} must vary over the natural frames to be scaled by its standard deviation; it is "
            f"{natural.flat[0] if natural.size else 'unknown'} on all {natural.size}. Leave it out, or do not scale it."
        )
    return Scaled(objective, np.asarray(natural.mean(), np.float32), np.asarray(natural.std(), np.float32))


def is_constant(natural: Float[AnyArray, "*sample"]) -> bool:
    """True where a unit's activations differ by no more than their own float32 rounding."""
    natural = np.asarray(natural, np.float64)
    return natural.size == 0 or bool(np.ptp(natural) <= 8 * np.finfo(np.float32).eps * np.abs(natural).max())


def stack(objectives: Sequence[Objective]) -> Objective:
    """U objectives of one kind as one that scores item i by objective i.

    Raises:
      InputError: none, or they differ in kind or layer and cannot share one compiled step.
    """
    kinds = {jax.tree.structure(objective) for objective in objectives}
    if len(kinds) != 1:
        raise InputError(f"objectives must be of one kind and layer to be stacked; got {len(kinds)} kinds.")
    return jax.tree.map(lambda *leaves: np.stack(leaves), *objectives)


def centre(geometry: Sizes, layer: str) -> tuple[int, int]:
    """The middle position of a layer that has positions."""
    height, width, _ = geometry.shape(layer)
    return height // 2, width // 2


def at(objective: Objective, position: tuple[int, int]) -> Objective:
    """The same objective on a run of one position's receptive field, whose layers are `[B, 1, 1, C]`.

    Raises:
      InputError: the objective reads other positions too, so the receptive field does not determine it.
    """
    if isinstance(objective, Scaled):
        return replace(objective, inner=at(objective.inner, position))
    if isinstance(objective, Sum):
        return replace(objective, terms=tuple(at(term, position) for term in objective.terms))
    if not isinstance(objective, Reading) or objective.weights.ndim != 3:
        raise InputError("only readings of one convolution's position can run on their receptive field alone.")
    row, column = position
    kept = objective.weights[row : row + 1, column : column + 1]
    if np.count_nonzero(kept) != np.count_nonzero(objective.weights):
        raise InputError(f"the objective must read position {position} of {objective.layer!r} alone; it reads others.")
    return replace(objective, weights=kept)


# What a study's objectives need of a network, as in `Architecture.outputs`.
NEEDS = {"value": "value", "behaviour_probability": "logits", "return_difference": "q"}
HEADS = {"value": "a critic, or Q values", "logits": "an actor", "q": "Q values"}


def from_settings(settings: Mapping, table: ActionTable, network: Architecture) -> Objective:
    """The objective that a study's config describes: `{"kind": ...}` with the settings of that kind.

    Raises:
      InputError: no such kind, or the network has no such head.
    """
    kind = settings["kind"]
    if NEEDS.get(kind) not in network.outputs:
        able = [known for known, output in NEEDS.items() if output in network.outputs]
        needs = f"needs {HEADS[NEEDS[kind]]}" if kind in NEEDS else "is not known"
        raise InputError(f"an objective's `kind` must be one of {', '.join(able)} for this policy; {kind} {needs}.")
    if kind == "value":
        return value()
    make = behaviour_probability if kind == "behaviour_probability" else return_difference
    return make(table.behaviours[settings["behaviour"]], sign=settings.get("sign", 1))


def _masked_logsumexp(logits: AnyArray, mask: Array) -> Array:
    return jax.nn.logsumexp(logits, axis=-1, where=mask)


def _one_hot(geometry: Sizes, layer: str, channel: int) -> Float[np.ndarray, " channel"]:
    width = _shape(geometry, layer)[-1]
    _check_range("channel", channel, width, f"layer {layer!r}")
    return np.eye(width, dtype=np.float32)[channel]


def _check_weights(geometry: Sizes, layer: str, weights: AnyArray) -> tuple[np.ndarray, tuple[int, ...]]:
    shape, weights = _shape(geometry, layer), np.asarray(weights, np.float32)
    if weights.shape != shape[-1:] or not np.isfinite(weights).all():
        raise InputError(
            f"a direction in layer {layer!r} must be {shape[-1]} finite numbers; got shape {weights.shape}, "
            f"{int((~np.isfinite(weights)).sum())} not finite."
        )
    return weights, shape


def _shape(geometry: Sizes, layer: str) -> tuple[int, ...]:
    names = LAYERS if isinstance(geometry, Geometry) else geometry.targets[1:]
    if layer not in names:
        raise InputError(f"`layer` must be one of {', '.join(names)}; got {layer!r}.")
    return geometry.shape(layer)


def _check_range(what: str, number: int, size: int, where: str) -> None:
    if not 0 <= number < size:
        raise InputError(f"`{what}` must be between 0 and {size - 1} in {where}; got {number}.")
