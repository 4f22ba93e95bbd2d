"""Test the claims about frames that differ in one thing: no trunk, a moved one, night, motion."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import intervals, interventions
from minetest_interp.analysis.intervals import Bootstrap, missing
from minetest_interp.claims import pairs as pair_claims
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent
from minetest_interp.model.labels import NO_LABELS

NO_PAIRS = "no labelled frames differ in this alone; those of make capture do"


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    interval: dict,
    similarity: float,
    side: int,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    asked = interventions.quantities(table)
    questions = asked[actions["steering"]], asked["value"]
    stored = files.read_arrays(labels, "frames", "original", "trunk", "group", "role") if labels else {}

    def ask(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        steering, value = interventions.answers(loaded, questions, frames).T
        return side * steering, value

    found: dict[str, dict] = {}
    kept: dict[str, np.ndarray] = {}
    for name, contrast in pair_claims.CONTRASTS.items():
        found[contrast.claim] = dict.fromkeys(contrast.parts, missing(NO_PAIRS if labels else NO_LABELS))
        if not labels or not len(
            of := contrast.members(stored["group"], stored["role"], frames=loaded.geometry.frames)
        ):
            continue
        frames = stored["original"][of]
        clusters = intervals.near_duplicates(frames[:, -1], similarity=similarity)
        measured = contrast.measure(ask, frames, stored["trunk"][of])
        found[contrast.claim] = contrast.estimate(**measured, clusters=clusters, bootstrap=Bootstrap(**interval))
        measured |= {"frames": stored["frames"][of], "clusters": clusters}
        kept |= {f"{name}/{key}": array for key, array in measured.items()}
    files.write_arrays(arrays, **kept)
    files.write_json(estimates, intervals.to_json(found))


if __name__ == "__main__":
    command(run)
