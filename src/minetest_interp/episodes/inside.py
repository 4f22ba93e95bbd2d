"""Edits of a policy's network while it plays: channels set to zero, and a direction projected out."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, UInt8

from minetest_interp.analysis import interventions
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Edit
from minetest_interp.model.batches import map_batches
from minetest_interp.model.policy import Policy

AMONG = 8  # channels of the nearest mean activation, of which one is drawn


def silence(policy: Policy, channels: Mapping[str, int]) -> Edit:
    """The edit that sets one channel of each layer to zero at all its positions."""
    masks = {layer: np.arange(policy.architecture.shape(layer)[-1]) == channel for layer, channel in channels.items()}
    return interventions.in_turn(*(interventions.replace(layer, mask, 0.0) for layer, mask in masks.items()))


def mean_activity(
    policy: Policy, stacks: UInt8[np.ndarray, "stack frame row column"], layer: str
) -> Float[np.ndarray, " channel"]:
    """Mean over stacks and positions of what each channel of a layer passes on."""

    def passed_on(batch: np.ndarray) -> Array:
        activation = policy.run(jnp.asarray(batch, jnp.float32)).layers[layer]
        rectified = policy.architecture.passed_through(layer) == "relu"
        return jnp.maximum(activation, 0) if rectified else activation

    found = map_batches(passed_on, stacks)
    return found.mean(tuple(range(found.ndim - 1)), dtype=np.float64)


def draw_similar(activity: Float[np.ndarray, " channel"], channel: int, random: np.random.Generator) -> int:
    """Another channel, drawn from the `AMONG` whose mean activity is nearest to the channel's."""
    apart = np.abs(activity - activity[channel])
    apart[channel] = np.inf
    return int(random.choice(np.argsort(apart, kind="stable")[: min(AMONG, len(apart) - 1)]))


def steering_direction(policy: Policy, steering: Behaviour) -> Float[np.ndarray, " channel"]:
    """Of the last layer: mean weights of the actions that steer to one side less those of the other side's."""
    weights = np.asarray(policy.params["actor"]["kernel"], np.float64)
    return weights @ steering.mean_difference


def project_out(layer: str, direction: Float[np.ndarray, " channel"]) -> Edit:
    """The edit that leaves nothing of a direction in a layer's activation `[B, channel]`."""
    unit = jnp.asarray(direction / np.linalg.norm(direction), jnp.float32)
    return lambda name, activation: activation - jnp.outer(activation @ unit, unit) if name == layer else activation
