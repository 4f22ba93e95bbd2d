"""A row of the ledger says what was tested on what, by what rule, and what came of it."""

import pytest
import yaml

from minetest_interp import panels, study
from minetest_interp.analysis.intervals import Estimate
from minetest_interp.claims import ledger
from minetest_interp.claims.verdicts import CONTRADICTED, PARTLY, SUPPORTED, UNKNOWN
from minetest_interp.io.errors import InputError
from tests.conftest import ROOT

CLAIMS = yaml.safe_load((ROOT / "config/claims.yaml").read_text())
ABOUT, NAMED = ledger.About("trunk", "yaw", ["trunk", "leaves"]), {"conv0": 21, "conv1": 56, "conv2": 0}
CLAIM = {  # with two judged parts
    "mirrored": True,
    "statement": "Mirroring a frame flips the {steering}.",
    "source": "the post",
    "test": "Every frame and its mirror image.",
    "cases": "frames of the study with a {concept}",
    "figure": "behaviour",
    "measurement": "behaviour",
    "units": ["{steering}"],
    "parts": {
        "flips": {"what": "frames whose {steering} changes sign", "unit": "share", "matters": 0.1, "claimed": 0.9},
        "correlation": {"what": "correlation", "matters": 0.1},
        "bias": {"what": "constant bias"},
    },
}
OPTIONS = {"again": {}, "about": ABOUT, "named": NAMED, "commands": {"behaviour": "make it"}}


def measured(claim, **changes):
    found = Estimate(40, 40, 0.95, (0.92, 0.98), 0.5, error=0.015)._asdict()
    return {part: found | changes.get(part, {}) for part in claim["parts"]}


def test_a_row_names_its_units_as_the_atlas_does():
    claims = {name: CLAIMS["claims"][name] for name in ("tree-detector-steers", "dream-value-repeats", "asymmetry")}
    about, named = ABOUT._replace(readout="turn"), {"conv0": 3, "conv2": 41}
    found = {name: measured(claim) for name, claim in claims.items()}
    commands = {"causal": "a", "dream_controls": "b", "behaviour": "c"}
    rows = ledger.ledger(claims, found, again={}, about=about, named=named, commands=commands)
    assert [row["units"] for row in rows] == [["conv2/41", "turn"], ["value"], []]


def test_a_claim_about_a_layer_is_about_the_first_the_last_or_each_that_was_measured():
    claims = {name: CLAIMS["claims"][name] for name in ("edge-detector", "tree-detector", "tree-detector-steers")}
    named = {"pool0": 3, "block1_0": 4, "torso.end": 5}
    asked = ("edge-detector", "tree-detector-block1_0", "tree-detector-torso.end", "tree-detector-steers")
    found = {name: measured(claims.get(name, claims["tree-detector"])) for name in asked}
    commands = {"units": "", "causal": ""}
    rows = ledger.ledger(claims, found, again={}, about=ABOUT, named=named, commands=commands)
    assert [row["id"] for row in rows] == [*asked]
    assert [row["units"][0] for row in rows] == ["pool0/3", "block1_0/4", "torso.end/5", "torso.end/5"]
    assert rows[1]["statement"] == "Channel 4 of block1_0 detects trunks (leaves are no trunks)."


def test_what_a_row_says_in_one_line_is_its_first_part():
    parts = {"correlation": {"estimate": 0.4, "interval": (0.3, 0.5), "chance": 0.0, "n": 39, "clusters": 38}}
    [row] = ledger.ledger({"mirrored": CLAIM}, {"mirrored": measured(CLAIM, **parts)}, **OPTIONS)
    keys = ("n", "clusters", "estimate", "interval", "chance", "unit", "reason")
    assert [row[key] for key in keys] == [row["parts"][0][key] for key in keys] and row["unit"] == "share"
    assert row["parts"][1]["unit"] != "share"


def test_a_claim_is_about_the_concept_and_the_readout_that_it_names():
    others = {
        "pitch-follows-leaves": CLAIM | {"concept": "leaves", "readout": "pitch", "measured_as": "own"},
        "yaw-follows-pigs": CLAIM | {"concept": "pigs", "measured_as": "own"},
    }
    found = {"own": measured(CLAIM), "leaves/pitch/own": measured(CLAIM, flips={"estimate": 0.25})}
    own, leaves, pigs = ledger.ledger({"own": CLAIM} | others, found, **OPTIONS)
    assert (own["units"], own["estimate"], own["cases"]) == (["yaw"], 0.95, "frames of the study with a trunk")
    assert (leaves["units"], leaves["estimate"]) == (["pitch"], 0.25)
    assert pigs["verdict"] == UNKNOWN and pigs["reason"] == "the labels of this study name no pigs"
    [row] = ledger.ledger({"it": CLAIM}, {"it": measured(CLAIM)}, **OPTIONS | {"about": ABOUT._replace(mirrored=False)})
    assert row["verdict"] == UNKNOWN and "should change sign in a mirror" in row["reason"]


def test_a_row_says_what_was_measured_and_why_there_is_no_verdict():
    found = measured(CLAIM, correlation={"estimate": 0.1, "interval": None, "clusters": 3})
    [row] = ledger.ledger({"it": CLAIM | {"exploratory": "looked at on old frames"}}, {"it": found}, **OPTIONS)
    assert row["statement"] == "Mirroring a frame flips the yaw." and row["command"] == "make it"
    assert (row["estimate"], row["interval"], row["chance"]) == (0.95, (0.92, 0.98), 0.5)
    assert row["exploratory"] == "looked at on old frames"
    flips, correlation, shown = row["parts"]
    assert (flips["verdict"], flips["claimed"], flips["matters"]) == (SUPPORTED, 0.9, 0.1)
    assert correlation["verdict"] == UNKNOWN and correlation["reason"] == "3 independent frames are too few"
    assert (shown["verdict"], shown["claimed"], shown["p"]) == (None, None, None)
    assert (row["verdict"], row["due_to"], row["p"]) == (UNKNOWN, "correlation", None)


def test_every_judged_part_counts():
    against = measured(CLAIM, correlation={"estimate": 0.1, "interval": (0.07, 0.13)})
    [row] = ledger.ledger({"it": CLAIM}, {"it": against}, **OPTIONS)
    assert (row["verdict"], row["due_to"]) == (CONTRADICTED, "correlation")
    unknown = measured(CLAIM, flips={"chance": None})
    assert ledger.ledger({"it": CLAIM}, {"it": unknown}, **OPTIONS)[0]["verdict"] == UNKNOWN


def test_a_claims_p_value_is_its_largest_and_is_corrected_for_all_claims():
    weak = {"estimate": 0.64, "interval": (0.601, 0.679), "error": 0.053}
    alone = ledger.ledger({"it": CLAIM}, {"it": measured(CLAIM, correlation=weak)}, **OPTIONS)[0]
    assert alone["p"] == max(part["p"] for part in alone["parts"][:2]) == alone["p_corrected"] < 0.05
    assert alone["verdict"] == SUPPORTED
    several = {f"it-{i}": CLAIM for i in range(8)}
    rows = ledger.ledger(several, dict.fromkeys(several, measured(CLAIM, correlation=weak)), **OPTIONS)
    assert rows[0]["p"] == alone["p"] and 0.05 < rows[0]["p_corrected"] == pytest.approx(8 * alone["p"])
    assert {row["verdict"] for row in rows} == {PARTLY}


def test_a_claim_that_was_repeated_on_real_stacks_has_a_second_verdict():
    still, moving = measured(CLAIM), measured(CLAIM, flips={"interval": (0.1, 0.3), "estimate": 0.2, "n": 24})
    rows = ledger.ledger(
        {"other": CLAIM, "it": CLAIM},
        {"it": still, "other": still},
        **OPTIONS | {"again": {"on_turns": {"it": moving}}},
    )
    again = rows[1]["on_turns"]
    assert (again["verdict"], again["estimate"], again["n"], again["chance"]) == (CONTRADICTED, 0.2, 24, 0.5)
    assert rows[1]["verdict"] == SUPPORTED and rows[0]["on_turns"] is None


def test_a_part_that_nothing_measures_is_named():
    with pytest.raises(InputError, match="it.flips must be measured"):
        ledger.ledger({"it": CLAIM}, {}, **OPTIONS)


def test_braces_that_are_no_placeholder_stay():
    assert ledger.fill("{steering} {x} {", {"steering": "yaw"}) == "yaw {x} {"


def test_the_claims_file_is_checked(tmp_path):
    for name in ("demo.yaml", "minetest-actions.yaml"):
        text = (ROOT / "config" / name).read_text().replace("../data", str(ROOT / "data"))
        (tmp_path / name).write_text(text)
    wrong = yaml.safe_dump(CLAIMS).replace("claimed: 0.9", "claimd: 0.9")
    (tmp_path / "claims.yaml").write_text(wrong)
    with pytest.raises(InputError, match=r"claims.yaml: at claims.*unknown key 'claimd'; did you mean 'claimed'"):
        study.load(tmp_path / "demo.yaml", ROOT / "workflow/schemas/study.schema.yaml")


def test_every_claim_has_a_judged_first_part_and_a_panel():
    for claim in CLAIMS["claims"].values():
        assert "matters" in next(iter(claim["parts"].values()))
        assert claim["figure"] in panels.read(
            ROOT / "figures/panels.yaml", ROOT / "workflow/schemas/panels.schema.yaml"
        )
