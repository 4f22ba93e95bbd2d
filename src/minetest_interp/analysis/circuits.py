"""How a readout of the hidden layer comes about: through which channels before it, and which factors of a layer.

The *hidden* layer is the last: dense, between ReLUs, on the last layer with positions (`why_not_exact` says which
network has none). A *readout* is linear in it. With a frame's ReLUs held as they are, it is the sum of what every
channel before adds to it through every hidden unit, plus biases: nothing is left over (the virtual weights of Elhage et
al. 2021, "A Mathematical Framework for Transformer Circuits", with each frame's own mask). Each grey frame is repeated
to a still stack.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from minetest_interp.analysis.factors import leading_directions
from minetest_interp.model import networks
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Architecture, Trace
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.batches import SIZE, map_batches
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.policy import Policy
from minetest_interp.model.steps import Apply, Dense, Flatten

FITTED = 2000  # frames that stand for all when factors are fitted
SWEEPS = 200  # of coordinate descent: strengths stop changing by more than float32 rounding well before
ABOVE_ZERO = 1e-30  # too small to change a float32 sum, and a ReLU is the identity from here on


class LinearReadouts(NamedTuple):
    """weights: over the hidden units."""

    weights: Float[AnyArray, "readout hidden"]
    bias: Float[AnyArray, " readout"]

    def __call__(self, hidden: Float[Array, "batch hidden"]) -> Float[Array, "batch readout"]:
        """The readouts of hidden activations."""
        return hidden @ self.weights.T + self.bias[None]


class Contributions(NamedTuple):
    """In the readouts' units: each readout is the sum of its channels, plus its bias."""

    channels: Float[np.ndarray, "frame readout channel"]
    biases: Float[np.ndarray, "frame readout"]
    readouts: Float[np.ndarray, "frame readout"]


class Flow(NamedTuple):
    """What a channel adds to a hidden unit while that is active, else 0.

    mean, strength: its mean and its mean absolute value over frames.
    """

    mean: Float[np.ndarray, "channel hidden"]
    strength: Float[np.ndarray, "channel hidden"]


class FactorAttribution(NamedTuple):
    """One layer's gradient times activation, by factor.

    parts: the factors' and last the residual's, which no factor explains; they sum to gradient times activation.
    peaks: each factor's greatest strength in the frame. places: its position, counted row by row.
    """

    parts: Float[np.ndarray, "frame readout factor+1"]
    peaks: Float[np.ndarray, "frame factor"]
    places: Int[np.ndarray, "frame factor"]


def why_not_exact(network: Architecture) -> str | None:
    """Why a network's readouts cannot be taken apart exactly; None where they can."""
    if network.atoms is not None or network.last:
        return "the heads are not linear in the last layer"
    dense = [step for step in network.layers[-1].steps if isinstance(step, Dense)]
    made = (Apply(), Flatten(), *dense, Apply())
    if len(dense) != 1 or network.layers[-1].steps != made or network.targets[-2] not in network.maps:
        return "the last layer is not a dense one, between ReLUs, on a layer with positions"
    return None


def value_readout(policy: Policy) -> LinearReadouts:
    """The critic's value, in reward units."""
    critic = policy.params["critic"]
    return LinearReadouts(np.asarray(critic["kernel"]).T, np.asarray(critic["bias"]))


def behaviour_drive(policy: Policy, behaviour: Behaviour) -> LinearReadouts:
    """Mean logit, in nats, or Q value of the behaviour's actions less that of those that it is weighed against.

    Raises:
      InputError: one of the sides has no action.
    """
    head, weights = policy.params["q" if "q" in policy.params else "actor"], behaviour.mean_difference
    return LinearReadouts(*(np.asarray(weights @ head[name].T, np.float32)[None] for name in ("kernel", "bias")))


def join(readouts: Sequence[LinearReadouts]) -> LinearReadouts:
    """Several readouts as one, in their order."""
    return LinearReadouts(*(np.concatenate(arrays) for arrays in zip(*readouts, strict=True)))


def contributions(
    policy: Policy, readouts: LinearReadouts, greys: Float[np.ndarray, "frame *stack row column"]
) -> Contributions:
    """What each channel adds to each readout of each frame, over all its positions and all hidden units."""
    kernel, bias = _hidden_parameters(policy)

    @jax.jit
    def step(stacks: Array) -> tuple[Array, Array, Array]:
        trace, inputs = _inputs(policy, stacks)
        active = (trace.hidden > 0).astype(jnp.float32)
        through = jnp.einsum("bh,rh->brh", active, readouts.weights)
        weights = jnp.einsum("brh,pch->brpc", through, kernel)
        channels = jnp.einsum("bpc,brpc->brc", inputs, weights)
        return channels, through @ bias + readouts.bias[None], readouts(trace.hidden)

    return Contributions(*map_batches(lambda batch: step(as_stacks(batch, policy.architecture.frames)), greys))


def path_flow(policy: Policy, greys: Float[np.ndarray, "frame *stack row column"]) -> Flow:
    """What each channel adds to each hidden unit, over the channel's positions.

    Times a readout's weights it is the strength of every path from a channel through a hidden unit to the readout.
    """
    kernel, _ = _hidden_parameters(policy)
    frames = policy.architecture.frames

    @jax.jit
    def step(stacks: Array, counted: Array) -> tuple[Array, Array]:
        trace, inputs = _inputs(policy, stacks)
        active = (trace.hidden > 0) & counted[:, None]
        added = jnp.einsum("bpc,pch->bch", inputs, kernel) * active[:, None, :]
        return added.sum(0), jnp.abs(added).sum(0)

    sums = np.zeros((2, *kernel.shape[1:]))
    for first in range(0, len(greys), SIZE):
        index = np.arange(first, first + SIZE)
        batch = as_stacks(greys[np.minimum(index, len(greys) - 1)], frames)
        sums += step(batch, index < len(greys))
    return Flow(*sums / len(greys))


def static_flow(policy: Policy) -> Float[np.ndarray, "channel hidden"]:
    """The same from the weights alone: 1 at every position of a channel, and no ReLU."""
    return np.asarray(_hidden_parameters(policy)[0]).sum(0)


def strongest_paths(sizes: Float[np.ndarray, "channel hidden"], *, count: int) -> Int[np.ndarray, "place 2"]:
    """The `count` greatest, strongest first: (channel, hidden unit)."""
    order = np.argsort(-sizes, axis=None, kind="stable")[:count]
    return np.stack(np.unravel_index(order, sizes.shape), -1)


def variance_shares(
    parts: Float[np.ndarray, "frame part"], whole: Float[np.ndarray, " frame"]
) -> Float[np.ndarray, " part"]:
    """Share of the variance over frames of `whole` that each part carries.

    cov(part, whole) / var(whole): where the parts sum to the whole, their shares sum to 1, and one that works against
    the others has a negative share. NaN where the whole does not vary.
    """
    parts, whole = np.asarray(parts, np.float64), np.asarray(whole, np.float64)
    deviation = whole - whole.mean()
    energy = deviation @ deviation
    return (parts - parts.mean(0)).T @ deviation / energy if energy > 0 else np.full(parts.shape[1], np.nan)


def layer_factors(
    policy: Policy, greys: Float[np.ndarray, "frame *stack row column"], *, count: int, seed: int
) -> dict[str, Float[np.ndarray, "factor channel"]]:
    """Non-negative factors of the `rectified_layers` after their ReLU, as `factors.leading_directions`."""
    # ASSUME: 2,000 evenly spaced frames stand for all, so that memory does not grow with their number.
    chosen = np.linspace(0, len(greys) - 1, min(len(greys), FITTED)).round().astype(int)
    network, frames, names = networks.plain(policy), policy.architecture.frames, rectified_layers(policy.architecture)

    def step(batch: np.ndarray) -> Trace:
        trace = networks.run(network, as_stacks(batch, frames))
        return trace._replace(layers={name: trace.layers[name] for name in names})

    return leading_directions(map_batches(step, greys[chosen]), count=count, seed=seed)


def rectified_layers(network: Architecture) -> tuple[str, ...]:
    """The layers that a ReLU follows or ends."""
    names = network.targets[1:]
    return tuple(name for name in names if network.passed_through(name) == "relu" or network.bounds(name)[0] == 0)


def strengths(
    activations: Float[AnyArray, "position channel"], directions: Float[AnyArray, "factor channel"]
) -> Float[Array, "position factor"]:
    """Non-negative least squares: each activation as near as can be to a sum of unit directions times these strengths.

    Solved for all positions at once by cyclic coordinate descent (Franc, Hlaváč and Navara 2005).
    """
    gram, aims = directions @ directions.T, directions @ activations.T

    def sweep(_, found: Array) -> Array:
        for k in range(len(directions)):
            found = found.at[k].set(jnp.maximum(0, found[k] + aims[k] - gram[k] @ found))
        return found

    return jax.lax.fori_loop(0, SWEEPS, sweep, jnp.zeros_like(aims)).T


def rectified_gradients(
    policy: Policy, readouts: LinearReadouts, stacks: Float[AnyArray, "batch frame row column"]
) -> tuple[dict[str, Float[Array, "batch ..."]], dict[str, Float[Array, "readout batch ..."]]]:
    """The activation of the `rectified_layers` after their ReLU, and the readouts' gradients by it.

    Unlike a gradient taken before the ReLU it also tells what units that are off would do, as factors need: they reach
    beyond what is on.
    """

    def run(deltas: dict[str, Array]):
        def edit(name: str, activation: Array) -> Array:
            return jnp.maximum(activation, ABOVE_ZERO) + deltas[name] if name in deltas else activation

        trace = policy.run(stacks, edit=edit)
        return readouts(trace.hidden).sum(0), {name: jnp.maximum(trace.layers[name], 0) for name in names}

    network, names = policy.architecture, rectified_layers(policy.architecture)
    zeros = {name: jnp.zeros((len(stacks), *network.shape(name))) for name in names}
    _, back, activations = jax.vjp(run, zeros, has_aux=True)
    return activations, jax.vmap(back)(jnp.eye(len(readouts.bias)))[0]


def attribute(
    policy: Policy,
    readouts: LinearReadouts,
    directions: Mapping[str, Float[np.ndarray, "factor channel"]],
    greys: Float[np.ndarray, "frame *stack row column"],
) -> dict[str, FactorAttribution]:
    """Shares each layer's gradient times activation out over its factors, as in Hilton et al. 2020 ("Understanding RL
    Vision"), and keeps what they do not explain.

    At every position the activation is a sum of `directions` of non-negative strength and a residual; each of
    them is multiplied by the gradient and summed over positions.
    """

    def share_out(activation: Array, gradient: Array, basis: Array) -> tuple[Array, Array, Array]:
        activation = activation.reshape(len(activation), -1, basis.shape[1])
        gradient = gradient.reshape(-1, *activation.shape)
        found = strengths(activation.reshape(-1, basis.shape[1]), basis).reshape(*activation.shape[:2], -1)
        explained = jnp.einsum("rbpc,kc,bpk->brk", gradient, basis, found)
        residual = jnp.einsum("rbpc,bpc->br", gradient, activation - found @ basis)
        return jnp.concatenate([explained, residual[..., None]], -1), found.max(1), found.argmax(1)

    @jax.jit
    def step(stacks: Array) -> dict[str, tuple[Array, Array, Array]]:
        activations, gradients = rectified_gradients(policy, readouts, stacks)
        return {
            name: share_out(activations[name], gradients[name], jnp.asarray(basis))
            for name, basis in directions.items()
        }

    shared = map_batches(lambda batch: step(as_stacks(batch, policy.architecture.frames)), greys)
    return {name: FactorAttribution(*arrays) for name, arrays in shared.items()}


def _hidden_parameters(
    policy: Policy,
) -> tuple[Float[np.ndarray, "position channel hidden"], Float[np.ndarray, " hidden"]]:
    """The hidden layer's kernel by position, channel and unit, and its bias."""
    network = policy.architecture
    [hidden] = [step for step in network.layers[-1].steps if isinstance(step, Dense)]
    kernel, bias = (np.asarray(policy.params[hidden.name][name]) for name in ("kernel", "bias"))
    return kernel.reshape(-1, network.shape(network.maps[-1])[-1], hidden.features), bias


def _inputs(
    policy: Policy, stacks: Float[AnyArray, "batch frame row column"]
) -> tuple[Trace, Float[Array, "batch position channel"]]:
    """The trace, and what the hidden layer reads: the layer before it after its ReLU."""
    trace = policy.run(stacks)
    before = trace.layers[policy.architecture.maps[-1]]
    return trace, jax.nn.relu(before).reshape(len(stacks), -1, before.shape[-1])
