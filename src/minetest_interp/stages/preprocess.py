"""Pictures and recorded stacks to what the network reads of them, in every view, and to pictures for people."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import frames, observations


def run(folder: Path, pattern: str, shown: dict, network: Path, stacks: Path, pictures: Path, listing: Path) -> None:
    described, settings = files.read_json(network), observations.observation_settings(shown)
    stack = described["frames"], described["height"], described["width"]
    seen, rows = [], []
    for file in frames.find(folder, pattern):
        source = {
            "file": file.relative_to(folder).as_posix(),
            "sha256": files.sha256(file),
            "bytes": file.stat().st_size,
        }
        for observation in observations.read(file, stack, settings):
            seen.append(observation)
            sides = {"height": observation.height, "width": observation.width}
            rows.append({"name": observation.name, **source, **sides})
    names = np.array([observation.name for observation in seen])
    channels = {"colours": observations.COLOURS} if settings["colour"] else {}
    files.write_arrays(stacks, frames=names, **observations.together(seen), **channels)
    sizes = np.array([observation.picture.shape[:2] for observation in seen])
    shown_to_people = frames.same_size(observation.picture for observation in seen)
    files.write_arrays(pictures, frames=names, pictures=shown_to_people, sizes=sizes)
    files.write_json(listing, rows)


if __name__ == "__main__":
    command(run)
