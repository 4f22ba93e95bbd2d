"""Who plays: a study's policy, random actions, or one action always."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, UInt8

from minetest_interp.io.errors import InputError
from minetest_interp.model import actions as tables
from minetest_interp.model import agent, networks

Forward = Callable[[np.ndarray], tuple[np.ndarray, float]]  # a stack [T, row, column] to logits and value (or NaN)


class Player(NamedTuple):
    """forward: logits and value of a stack. stack: frames in it. size: their height and width.

    levels: for each action, the level of each factor.
    """

    forward: Forward
    stack: int
    size: tuple[int, int]
    levels: list[dict[str, str]]


def levels_of(factors: Mapping[str, list[str]]) -> list[dict[str, str]]:
    """The level of each factor for every action, in the order of the table: the first factor is the slowest."""
    names = list(factors)
    shape = [len(factors[name]) for name in names]
    return [{name: factors[name][i] for name, i in zip(names, at, strict=True)} for at in np.ndindex(*shape)]


def policy(path: Path, settings: Mapping, actions: tables.ActionSettings) -> Player:
    """A study's policy with its own network.

    Raises:
      InputError: see `agent.load`; or the network reads colours.
    """
    loaded = agent.load(path, settings, actions).checkpoint.policy
    shape = loaded.network.shape("input")
    if len(shape) != 3:
        raise InputError(f"{path}: the policy must read a stack of grey frames; it reads {shape}. Choose another.")
    network = networks.plain(loaded)

    @jax.jit
    def run(stack):
        trace = network(stack[None])
        return trace.logits[0], trace.value[0] if trace.value is not None else np.nan

    def forward(stack):
        logits, value = run(stack)
        return np.asarray(logits), float(np.ravel(value)[0])

    forward(np.zeros(shape, np.float32))  # compiled before anybody waits for it
    return Player(forward, shape[0], shape[1:], levels_of(actions["factors"]))


def baseline(kind: str, actions: tables.ActionSettings) -> Player:
    """Random actions ("random"), or forward and nothing else ("forward").

    Raises:
      InputError: another kind.
    """
    levels = levels_of(actions["factors"])
    if kind == "random":
        logits = np.zeros(len(levels), np.float32)
    elif kind == "forward":
        only = [{**dict.fromkeys(actions["factors"], "-"), "forward": "forward"} == level for level in levels]
        logits = np.where(only, 0, -np.inf).astype(np.float32)
    else:
        raise InputError(f"`agent` must be policy, random or forward; got {kind!r}.")
    return Player(lambda stack: (logits, np.nan), 4, (64, 64), levels)


def sample(logits: Float[np.ndarray, " action"], random: np.random.Generator) -> int:
    """An action by its probability, with the Gumbel-max draw of the training code (`logits - log(-log(u))`)."""
    return int(np.argmax(logits - np.log(-np.log(random.uniform(np.finfo(float).tiny, 1, logits.shape)))))


def push(stack: UInt8[np.ndarray, "frame row column"] | None, frame: np.ndarray, length: int) -> np.ndarray:
    """The stack with a new frame at its end; the first frame is repeated."""
    return np.repeat(frame[None], length, 0) if stack is None else np.concatenate([stack[1:], frame[None]])
