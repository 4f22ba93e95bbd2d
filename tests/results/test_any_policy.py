"""Other people's policies, each from its file and a study's YAML to the report, against NumPy.

The jobs are those of the workflow, with the command lines that it gives them, in one process.
"""

import base64
import html
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
from minetest_interp.io import files, stores
from minetest_interp.model import checkpoint
from minetest_interp.model.description import describe
from tests import modules, networks
from tests.conftest import ROOT
from tests.modules import OWN, Own
from tests.networks import CLIENTS
from tests.results.workshop import MEASURE

JOB = re.compile(r"python (?:-m minetest_interp\.stages\.(\w+)|\S*figures/(\w+)\.py) (.*) > \S+ 2>&1$", re.MULTILINE)
FRAMES = 3
# A client, and the files of its study: pictures, or recorded stacks.
PICTURES = (
    "minetest-baselines PPO", "minetest-baselines DQN", "CleanRL PPO scan", "CleanRL DQN", "CleanRL C51",
    "CleanRL qdagger", "Cleanba PPO", "purejaxql with LayerNorm", "purejaxql SAME", "one frame", "colours",
)  # fmt: skip
STUDIES = {name: (CLIENTS[name], "png") for name in PICTURES}
STUDIES["recorded stacks"] = CLIENTS["a picture that is not square"], "npy"
STUDIES |= {f"a module: {name}": (make, "npy") for name, make in OWN.items()}
# Those that have evidence: the layers and channels that their claims are about.
EVIDENCE = {
    "purejaxql SAME": {"conv0": 2, "conv1": 5},
    "a module: colours": {"convolutions.1": 3},
    "a module: one frame": {"Conv_0": 4},
    "a module: residual": {"torso.blocks_0": 0, "torso.blocks_1": 5},
}
assert EVIDENCE.keys() <= STUDIES.keys()
SERIES = "purejaxql SAME"  # it has a second checkpoint, the same
UNSIDED = "a module: one frame"  # nothing should change sign in a mirror
LABELLED, SHARE = 8, MEASURE["units"]["trunk_share"]


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
            "c-alignment": {},
            "e-mirror-day": {"frame": "frame-0"},
            "g-channel": channel,
            "j-channel-gradient": {**channel, "gradient": "steer"},
            "k-network": {},
            "frames": {},
        },
    }


def with_evidence(study, named) -> dict:
    """A study with claims about these channels, labelled frames, and the panels that show what was measured."""
    panels = (
        "ledger", "behaviour", "units", "causal", "attribution", "circuits", "dream-controls", "pairs", "maps", "paths",
        "probes", "darkness", "features", "reward", "play", "field",
    )  # fmt: skip
    return study | {
        "labels": {"folder": "labels", "concepts": {"trunk": 1, "sky": 2}},
        "evidence": {"claims": "claims.yaml", "named": named},
        "panels": study["panels"] | {name: {} for name in panels},
    }


def write_evidence(folder) -> None:
    """The claims and three more, measured in no time, and labelled frames: trunks are darker than the rest."""
    claims = yaml.safe_load((ROOT / "config/claims.yaml").read_text())
    detects, follows = (claims["claims"][name] for name in ("tree-detector", "yaw-follows-trunk"))
    claims["claims"] |= {
        "sky-detector": detects | {"concept": "sky", "measured_as": "tree-detector"},
        "wait-follows-sky": follows | {"concept": "sky", "readout": "wait", "measured_as": "yaw-follows-trunk"},
        "steer-follows-pigs": follows | {"concept": "pigs", "measured_as": "yaw-follows-trunk"},
    }
    measure = MEASURE | {"attribution": MEASURE["attribution"] | {"patch": 10, "patch_stride": 10}}
    (folder / "claims.yaml").write_text(yaml.safe_dump(claims | {"measure": measure}, sort_keys=False))
    rng = np.random.default_rng(1)
    for name in ("frames", "masks"):
        (folder / "labels" / name).mkdir(parents=True)
    for i in range(LABELLED):
        trunk = np.zeros((90, 120), np.uint8)
        trunk[20:, 12 * i : 12 * i + 20] = i < LABELLED - 2
        picture = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8) >> trunk[..., None]
        trunk[:18, 90 - 10 * i :] = 2 * (i % 3 > 0)
        Image.fromarray(picture).save(folder / f"labels/frames/{i}.png")
        Image.fromarray(trunk).save(folder / f"labels/masks/{i}.png")


# Snakemake with all settings on the command lines, which no shell will see: a plan writes no files of them.
PLAN = """
import snakemake.cli
from snakemake.workflow import Workflow

include = Workflow.include

def included(self, *snakefile, **options):
    include(self, *snakefile, **options)
    self.globals["LONGEST_WORD"] = 2**20

Workflow.include = included
snakemake.cli.main()
"""


def run_jobs(study) -> int:
    """Every job of a study's build, in order; the number of them."""
    planned = subprocess.run(
        [sys.executable, "-c", PLAN, "--snakefile", ROOT / "Snakefile", "--dry-run", "--printshellcmds",
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
    return request.param, make(), kind


@pytest.fixture(scope="module")
def client(study):
    return study[1]


@pytest.fixture(scope="module")
def named(study):
    """The channels that the claims are about; none without evidence."""
    return EVIDENCE.get(study[0])


@pytest.fixture(scope="module")
def built(study, named, tmp_path_factory):
    """The folder in which a client's study was built."""
    name, client, kind = study
    folder = tmp_path_factory.mktemp("client")
    loaded = checkpoint.load(**write(client, folder)).policy.architecture
    rng = np.random.default_rng(0)
    for i in range(FRAMES):
        write_frame(folder / f"frame-{i}.{kind}", client, rng)
    config = settings(client, describe(loaded), kind)
    if named:
        write_evidence(folder)
        config = with_evidence(config, named)
    if name == UNSIDED:
        del config["actions"]["steering"]
    if name == SERIES:
        (folder / "agent-2.model").write_bytes((folder / "agent.model").read_bytes())
        config |= {"series": {"checkpoints": ["agent*.model"]}}
        config["panels"] |= {f"series-{name}": {} for name in ("claims", "verdicts", "behaviours", "units")}
    (folder / "client.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run_jobs("client.yaml") > 15
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
    heads, page = client.run(stacks).heads, (built / "report/client/appendix.html").read_text()
    if "q" in heads:
        steer = heads["q"][:, 1] - heads["q"][:, 2]
        assert "alignment" in facts["not_measured"]
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
    _, client, kind = study
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


def still(stacks, client):
    return np.repeat(stacks[:, None], client.stack[0], axis=1) if stacks.ndim == 3 else stacks


def auroc(scores, positive, negative) -> float:
    """How often a positive sample scores above a negative one."""
    above = scores[positive][:, None] - scores[negative][None]
    return float((np.sign(above) / 2 + 0.5).mean())


def field_shares(trunk, layer) -> np.ndarray:
    """The share of each position's receptive field that is trunk, `[M, h, w]`; what lies outside does not count."""
    found = np.empty((len(trunk), *layer["shape"][:2]))
    for place in np.ndindex(*layer["shape"][:2]):
        spans = [
            slice(max(0, axis["start"] + axis["stride"] * i), max(0, axis["start"] + axis["stride"] * i + axis["size"]))
            for axis, i in zip(layer["field"], place, strict=True)
        ]
        found[:, *place] = trunk[:, *spans].astype(float).mean((1, 2))
    return found


def test_the_claims_rest_on_what_numpy_computes(client, named, built):
    if not named:
        pytest.skip("without evidence")
    results = built / "results/client"
    units, labelled = (files.read_arrays(results / f"evidence/{name}.npz") for name in ("units", "labels"))
    layers = client.run(still(labelled["original"], client)).layers
    for path in (results / "evidence").glob("*.npz"):
        assert stores.breaches(stores.store_of(f"evidence/{path.name}"), files.read_arrays(path)) == []
    network = {layer["name"]: layer for layer in files.read_json(results / "network.json")["layers"]}
    # The others' first layers are no single convolution, or not named.
    assert units["layers"].tolist() == [layer for layer in named if layer != "conv0"]
    for layer in units["layers"]:
        scores = layers[layer][..., named[layer]].ravel()
        for concept, start in (("trunk", ""), ("sky", "sky/steer/")):
            shares = field_shares(labelled[f"{concept}/share"], network[layer]).ravel()
            expected = auroc(scores, shares >= SHARE, shares == 0)
            assert units[f"{start}{layer}/auroc"][named[layer]] == pytest.approx(expected, abs=2e-3)


def test_every_claim_has_a_verdict_or_says_why_not(study, client, named, built):
    if not named:
        pytest.skip("without evidence")
    results = built / "results/client"
    ledger = {row["id"]: row for row in files.read_json(results / "ledger.json")}
    asked = files.read_arrays(results / "evidence/units.npz")["layers"]
    assert {name for name in ledger if name.startswith("tree-detector-")} == {
        *(f"tree-detector-{layer}" for layer in asked), "tree-detector-steers",
    }  # fmt: skip
    assert {f"sky-detector-{layer}" for layer in asked} <= ledger.keys()
    assert ledger["wait-follows-sky"]["units"] == ["wait"]
    page = (built / "report/client/index.html").read_text()
    for row in ledger.values():
        assert row["verdict"] and (row["interval"] or row["reason"])
        assert row["estimate"] is not None or html.escape(row["reason"].split("'")[0]) in page
    stacks = files.read_arrays(results / "stacks.npz")
    steer = [files.read_arrays(results / "readouts.npz")[f"{view}/steer"] for view in ("original", "mirrored")]
    if study[0] == UNSIDED:
        assert ledger["yaw-mirror"]["reason"] == "the study names no behaviour that should change sign in a mirror"
    else:
        assert ledger["wait-follows-sky"]["n"] > 0
        assert ledger["steer-follows-pigs"]["reason"] == "the labels of this study name no pigs"
        assert ledger["yaw-mirror"]["estimate"] == pytest.approx(np.mean(np.sign(steer[0]) != np.sign(steer[1])))
    heads = client.run(still(stacks["original"][:1], client)).heads
    lacks = {
        "edge-detector": "conv0" not in named,
        "actor-critic-aligned": not {"logits", "value"} <= set(heads),
        "dream-value-repeats": "value" not in heads,
    }
    for name, lack in lacks.items():
        assert (ledger[name]["estimate"] is None) == lack
