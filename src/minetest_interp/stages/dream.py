"""The notebook's deep dream of one objective."""

from pathlib import Path

import cv2
import numpy as np

from minetest_interp.cli import command
from minetest_interp.dreams import notebook
from minetest_interp.io import files
from minetest_interp.model import agent, objectives


def energy(frame: np.ndarray) -> np.ndarray:
    """Squared deviation of `[H, W]` from its mean, blurred 5x5, in squared grey levels: how the post shows a dream."""
    return cv2.GaussianBlur((frame - frame.mean()) ** 2, (5, 5), 0)


def run(checkpoint_path: Path, policy: dict, actions: dict, dream: dict, output: Path) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    settings = {"target": "input", "lr": 1e3} | dream
    objective = objectives.from_settings(settings["objective"], table, loaded.architecture)
    result = notebook.deep_dream(
        loaded,
        objective,
        notebook.grey_start(loaded.architecture, seed=settings["seed"]),
        target=settings["target"],
        lr=settings["lr"],
        steps=settings["steps"],
        progress=lambda step: step % 100 or print(f"step {step} of {settings['steps']}", flush=True),
    )
    arrays = {"start": np.asarray(result.start)[0], "image": np.asarray(result.image)[0], "scores": result.scores}
    if settings["target"] == "input":
        arrays["energy"] = energy(arrays["image"][-1])
    files.write_arrays(output, **arrays)


if __name__ == "__main__":
    command(run)
