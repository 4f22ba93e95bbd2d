"""Check that a checkpoint of a series takes the study's frames: that its network is that of the study's own."""

import json
from collections.abc import Mapping
from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.model.description import describe


def run(checkpoint_path: Path, policy: dict, network: Path) -> None:
    loaded = describe(checkpoint.load(checkpoint_path, **policy).policy.architecture)
    own, here = _sizes(files.read_json(network)), _sizes(json.loads(files.json_text(loaded)))
    for name in {**own, **here}:
        if own.get(name) != here.get(name):
            raise InputError(
                f"{checkpoint_path}: must have the {name} of the study's own checkpoint, {own.get(name)}; "
                f"got {here.get(name)}. Make a study of its own for it."
            )


def _sizes(described: Mapping) -> dict[str, object]:
    """What two networks must have in common, each under the words that name it."""
    kept = ("shape", "windows", "function", "next")
    return {
        **{name: described[name] for name in ("frames", "height", "width")},
        **{f"{key} of {layer['name']}": layer[key] for layer in described["layers"] for key in kept},
        **{f"outputs of the {head['name']}": head["outputs"] for head in described["heads"]},
    }


if __name__ == "__main__":
    command(run)
