"""Test what the agent does in whole episodes."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import play
from minetest_interp.claims.measured import write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, answers


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    side: int,
    arrays: Path,
    estimates: Path,
    episodes: Path | None = None,
) -> None:
    found = None
    if episodes is not None:
        found = files.read_arrays(episodes)
        if "stacks" in found:
            (loaded, _, _), _ = agent.load(checkpoint_path, policy, actions)
            answers.check_logits(loaded, found["stacks"], found["logits"], episodes)
    measured = play.measure(found, play.PlaySettings(**settings), side=side, level=Level(**interval))
    write(measured, arrays, estimates)


if __name__ == "__main__":
    command(run)
