"""What the policy does in every cell of a field: its steering and its value."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, field, intermediates
from minetest_interp.model.actions import behaviours_of


def run(checkpoint_path: Path, policy: dict, actions: dict, recorded: Path, cells: Path) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    arrays = field.read(recorded, seen=loaded.architecture.stack)
    answered = intermediates.compute(loaded, arrays[field.STACKS].astype(np.float32))
    value = np.ravel(answered["value"]) if "value" in answered else np.full(len(arrays["map"]), np.nan, np.float32)
    files.write_arrays(cells, **arrays, turn=behaviours_of(answered, table)[actions["steering"]], value=value)


if __name__ == "__main__":
    command(run)
