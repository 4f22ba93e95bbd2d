"""Share behaviours and value out over pixels and channels by every method, and measure how far to trust each."""

from pathlib import Path

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import attribution
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
    settings: dict,
    arrays: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    measured = attribution.measure(
        loaded,
        table,
        files.read_arrays(stacks, "frames", "original"),
        steering=actions["steering"],
        **settings,
        similarity=similarity,
        bootstrap=Bootstrap(**interval),
    )
    files.write_arrays(arrays, **measured.arrays)


if __name__ == "__main__":
    command(run)
