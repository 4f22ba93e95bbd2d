"""Recorded answers: those of the very network pass, those of another one are named, and so is what is no record."""

import numpy as np
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import answers, checkpoint
from tests import modules, networks
from tests.modules import OWN
from tests.networks import CLIENTS


def stacks_of(shape, *, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (3, *shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A network with tanh between its layers: its file, and what NumPy says that it answers."""
    folder, client = tmp_path_factory.mktemp("recorded"), CLIENTS["tanh and two dense layers"]()
    stacks = stacks_of(client.stack)
    answer = client.run(stacks)
    record = {"stacks": stacks, "logits": answer.heads["logits"], "value": answer.heads["value"][:, None]}
    return networks.write(client, folder), record | {"conv1": answer.layers["conv1"].astype(np.float32)}


def check(recorded, tmp_path, *, policy=None, **changes):
    path, record = recorded
    np.savez(
        tmp_path / "answers.npz", **{name: array for name, array in (record | changes).items() if array is not None}
    )
    policy = policy or {"size": 64, "activation": "tanh"}
    answers.compare(checkpoint.load(path, **policy).policy, tmp_path / "answers.npz")


def test_the_very_network_answers_as_recorded(recorded, tmp_path):
    check(recorded, tmp_path)
    check(recorded, tmp_path, stacks=None, frames=recorded[1]["stacks"].astype(np.float32))
    check(recorded, tmp_path, stacks=None, stack=recorded[1]["stacks"], conv1=None, value=None)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            {"size": 64},
            r"conv1 differs by [\d.]+, where its largest number is [\d.]+. Check `activation`, `scale`, `padd",
        ),
        ({"size": 64, "activation": "tanh", "scale": 1.0}, "conv1 differs by"),
        ({"size": 65, "activation": "tanh"}, r"stacks must be .N, 4, 65, 65.; got .3, 4, 64, 64."),
    ],
)
def test_another_network_is_told_by_its_first_answer_that_differs(recorded, tmp_path, policy, message):
    with pytest.raises(InputError, match=message) as error:
        check(recorded, tmp_path, policy=policy)
    assert "\n" not in str(error.value) and str(tmp_path / "answers.npz") in str(error.value)


def test_a_difference_counts_from_a_ten_thousandth_of_the_largest_number_or_of_one(recorded, tmp_path):
    for name, record in recorded[1].items():
        if name != "stacks":
            size = max(1, np.abs(record).max())
            off = np.zeros_like(record)
            off.flat[-1] = size
            check(recorded, tmp_path, **{name: record + 0.5e-4 * off})
            with pytest.raises(InputError, match=rf"{name} differs by"):
                check(recorded, tmp_path, **{name: record + 2e-4 * off})


@pytest.mark.parametrize("kind", ["residual", "colours"])
def test_a_network_of_ones_own_is_held_to_its_record(tmp_path, kind):
    own = OWN[kind]()
    stacks = stacks_of(own.stack)
    answer = own.run(stacks)
    recorded = modules.write(own, tmp_path).pop("path"), {"stacks": stacks, **answer.heads, **answer.layers}
    policy = {"module": tmp_path / "agent.py", **own.settings}
    check(recorded, tmp_path, policy=policy)
    with pytest.raises(InputError, match="value differs by"):
        check(recorded, tmp_path, policy=policy, value=answer.heads["value"][::-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stacks": None},
            "must have `stacks` and what was answered to them, of conv0, conv1, .* logits, value; got conv1",
        ),
        ({"q": np.zeros(3)}, "of conv0, .* logits, value; got conv1, logits, q, stacks, value"),
        ({"logits": None, "value": None, "conv1": None}, "must have `stacks` and .*; got stacks"),
        ({"logits": np.zeros((3, 7))}, r"logits must have the shape .3, 18.; got .3, 7."),
        ({"value": np.zeros((1, 3))}, r"value must have the shape .3.; got .1, 3."),
        ({"value": np.array([0, np.nan, 0])}, "value differs by nan"),
        ({"value": np.array(["a", "b", "c"])}, "must be arrays of numbers; value is <U1"),
        ({"value": np.array([None] * 3)}, "must be an npz of arrays; Object arrays cannot be loaded"),
        ({"stacks": np.zeros((0, 4, 64, 64))}, r"stacks must be .N, 4, 64, 64.; got .0, 4, 64, 64."),
    ],
)
def test_what_is_no_record_is_refused(recorded, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        check(recorded, tmp_path, **changes)


def test_files_that_are_no_npz_are_refused(recorded, tmp_path, monkeypatch):
    policy = checkpoint.load(recorded[0], size=64).policy
    np.savez_compressed(tmp_path / "bomb.npz", stacks=np.zeros(2**22, np.uint8))
    monkeypatch.setattr(answers, "LIMIT_BYTES", 2**20)
    for name, content in {"text": b"hello", "cut": (tmp_path / "bomb.npz").read_bytes()[:-9], "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="must be an npz of arrays"):
            answers.compare(policy, tmp_path / name)
    with pytest.raises(InputError, match="must be an npz of arrays; more than 1048576 bytes"):
        answers.compare(policy, tmp_path / "bomb.npz")
    with pytest.raises(InputError, match="there must be an npz at this path; there is none. Check `policy.check`"):
        answers.compare(policy, tmp_path / "missing.npz")
