"""Choose and compute what readers of the article try: frames at work, pieces to move, and frames to guess on."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import hands_on, trials
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.claims.measured import Arrays, read_labels
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, frames, labels

STILLS, WIDTH = 5, 320  # frames at work, and pixels of a picture for people
LABELLED = ("frames", "original", "share", "position", "group", "light")
NO_SIDES = "the steering has no left and right"


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    about: dict,
    settings: dict,
    guessing: dict,
    results: Path,
    output: Path,
    atlas: Path | None = None,
    labelled: Path | None = None,
    folder: Path | None = None,
    label_settings: dict | None = None,
) -> None:
    side = 1 if about["positive"] == "left" else -1
    arrays = at_work(results, actions["steering"], side) | of_heads(atlas)
    known = None if labelled is None else read_labels(labelled, about["concept"], *LABELLED)
    if reason := why_not(about, known):
        files.write_arrays(output, **arrays, reason=np.array(reason))
        return
    assert known is not None and folder is not None and label_settings is not None
    loaded = agent.load(checkpoint_path, policy, actions)
    concept = label_settings["concepts"][about["concept"]]
    pairs = labels.find(folder, pattern=label_settings["frames"], masks=label_settings["masks"])
    arrays |= trials.to_try(loaded, actions["steering"], side, known, BarSettings(**settings), pairs, concept)
    arrays |= trials.to_guess(loaded, actions["steering"], side, known, pairs, seed=settings.get("seed", 0), **guessing)
    files.write_arrays(output, **arrays)


def why_not(about: dict, known: Arrays | None) -> str | None:
    """Why there is nothing to try, None where there is."""
    if {about["plus"], about["minus"]} != {"left", "right"}:
        return NO_SIDES
    if known is None:
        return labels.NO_LABELS
    shown = np.isfinite(known["position"])
    return f"every labelled frame shows the {about['concept']}" if shown.all() else labels.why_none(shown)


def at_work(results: Path, steering: str, side: int) -> Arrays:
    """Frames of the study from the most left turn to the most right one, as people see them."""
    stored = files.read_arrays(results / "pictures.npz", "pictures", "sizes")
    read = files.read_arrays(results / "readouts.npz", "frames", f"original/{steering}")
    turning = side * read[f"original/{steering}"].astype(np.float64)
    chosen = hands_on.evenly_turned(turning, count=STILLS)
    shown = [stored["pictures"][i][: stored["sizes"][i][0], : stored["sizes"][i][1]] for i in chosen]
    found = {"stills/frames": read["frames"][chosen], "stills/turning": turning[chosen]}
    return found | {f"stills/picture/{i}": frames.thumbnail(picture, width=WIDTH) for i, picture in enumerate(shown)}


def of_heads(atlas: Path | None) -> Arrays:
    """The dreams of the value and of the behaviours beside their controls, where the study has an atlas."""
    if atlas is None or "reason" in files.array_names(atlas):
        return {}
    stored = files.read_arrays(atlas, "layer", "name", "pictures", "control", "control_correlation")
    rows = np.flatnonzero(stored["layer"] == "head")
    pictures = {f"dreams/{name}": stored[name][rows, 0] for name in ("pictures", "control")}
    return pictures | {f"dreams/{name}": stored[name][rows] for name in ("name", "control_correlation")}


if __name__ == "__main__":
    command(run)
