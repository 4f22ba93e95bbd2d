"""What single channels respond to: oriented gradients in the first layer, trunks in others; both against controls."""

from pathlib import Path

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import units
from minetest_interp.claims.measured import write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", "original", "trunk", "group")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    interval: dict,
    similarity: float,
    named: dict,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    measured = units.measure(
        agent.load(checkpoint_path, policy, actions).checkpoint.policy,
        files.read_arrays(stacks, *({"frames", "original", "colours"} & set(files.array_names(stacks)))),
        files.read_arrays(labels, *LABELLED) if labels else None,
        channels=named,
        **settings,
        similarity=similarity,
        bootstrap=Bootstrap(**interval),
    )
    write(measured, arrays, estimates)


if __name__ == "__main__":
    command(run)
