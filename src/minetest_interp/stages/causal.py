"""Test the claims about what causes the steering: channels replaced, patched from mirrored frames, and steered."""

from pathlib import Path

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import causal
from minetest_interp.claims.measured import write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", "original", "position", "group")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    interval: dict,
    similarity: float,
    named: dict,
    side: int,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
    units: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    measured = causal.measure(
        loaded,
        table,
        files.read_arrays(stacks, "frames", "original", "mirrored"),
        files.read_arrays(labels, *LABELLED) if labels else None,
        units=files.read_arrays(units) if units else None,
        steering=actions["steering"],
        side=side,
        channels=named,
        **settings,
        similarity=similarity,
        bootstrap=Bootstrap(**interval),
    )
    write(measured, arrays, estimates)


if __name__ == "__main__":
    command(run)
