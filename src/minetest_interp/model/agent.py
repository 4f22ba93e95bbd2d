"""A policy together with the action table that says what its logits mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.model.actions import ActionTable, action_table
from minetest_interp.model.checkpoint import Checkpoint


class Agent(NamedTuple):
    """checkpoint: the policy as loaded. table: one action for each of its logits, or Q values."""

    checkpoint: Checkpoint
    table: ActionTable


def load(path: Path, settings: Mapping, actions: Mapping) -> Agent:
    """Reads a checkpoint and fits the action table to it.

    Args:
      settings: options of `checkpoint.load`. actions: `factors` and `behaviours` of the table.

    Raises:
      InputError: the checkpoint is not one, or the table has another number of actions.
    """
    loaded = checkpoint.load(path, **settings)
    table = action_table(actions["factors"], actions["behaviours"])
    count = loaded.policy.architecture.actions
    if len(table.labels) != count:
        raise InputError(
            f"{path}: the action table must have one action for each of the {count} that the policy chooses from; it "
            f"has {len(table.labels)}. Check `actions.factors`."
        )
    return Agent(loaded, table)
