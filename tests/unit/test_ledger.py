"""A verdict follows from the interval, from chance and from what is claimed, and from nothing else."""

import itertools

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from minetest_interp import study
from minetest_interp.claims import ledger
from minetest_interp.claims.ledger import PARTLY, REFUTED, SUPPORTED, UNKNOWN, VERDICTS
from minetest_interp.io.errors import InputError
from tests.conftest import ROOT

CLAIMS = yaml.safe_load((ROOT / "config/claims.yaml").read_text())
ABOUT, NAMED = ledger.About("trunk", "yaw", ["trunk", "leaves"]), {"conv0": 21, "conv1": 56, "conv2": 0}


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.91, 0.99), SUPPORTED),
        ((0.6, 0.95), PARTLY),
        ((0.6, 0.8), PARTLY),
        ((0.4, 0.8), REFUTED),
        ((0.1, 0.3), REFUTED),
        ((0.5, 0.8), REFUTED),
        ((0.4, 0.95), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_verdicts_where_chance_is_a_half_and_nine_tenths_are_claimed(interval, verdict):
    assert ledger.judge(interval, chance=0.5, claimed=0.9) == verdict
    turned = interval and tuple(-bound for bound in interval)
    assert ledger.judge(turned, chance=-0.5, claimed=-0.9, direction="below") == verdict


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.1, 0.3), SUPPORTED),
        ((-0.1, 0.3), UNKNOWN),
        ((-0.3, -0.1), REFUTED),
        ((-0.3, 0), REFUTED),
        ((0, 0.3), UNKNOWN),
    ],
)
def test_verdicts_where_more_than_chance_is_claimed(interval, verdict):
    assert ledger.judge(interval, chance=0.0, claimed="chance") == verdict


bounds = st.tuples(*[st.floats(-1, 1)] * 2).map(sorted)


@given(bounds, st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_a_higher_interval_never_earns_a_worse_verdict(interval, chance, claimed, rise):
    order = {REFUTED: 0, UNKNOWN: 1, PARTLY: 2, SUPPORTED: 3}
    chance, claimed = sorted((chance, claimed))
    before = ledger.judge(interval, chance=chance, claimed=claimed)
    after = ledger.judge([bound + rise for bound in interval], chance=chance, claimed=claimed)
    assert order[after] >= order[before]


def test_a_claims_verdict_follows_from_its_parts():
    for verdicts in itertools.product(VERDICTS, repeat=3):
        found = ledger.conclude(verdicts)
        if verdicts[0] in (REFUTED, UNKNOWN):
            assert found == verdicts[0]
        else:
            assert found == (SUPPORTED if set(verdicts) == {SUPPORTED} else PARTLY)


def measured(claim, **changes):
    found = {"n": 40, "clusters": 40, "estimate": 0.95, "interval": [0.92, 0.99], "chance": None, "reason": None}
    return {part: found | changes.get(part, {}) for part in claim["parts"]}


def test_a_row_names_its_units_as_the_atlas_does():
    claims = {name: CLAIMS["claims"][name] for name in ("tree-detector-steers", "dream-value-repeats", "asymmetry")}
    about, named = ABOUT._replace(readout="turn"), {"conv0": 3, "conv2": 41}
    found = {name: measured(claim) for name, claim in claims.items()}
    commands = {"causal": "a", "dream_controls": "b", "behaviour": "c"}
    rows = ledger.ledger(claims, found, on_turns={}, about=about, named=named, commands=commands)
    assert [row["units"] for row in rows] == [["conv2/41", "turn"], ["value"], []]


def test_a_claim_about_a_layer_is_about_the_first_the_last_or_each_that_was_measured():
    claims = {name: CLAIMS["claims"][name] for name in ("edge-detector", "tree-detector", "tree-detector-steers")}
    named = {"pool0": 3, "block1_0": 4, "torso.end": 5}
    asked = ("edge-detector", "tree-detector-block1_0", "tree-detector-torso.end", "tree-detector-steers")
    found = {name: measured(claims.get(name, claims["tree-detector"])) for name in asked}
    commands = {"units": "", "causal": ""}
    rows = ledger.ledger(claims, found, on_turns={}, about=ABOUT, named=named, commands=commands)
    assert [row["id"] for row in rows] == [*asked]
    assert [row["units"][0] for row in rows] == ["pool0/3", "block1_0/4", "torso.end/5", "torso.end/5"]
    assert rows[1]["statement"] == "Channel 4 of block1_0 detects trees."


def test_a_claim_is_about_the_concept_and_the_readout_that_it_names():
    claim = CLAIMS["claims"]["yaw-follows-trunk"]
    others = {
        "pitch-follows-leaves": claim | {"concept": "leaves", "readout": "pitch", "measured_as": "yaw-follows-trunk"},
        "yaw-follows-pigs": claim | {"concept": "pigs", "measured_as": "yaw-follows-trunk"},
    }
    found = {"yaw-follows-trunk": measured(claim), "leaves/pitch/yaw-follows-trunk": measured(claim)}
    found["leaves/pitch/yaw-follows-trunk"]["correlation"]["estimate"] = 0.25
    options = {"on_turns": {}, "about": ABOUT, "named": NAMED, "commands": {"behaviour": ""}}
    own, leaves, pigs = ledger.ledger({"yaw-follows-trunk": claim} | others, found, **options)
    assert (own["units"], own["estimate"]) == (["yaw"], 0.95)
    assert (leaves["units"], leaves["estimate"]) == (["pitch"], 0.25)
    assert pigs["verdict"] == UNKNOWN and pigs["reason"] == "the labels of this study name no pigs"
    [row] = ledger.ledger({"it": claim}, {"it": measured(claim)}, **options | {"about": ABOUT._replace(mirrored=False)})
    assert row["verdict"] == UNKNOWN and "should change sign in a mirror" in row["reason"]


def test_a_row_says_what_was_measured_and_why_there_is_no_verdict():
    claim = CLAIMS["claims"]["yaw-mirror"]
    found = measured(claim, correlation={"estimate": None, "interval": None, "clusters": 3})
    options = {"on_turns": {}, "about": ABOUT, "named": NAMED, "commands": {"behaviour": "make it"}}
    [row] = ledger.ledger({"it": claim}, {"it": found}, **options)
    assert row["statement"] == "Mirroring a frame flips the yaw." and row["command"] == "make it"
    assert (row["verdict"], row["estimate"], row["interval"], row["chance"]) == (PARTLY, 0.95, [0.92, 0.99], 0.5)
    flips, correlation, *shown = row["parts"]
    assert flips["verdict"] == SUPPORTED and correlation["verdict"] == UNKNOWN
    assert correlation["reason"] == "3 independent frames are too few"
    assert all(part["verdict"] is None for part in shown)


def test_a_measured_chance_level_goes_before_a_stated_one():
    claim = CLAIMS["claims"]["yaw-mirror"]
    found = measured(claim, flips={"chance": 0.995})
    options = {"on_turns": {}, "about": ABOUT, "named": NAMED, "commands": {"behaviour": ""}}
    [row] = ledger.ledger({"it": claim}, {"it": found}, **options)
    assert row["chance"] == 0.995 and row["verdict"] == REFUTED


def test_a_claim_that_was_repeated_on_real_stacks_has_a_second_verdict():
    claim = CLAIMS["claims"]["yaw-mirror"]
    still, moving = measured(claim), measured(claim, flips={"interval": [0.1, 0.4], "estimate": 0.2, "n": 24})
    rows = ledger.ledger(
        {"it": claim, "other": claim}, {"it": still, "other": still}, on_turns={"it": moving}, about=ABOUT,
        named=NAMED, commands={"behaviour": ""},
    )  # fmt: skip
    again = rows[0]["on_turns"]
    assert (again["verdict"], again["estimate"], again["n"], again["chance"]) == (REFUTED, 0.2, 24, 0.5)
    assert rows[0]["verdict"] == SUPPORTED and rows[1]["on_turns"] is None


def test_a_part_that_nothing_measures_is_named():
    claim = CLAIMS["claims"]["asymmetry"]
    with pytest.raises(InputError, match="asymmetry.share must be measured"):
        ledger.ledger({"asymmetry": claim}, {}, on_turns={}, about=ABOUT, named=NAMED, commands={})


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
        assert {"claimed", "matters"} & set(next(iter(claim["parts"].values())))
        assert claim["figure"] in ("behaviour", "units", "causal", "dream-controls", "pairs", "maps", "paths")
