"""Pictures and recorded stacks through the workflow, for a network of colours whose height is not its width."""

import jax
import numpy as np
import pytest

from minetest_interp.io import files, stores
from minetest_interp.model import checkpoint, frames
from tests.networks import actor_critic, chain, write
from tests.results.workshop import STUDY, Workshop, picture

HEIGHT, WIDTH = 64, 48
SHOWN = "run-0002"


@pytest.fixture(scope="module")
def recorded() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def shop(recorded, tmp_path_factory) -> Workshop:
    client = actor_critic(1, chain, (3, HEIGHT, WIDTH), {"size": [HEIGHT, WIDTH]}, actions=6)
    study = {key: STUDY[key] for key in ("title", "summary", "source", "actions", "dreams", "gradients")} | {
        "policy": {"checkpoint": "agent.model", **client.settings},
        "frames": {"files": "[rs]*.[pn]*", "colour": True, "layout": "NHWC", "overlay": [[0.5, 0.5, 1, 1]]},
        "panels": {
            "d-views": {"frame": SHOWN},
            "e-mirror-day": {"frame": SHOWN},
            "g-channel": {"frame": "shot", "layer": "conv0", "channel": 1, "view": "masked"},
            "frames": {},
        },
    }
    shop = Workshop(tmp_path_factory.mktemp("colours") / "checkout", study)
    write(client, shop.files)
    np.savez_compressed(shop.files / "run.npz", recorded)
    picture(0).save(shop.files / "shot.png")
    shop.build("core")
    return shop


def test_every_array_is_declared(shop):
    results = shop.folder / "results/own"
    for path in results.rglob("*.npz"):
        store = stores.store_of(path.relative_to(results).as_posix())
        assert stores.breaches(store, files.read_arrays(path)) == []


def test_the_policy_is_read_out_on_what_was_recorded_and_on_the_colours_of_the_picture(recorded, shop):
    policy = checkpoint.load(shop.files / "agent.model", size=(HEIGHT, WIDTH)).policy
    shot = frames.colours(np.asarray(picture(0)), size=(HEIGHT, WIDTH))
    stacks = np.concatenate([recorded.transpose(0, 3, 1, 2), shot[None]]).astype(np.float32)
    for view, shown in (("original", stacks), ("mirrored", stacks[:4, ..., ::-1])):
        chances = np.asarray(jax.nn.softmax(policy.run(shown).logits))
        found = files.read_arrays(shop.folder / "results/own/readouts.npz", f"{view}/yaw")[f"{view}/yaw"]
        np.testing.assert_allclose(found[: len(shown)], chances[:, 1] - chances[:, 2], atol=1e-5)


def test_stacks_of_too_many_colours_are_refused_in_one_line(shop):
    np.save(shop.files / "run-2.npy", np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    try:
        failed = shop.run("core")
    finally:
        (shop.files / "run-2.npy").unlink()
    log = (shop.folder / "results/own/logs/preprocess.txt").read_text()
    assert failed.returncode != 0 and log.count("\n") == 1
    assert "run-2.npy: a stack must be [64, 48, 3], as the network reads it (HWC); got [64, 48, 4]." in log
