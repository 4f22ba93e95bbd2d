"""Take the steering drive and the value apart by channel, path and factor; test whether few channels carry them."""

from pathlib import Path
from typing import Any

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import circuits, paths
from minetest_interp.claims.measured import Measured, measure_each, write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    interval: dict,
    similarity: float,
    about: list,
    settings: dict,
    arrays: Path,
    estimates: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    stored = files.read_arrays(stacks, "frames", "original")
    intervals: dict[str, Any] = {"similarity": similarity, "level": Level(**interval)}

    def measure(concept: str, readout: str, side: int) -> Measured:
        if [concept, readout] == about[0][:2]:
            return circuits.measure(loaded, table, stored, steering=readout, **settings, **intervals)
        drawn = {key: settings[key] for key in ("frames", "draws", "networks", "seed")}
        return paths.measure(loaded, table, stored, steering=readout, **drawn, **intervals)

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)
