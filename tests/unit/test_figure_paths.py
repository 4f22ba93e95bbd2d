"""The panel of channels that are kept shows the files' numbers, where they are measured."""

import json

import matplotlib
import numpy as np
import pytest

import paths
import style

BEHAVIOUR = "a_$long$_name"


def make_results(folder, *, channels=64, sizes=(4, 8, 16, 32, 48, 56, 60), draws=9, reason=None):
    generator = np.random.default_rng(0)
    mean = np.sort(generator.random(len(sizes)))
    stored = {
        "reason": "the heads are not linear",  # of what else is measured
        "kept/layer": "a $layer$",
        "kept/sizes": np.array(sizes),
        "kept/few": sizes[len(sizes) // 3],
        "kept/strength": generator.random(channels),
        "kept/strongest": np.stack([mean, mean - 0.1, mean + 0.02]),
        "kept/without": np.stack([mean[::-1] - 0.3, mean[::-1] - 2, np.full(len(sizes), np.nan)]),
        "kept/random": generator.uniform(-0.2, 0.8, (len(sizes), draws)),
        "kept/shuffled": generator.uniform(0, 1, (4, 2)),
    }
    (folder / "evidence").mkdir(parents=True)
    np.savez(folder / "evidence" / "circuits.npz", **({"kept/reason": reason} if reason else stored))
    return stored


@pytest.mark.parametrize("made", [{}, {"channels": 2, "sizes": (1,), "draws": 1}])
def test_curves_run_from_no_channel_to_all_through_the_files_numbers(tmp_path, made):
    stored = make_results(tmp_path, **made)
    with matplotlib.rc_context(style.panel()):
        figure = paths.draw(**paths.load(tmp_path, behaviour=BEHAVIOUR))
        figure.draw_without_rendering()
    random, channels = stored["kept/random"].mean(1), len(stored["kept/strength"])
    for ax, key, rest, ends in zip(
        figure.axes, ("strongest", "without"), (random, random[::-1]), ((0, 1), (1, 0)), strict=True
    ):
        curves = [line for line in ax.lines if len(line.get_xdata()) == len(stored["kept/sizes"]) + 2]
        expected = [np.r_[ends[0], values, ends[1]] for values in (rest, stored[f"kept/{key}"][0])]
        for curve, values in zip(curves, expected, strict=True):
            np.testing.assert_allclose(curve.get_ydata(), values)
            np.testing.assert_array_equal(curve.get_xdata(), [0, *stored["kept/sizes"], channels])
    [dashes] = [line for line in figure.axes[0].lines if line.get_marker() == "_"]
    np.testing.assert_allclose(dashes.get_ydata(), stored["kept/shuffled"][:, 0])
    assert set(dashes.get_xdata()) == {stored["kept/few"]}
    width, height = figure.bbox.size
    texts = [text for ax in figure.axes for text in (ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts)]
    for box in [text.get_window_extent() for text in texts if text.get_text()]:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


@pytest.mark.parametrize("reason", [None, "no layer of this network has positions"])
def test_the_same_results_give_the_same_bytes_and_a_reason_is_said(tmp_path, monkeypatch, reason):
    make_results(tmp_path, reason=reason)
    said, words = [], style.words
    monkeypatch.setattr(style, "words", lambda text: said.append(text) or words(text))
    written = []
    for name in ("one", "two"):
        out = {form: tmp_path / f"{name}.{form}" for form in ("png", "svg")}
        settings = json.dumps({"behaviour": BEHAVIOUR})
        argv = ["--results", tmp_path, "--params", settings, "--png", out["png"], "--svg", out["svg"]]
        paths.main([str(word) for word in argv])
        written.append([path.read_bytes() for path in out.values()])
    assert written[0] == written[1]
    assert said == (2 * [f"Not measured: {reason}."] if reason else [])
