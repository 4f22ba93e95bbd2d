"""A policy together with the action table that says what its logits mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.model.actions import ActionTable, action_table
from minetest_interp.model.checkpoint import Checkpoint


def load_measurable(path: Path, settings: Mapping) -> Checkpoint:
    """Reads a checkpoint of the network that all measurements know.

    Args:
      settings: options of `checkpoint.load`.

    Raises:
      InputError: the checkpoint is not one, or of another network.
    """
    loaded = checkpoint.load(path, **settings)
    try:
        _ = loaded.policy.geometry
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return loaded


class Agent(NamedTuple):
    """checkpoint: the policy as loaded. table: one action for each of its logits."""

    checkpoint: Checkpoint
    table: ActionTable


def load(path: Path, settings: Mapping, actions: Mapping) -> Agent:
    """Reads a checkpoint and fits the action table to it.

    Args:
      settings: options of `checkpoint.load`. actions: `factors` and `behaviours` of the table.

    Raises:
      InputError: the checkpoint is not one, or the table has another number of actions.
    """
    loaded = load_measurable(path, settings)
    table = action_table(actions["factors"], actions["behaviours"])
    if len(table.labels) != loaded.policy.geometry.actions:
        raise InputError(
            f"{path}: the action table must have one action for each of the policy's {loaded.policy.geometry.actions} "
            f"logits; it has {len(table.labels)}. Check `actions.factors`."
        )
    return Agent(loaded, table)
