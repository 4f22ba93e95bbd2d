"""The panels of the claims show what lies in the results, whatever the claims say."""

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

import behaviour
import ledger
import style
from minetest_interp.io import files


def claim(**changes):
    part = {"estimate": 0.7, "interval": [0.6, 0.8], "chance": 0.5, "claimed": 0.9} | changes
    return {
        "statement": "A long claim about $x_y$ <b> that goes on for more than a single line of text in its column.",
        "verdict": "partly",
        "estimate": part["estimate"],
        "interval": part["interval"],
        "parts": [part],
    }


CLAIMS = [
    claim(),
    claim(estimate=None, interval=None) | {"verdict": "cannot tell"},
    claim(interval=None, claimed=None, chance=None) | {"verdict": "supported"},
    claim(estimate=-0.05, interval=[-0.06, -0.04], chance=0, claimed=0) | {"verdict": "not supported"},
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
    numbers = ["0.70 [0.60, 0.80]", "–", "0.70", "−0.050 [−0.060, −0.040]"]
    assert [word for word in words if word in numbers] == numbers
    for row in CLAIMS:
        assert f"{style.VERDICTS[row['verdict']][0]} {row['verdict']}" in words


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
        np.testing.assert_array_equal(dots(trunk)[:, 0], kept["labelled/position"])
    else:
        assert "no labelled frames" in [text.get_text() for text in trunk.texts]
