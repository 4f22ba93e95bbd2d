"""The small plots of pages stand where the ledger's scale puts them; references are read whole or refused."""

import re

import pytest

from minetest_interp.claims import strength
from minetest_interp.io.errors import InputError
from minetest_interp.pages import plots
from minetest_interp.pages.references import read_references
from tests.conftest import ROOT
from tests.unit.test_article import small_ledger


def test_a_strip_shows_the_claims_own_number_and_the_part_that_decides():
    part = {"name": "own", "estimate": 0.7, "interval": [0.6, 0.8], "chance": 0.5, "matters": 0.1, "claimed": 0.9,
            "direction": "above", "verdict": "partly"}  # fmt: skip
    other = part | {"name": "other", "direction": "below", "estimate": 0.4, "interval": None, "verdict": "cannot tell"}
    alone = str(plots.strip({"parts": [part, other], "due_to": "own"}))
    assert re.findall(r'<circle class="([\w-]+)" cx="([\d.]+)%"', alone) == [
        ("partly", f"{100 * strength.place(2):.2f}")
    ]
    low, high = (f"{100 * strength.place(end):.2f}" for end in (1, 3))
    assert f'class="interval partly" x1="{low}%" x2="{high}%"' in alone
    assert f'class="needed" x1="{100 * strength.place(4):.2f}%"' in alone
    both = str(plots.strip({"parts": [part, other], "due_to": "other"}))
    assert [kind for kind, _ in re.findall(r'<circle class="([\w-]+)" cx="([\d.]+)%"', both)] == [
        "partly",
        "cannot-tell",
    ]


def test_every_place_of_a_strip_lies_inside_it():
    for claim in small_ledger():
        drawn = str(plots.strip(claim))
        places = [float(place) for place in re.findall(r'(?:x1|x2|cx|x)="([\d.]+)%"', drawn)]
        assert places and all(0 <= place <= 100 for place in places)
        assert drawn.count("<circle") == sum(
            strength.can_stand(part)
            for i, part in enumerate(claim["parts"])
            if i == 0 or part["name"] == claim["due_to"]
        )


@pytest.mark.parametrize(("turning", "angle"), [(0, 0), (1, -90), (-1, 90), (2, -90), (0.5, -45)])
def test_an_arrow_points_to_the_left_for_a_turn_to_the_left(turning, angle):
    assert f"rotate({angle})" in str(plots.arrow(turning)).replace("-0)", "0)")


def test_the_references_are_whole_in_order_and_once():
    entries = read_references(ROOT / "report/references.bib")
    keys = [entry["key"] for entry in entries]
    assert keys == sorted(set(keys)) and len(keys) > 20
    assert all(entry["key"].endswith(entry["year"]) and entry["use"] for entry in entries)
    by_key = {entry["key"]: entry for entry in entries}
    assert by_key["holm1979"]["authors"] == "Holm" and by_key["lee1999"]["authors"] == "Lee and Seung"
    assert by_key["olah2017"]["authors"] == "Olah, Mordvintsev and Schubert"
    assert by_key["bau2017"]["authors"] == "Bau et al." and by_key["fel2023"]["authors"] == "Fel et al."


@pytest.mark.parametrize(
    ("text", "words"),
    [("@misc{a1,\n  author = {A},\n}\n", "title"), ("words\n", "words"), ("@misc{a1,\n  author: A\n}\n", "author")],
)
def test_what_is_no_entry_is_refused(tmp_path, text, words):
    (tmp_path / "a.bib").write_text(text)
    with pytest.raises(InputError, match=words):
        read_references(tmp_path / "a.bib")
