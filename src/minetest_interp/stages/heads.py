"""Test whether actor and critic read the same features."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import heads
from minetest_interp.claims.measured import write
from minetest_interp.cli import command
from minetest_interp.model import agent


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    arrays: Path,
    estimates: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    measured = heads.measure(loaded, table, **settings, level=Level(**interval))
    write(measured, arrays, estimates)


if __name__ == "__main__":
    command(run)
