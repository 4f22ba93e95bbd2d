"""Labelled pictures to what the network sees of them, where what is in them, and which belong together."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import captured, frame_groups, labels


def run(
    folder: Path,
    pattern: str,
    masks: str,
    concepts: dict,
    order: str,
    network: Path,
    labelled: Path,
    turns: Path,
    colour: bool = False,
) -> None:
    described = files.read_json(network)
    size = described["height"], described["width"]
    found = labels.find(folder, pattern=pattern, masks=masks)
    labels.check_classes((labels.read_mask(mask) for _, mask in found), concepts, folder)
    read = [labels.read(*pair, size=size, order=order, colour=colour, concepts=concepts) for pair in found]
    arrays = {view: np.stack([getattr(frame, view) for frame in read]) for view in ("original", "mirrored")}
    for concept in concepts:
        arrays[f"{concept}/share"] = np.stack([frame.share[concept] for frame in read])
        arrays[f"{concept}/position"] = np.array([frame.position[concept] for frame in read])
    names = [picture.stem for picture, _ in found]
    said = captured.read(folder, names)
    arrays |= {"frames": np.array(names)} | said._asdict()
    files.write_arrays(labelled, **arrays)
    # Where trunks are is known of the newest frame, which is also what the agent would steer by.
    stacks = frame_groups.stacks(said.group, said.role, frames=described["frames"])
    # The stack of a network of colours is the newest picture alone.
    seen = {view: arrays[view][stacks[:, -1] if colour else stacks] for view in ("original", "mirrored")}
    files.write_arrays(turns, **seen, **{name: arrays[name][stacks[:, -1]] for name in arrays if name not in seen})


if __name__ == "__main__":
    command(run)
