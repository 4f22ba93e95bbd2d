"""What the report prints beside the ledger is what lies in the results."""

import numpy as np

from minetest_interp.facts import study as study_facts


def test_found_units_carry_their_effect_and_its_rank_in_the_layer():
    generator = np.random.default_rng(0)
    units = {"found": np.array(["conv2/3", "conv1/0"])}
    causal = {}
    for layer, count in (("conv1", 2), ("conv2", 5)):
        units |= {f"{layer}/{name}": generator.random(count) for name in ("second", "auroc", "q")}
        causal[f"zero/{layer}/steering"] = np.tile(np.arange(count)[::-1], (4, 1)).astype(float)
    first, second = study_facts.found_units(units, causal)
    assert (first["name"], first["effect"], first["rank"], first["of"]) == ("conv2/3", 1.0, 4, 5)
    assert (second["name"], second["rank"], second["of"]) == ("conv1/0", 1, 2)
    assert first["auroc"] == units["conv2/second"][3] and first["q"] == units["conv2/q"][3]
    assert first["on"] == (units["conv2/auroc"][3] > 0.5)


def test_methods_come_in_the_order_of_their_deletion_for_the_steering():
    stored = {
        "objectives": np.array(["forward", "yaw", "value"]),
        "judged": np.array(["yaw", "value"]),
        "methods": np.array(["a", "b"]),
        "verdicts": np.array(["unstable", "trust"]),
        "mean/deletion_above_random": np.zeros((3, 2, 2, 2)),
        "mean/insertion_below_random": np.arange(24.0).reshape(3, 2, 2, 2),
        "mean/randomisation": np.arange(60.0).reshape(3, 2, 2, 5),
        "mean/sensitivity": np.arange(12.0).reshape(3, 2, 2),
        "completeness_median": np.array([[9, np.nan, 9], [9, 0.25, 9]]),
    }
    stored["mean/deletion_above_random"][:, :, 0, 0] = [[0.1, 0.2], [0.05, np.nan], [0.3, np.nan]]
    better, worse = study_facts.attribution_methods(stored)
    assert (better["name"], worse["name"]) == ("b", "a")
    assert worse["deletion"] == {"estimate": 0.1, "interval": [0.05, 0.3]} and better["deletion"]["interval"] is None
    assert (worse["completeness"], better["completeness"]) == (None, 0.25)
    assert (worse["insertion"], better["insertion"]) == (0, 4)
    assert (worse["randomised"], better["randomised"]) == (4, 14)  # after the whole cascade
    assert (worse["sensitivity"], better["sensitivity"]) == (0, 2)


def test_no_channel_leads_where_the_drive_does_not_vary():
    assert study_facts.leading_channels({"channels/variance_share": np.full((1, 4), np.nan)}, "conv2") == []


def test_leading_channels_leave_the_biases_out():
    shares = np.array([[0.1, -0.3, 0.2, 0.9], [1, 1, 1, 1]])
    found = study_facts.leading_channels({"channels/variance_share": shares}, "conv2")
    assert [row["name"] for row in found] == ["conv2/2", "conv2/0", "conv2/1"]
