"""Every measurement called from Python gives what its stage writes."""

import inspect
import json

import numpy as np
import pytest
import yaml

from minetest_interp.analysis import intervals
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import (
    attribution,
    behaviour,
    causal,
    circuits,
    darkness,
    dream_controls,
    features,
    heads,
    light_and_dark,
    pairs,
    play,
    probes,
    reward,
    units,
)
from minetest_interp.io import files, stores
from minetest_interp.model import checkpoint
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from minetest_interp.stages import attribution as attribution_stage
from minetest_interp.stages import behaviour as behaviour_stage
from minetest_interp.stages import causal as causal_stage
from minetest_interp.stages import circuits as circuits_stage
from minetest_interp.stages import darkness as darkness_stage
from minetest_interp.stages import dream_controls as dream_controls_stage
from minetest_interp.stages import features as features_stage
from minetest_interp.stages import heads as heads_stage
from minetest_interp.stages import pairs as pairs_stage
from minetest_interp.stages import probes as probes_stage
from minetest_interp.stages import reward as reward_stage
from minetest_interp.stages import units as units_stage
from tests.conftest import ROOT, random_policy
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
ACTIONS = {
    "factors": {"do": ["-", "left", "right", "up", "down", "go"]},
    "behaviours": {"yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}}, "forward": {"plus": {"do": "go"}}},
    "steering": "yaw",
}
TABLE = action_table(ACTIONS["factors"], ACTIONS["behaviours"])
INTERVAL = {"least_clusters": 3}
SIMILARITY, CHANNELS = {"similarity": 0.95}, {"conv0": 5, "conv1": 4, "conv2": 3}
STEERING, SIDED = {"steering": "yaw"}, {"side": -1}
BOTH = STEERING | SIDED | SIMILARITY
COUNT = 32  # of which each half has enough with a trunk on each side for a steering vector
GREYS = smooth_frames(COUNT, 84)
TRUNK = np.zeros((COUNT, 84, 84), np.float32)
for i in range(COUNT):
    TRUNK[i, :, 75 * i // (COUNT - 1) :][:, :9] = 1
STACKS = {"frames": np.arange(COUNT).astype(str), "original": GREYS, "mirrored": GREYS[:, :, ::-1]}
LABELLED = STACKS | {
    "share": TRUNK,
    "position": (TRUNK[:, 0] * np.linspace(-1, 1, 84)).sum(1) / 9,
    "group": np.array([f"g{i // 2}" for i in range(COUNT)]),
    "role": np.array(["trunk", "no trunk"] * (COUNT // 2)),
    "species": np.array(["pine", "apple", "", "pine"] * (COUNT // 4)),
    "biome": np.array(["forest", "shore"] * (COUNT // 2)),
    "distance": np.where(np.arange(COUNT) % 4 == 2, np.nan, np.arange(COUNT) % 7),
    "ray_trunks": np.arange(COUNT) % 3.0,
    "light": np.array(["night", "midday"] * (COUNT // 2)),
    "hud": np.arange(COUNT) % 2.0,
}
CAUSAL = {"donors": 1, "directions": 2, "strengths": [-1, 1], "networks": 2, "seed": 0}
UNITS = {"trunk_share": 0.1, "shifts": 19, "false_discovery": 0.05, "named": 2, "seed": 0}
MAPS = {
    "steps": 1, "samples": 1, "noise": 25.5, "patch": 42, "patch_stride": 42, "removals": 1, "radius": 5.1, "draws": 1,
    "frames": 2, "masks": 4, "seed": 0,
}  # fmt: skip
DREAMS = {"seeds": 3, "value_steps": 1, "yaw_steps": 1, "lr": 1000, "least_lag": 6, "most_lag": 24}
PROBES = {"penalties": [0.1, 10], "shuffles": 2, "networks": 1, "least_group": 3, "seed": 0}
BARS = {"doses": [0, 0.5, 1], "widths": [0.1], "offsets": [0.4, 0.6], "donors": 1, "seed": 2}
FOLLOWED = {
    "explained": 0.25, "detects": 0.7, "concept_share": 0.1, "shifts": 3, "rotations": 2, "penalty": 0.1, "networks": 2,
    "seed": 0,
}  # fmt: skip
FACTORS = {"factors": 2, "exemplars": 2, "paths": 3, "frames": 24, "draws": 5, "networks": 2, "seed": 0}

FRAMES = ("stacks", "labels")
# Those that are given which concepts and readouts claims are about.
ABOUT = (
    "behaviour",
    "units",
    "causal",
    "pairs",
    "dream_controls",
    "probes",
    "darkness",
    "attribution",
    "circuits",
    "features",
    "reward",
)
# Measurement: its module, its stage, the arrays it reads, its `measure`'s keywords, and its stage's settings.
CASES = {
    "behaviour": (behaviour, behaviour_stage, FRAMES, BOTH | {"night": ["3"]}, {"shuffles": 2}),
    "units": (units, units_stage, FRAMES, SIMILARITY | {"channels": CHANNELS}, UNITS),
    "causal": (causal, causal_stage, FRAMES, STEERING | SIDED | SIMILARITY | {"channels": CHANNELS}, CAUSAL),
    "pairs": (pairs, pairs_stage, ("labels",), STEERING | SIDED | SIMILARITY, {"networks": 2, "seed": 0}),
    "dream_controls": (dream_controls, dream_controls_stage, (), STEERING | SIDED, DREAMS),
    "reward": (reward, reward_stage, ("labels",), SIMILARITY, {"middle": 0.5, "gamma": 2}),
    "heads": (heads, heads_stage, (), {}, {"permutations": 49, "seed": 0}),
    "probes": (probes, probes_stage, ("labels",), STEERING | SIDED | SIMILARITY | {"channels": CHANNELS}, PROBES),
    "darkness": (darkness, darkness_stage, ("labels",), BOTH, BARS),
    "features": (features, features_stage, FRAMES, SIMILARITY | {"channels": CHANNELS}, FOLLOWED),
    "attribution": (attribution, attribution_stage, FRAMES, STEERING | SIMILARITY, MAPS),
    "circuits": (circuits, circuits_stage, ("stacks",), STEERING | SIMILARITY, FACTORS),
}  # fmt: skip


# The most functions that a measurement may compile: each takes about a fifth of a second, whatever the network's size.
MOST_COMPILED = 6


@pytest.mark.parametrize("name", CASES)
def test_a_measurement_gives_what_its_stage_writes(name, tmp_path, compiled):
    module, stage, reads, keywords, settings = CASES[name]
    policy = random_policy(SMALL, seed=3, gain=50.0)
    checkpoint.save(tmp_path / "policy.model", policy, {})
    data = {"stacks": STACKS, "labels": LABELLED}
    files.write_arrays(tmp_path / "stacks.npz", **STACKS)
    named = {f"trunk/{key}" if key in ("share", "position") else key: array for key, array in LABELLED.items()}
    files.write_arrays(tmp_path / "labels.npz", **named)
    options = {key: value for key, value in keywords.items() if key not in ("steering", "channels", "side")}
    options |= {"about": [["trunk", "yaw", -1]]} if name in ABOUT else {}
    options |= {"named": CHANNELS} if "channels" in keywords else {}
    options |= {"settings": settings} if settings else {}
    compiled.clear()  # of the network's first weights
    stage.run(
        checkpoint_path=tmp_path / "policy.model",
        policy={"size": SMALL.size},
        actions=ACTIONS,
        **{key: tmp_path / f"{key}.npz" for key in reads},
        **options,
        interval=INTERVAL,
        arrays=tmp_path / "arrays.npz",
        estimates=tmp_path / "estimates.json",
    )
    assert len(compiled) <= MOST_COMPILED, " ".join(compiled)
    table = () if name in ("units", "features") else (TABLE,)
    measured = module.measure(
        policy, *table, *(data[key] for key in reads), **keywords, **settings or {}, level=Level(**INTERVAL)
    )
    written = files.read_arrays(tmp_path / "arrays.npz")
    assert list(written) == list(measured.arrays)
    for key, array in measured.arrays.items():
        np.testing.assert_array_equal(written[key], array, err_msg=key)
    assert stores.breaches(stores.store_of(f"evidence/{name}.npz"), written) == []
    estimates = json.loads((tmp_path / "estimates.json").read_text())
    assert estimates == json.loads(json.dumps(intervals.to_json(measured.estimates)))


MEASURES = yaml.safe_load((ROOT / "config/claims.yaml").read_text())["measure"]
ASKED = ("side", "concept", "night", "units", "level")  # what is asked about, and no setting of a section
RECORDS = {"interval": Level(), "darkness": BarSettings(), "play": play.PlaySettings()}


@pytest.mark.parametrize("name", [name for name, settings in MEASURES.items() if isinstance(settings, dict)])
def test_called_from_python_a_measurement_has_the_settings_that_the_claims_file_fixes(name):
    if name in RECORDS:
        usual, fixed = RECORDS[name]._asdict(), MEASURES[name]
    else:
        parameters = inspect.signature(CASES[name][0].measure).parameters.items()
        usual = {key: value.default for key, value in parameters if value.default is not inspect.Parameter.empty}
        usual = {key: value for key, value in usual.items() if key not in ASKED}
        fixed = {key: MEASURES[key] for key in usual.keys() & {"similarity"}} | MEASURES[name]
    assert {key: list(value) if isinstance(value, tuple) else value for key, value in usual.items()} == fixed


def test_light_and_dark_are_asked_of_as_many_shuffled_networks_as_the_other_features():
    usual = inspect.signature(light_and_dark.measure).parameters
    assert (usual["networks"].default, usual["seed"].default) == (
        MEASURES["features"]["networks"],
        MEASURES["features"]["seed"],
    )
