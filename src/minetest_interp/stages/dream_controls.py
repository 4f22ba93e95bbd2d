"""Test the claims about dreams on many seeds, each beside a dream of shuffled weights."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import dream_controls
from minetest_interp.claims.measured import Measured, measure_each, write
from minetest_interp.cli import command
from minetest_interp.model import agent


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    about: list,
    arrays: Path,
    estimates: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)

    def measure(concept: str, readout: str, side: int) -> Measured:
        return dream_controls.measure(loaded, table, steering=readout, side=side, **settings, level=Level(**interval))

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)
