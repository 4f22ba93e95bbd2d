"""Take the steering drive and the value apart: by channel, by path, and by factor of the layers with ReLUs."""

from pathlib import Path

from minetest_interp.claims import circuits
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent


def run(checkpoint_path: Path, policy: dict, actions: dict, stacks: Path, settings: dict, arrays: Path) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    stored = files.read_arrays(stacks, "frames", "original")
    measured = circuits.measure(loaded, table, stored, steering=actions["steering"], **settings)
    files.write_arrays(arrays, **measured.arrays)


if __name__ == "__main__":
    command(run)
