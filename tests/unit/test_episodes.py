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
from tests.unit.test_measure import ACTIONS, SMALL

PLACES, STEPS, KEPT = 4, 20, np.array([0, 10])
SETTINGS = {"gamma": 0.9, "near": 3, "far": 20, "ahead": 36, "steps": 10}
INTERVAL = {"confidence": 0.95, "least_clusters": 3}


def recorded(seed, policy=None):
    random = np.random.default_rng(seed)
    shape = PLACES, STEPS
    found = {
        "place": np.array([f"place {n}" for n in range(PLACES)]),
        "action": random.integers(0, 6, shape).astype(np.uint8),
        "distance": random.uniform(1, 30, shape).astype(np.float32),
        "direction": random.uniform(-180, 180, shape).astype(np.float32),
        "on_trunk": random.random(shape) < 0.1,
        "dug": random.integers(0, 2, shape).astype(np.uint8),
        "shaped": random.normal(size=shape).astype(np.float32),
    }
    if policy is None:
        return found
    stacks = random.integers(0, 256, (PLACES, len(KEPT), *policy.architecture.stack)).astype(np.uint8)
    answered = intermediates.compute(policy, stacks.reshape(-1, *stacks.shape[2:]).astype(np.float32))["logits"]
    logits = random.normal(size=(*shape, answered.shape[-1])).astype(np.float16)
    logits[:, KEPT] = answered.reshape(PLACES, len(KEPT), -1)
    return found | {
        "logits": logits,
        "value": random.normal(size=shape).astype(np.float32),
        "darker": random.normal(size=shape).astype(np.float32),
        "kept": KEPT,
        "stacks": stacks,
    }


@pytest.fixture(scope="module")
def policy():
    return random_policy(SMALL, seed=3, gain=50.0)


@pytest.fixture
def folder(policy, tmp_path):
    checkpoint.save(tmp_path / "policy.model", policy, {})
    np.savez_compressed(tmp_path / "own.npz", **recorded(0, policy))
    for seed, name in enumerate(("random", "forward", "out-of-order"), start=1):
        np.savez_compressed(tmp_path / f"{name}.npz", **recorded(seed))
    return tmp_path


def build(folder, **others):
    named = {"own": "own", "random": "random", "forward": "forward", "out_of_order": "out-of-order"} | others
    given = {agent: folder / f"{name}.npz" for agent, name in named.items() if name}
    stage.run(**given, actions=ACTIONS, output=folder / "episodes.npz")
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
    turned = {name: array[::-1] for name, array in recorded(1).items()}
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
        ("own", {"dug": np.zeros((PLACES, STEPS + 1), np.uint8)}, "dug must be u .4, 20., by place and step; got uint8"),
        ("own", {"value": np.zeros((PLACES, STEPS), int)}, "value must be f .4, 20."),
        ("own", {"place": np.array(["same"] * PLACES)}, "place must be names, each once"),
        ("own", {"kept": np.array([0, STEPS])}, "stacks must be .place, kept, frame, row, column. at the steps of kept"),
        ("own", {"kept": None}, "at the steps of kept"),
        ("random", {"place": np.array(list("abcd"))}, "must have the places place 0, place 1, .*; got a, b, c, d"),
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


def test_logits_in_half_precision_are_this_policys(policy):
    stacks = recorded(0, policy)["stacks"]
    exact = intermediates.compute(policy, stacks.reshape(-1, *stacks.shape[2:]).astype(np.float32))["logits"]
    answers.check_logits(policy, stacks, exact.astype(np.float16), Path())
    with pytest.raises(InputError):
        answers.check_logits(policy, stacks, exact * 1.01, Path())


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(InputError, match="must be an npz of arrays; .*Record them with `make episodes`"):
        episodes.read(tmp_path / "own.npz", sees=True)
