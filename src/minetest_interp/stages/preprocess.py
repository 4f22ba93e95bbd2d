"""Screenshots to the grey frames that the network sees, in every view, and to pictures for people."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import frames

PICTURE_WIDTH = 512


def run(
    folder: Path, pattern: str, order: str, overlay: list, network: Path, stacks: Path, pictures: Path, listing: Path
) -> None:
    size = files.read_json(network)["height"]
    found = frames.find(folder, pattern)
    views, thumbnails, rows = [], [], []
    for file in found:
        picture = frames.read(file)
        views.append(frames.views(picture, size=size, order=order, overlay=overlay))
        thumbnails.append(frames.thumbnail(picture, width=PICTURE_WIDTH))
        rows.append(
            {
                "name": file.stem,
                "file": file.relative_to(folder).as_posix(),
                "sha256": files.sha256(file),
                "bytes": file.stat().st_size,
                "height": picture.shape[0],
                "width": picture.shape[1],
            }
        )
    names = np.array([file.stem for file in found])
    files.write_arrays(stacks, frames=names, **{view: np.stack([v[view] for v in views]) for view in frames.VIEWS})
    sizes = np.array([thumbnail.shape[:2] for thumbnail in thumbnails])
    files.write_arrays(pictures, frames=names, pictures=frames.same_size(thumbnails), sizes=sizes)
    files.write_json(listing, rows)


if __name__ == "__main__":
    command(run)
