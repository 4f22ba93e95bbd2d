"""Studies of a network of one's own, of a folder as a checkpoint and of recorded answers: what is built, and reruns."""

import json
import subprocess
import sys

import numpy as np
import pytest

from minetest_interp.io import files
from minetest_interp.model import checkpoint
from minetest_interp.provenance import job_logs
from tests import modules
from tests.conftest import ROOT, random_policy
from tests.modules import OWN
from tests.results.workshop import GEOMETRY, STUDY, Workshop

NETWORK = "results/own/network.json"
SMALL = {key: part for key, part in STUDY.items() if key not in ("labels", "evidence")} | {"panels": {"frames": {}}}


def study(policy, actions):
    factors = {"do": ["-", "left", "right", "up", "down", "go"][:actions]}
    behaviours = {"yaw": STUDY["actions"]["behaviours"]["yaw"]}
    return SMALL | {"policy": policy, "actions": STUDY["actions"] | {"factors": factors, "behaviours": behaviours}}


@pytest.fixture
def shop(tmp_path):
    """A study of a module, with what it answers."""
    own = OWN["tanh"]()
    policy = {"checkpoint": "agent.model", "check": "answers.npz", "module": "agent.py", **own.settings}
    made = Workshop(tmp_path / "shop", study(policy, 5))
    modules.write(own, made.files)
    (made.files / "agent.py").rename(made.folder / "config/agent.py")
    stacks = np.random.default_rng(0).integers(0, 256, (2, *own.stack)).astype(np.uint8)
    answer = own.run(stacks)
    np.savez(made.files / "answers.npz", stacks=stacks, **answer.heads, **answer.layers)
    return made


def test_a_study_of_a_module_reruns_after_an_edit_of_its_file_or_of_the_answers(shop):
    shop.build(NETWORK)
    described = json.loads((shop.folder / NETWORK).read_text())
    assert [layer["name"] for layer in described["layers"]] == ["Conv_0", "Conv_1", "Conv_2", "Dense_0", "Dense_1"]
    read = job_logs.read_log(shop.folder / "results/own/logs/describe.txt").read
    assert {path.name for path in read} == {"agent.model", "agent.py", "answers.npz"}
    assert shop.counted(NETWORK) == {}
    program = shop.folder / "config/agent.py"
    held = program.read_text()
    program.write_text(held + "# a word\n")
    assert shop.counted(NETWORK) == {"describe": 1}
    assert {"dream", "intermediates"} <= shop.counted("report/own/facts.json").keys()
    program.write_text(held)
    assert shop.counted(NETWORK) == {}
    np.savez(shop.files / "answers.npz", **(dict(np.load(shop.files / "answers.npz")) | {"value": np.zeros(2)}))
    done = shop.run(NETWORK)
    assert done.returncode and "answers.npz: the policy must answer as it did" in done.stderr
    assert "value differs by" in done.stderr
    program.write_text(held.replace("nn.tanh(nn.Dense", "nn.tanh(nn.Dens"))
    done = shop.run(NETWORK)
    assert done.returncode and "config/agent.py, line 17: AttributeError: module 'flax.linen'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_study_of_a_folder_reruns_after_an_edit_of_a_file_in_it(tmp_path):
    shop = Workshop(tmp_path / "shop", study({"checkpoint": "saved/standard", "size": 84}, 6))
    checkpoint.save(tmp_path / "agent.model", random_policy(GEOMETRY), {})
    command = [sys.executable, "-m", "tests.saved_by_orbax", tmp_path / "agent.model", shop.files / "saved"]
    subprocess.run(command, check=True, cwd=ROOT)
    shop.build(NETWORK)
    described = json.loads((shop.folder / NETWORK).read_text())
    assert described["sha256"] == files.sha256(shop.files / "saved/standard") and described["outputs"] == ["q", "value"]
    assert described["file"] == "standard" and shop.counted(NETWORK) == {}
    (shop.files / "saved/standard/note.txt").write_text("a word")
    assert shop.counted(NETWORK) == {"describe": 1}
