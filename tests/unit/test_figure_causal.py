"""Panel w shows what lies in the files, also where there are no labelled frames, no donors or few channels."""

import itertools
import json

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text

import causal
import style
from minetest_interp.io.errors import InputError

QUANTITIES = ("yaw", "turn $x_y$ & <b>", "value")
CHANNELS = {"conv0": 5, "conv1": 9, "conv2": 12}
NAMED = {"conv0": 4, "conv1": 0, "conv2": 7}
FOUND = {"conv1": [2, 0], "conv2": [1, 7, 11]}
STRENGTHS = np.array([-2, -0.5, 1, 2.0])


def make_results(folder, *, labelled=True, donors=True, scale=1.0):
    """A results folder of random numbers in the layout of the two stages."""
    generator = np.random.default_rng(0)
    kept, units = {"quantities": np.array(QUANTITIES)}, {"frames": np.array(["a", "b"])}
    for layer, count in CHANNELS.items():
        for name in ("zero", "mean", "patch", *(["resample"] if donors else [])):
            kept[f"{name}/{layer}/size"] = scale * generator.random((count, 3))
            kept[f"{name}/{layer}/interval"] = scale * np.sort(generator.random((3, 2)))
    if labelled:
        kept["dose/strengths"] = STRENGTHS
        kept["dose/change"], kept["dose/random"] = generator.standard_normal((4, 3)), generator.random((6, 4, 3))
        kept["dose/interval"] = np.sort(generator.standard_normal((4, 3, 2)))
        kept |= {f"dose/{part}": generator.standard_normal((4, 3)) for part in ("brightness", "orthogonal")}
        kept |= {f"activity/{layer}": generator.random((2, CHANNELS[layer])) for layer in FOUND}
        kept |= {f"trunk/{layer}": generator.random(CHANNELS[layer]) / 2 for layer in FOUND}
        units["found"] = np.array([f"{layer}/{i}" for layer, found in FOUND.items() for i in found])
    (folder / "evidence").mkdir()
    np.savez(folder / "evidence" / "causal.npz", **kept)
    np.savez(folder / "evidence" / "units.npz", **units)
    return kept, units


def drawn(folder, behaviour="yaw", named=NAMED):
    with matplotlib.rc_context(style.panel()):
        figure = causal.draw(**causal.load(folder, behaviour=behaviour, named=named, concept="trunk"))
        figure.draw_without_rendering()
    return figure


def points(ax, colour):
    lines = [line for line in ax.lines if to_rgba(line.get_color()) == to_rgba(colour)]
    return np.concatenate([line.get_xydata() for line in lines]) if lines else np.empty((0, 2))


@pytest.mark.parametrize("behaviour", QUANTITIES[1:])
def test_channels_fall_from_left_to_right_and_ranks_count_the_larger_ones(tmp_path, behaviour):
    kept, _ = make_results(tmp_path)
    figure = drawn(tmp_path, behaviour)
    for ax, layer in zip(figure.axes, CHANNELS, strict=False):
        sizes = {name: kept[f"{name}/{layer}/size"][:, QUANTITIES.index(behaviour)] for name in causal.REPLACEMENTS}
        order = np.argsort(-sizes["zero"])
        for name, (_, colour) in causal.REPLACEMENTS.items():
            np.testing.assert_array_equal(points(ax, colour)[:, 1], sizes[name][order])
        own, found = NAMED[layer], FOUND.get(layer, [])
        (named,) = points(ax, causal.NAMED)
        assert tuple(named) == (list(order).index(own), sizes["zero"][own])
        np.testing.assert_array_equal(points(ax, causal.FOUND)[:, 1], sizes["zero"][found])
        texts = {text.get_text() for text in ax.texts}
        assert texts == {f"{i}: rank {1 + (sizes['zero'] > sizes['zero'][i]).sum()}" for i in {own, *found}}


def test_trunk_strength_is_drawn_against_the_effect(tmp_path):
    kept, _ = make_results(tmp_path)
    ax = drawn(tmp_path).axes[3]
    expected = [np.stack([kept[f"trunk/{layer}"], kept[f"zero/{layer}/size"][:, 0]], 1) for layer in ("conv1", "conv2")]
    np.testing.assert_array_equal(points(ax, style.INK), np.concatenate(expected))


def test_the_most_active_channels_are_filled_darkest(tmp_path):
    kept, _ = make_results(tmp_path)
    for marks, layer in zip(drawn(tmp_path).axes[3].collections, ("conv1", "conv2"), strict=True):
        ranks = np.argsort(np.argsort(kept[f"activity/{layer}"][1]))
        np.testing.assert_allclose(marks.get_array(), ranks / (CHANNELS[layer] - 1))


def test_every_dose_passes_through_nothing(tmp_path):
    kept, _ = make_results(tmp_path)
    ax = drawn(tmp_path).axes[4]
    for values, colour in (
        (kept["dose/change"][None], causal.FOUND),
        (kept["dose/random"], style.FAINT),
        (np.stack([kept["dose/brightness"], kept["dose/orthogonal"]]), style.MIRRORED),
    ):
        expected = [[*zip(STRENGTHS, line[:, 0], strict=True), (0, 0)] for line in values]
        assert sorted(map(tuple, points(ax, colour))) == sorted(itertools.chain(*expected))


def test_without_labelled_frames_and_donors_it_says_so_and_draws_the_rest(tmp_path):
    make_results(tmp_path, labelled=False, donors=False)
    figure = drawn(tmp_path)
    words = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "nothing is known about trunk" in words and "for a steering vector" in words
    assert "set to zero" in words and "other frames" not in words and "found by the data" not in words


@pytest.mark.parametrize("scale", [0.0, 1e-7])
@pytest.mark.parametrize("labelled", [True, False])
def test_nothing_overlaps_and_nothing_is_cut_off(tmp_path, scale, labelled):
    make_results(tmp_path, labelled=labelled, scale=scale)
    figure = drawn(tmp_path, QUANTITIES[1])
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    shared = [(a, b) for a, b in itertools.combinations(boxes, 2) if a.padded(-2).overlaps(b.padded(-2))]
    assert not shared


def test_a_channel_that_changes_nothing_has_no_interval(tmp_path):
    kept, _ = make_results(tmp_path)
    kept["zero/conv2/interval"][:] = np.nan
    np.savez(tmp_path / "evidence" / "causal.npz", **kept)
    drawn(tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"behaviour": "fly"}, "must be one of yaw"), ({"named": NAMED | {"conv1": 9}}, "0 to 8 in conv1; got 9")],
)
def test_what_is_not_there_is_said_in_one_line(tmp_path, options, told):
    make_results(tmp_path)
    with pytest.raises(InputError, match=told):
        drawn(tmp_path, **options)


def test_same_results_give_same_bytes(tmp_path):
    make_results(tmp_path)
    params = json.dumps({"behaviour": "yaw", "named": NAMED, "concept": "trunk"})
    made = []
    for name in "ab":
        png, svg = tmp_path / f"{name}.png", tmp_path / f"{name}.svg"
        causal.main(["--results", str(tmp_path), "--params", params, "--png", str(png), "--svg", str(svg)])
        made.append((png.read_bytes(), svg.read_bytes()))
    assert made[0] == made[1]
