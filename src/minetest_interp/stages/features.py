"""Test the claims about what the channels of the first two layers follow: brightness, edges, concepts, or nothing."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import features
from minetest_interp.claims.measured import Arrays, Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", "original", "share", "group")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    interval: dict,
    similarity: float,
    about: list,
    named: dict,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    loaded = agent.load(checkpoint_path, policy, actions).checkpoint.policy
    shown = files.read_arrays(stacks, *({"frames", "original", "colours"} & set(files.array_names(stacks))))

    def measure(concept: str, readout: str, side: int) -> Measured:
        return features.measure(
            loaded,
            shown,
            read(labels, concept),
            channels=named,
            concept=concept,
            **settings,
            similarity=similarity,
            level=Level(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


def read(labels: Path | None, concept: str) -> Arrays | None:
    """The labelled frames with the masks of this concept, and those of all others by their names."""
    own = read_labels(labels, concept, *LABELLED)
    if labels is None or own is None:
        return None
    others = {name for name in files.array_names(labels) if name.endswith("/share")} - {f"{concept}/share"}
    return own | (files.read_arrays(labels, *sorted(others)) if others else {})


if __name__ == "__main__":
    command(run)
