"""Files of episodes: what is written is read place by place, and what is none is refused in a line."""

from pathlib import Path

import numpy as np
import pytest

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import answers, checkpoint, episodes, intermediates
from minetest_interp.stages import episodes as stage
from minetest_interp.stages import play as play_stage
from tests.conftest import random_policy
from tests.played import KEPT, PLACES, STEPS, recorded, write_all
from tests.unit.test_measure import ACTIONS, SMALL

COUNT = len(ACTIONS["factors"]["do"])
STACK = random_policy(SMALL).architecture.stack
SHORT = {name: array[:, :-1] for name, array in recorded(2, COUNT).items() if array.ndim == 2}
SETTINGS = {"gamma": 0.9, "near": 3, "far": 20, "ahead": 36, "steps": 10, "looks": 20}
INTERVAL = {"confidence": 0.95, "least_clusters": 3}


@pytest.fixture(scope="module")
def policy():
    return random_policy(SMALL, seed=3, gain=50.0)


@pytest.fixture
def folder(policy, tmp_path):
    checkpoint.save(tmp_path / "policy.model", policy, {})
    write_all(tmp_path, COUNT, policy)
    return tmp_path


def build(folder, **others):
    named = {"own": "own", "random": "random", "forward": "forward", "out_of_order": "out-of-order"}
    named |= {f"decoys_{side}": f"decoys-{side}" for side in ("left", "right")} | others
    given = {agent: folder / f"{name}.npz" for agent, name in named.items() if name}
    written = {"episodes": folder / "episodes.npz", "on_policy": folder / "on_policy.npz"}
    files.write_json(folder / "network.json", dict(zip(("frames", "height", "width"), STACK, strict=True)))
    stage.run(**given, **written, actions=ACTIONS, concepts={"trunk": 1}, network=folder / "network.json")
    play_stage.run(
        checkpoint_path=folder / "policy.model",
        policy={"size": SMALL.size},
        actions=ACTIONS,
        settings=SETTINGS,
        interval=INTERVAL,
        side=1,
        arrays=folder / "play.npz",
        estimates=folder / "play.json",
        episodes=folder / "episodes.npz",
    )
    return files.read_json(folder / "play.json")


def change(folder, name, **changes):
    arrays = dict(np.load(folder / f"{name}.npz")) | changes
    np.savez_compressed(folder / f"{name}.npz", **{key: array for key, array in arrays.items() if array is not None})


def test_agents_are_compared_place_by_place_whatever_the_order_in_their_files(folder):
    found = build(folder)
    own, other = (np.load(folder / f"{name}.npz") for name in ("own", "random"))
    expected = (own["dug"].sum(1, dtype=int) - other["dug"].sum(1, dtype=int)).mean()
    assert found["digs-logs"]["random"]["estimate"] == pytest.approx(expected)
    turned = {name: array[::-1] for name, array in recorded(1, COUNT).items()}
    np.savez_compressed(folder / "random.npz", **turned)
    assert build(folder) == found


def test_steering_and_keys_are_those_of_logits_and_actions(folder):
    build(folder)
    own, found = np.load(folder / "own.npz"), np.load(folder / "episodes.npz")
    odds = np.exp(own["logits"].astype(np.float64))
    odds /= odds.sum(-1, keepdims=True)
    left, right, go = (ACTIONS["factors"]["do"].index(level) for level in ("left", "right", "go"))
    np.testing.assert_allclose(found["own/turn"], odds[..., left] - odds[..., right], atol=1e-5)
    np.testing.assert_array_equal(found["own/forward"], own["action"] == go)


def test_headings_are_the_turns_since_the_first_step_whatever_the_order_of_the_places(folder):
    build(folder)
    poses, found = np.load(folder / "decoys-left.npz")["pose"], np.load(folder / "episodes.npz")
    turned = np.degrees(np.angle(np.exp(1j * np.radians(poses[..., 3] - poses[:, :1, 3]))))
    np.testing.assert_allclose(found["decoys-left/heading"], turned, atol=1e-3)
    one = {name: array[::-1] for name, array in np.load(folder / "decoys-left.npz").items()}
    np.savez_compressed(folder / "decoys-left.npz", **one)
    build(folder)
    np.testing.assert_array_equal(np.load(folder / "episodes.npz")["decoys-left/heading"], found["decoys-left/heading"])


def test_episodes_with_decoys_may_be_shorter(folder):
    short = {
        name: array[:, :7] if array.ndim > 1 else array for name, array in np.load(folder / "decoys-left.npz").items()
    }
    np.savez_compressed(folder / "decoys-left.npz", **short)
    found = build(folder)
    assert np.load(folder / "episodes.npz")["decoys-left/heading"].shape == (PLACES, 7)
    assert found["turns-to-dark-decoy"]["dark-side"]["estimate"] is not None


def test_agents_that_were_not_recorded_may_be_left_out(folder):
    found = build(folder, forward=None)
    assert found["earns-more"]["forward"]["estimate"] is None
    assert found["earns-more"]["random"]["estimate"] is not None


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("own", {"shaped": None}, "must have the array 'shaped'; it has action, "),
        ("own", {"logits": None}, "must have the array 'logits'"),
        ("own", {"logits": np.zeros((PLACES, STEPS, 7), np.float16)}, "must be of an agent with 6 actions; got 7"),
        ("own", {"action": np.full((PLACES, STEPS), 6, np.uint8)}, "must be of an agent with 6 actions"),
        (
            "own",
            {"dug": np.zeros((PLACES, STEPS + 1), np.uint8)},
            r"dug must be unsigned integers \[4, 60\], by place and step; got uint8 \[4, 61\]",
        ),
        ("own", {"value": np.zeros((PLACES, STEPS), int)}, r"value must be floats \[4, 60\]"),
        ("own", {"place": np.array(["same"] * PLACES)}, "place must be names, each once"),
        ("own", {"kept": np.array([0, STEPS])}, "stacks must be uint8 .* and kept steps below 60; got uint8"),
        ("own", {"kept": np.array([-1, 0])}, "kept steps below 60"),
        ("own", {"kept": None}, "kept steps below 60"),
        ("own", {"stacks": np.zeros((PLACES, 2, 84, 84), np.uint8)}, r"got uint8 \[4, 2, 84, 84\]"),
        ("own", {"stacks": np.zeros((PLACES, 2, 2, 84, 84))}, "got float64"),
        ("own", {"shaped": np.full((PLACES, STEPS), np.nan)}, "shaped must be finite at every step"),
        ("random", {"on_trunk": np.zeros((PLACES, STEPS))}, "on_trunk must be booleans"),
        ("random", {"place": np.array(list("abcd"))}, "must have the places place 0, place 1, .*; got a, b, c, d"),
        ("forward", SHORT, "must have 60 steps, as `episodes.own`; got 59"),
        ("decoys-left", {"pose": None}, r"pose must be finite floats \[4, 60, 5\]; got float64 \[0\]"),
        ("decoys-left", {"pose": np.full((PLACES, STEPS, 5), np.nan)}, "pose must be finite floats"),
        (
            "decoys-right",
            {"place": np.array(list("abcd"))},
            "must have the places place 0, place 1, .*; got a, b, c, d",
        ),
    ],
)
def test_what_is_no_record_of_episodes_is_refused_in_a_line(folder, name, changes, message):
    change(folder, name, **changes)
    with pytest.raises(InputError, match=message) as error:
        build(folder)
    assert str(folder / f"{name}.npz") in str(error.value) and "\n" not in str(error.value)


def test_episodes_of_another_policy_are_refused(folder):
    checkpoint.save(folder / "policy.model", random_policy(SMALL, seed=4, gain=50.0), {})
    with pytest.raises(InputError, match="the episodes must be this policy's; its logits differ"):
        build(folder)


def test_episodes_of_a_policy_that_reads_other_stacks_are_refused(folder):
    change(folder, "own", stacks=np.zeros((PLACES, 2, 4, 64, 64), np.uint8))
    with pytest.raises(InputError, match=r"got uint8 \[4, 2, 4, 64, 64\]"):
        build(folder)


def test_what_the_policy_saw_is_labelled_by_its_masks_with_places_as_sites(folder):
    build(folder)
    own, found = np.load(folder / "own.npz"), np.load(folder / "on_policy.npz")
    np.testing.assert_array_equal(found["original"], own["stacks"].reshape(-1, *STACK))
    np.testing.assert_array_equal(found["mirrored"], found["original"][..., ::-1])
    assert found["site"].tolist() == np.repeat(own["place"], len(KEPT)).tolist()
    assert found["frames"][:3].tolist() == ["place 0 step 0", "place 0 step 10", "place 1 step 0"]
    trunk = own["masks"].reshape(-1, *own["masks"].shape[2:]) == 1
    columns = np.linspace(-1, 1, 2 * trunk.shape[2] + 1)[1::2]
    centres = (trunk.sum(1) * columns).sum(1) / trunk.sum((1, 2))
    np.testing.assert_allclose(found["trunk/position"], centres, atol=1e-9)
    assert found["trunk/share"].shape == (len(trunk), *STACK[1:])
    np.testing.assert_allclose(found["trunk/share"].mean((1, 2)), trunk.mean((1, 2)), atol=0.05)
    np.testing.assert_array_equal(found["distance"], own["distance"][:, KEPT].ravel())


def test_without_masks_nothing_is_labelled(folder):
    assert episodes.has_labels(folder / "own.npz")
    change(folder, "own", masks=None)
    assert not episodes.has_labels(folder / "own.npz")
    (folder / "own.npz").write_bytes(b"no npz")
    assert not episodes.has_labels(folder / "own.npz")


def test_logits_in_half_precision_are_this_policys(policy):
    stacks = recorded(0, COUNT, policy)["stacks"]
    exact = intermediates.compute(policy, stacks.reshape(-1, *stacks.shape[2:]).astype(np.float32))["logits"]
    answers.check_logits(policy, stacks, exact.astype(np.float16), Path())
    with pytest.raises(InputError):
        answers.check_logits(policy, stacks, exact * 1.01, Path())


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(InputError, match="must be an npz of arrays; .*docs/episodes.md"):
        episodes.read(tmp_path / "own.npz", sees=True)
