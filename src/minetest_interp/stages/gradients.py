"""Gradient of one objective with respect to every layer, for every frame of one view."""

from pathlib import Path

import jax
import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, frames, objectives
from minetest_interp.model.policy import layer_gradients


def run(
    checkpoint_path: Path, policy: dict, actions: dict, objective: dict, stacks: Path, view: str, output: Path
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    asked = objectives.from_settings(objective, table, loaded.architecture)
    stored = files.read_arrays(stacks)
    batch = frames.as_stacks(stored[view], loaded.architecture.frames)
    scores, gradients = jax.jit(lambda batch: layer_gradients(loaded, asked, batch))(batch)
    arrays = {name: np.asarray(gradient) for name, gradient in gradients.items()}
    files.write_arrays(output, frames=stored["frames"], scores=np.asarray(scores), **arrays)


if __name__ == "__main__":
    command(run)
