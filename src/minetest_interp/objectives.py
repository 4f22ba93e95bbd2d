"""Questions we ask of a trace. Each builder returns a function from a `Trace` to one score per item, `[B]`."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from minetest_interp.actions import ActionTable, Behaviour
from minetest_interp.errors import InputError
from minetest_interp.policy import Objective


def value() -> Objective:
    """The critic's estimate of the discounted return, in reward units."""
    return lambda trace: trace.value


def behaviour_probability(behaviour: Behaviour, *, sign: int = 1) -> Objective:
    """Probability of the behaviour's actions, those it subtracts counted negative: the post's yaw, in [-1, 1]."""
    return lambda trace: sign * (jax.nn.softmax(trace.logits) @ jnp.asarray(behaviour.weights))


def build(settings: Mapping, table: ActionTable) -> Objective:
    """The objective that a study's config describes: `{"kind": ...}` with the settings of that kind."""
    match settings:
        case {"kind": "value"}:
            return value()
        case {"kind": "behaviour_probability", "behaviour": name}:
            return behaviour_probability(table.behaviours[name], sign=settings.get("sign", 1))
    raise InputError(f"an objective's `kind` must be value or behaviour_probability; got {dict(settings)}.")
