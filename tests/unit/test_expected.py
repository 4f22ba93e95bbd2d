"""Numbers that another machine should find, and how far it may be from them."""

import copy
import json
import math
import re

import pytest

from minetest_interp.facts import expected
from minetest_interp.facts.expected import DIFFERS, EQUAL, KINDS, NOT_MEASURED, WITHIN
from minetest_interp.io import files
from minetest_interp.provenance import environment
from minetest_interp.stages import verify
from tests.conftest import ROOT

PART = {"name": "flips", "unit": "share", "n": 40, "estimate": 0.85, "interval": [0.7, 0.95], "verdict": "partly"}
LEAN = {"name": "bias", "unit": None, "n": 40, "estimate": -0.008, "interval": None, "verdict": None}
FACTS = {
    "study": "own",
    "checkpoint": {"sha256": "c" * 64},
    "pictures": {"count": 5},
    "training": {"steps": 3},
    "panels": {"i-channel": {"channel": 3}},
    "behaviours": {"yaw": {"mean": -0.25, "positive": 0.4}},
    "frames": [{"name": "dark é", "yaw": 0.5, "mirrored": {"yaw": -0.5}}],
    "mirror": {"all": {"n": 5, "flips": 0.8, "correlation": 0.9}},
    "stills": [{"steering": 0.2, "worth": {"n": 4}}],
    "head_dreams": [{"name": "yaw", "control_correlation": 0.2}],
    "guess": {"number": 96, "share": {"darker": 0.7}},
    "dreams": {"value": {"steps": 500, "seed": 1, "first": 0.1, "best": 2.5}},
    "claims": [
        {"id": "mirror", "measurement": "behaviour", "unit": "share", "n": 40, "estimate": 0.85, "verdict": "partly",
         "parts": [PART, LEAN], "on_turns": {"n": 24, "estimate": 0.75}},
        {"id": "pattern", "measurement": "dream_controls", "unit": None, "n": 20, "estimate": 0.48,
         "verdict": "supported", "parts": []},
    ],
    "evidence": {"labelled": 240, "found": [{"name": "conv2/1", "auroc": 0.87, "on": False, "rank": 11}]},
    "atlas": {"layers": {"conv1": {"z": {"value": 14.0, "ceiling": 0.8}}}, "rows": [{"name": "a", "z": 1.0}]},
}  # fmt: skip
KIND_OF = {
    "behaviours/yaw/mean": "float32",
    "behaviours/yaw/positive": "share",
    "frames/dark é/mirrored/yaw": "float32",
    "mirror/all/n": "exact",
    "mirror/all/flips": "share",
    "stills/0/steering": "float32",
    "stills/0/worth/n": "exact",
    "guess/number": "exact",
    "guess/share/darker": "share",
    "dreams/value/first": "float32",
    "dreams/value/best": "ascent",
    "claims/mirror/verdict": "exact",
    "claims/mirror/parts/flips/interval/0": "share",
    "claims/mirror/parts/bias/estimate": "statistic",
    "claims/mirror/on_turns/estimate": "share",
    "claims/pattern/estimate": "ascent",
    "evidence/found/conv2/1/auroc": "statistic",
    "atlas/layers/conv1/z/value": "optimised",
    "atlas/layers/conv1/z/ceiling": "statistic",
}


def states(wanted: dict, facts: dict) -> dict[str, str]:
    return {row.path: row.state for row in expected.compare(wanted, facts)}


@pytest.fixture
def wanted() -> dict:
    return json.loads(expected.to_text(FACTS))


def test_a_number_s_kind_follows_from_where_it_lies():
    found = expected.numbers(FACTS)
    assert {path: found[path].kind for path in KIND_OF} == KIND_OF


def test_a_number_that_is_no_count_has_a_tolerance_wherever_it_lies():
    found = expected.numbers(FACTS | {"of tomorrow": {"rows": [{"count": 3, "mean": 3.0}]}})
    assert found["of tomorrow/rows/0/count"].within == 0 < found["of tomorrow/rows/0/mean"].within
    assert all(number.within > 0 for number in found.values() if isinstance(number.value, float))


def test_settings_and_single_dreams_are_not_expected_of_another_machine():
    found, alone = expected.numbers(FACTS), ("training", "panels", "atlas/rows", "head_dreams")
    assert {path.partition("/")[0] for path in alone} <= FACTS.keys()
    assert not [path for path in found if path.startswith(alone)]
    assert not {"dreams/value/steps", "dreams/value/seed", "evidence/found/conv2/1/on"} & found.keys()


def test_facts_agree_with_themselves_to_the_last_digit(wanted):
    assert set(states(wanted, json.loads(json.dumps(FACTS))).values()) == {EQUAL}


def test_every_tolerance_is_its_kind_s_and_stated_with_a_reason(wanted):
    assert {name: kind["why"] for name, kind in wanted["kinds"].items()} == {name: k.why for name, k in KINDS.items()}
    cases = {"mirror/all/flips": 5, "behaviours/yaw/positive": 5, "guess/share/darker": 5}
    cases["claims/mirror/on_turns/estimate"] = 24
    for path, (value, kind, within) in wanted["numbers"].items():
        absolute, relative, one_case, _ = KINDS[kind]
        if kind == "share":
            assert within == pytest.approx(1 / cases.get(path, 40), rel=5e-3)
        elif isinstance(value, str):
            assert (kind, within) == ("exact", 0)
        else:
            assert one_case == 0 and within == pytest.approx(absolute + relative * abs(value), rel=5e-3)


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_a_number_may_move_within_its_tolerance_and_no_further(wanted, share):
    moved = {path: [value if isinstance(value, str) else value + share * within, kind, within]
             for path, (value, kind, within) in wanted["numbers"].items()}  # fmt: skip
    found = states(wanted | {"numbers": moved}, FACTS)
    for path, (_, kind, _) in wanted["numbers"].items():
        assert found[path] == (EQUAL if kind == "exact" else WITHIN if share < 1 else DIFFERS), path


def test_another_verdict_count_or_a_number_more_or_less_is_a_difference(wanted):
    other = copy.deepcopy(FACTS)
    other["claims"][0]["verdict"] = "supported"
    other["mirror"]["all"]["n"] = 6
    other["behaviours"]["pitch"] = {"mean": 0.0}
    del other["dreams"]["value"]["first"]
    wrong = {path for path, state in states(wanted, other).items() if state == DIFFERS}
    assert wrong == {"claims/mirror/verdict", "mirror/all/n", "behaviours/pitch/mean", "dreams/value/first"}


def test_what_needs_labelled_frames_is_not_measured_without_them_and_only_then(wanted):
    blind = copy.deepcopy(FACTS)
    blind["claims"][0] |= {"estimate": None, "verdict": "cannot tell"}
    some = states(wanted, blind)
    assert some["claims/mirror/estimate"] == some["claims/mirror/verdict"] == DIFFERS
    del blind["evidence"]
    none = states(wanted, blind)
    assert none["claims/mirror/estimate"] == none["claims/mirror/verdict"] == NOT_MEASURED
    blind["behaviours"]["yaw"]["mean"] = 0.3
    assert states(wanted, blind)["behaviours/yaw/mean"] == DIFFERS


@pytest.mark.parametrize("file", sorted((ROOT / "expected").glob("*.json")), ids=lambda file: file.stem)
def test_committed_tolerances_are_those_of_the_code(file):
    content = files.read_json(file)
    assert content["study"] == file.stem and content["numbers"]
    assert content["kinds"] == {name: kind._asdict() for name, kind in KINDS.items()}
    assert {kind for _, kind, _ in content["numbers"].values()} <= KINDS.keys()


def test_how_far_a_number_moved_is_a_share_of_its_tolerance(wanted):
    moved = copy.deepcopy(FACTS)
    moved["behaviours"]["yaw"]["mean"] += wanted["numbers"]["behaviours/yaw/mean"][2] / 4
    moved["claims"][0]["verdict"] = "supported"
    moved["mirror"]["all"]["n"] = 6
    del moved["dreams"]
    shares = {row.path: row.share for row in expected.compare(wanted, moved)}
    assert shares["behaviours/yaw/mean"] == pytest.approx(0.25) and shares["frames/dark é/yaw"] == 0
    assert shares["claims/mirror/verdict"] == shares["mirror/all/n"] == shares["dreams/value/best"] == math.inf


def test_what_moved_within_its_tolerance_is_said_in_words_by_kind(wanted):
    assert verify.within_tolerance(expected.compare(wanted, FACTS)) == []
    moved = copy.deepcopy(FACTS)
    moved["behaviours"]["yaw"]["mean"] += wanted["numbers"]["behaviours/yaw/mean"][2] / 4
    moved["frames"][0]["yaw"] += wanted["numbers"]["frames/dark é/yaw"][2] / 2
    moved["dreams"]["value"]["best"] += wanted["numbers"]["dreams/value/best"][2] / 8
    first, second, last = verify.within_tolerance(expected.compare(wanted, moved))
    assert re.match(
        r"Within tolerance: 2 of \d+ float32 numbers, frames/dark é/yaw farthest, by 0.5 of what it may\.", first
    )
    assert (
        first.endswith(KINDS["float32"].why) and "1 of 2 ascent numbers, dreams/value/best farthest, by 0.12" in second
    )
    assert last == f"They are compared on {environment.host()}."
