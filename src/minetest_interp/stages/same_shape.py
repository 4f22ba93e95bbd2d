"""Check that a checkpoint of a series takes the study's frames: that it has the shape of the study's own."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint


def run(checkpoint_path: Path, policy: dict, network: Path) -> None:
    geometry, described = checkpoint.load(checkpoint_path, **policy).policy.geometry, files.read_json(network)
    for name, size in geometry._asdict().items():
        size = list(size) if isinstance(size, tuple) else size
        if size != described[name]:
            raise InputError(
                f"{checkpoint_path}: must have the {name} of the study's own checkpoint, {described[name]}; "
                f"got {size}. Make a study of its own for it."
            )


if __name__ == "__main__":
    command(run)
