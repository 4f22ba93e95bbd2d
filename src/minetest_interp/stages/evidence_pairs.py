"""Test the claims about frames that differ in one thing: no trunk, a moved one, night, motion."""

from pathlib import Path

import numpy as np

from minetest_interp import agent, causal, contrasts, files, intervals
from minetest_interp.intervals import Bootstrap, missing
from minetest_interp.stages import NO_LABELS, command

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
    asked = causal.quantities(table)
    questions = asked[actions["steering"]], asked["value"]
    stored = files.read_arrays(labels, "frames", "original", "trunk", "group", "role") if labels else {}

    def ask(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        steering, value = causal.answers(loaded, questions, frames).T
        return side * steering, value

    found: dict[str, dict] = {}
    kept: dict[str, np.ndarray] = {}
    for name, contrast in contrasts.CONTRASTS.items():
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
