"""Other people's policies, each from its file and a study's YAML to the report, against NumPy.

The jobs are those of the workflow, with the command lines that it gives them, in one process.
"""

import base64
import importlib
import json
import re
import shlex
import subprocess
import sys

import jax
import numpy as np
import pytest
import yaml
from PIL import Image

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import checkpoint
from minetest_interp.model.description import describe
from tests import modules, networks
from tests.conftest import ROOT
from tests.modules import OWN, Own
from tests.networks import CLIENTS

JOB = re.compile(r"python (?:-m minetest_interp\.stages\.(\w+)|\S*figures/(\w+)\.py) (.*) > \S+ 2>&1$", re.MULTILINE)
FRAMES = 3
# A client, and the files of its study: pictures, or recorded stacks.
PICTURES = (
    "minetest-baselines PPO", "minetest-baselines DQN", "CleanRL PPO scan", "CleanRL DQN", "CleanRL C51",
    "CleanRL qdagger", "Cleanba PPO", "purejaxql with LayerNorm", "one frame", "colours",
)  # fmt: skip
STUDIES = {name: (CLIENTS[name], "png") for name in PICTURES}
STUDIES["recorded stacks"] = CLIENTS["a picture that is not square"], "npy"
STUDIES |= {f"a module: {name}": (make, "npy") for name, make in OWN.items()}


def write(client, folder) -> dict:
    """Writes a client, or a module of one's own, into a folder; the options of `checkpoint.load` with its path."""
    if isinstance(client, Own):
        return modules.write(client, folder)
    return {"path": networks.write(client, folder), **client.settings}


def settings(client, network, files_kind) -> dict:
    """A study of a client; network: its description."""
    module = {"module": "agent.py"} if isinstance(client, Own) else {}
    value = {"kind": "value"} if "value" in network["outputs"] else None
    actions, q = network["actions"], "q" in network["outputs"]
    kind = "return_difference" if q else "behaviour_probability"
    maps = [layer["name"] for layer in network["layers"] if layer["field"]]
    steer = {"kind": kind, "behaviour": "steer"}
    channel = {"layer": maps[-1], "frame": "frame-1", "channel": 1, "view": "mirrored"}
    return {
        "title": "A client",
        "summary": "Made by a test.",
        "source": {"folder": ".", "attribution": "Made by a test."},
        "policy": {"checkpoint": "agent.model", **module, **client.settings},
        "frames": {"files": f"*.{files_kind}"} | ({"colour": True} if network["frames"] == 3 else {}),
        "actions": {
            "factors": {"do": [f"a{i}" for i in range(actions)]},
            "behaviours": {"steer": {"plus": {"do": "a1"}, "minus": {"do": "a2"}}, "wait": {"plus": {"do": "a0"}}},
            "steering": "steer",
        },
        "dreams": {
            "best": {"objective": value or steer, "steps": 2, "seed": 1},
            "left": {"objective": steer, "steps": 2, "seed": 1},
            "inside": {"objective": steer, "target": maps[0], "steps": 2, "lr": 0.1, "seed": 1},
        },
        "gradients": {"steer": steer},
        "panels": {
            "a-dream-value": {"dream": "best"},
            "j-channel-gradient": {**channel, "gradient": "steer"},
            "k-network": {},
        },
    }


def run_jobs(study) -> int:
    """Every job of a study's build, in order; the number of them."""
    planned = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--dry-run", "--printshellcmds",
         "--cores", "1", "--config", f"study={study}"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert planned.returncode == 0, planned.stdout + planned.stderr
    jobs = JOB.findall(planned.stdout)
    for stage, figure, words in jobs:
        if stage:
            command(
                importlib.import_module(f"minetest_interp.stages.{stage}").run, argv=shlex.split(words), record=False
            )
        else:
            importlib.import_module(figure).main(shlex.split(words))
    return len(jobs)


def write_frame(path, client, rng):
    if path.suffix == ".npy":
        np.save(path, rng.integers(0, 256, client.stack, dtype=np.uint8))
    else:
        Image.fromarray(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)


@pytest.fixture(scope="module", params=STUDIES)
def study(request):
    make, kind = STUDIES[request.param]
    return make(), kind


@pytest.fixture(scope="module")
def client(study):
    return study[0]


@pytest.fixture(scope="module")
def built(study, tmp_path_factory):
    """The folder in which a client's study was built."""
    client, kind = study
    folder = tmp_path_factory.mktemp("client")
    loaded = checkpoint.load(**write(client, folder)).policy.architecture
    rng = np.random.default_rng(0)
    for i in range(FRAMES):
        write_frame(folder / f"frame-{i}.{kind}", client, rng)
    (folder / "client.yaml").write_text(yaml.safe_dump(settings(client, describe(loaded), kind)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run_jobs("client.yaml") > 12
    yield folder
    jax.clear_caches()


def test_the_intermediates_of_a_study_are_what_numpy_computes(client, built):
    results = built / "results/client"
    for view in ("original", "mirrored"):
        stacks = files.read_arrays(results / "stacks.npz", view)[view]
        if stacks.ndim == 3:
            stacks = np.repeat(stacks[:, None], client.stack[0], axis=1)
        stored, expected = files.read_arrays(results / f"intermediates/{view}.npz"), client.run(stacks)
        assert stored.keys() == {"frames", *expected.layers, *expected.heads}
        for name, values in (expected.layers | expected.heads).items():
            np.testing.assert_allclose(stored[name], values, rtol=1e-5, atol=1e-5 * max(1, np.abs(values).max()))


def test_the_report_has_the_network_its_readouts_and_what_it_lacks(client, built):
    facts = json.loads((built / "report/client/facts.json").read_text())
    stacks = files.read_arrays(built / "results/client/stacks.npz", "original")["original"]
    if stacks.ndim == 3:
        stacks = np.repeat(stacks[:, None], client.stack[0], axis=1)
    heads, page = client.run(stacks).heads, (built / "report/client/index.html").read_text()
    if "q" in heads:
        steer = heads["q"][:, 1] - heads["q"][:, 2]
        assert facts["not_measured"].keys() == {"alignment"}
    else:
        p = np.exp(heads["logits"] - heads["logits"].max(1, keepdims=True))
        steer = (p[:, 1] - p[:, 2]) / p.sum(1)
    assert ("There is no value: this policy has no critic" in page) == ("value" not in heads)
    found = [frame["steer"] for frame in facts["frames"]]
    np.testing.assert_allclose(found, steer, rtol=1e-4, atol=1e-5 * np.abs(steer).max() + np.finfo(np.float32).tiny)
    for layer in facts["network"]["layers"]:
        assert layer["name"] in page
    assert ("mean Q value of actions" in page) == ("q" in heads)


def test_the_explorer_holds_the_frames_that_the_network_reads(study, built):
    client, kind = study
    if isinstance(client, Own) and not client.known:
        assert "this network has something else" in (built / "report/client/frames.html").read_text()
        return
    stacks = files.read_arrays(built / "results/client/stacks.npz", "original", "mirrored")
    for i in range(FRAMES):
        script = (built / f"report/client/explore/frames/{i}.js").read_text()
        found = json.loads(script.partition(" = ")[2].removesuffix(";\n"))
        for view, frames in stacks.items():
            levels = np.frombuffer(base64.b64decode(found[view]), np.uint8)
            np.testing.assert_array_equal(levels, frames[i].ravel())
        if kind == "npy":
            recorded = np.load(built / f"frame-{i}.npy")
            np.testing.assert_array_equal(stacks["original"][i], recorded)
            np.testing.assert_array_equal(stacks["mirrored"][i], recorded[..., ::-1])
