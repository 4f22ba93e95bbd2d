"""Who plays: a study's policy, the same with an edited picture or network, or an agent that sees nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Num, UInt8

from minetest_interp.episodes import names
from minetest_interp.io.errors import InputError
from minetest_interp.model import actions as tables
from minetest_interp.model import agent, frames
from minetest_interp.model.architecture import Edit, keep
from minetest_interp.model.policy import Policy

Stack = UInt8[np.ndarray, "frame row column"]
# From the step and the stack, None for players who see nothing, to logits and value (NaN without one).
Forward = Callable[[int, Stack | None], tuple[np.ndarray, float]]


class Player(NamedTuple):
    """levels: for each action, the level of each factor. sees: whether it is given stacks.

    stack, size: frames in one, and their height and width.
    """

    forward: Forward
    levels: list[dict[str, str]]
    sees: bool = False
    stack: int = 0
    size: tuple[int, int] = (0, 0)


def even(stack: Num[np.ndarray, "frame row column"]) -> Float[np.ndarray, "frame row column"]:
    """Each frame with both halves at its mean grey level, by a factor for each half; levels stay within 0 to 255."""
    halves = np.stack(np.split(stack.astype(np.float32), 2, axis=2))
    means = halves.mean((2, 3), keepdims=True)
    evened = halves * (means.mean(0) / np.maximum(means, 1))
    return np.concatenate(list(evened.clip(0, 255)), axis=2)


# Of the picture.
EDITS: dict[str, Callable] = {names.MIRRORED: frames.mirror_frames, names.EVEN: even}


def load_policy(path: Path, settings: Mapping, actions: tables.ActionSettings) -> Policy:
    """A study's policy.

    Raises:
      InputError: see `agent.load`; or the network reads colours.
    """
    loaded = agent.load(path, settings, actions).checkpoint.policy
    shape = loaded.network.shape("input")
    if len(shape) != 3:
        raise InputError(f"{path}: the policy must read a stack of grey frames; it reads {shape}. Choose another.")
    return loaded


def policy(
    loaded: Policy, actions: tables.ActionSettings, *, picture: Callable | None = None, edit: Edit = keep
) -> Player:
    """A policy that plays.

    Args:
      picture: makes of each stack what the policy sees. edit: of its network.
    """
    length, height, width = loaded.network.shape("input")

    @jax.jit
    def run(stack):
        trace = loaded.run(stack[None], edit=edit)
        return trace.logits[0], trace.value[0] if trace.value is not None else np.nan

    def forward(step, stack):
        logits, value = run(np.asarray(picture(stack) if picture else stack, np.float32))
        return np.asarray(logits), float(np.ravel(value)[0])

    forward(0, np.zeros((length, height, width), np.uint8))  # compiled before anybody waits for it
    return Player(forward, tables.action_levels(actions["factors"]), sees=True, stack=length, size=(height, width))


def random(actions: tables.ActionSettings) -> Player:
    """Draws every action with the same probability."""
    levels = tables.action_levels(actions["factors"])
    return Player(lambda step, stack: (np.zeros(len(levels)), np.nan), levels)


def forward(actions: tables.ActionSettings) -> Player:
    """Holds forward and nothing else."""
    levels = tables.action_levels(actions["factors"])
    only = {**dict.fromkeys(actions["factors"], "-"), "forward": "forward"}
    logits = np.where([level == only for level in levels], 0, -np.inf)
    return Player(lambda step, stack: (logits, np.nan), levels)


def out_of_order(actions: tables.ActionSettings, logits: Float[np.ndarray, "step action"], seed: int) -> Player:
    """Draws from a recorded episode's own probabilities, with its steps in random order."""
    order = np.random.default_rng(seed).permutation(len(logits))
    return Player(lambda step, stack: (logits[order[step]], np.nan), tables.action_levels(actions["factors"]))


def sample(logits: Float[np.ndarray, " action"], random: np.random.Generator) -> int:
    """An action by its probability, with the Gumbel-max draw of the training code (`logits - log(-log(u))`)."""
    return int(np.argmax(logits - np.log(-np.log(random.uniform(np.finfo(float).tiny, 1, logits.shape)))))


def push(stack: Stack | None, frame: UInt8[np.ndarray, "row column"], length: int) -> Stack:
    """The stack with a new frame at its end; the first frame is repeated."""
    return np.repeat(frame[None], length, 0) if stack is None else np.concatenate([stack[1:], frame[None]])
