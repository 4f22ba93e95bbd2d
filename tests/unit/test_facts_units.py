"""What the evidence says of one unit is what the measurements stored, and nothing where they stored nothing."""

import json

import numpy as np
import pytest

from minetest_interp.analysis import edges
from minetest_interp.facts import units as unit_facts
from minetest_interp.pages.atlas import Evidence

QUANTITIES = ("pitch", "yaw", "value")
REPLACEMENTS = ("zero", "mean", "resample", "patch")


def small_evidence(channels=(3, 3, 3), *, quantities=QUANTITIES, readouts=("yaw drive", "value"), seed=5):
    """Random numbers under the names that the measurements use; channels: of conv0 to conv2."""
    rng = np.random.default_rng(seed)
    widths = dict(zip(("conv0", "conv1", "conv2"), channels, strict=True))
    units = {
        "conv0/template": rng.integers(0, 48, widths["conv0"]),
        **{f"conv0/{name}": rng.random(widths["conv0"]) for name in ("kernel", "gradient/second", "brightness/second")},
    }
    for layer in ("conv1", "conv2"):
        units |= {
            f"{layer}/{name}": rng.random(widths[layer]) for name in ("auroc", "second", "q", "iou", "iou_chance")
        }
    causal = {"quantities": np.array(quantities)}
    for layer, width in widths.items():
        for name in REPLACEMENTS:
            causal[f"{name}/{layer}/size"] = rng.random((width, len(quantities))).astype(np.float32)
            causal[f"{name}/{layer}/change"] = rng.normal(size=(width, len(quantities))).astype(np.float32)
        causal[f"patch/{layer}/share"] = rng.normal(size=width).astype(np.float32)
    parts = (len(readouts), widths["conv2"] + 1)
    circuits = {
        "readouts": np.array(readouts),
        "channels/mean": rng.normal(size=parts).astype(np.float32),
        "channels/variance_share": rng.normal(size=parts),
    }
    return Evidence(units, causal, circuits)


@pytest.fixture(scope="module")
def evidence():
    return small_evidence((5, 7, 9))


def test_trunk_overlap_is_the_measurements_with_a_rank_by_the_held_out_half(evidence):
    second = evidence.units["conv1/second"]
    for channel in range(7):
        found = unit_facts.trunk_overlap(evidence.units, "conv1", channel)
        assert found["held_out"] == second[channel]
        assert found["on"] == (evidence.units["conv1/auroc"][channel] > 0.5)
        assert (found["iou"], found["q"]) == tuple(evidence.units[f"conv1/{key}"][channel] for key in ("iou", "q"))
        assert found["rank"] == 1 + sorted(-second).index(-second[channel]) and found["of"] == 7


def test_a_gradients_number_is_its_angle_and_width(evidence):
    for channel, number in enumerate(evidence.units["conv0/template"]):
        found = unit_facts.gradient_following(evidence.units, "conv0", channel)
        offsets = np.arange(8) - 3.5
        turn = np.deg2rad(found["angle"])
        ramp = offsets[None] * np.cos(turn) + offsets[:, None] * np.sin(turn)
        blur = np.exp(-(offsets[None] ** 2 + offsets[:, None] ** 2) / (2 * found["sigma"] ** 2))
        expected = ramp * blur / np.linalg.norm(ramp * blur)
        np.testing.assert_allclose(edges.templates(8, 8)[number], expected, atol=1e-9)
        assert found["correlation"] == evidence.units["conv0/gradient/second"][channel]


def test_removal_ranks_a_channel_in_its_layer_for_every_replacement(evidence):
    found = unit_facts.removal_effects(evidence.causal, "conv2", 4, "yaw")
    assert found["others"] == ["pitch", "value"]
    assert [row["name"] for row in found["rows"]] == list(unit_facts.REPLACEMENTS)
    for row in found["rows"]:
        sizes = evidence.causal[f"{row['name']}/conv2/size"]
        assert row["size"] == sizes[4, 1] and row["others"] == [sizes[4, 0], sizes[4, 2]]
        assert row["rank"] == 1 + sum(size > sizes[4, 1] for size in sizes[:, 1]) and row["of"] == 9
        assert row["change"] == evidence.causal[f"{row['name']}/conv2/change"][4, 1]
    assert found["carried"] == evidence.causal["patch/conv2/share"][4]
    json.dumps(found, allow_nan=False)


def test_no_share_is_carried_over_where_mirroring_changes_nothing_and_no_donor_leaves_a_row_out(evidence):
    fewer = {name: array for name, array in evidence.causal.items() if not name.startswith("resample/")}
    found = unit_facts.removal_effects(fewer | {"patch/conv0/share": np.full(5, np.nan)}, "conv0", 0, "yaw")
    assert found["carried"] is None
    assert [row["name"] for row in found["rows"]] == ["zero", "mean", "patch"]


def test_movers_are_the_largest_of_all_layers_and_turn_their_sign_with_the_behaviour(evidence):
    found = unit_facts.movers(evidence.causal, ("conv0", "conv1", "conv2"), "pitch", sign=1, count=6)
    every = {
        f"{layer}/{i}": float(size)
        for layer in ("conv0", "conv1", "conv2")
        for i, size in enumerate(evidence.causal[f"zero/{layer}/size"][:, 0])
    }
    assert [row["name"] for row in found] == sorted(every, key=lambda name: -every[name])[:6]
    assert all(row["size"] == every[row["name"]] for row in found)
    other = unit_facts.movers(evidence.causal, ("conv0", "conv1", "conv2"), "pitch", sign=-1, count=6)
    assert [-row["change"] for row in other] == [row["change"] for row in found]


def test_carriers_leave_the_biases_out(evidence):
    circuits = evidence.circuits | {"channels/variance_share": np.arange(20.0).reshape(2, 10)}
    found = unit_facts.carriers(circuits, "conv2", "value", sign=-1, count=2)
    assert [(row["name"], row["share"]) for row in found] == [("conv2/8", 18.0), ("conv2/7", 17.0)]
    assert found[0]["mean"] == -circuits["channels/mean"][1, 8]


def test_what_was_not_measured_is_none():
    assert unit_facts.trunk_overlap({}, "conv1", 0) is None
    assert unit_facts.gradient_following({}, "conv0", 0) is None
    assert unit_facts.removal_effects({}, "conv1", 0, "yaw") is None
    assert unit_facts.movers({}, ("conv0",), "yaw", sign=1, count=3) is None
    assert unit_facts.carriers({}, "conv2", "yaw drive", sign=1, count=3) is None


def test_no_channel_carries_a_readout_that_does_not_vary():
    circuits = {"readouts": np.array(["value"]), "channels/mean": np.ones((1, 4))}
    circuits["channels/variance_share"] = np.full((1, 4), np.nan)
    assert unit_facts.carriers(circuits, "conv2", "value", sign=1, count=2) == []


def test_a_claim_is_about_the_units_that_it_names_and_about_no_other():
    claims = [
        {"id": "channel", "units": ["conv1/5"]},
        {"id": "readouts", "units": ["yaw", "value"]},
        {"id": "none", "units": []},
    ]
    names = ("conv1/5", "conv1/53", "conv2/5", "yaw", "yaw reversed", "value")
    about = {name: [claim["id"] for claim in unit_facts.claims_about(claims, name)] for name in names}
    readouts = {name: ["readouts"] for name in ("yaw", "yaw reversed", "value")}
    assert about == {"conv1/5": ["channel"], "conv1/53": [], "conv2/5": [], **readouts}
