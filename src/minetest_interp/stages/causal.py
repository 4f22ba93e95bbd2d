"""Test the claims about what causes the steering: channels replaced, patched from mirrored frames, and steered."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import causal
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
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
    about: list,
    named: dict,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
    units: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    shown = files.read_arrays(stacks, "frames", "original", "mirrored")

    def measure(concept: str, readout: str, side: int) -> Measured:
        return causal.measure(
            loaded,
            table,
            shown,
            read_labels(labels, concept, *LABELLED),
            units=of_concept(files.read_arrays(units), concept, own=about[0][0]) if units else None,
            steering=readout,
            side=side,
            channels=named,
            **settings,
            similarity=similarity,
            level=Level(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


def of_concept(arrays: dict, concept: str, *, own: str) -> dict:
    """What was measured of a concept; own: the study's, in whose names there is no prefix."""
    if concept == own:
        return arrays
    parts = {name: name.split("/", 2) for name in arrays if name.startswith(f"{concept}/")}
    return {rest: arrays[name] for name, (_, _, rest) in parts.items()}


if __name__ == "__main__":
    command(run)
