"""Folders as other people's programs save them: `python -m tests.saved_by_orbax FILE FOLDER`, a process of its own.

Each has the network of a file that `checkpoint.save` wrote, with the module names of DQN.
"""

import sys
from pathlib import Path

import flax.serialization
import jax
import numpy as np
import optax
import orbax.checkpoint as orbax
from flax import nnx
from flax.training.train_state import TrainState

ROOTS = {
    "standard": "params/",
    "pytree": "params/",
    "zarr3": "params/",
    "bare": "",
    "state": "params/params/",
    "bfloat16": "params/",
    "nnx": "",
}  # kind to the path before the modules


def tree_of(file: Path) -> dict:
    trees = flax.serialization.msgpack_restore(file.read_bytes())["1"]
    return {"params": {**trees["0"]["params"], "Dense_1": trees["1"]["params"]["Dense_0"]}}


def save(file: Path, folder: Path) -> None:
    tree = tree_of(file)
    trees = {
        "standard": tree,
        "bare": tree["params"],
        "state": TrainState.create(apply_fn=tree_of, params=tree, tx=optax.adam(1e-3)),
        "bfloat16": jax.tree.map(lambda array: array.astype("bfloat16"), tree),
        "nnx": nnx.State(jax.tree.map(nnx.Param, tree["params"])),
    }
    with orbax.StandardCheckpointer() as saver:
        for kind, each in trees.items():
            saver.save(folder / kind, each)
    orbax.PyTreeCheckpointer().save(folder / "pytree", tree)
    each_its_file = orbax.PyTreeCheckpointer(use_ocdbt=False, use_zarr3=True)
    each_its_file.save(folder / "zarr3", tree)
    each_its_file.save(folder / "wide", {"params": {"Conv_0": {"kernel": np.zeros(2**27, np.float32)}}})


if __name__ == "__main__":
    save(Path(sys.argv[1]), Path(sys.argv[2]).resolve())
