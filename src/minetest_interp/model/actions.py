"""The action table as data: labels and behaviours are both derived from it, so they cannot disagree.

An action number is a mixed-radix number whose digits are the *factors*, the first factor slowest. The
Minetester table has the factors forward, jump, mouse_x and mouse_y, hence
action = 18 forward + 9 jump + 3 mouse_x + mouse_y.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from jaxtyping import Bool, Float

from minetest_interp.io.errors import InputError

MOST_ACTIONS = 10_000


class ActionSettings(TypedDict):
    """factors, behaviours: as `action_table` takes them. steering: the behaviour that is shown first.

    mirrored: whether it should change sign in a mirror, left and right exchanged.
    """

    factors: Mapping[str, Sequence[str]]
    behaviours: Mapping[str, Mapping]
    steering: str
    mirrored: bool


class Behaviour(NamedTuple):
    """A quantity read off the action probabilities.

    plus, minus: the actions whose probability is added and subtracted.
    """

    plus: Bool[np.ndarray, " action"]
    minus: Bool[np.ndarray, " action"]

    @property
    def weights(self) -> Float[np.ndarray, " action"]:
        """-1, 0 or +1 for each action."""
        return self.plus.astype(np.float32) - self.minus.astype(np.float32)

    @property
    def sides(self) -> tuple[Bool[np.ndarray, " action"], Bool[np.ndarray, " action"]]:
        """Its actions, and those that it is weighed against: those that it subtracts, or all others.

        Raises:
          InputError: the behaviour holds all actions or none.
        """
        # ASSUME: a behaviour that subtracts nothing (forward, jump) is weighed against all other actions.
        against = self.minus if self.minus.any() else ~self.plus
        if not (self.plus.any() and against.any()):
            raise InputError("a behaviour must have actions on both sides; got one that holds all actions or none.")
        return self.plus, against

    @property
    def mean_difference(self) -> Float[np.ndarray, " action"]:
        """The weights of the mean over its actions less the mean over those that it is weighed against (`sides`)."""
        plus, against = self.sides
        return plus / plus.sum() - against / against.sum()


class ActionTable(NamedTuple):
    """labels: one for each of the `A` actions, in order. behaviours: by name, in the config's order."""

    labels: tuple[str, ...]
    behaviours: dict[str, Behaviour]


def action_table(factors: Mapping[str, Sequence[str]], behaviours: Mapping[str, Mapping]) -> ActionTable:
    """Derives labels and behaviours from factors.

    Args:
      factors: factor name to its levels, slowest factor first.
      behaviours: behaviour name to `{"plus": {factor: level}, "minus": {factor: level}}`; "minus" is optional.

    Raises:
      InputError: too many actions, or a behaviour names a factor or level that does not exist.
    """
    if (number := math.prod(map(len, factors.values()))) > MOST_ACTIONS:
        raise InputError(
            f"the factors must give at most {MOST_ACTIONS} actions; got {number}. Check `actions.factors`."
        )
    actions = action_levels(factors)
    labels = tuple(", ".join(level for level in action.values() if level != "-") or "-" for action in actions)

    def mask(name: str, condition: Mapping[str, str]) -> np.ndarray:
        for factor, level in condition.items():
            if level not in factors.get(factor, ()):
                raise InputError(
                    f"behaviour {name!r} must use factors and levels of the action table; got {factor}: {level}. "
                    f"Choose from {dict(factors)}."
                )
        return np.array([all(a[f] == level for f, level in condition.items()) for a in actions])

    nothing = np.zeros(len(actions), bool)
    return ActionTable(
        labels,
        {
            name: Behaviour(mask(name, sides["plus"]), mask(name, sides["minus"]) if "minus" in sides else nothing)
            for name, sides in behaviours.items()
        },
    )


def action_levels(factors: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """The level of each factor for every action, in the order of the table: the last factor is the fastest."""
    return [dict(zip(factors, levels, strict=True)) for levels in itertools.product(*factors.values())]


def probabilities(logits: Float[np.ndarray, "*batch action"]) -> Float[np.ndarray, "*batch action"]:
    """Softmax over the actions, in the input's precision."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def behaviours_of(outputs: Mapping[str, np.ndarray], table: ActionTable) -> dict[str, Float[np.ndarray, "*batch"]]:
    """Every behaviour of the table by name: of the Q values `q` where there are some, else of the `logits`."""
    return behaviour_returns(outputs["q"], table) if "q" in outputs else behaviour_values(outputs["logits"], table)


def behaviour_values(
    logits: Float[np.ndarray, "*batch action"], table: ActionTable
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """Every behaviour of the table by name, each between -1 and 1."""
    p = probabilities(logits)
    return {name: p @ behaviour.weights for name, behaviour in table.behaviours.items()}


def behaviour_returns(
    q: Float[np.ndarray, "*batch action"], table: ActionTable
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """Every behaviour of the table by name: the mean Q value of its actions less the others', in reward units."""
    return {name: q @ behaviour.mean_difference.astype(np.float32) for name, behaviour in table.behaviours.items()}
