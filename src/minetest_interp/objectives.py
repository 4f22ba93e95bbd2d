"""Questions we ask of a trace. Each builder returns a function from a `Trace` to one score per item, `[B]`."""

import jax
import jax.numpy as jnp

from minetest_interp.actions import Behaviour
from minetest_interp.errors import InputError
from minetest_interp.policy import Objective


def value() -> Objective:
    """The critic's estimate of the discounted return, in reward units."""
    return lambda trace: trace.value


def behaviour_probability(behaviour: Behaviour, *, sign: int = 1) -> Objective:
    """Probability of the behaviour's actions, those it subtracts counted negative: the post's yaw, in [-1, 1]."""
    return lambda trace: sign * (jax.nn.softmax(trace.logits) @ jnp.asarray(behaviour.weights))
