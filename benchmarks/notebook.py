"""The work of the original notebook, in one go: load the screenshots, dream three times, plot its cells.

What it did by hand, with the same loops and steps: every screenshot opened with Pillow, three ascents of 500, 600 and
600 jitted steps called from Python, and one plot a cell. Times itself; `run.py` sets it beside the build.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from PIL import Image
from sklearn.metrics.pairwise import cosine_similarity

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from minetest_interp.dreams import notebook
from minetest_interp.model import checkpoint, objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.policy import layer_gradients

matplotlib.use("Agg")
import matplotlib.pyplot as plt

YAW = Behaviour(np.arange(36) % 9 < 3, np.arange(36) % 9 >= 6)


def show(image, folder: Path, **options) -> None:
    plt.imshow(image, **options)
    plt.gca().axis("off")
    plt.savefig(folder / f"{show.count}.png")
    plt.close()
    show.count += 1


show.count = 0


def main(data: Path, plots: Path) -> None:
    policy = checkpoint.load(data / "ppo_treechop-v0.model", size=64).policy
    images = [np.array(Image.open(path)) for path in sorted((data / "screenshots").iterdir())]

    def see(image):
        return cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA)

    def stack(image):
        return jnp.stack([see(image).astype(np.float32)] * 4)[None]

    start = notebook.grey_start(policy.geometry, seed=1)
    for frame in notebook.deep_dream(policy, objectives.value(), start, steps=500).image[0]:
        show(frame, plots, cmap="gray")
    for sign in (1, -1):
        dream = notebook.deep_dream(policy, objectives.behaviour_probability(YAW, sign=sign), start, steps=600)
        frame = np.asarray(dream.image)[0, -1]
        show(cv2.GaussianBlur((frame - frame.mean()) ** 2, (5, 5), 0), plots, cmap="gray")

    actor, critic = (np.asarray(policy.params[head]["kernel"]).T for head in ("actor", "critic"))
    plt.hist(cosine_similarity(critic, actor).ravel())
    plt.hist(cosine_similarity(np.random.default_rng(0).standard_normal((1, 512)), actor).ravel())
    plt.savefig(plots / "alignment.png")
    plt.close()

    for i in (12, 1, 30):
        for image in (images[i], images[i][:, ::-1]):
            show(see(image), plots)
            jax.nn.softmax(policy.run(stack(image)).logits).block_until_ready()
    for i, layer, channel in ((1, "conv0", 21), (15, "conv1", 56), (15, "conv2", 0), (12, "conv2", 0)):
        activation = np.asarray(policy.run(stack(images[i])).layers[layer])[0, ..., channel]
        for shown in (see(images[i]), activation, activation > 0):
            show(shown, plots)
    question = objectives.behaviour_probability(YAW, sign=-1)
    show(layer_gradients(policy, question, stack(images[12]))[1]["conv2"][0, ..., 0], plots)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("plots", type=Path)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    main(arguments.data, arguments.plots)
    print(f"{time.perf_counter() - begin:.1f} s")
