"""The answer follows from verdicts alone, says something for every study, and claims no more than the verdicts do."""

import itertools

import pytest
import yaml

from minetest_interp.claims.verdicts import VERDICTS
from minetest_interp.facts.answer import answer
from tests.conftest import ROOT

RULES = yaml.safe_load((ROOT / "report/answer.yaml").read_text(encoding="utf-8"))
CLAIMS = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))["claims"]
NAMES = {"steering": "yaw", "concept": "trunk"}


ROW = {"exploratory": None, "measurement": "behaviour", "estimate": 0.5}


def rows(verdicts):
    return [ROW | {"id": name, "verdict": verdict} for name, verdict in verdicts.items()]


@pytest.mark.parametrize("group", RULES)
def test_rules_name_claims_and_verdicts_that_there_are(group):
    for rule in RULES[group]:
        for claim, wanted in rule.get("when", {}).items():
            assert claim in CLAIMS and set(wanted) <= set(VERDICTS)


@pytest.mark.parametrize("group", RULES)
def test_every_ledger_has_an_answer_to_what_the_agent_does_and_how_sure_that_is(group):
    asked = sorted({claim for rule in RULES[group] for claim in rule.get("when", {})})
    for found in itertools.product([*VERDICTS, None], repeat=len(asked)):
        known = {claim: verdict for claim, verdict in zip(asked, found, strict=True) if verdict}
        said = answer(rows(known), RULES, NAMES)
        assert len(said) >= 2 and said[-1].startswith(f"We tested {len(known)} claims about it: ")
        assert not any("{" in sentence for sentence in said)


def test_of_play_nothing_is_said_where_nothing_was_recorded():
    unknown = {"earns-more": "cannot tell", "digs-logs": "cannot tell"}
    assert not any("episodes of the game" in sentence for sentence in answer(rows(unknown), RULES, NAMES))
    known = {"earns-more": "supported", "digs-logs": "no effect that matters"}
    assert "digs no more logs" in answer(rows(known), RULES, NAMES)[1]


def test_an_agent_is_said_to_turn_towards_trunks_only_where_more_than_their_brightness_steers_it():
    for darker, beyond in itertools.product(VERDICTS, repeat=2):
        said = answer(rows({"follows-darker-side": darker, "trunk-beyond-brightness": beyond}), RULES, NAMES)[0]
        assert ("turns towards trunks" in said) == (beyond == "supported")
        assert ("the darker side" in said) == (darker == "supported")


def test_numbers_are_those_of_the_ledger():
    claims = [ROW | {"id": v, "verdict": v, "exploratory": "yes" if i < 2 else None} for i, v in enumerate(VERDICTS)]
    assert "We tested 5 claims about it: 1 hold and 1 hold in part, 2 fail" in answer(claims, RULES, NAMES)[-1]
    assert "for 1 the data are too few to tell; 2 were looked at" in answer(claims, RULES, NAMES)[-1]


def test_claims_rest_on_play_where_episodes_were_recorded():
    claims = rows(dict.fromkeys(VERDICTS, "supported"))
    for claim, estimate in zip(claims[:3], (0.5, None, 0), strict=True):
        claim |= {"measurement": "play", "estimate": estimate}
    assert (
        "2 claims rest on play in the game, all others on single frames or stacks of frames."
        in answer(claims, RULES, NAMES)[-1]
    )


def test_it_is_said_to_turn_to_a_dark_pillar_only_where_it_does():
    for verdict in VERDICTS:
        said = [each for each in answer(rows({"turns-to-dark-decoy": verdict}), RULES, NAMES) if "pillar" in each]
        assert len(said) == (verdict in ("supported", "contradicted", "no effect that matters"))
        assert any("it turns to the dark pillar" in each for each in said) == (verdict == "supported")
