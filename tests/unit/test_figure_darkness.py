"""Panel "darkness" shows every bar, dose, width and edit where its number is, and says what there is none of."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

import darkness
import style
from minetest_interp.claims.darkness import EDITS, PASTED, RELATIONS, WITH_CONCEPT

ODD = "turn $x_y$ & <b>"
DOSES, WIDTHS, COUNT = [0, 0.5, 1], [0.1, 0.2], 7


def make_results(folder, *, planes=1, bars=True, edits=True, textures=True, intervals=True):
    generator = np.random.default_rng(0)
    own = [kind for kind in darkness.BARS | darkness.WIDTHS if textures or not kind.startswith("texture")]
    kinds, names = [f"dose {dose:g}" for dose in DOSES] + own, ["as it is", *EDITS]

    def bounds(*shape):
        found = np.sort(generator.uniform(-1, 1, (*shape, 2)), axis=-1)
        return found if intervals else np.full_like(found, np.nan)

    kept = {}
    if bars:
        kept |= {
            "bars/kinds": np.array(kinds),
            "bars/turned": generator.uniform(-1, 1, (len(kinds), COUNT)),
            "bars/interval": bounds(len(kinds)),
            "bars/doses": np.array(DOSES, float),
            "bars/pasted": np.array(PASTED),
            "bars/widths": np.array(WIDTHS),
            "bars/offsets": np.array([0.5]),
            "bars/places": generator.uniform(-1, 1, (3, 2, 1, COUNT)),
            "bars/place_interval": bounds(3, 2),
            "bars/example": generator.uniform(0, 255, (len(kinds), 2, planes, 8, 8)),
        }
    if edits:
        kept |= {"edits/kinds": np.array(names), "edits/example": generator.uniform(0, 255, (6, planes, 8, 8))}
    estimate = {"n": 9, "interval": [-0.1, 0.4] if intervals else None}
    beyond = WITH_CONCEPT["trunk-beyond-brightness"]
    found = {part: estimate | {"estimate": (i + 1) / 40 if edits else None} for i, part in enumerate(beyond)}
    (folder / "evidence").mkdir()
    np.savez(folder / "evidence" / "darkness.npz", **kept)
    (folder / "evidence" / "darkness.json").write_text(json.dumps({"trunk-beyond-brightness": found}))
    (folder / "network.json").write_text(json.dumps({"outputs": ["logits"]}))
    return kept, found


def drawn(folder):
    with matplotlib.rc_context(style.panel()):
        figure = darkness.draw(**darkness.load(folder, behaviour=ODD, concept="trunk"))
        figure.draw_without_rendering()
    return figure


def marked(ax, marker="o"):
    """Marks of one point each: means and estimates."""
    return np.array(
        [line.get_xydata()[0] for line in ax.lines if line.get_marker() == marker and len(line.get_xdata()) == 1]
    )


def titled(figure, start):
    return next(ax for ax in figure.axes if ax.get_title().startswith(start))


def test_every_number_is_where_it_belongs(tmp_path):
    kept, found = make_results(tmp_path)
    figure = drawn(tmp_path)
    place = {kind: i for i, kind in enumerate(kept["bars/kinds"])}
    rows = [place[kind] for kind in darkness.BARS | darkness.WIDTHS]
    means = marked(titled(figure, "turn towards"))
    np.testing.assert_allclose(means[:, 0], kept["bars/turned"][rows].mean(1))
    np.testing.assert_array_equal(means[:, 1], np.arange(len(rows)))
    curve = titled(figure, "darker").lines[-1].get_xydata()
    np.testing.assert_allclose(curve, np.stack([DOSES, kept["bars/turned"][:3].mean(1)], axis=1))
    lines = [line.get_ydata() for line in titled(figure, "wider").lines if len(line.get_xdata()) == 2][-3:]
    np.testing.assert_allclose(lines, kept["bars/places"].mean((2, 3)))
    taken, related = titled(figure, "what it takes"), titled(figure, "rank correlation")
    np.testing.assert_allclose(marked(taken)[:, 0], [found[edit]["estimate"] for edit in EDITS])
    shown = [found[name]["estimate"] for name in darkness.RELATIONS]
    np.testing.assert_allclose(marked(related)[:, 0], shown)
    assert set(darkness.RELATIONS) == set(RELATIONS)


@pytest.mark.parametrize("planes", [1, 3])
def test_the_left_bar_is_above_the_right_one_in_grey_or_in_colours(tmp_path, planes):
    kept, _ = make_results(tmp_path, planes=planes)
    pictures = [ax.images[0].get_array() for ax in drawn(tmp_path).axes if ax.images]
    first = kept["bars/example"][list(kept["bars/kinds"]).index("dark")]
    count = len(darkness.BARS)
    for side, picture in enumerate((pictures[0], pictures[count])):
        expected = first[side, 0] if planes == 1 else np.moveaxis(first[side], 0, -1) / 255
        np.testing.assert_allclose(picture, expected)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"bars": False}, "every labelled frame shows the trunk"),
        ({"edits": False}, "no labelled frame shows the trunk"),
        ({"textures": False}, "rough, scene's luminance"),
        ({"intervals": False}, "darker bars"),
    ],
)
def test_what_was_not_measured_is_said_and_the_rest_is_drawn(tmp_path, made, words):
    make_results(tmp_path, **made)
    assert any(words in text.get_text() for text in drawn(tmp_path).findobj(Text))
