"""The panels of the claims show what lies in the results, whatever the claims say."""

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

import behaviour
import ledger
import style
from minetest_interp.claims import strength
from minetest_interp.io import files


def claim(verdict="partly", **changes):
    part = {
        "estimate": 0.7, "interval": [0.6, 0.8], "chance": 0.5, "matters": 0.1, "claimed": 0.9, "direction": "above",
        "verdict": verdict,
    } | changes  # fmt: skip
    return {
        "statement": "A long claim about $x_y$ <b> that goes on for more than a single line of text in its column.",
        "verdict": verdict,
        "estimate": part["estimate"],
        "interval": part["interval"],
        "parts": [part, part | {"verdict": None}, part | {"estimate": 0.6, "interval": None}],
    }


CLAIMS = [
    claim(),
    claim("cannot tell", estimate=None, interval=None),
    claim("supported", interval=None, chance=None),
    claim("no effect that matters", estimate=-0.05, interval=[-0.06, -0.04], chance=0, claimed=0.1),
    claim("contradicted", estimate=9.0, interval=[8.0, 10.0], chance=0, claimed=-0.1, direction="below"),
]


def drawn(module, **loaded):
    with matplotlib.rc_context(style.panel()):
        figure = module.draw(**loaded)
        figure.draw_without_rendering()
    return figure


def test_each_claim_has_a_row_with_its_number_and_verdict(tmp_path):
    files.write_json(tmp_path / "ledger.json", CLAIMS)
    figure = drawn(ledger, **ledger.load(tmp_path))
    words = [text.get_text() for text in figure.findobj(Text)]
    numbers = ["0.70\n[0.60, 0.80]", "–", "0.70", "−0.050\n[−0.060, −0.040]", "9.00\n[8.00, 10.00]"]
    assert [word for word in words if word in numbers] == numbers
    for row in CLAIMS:
        assert f"{style.VERDICTS[row['verdict']][0]} {row['verdict']}" in [" ".join(word.split()) for word in words]


def test_all_effects_share_one_scale_on_which_the_claims_direction_is_to_the_right():
    above, below = CLAIMS[0]["parts"][0], CLAIMS[4]["parts"][0]
    assert strength.effect(above, 0.5) == 0 and strength.effect(above, 0.6) == pytest.approx(1)
    assert strength.effect(below, 0.1) == pytest.approx(-1) and strength.effect(below, -0.1) == pytest.approx(1)
    middle = strength.place(0)
    assert strength.place(1) > middle and strength.place(1) - middle == pytest.approx(middle - strength.place(-1))
    assert strength.place(1000) == strength.place(strength.REACH) == pytest.approx(1)


def test_no_words_of_the_ledger_leave_the_page_or_meet():
    figure = drawn(ledger, claims=CLAIMS)
    boxes = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text()]
    page = figure.bbox
    assert all(box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 and box.y1 <= page.y1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def make_results(folder, *, labelled):
    generator = np.random.default_rng(0)
    kept = {name: generator.uniform(-1, 1, 9) for name in ("original", "mirrored", "equalised", "inverted")}
    kept["night"] = np.arange(9) < 2
    if labelled:
        kept |= {f"labelled/{name}": generator.uniform(-1, 1, 5) for name in ("position", "original")}
        kept |= {f"night/{name}": generator.uniform(-1, 1, 4) for name in ("original", "mirrored")}
    files.write_arrays(folder / "evidence/behaviour.npz", **kept)
    files.write_json(folder / "network.json", {"outputs": ["logits", "value"]})
    return kept


@pytest.mark.parametrize("labelled", [True, False])
def test_every_frame_is_a_dot(tmp_path, labelled):
    kept = make_results(tmp_path, labelled=labelled)
    figure = drawn(behaviour, **behaviour.load(tmp_path, behaviour="yaw", positive="left", concept="trunk"))

    def dots(ax):
        lines = [line.get_xydata() for line in ax.lines if line.get_marker() in ("o", "^")]
        return np.concatenate(lines) if lines else np.empty((0, 2))

    mirrored, trunk, equalised, inverted = figure.axes
    day = ~kept["night"]
    expected = [np.concatenate([kept[view][day], kept.get(f"night/{view}", [])]) for view in ("original", "mirrored")]
    np.testing.assert_array_equal(dots(mirrored), np.stack(expected, 1))
    np.testing.assert_array_equal(dots(equalised)[:, 1], kept["equalised"])
    np.testing.assert_array_equal(dots(inverted)[:, 1], kept["inverted"])
    if labelled:
        np.testing.assert_array_equal(dots(trunk)[:, 0], -kept["labelled/position"])
        assert all(ax.xaxis_inverted() for ax in figure.axes)  # what is left, and positive, is drawn on the left
    else:
        assert "no labelled frames" in [text.get_text() for text in trunk.texts]
