"""Share behaviours and value out over pixels and channels by every method, and measure how far to trust each."""

from pathlib import Path
from typing import Any

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import attribution, maps
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", "original", "share", "group")
OF_MAPS = ("steps", "samples", "noise", "patch", "patch_stride")


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
    labels: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    shown = files.read_arrays(stacks, "frames", "original")
    intervals: dict[str, Any] = {"similarity": similarity, "bootstrap": Bootstrap(**interval)}

    def measure(concept: str, readout: str, side: int) -> Measured:
        labelled = read_labels(labels, concept, *LABELLED)
        if [concept, readout] == about[0][:2]:
            return attribution.measure(loaded, table, shown, labelled, steering=readout, **settings, **intervals)
        drawn = {key: settings[key] for key in ("masks", "seed")}
        how = {key: settings[key] for key in OF_MAPS}
        return maps.measure(loaded, table, labelled, steering=readout, settings=how, **drawn, **intervals)

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)
