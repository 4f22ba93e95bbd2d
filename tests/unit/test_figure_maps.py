"""The panel of maps and masks shows the files' numbers, for any geometry and number of methods."""

import json

import matplotlib
import numpy as np
import pytest

import maps
import style

METHODS = ("gradient", "IG, mean frame", "occlusion", "a $method$, long")
PARAMS = {"behaviour": "a_very_$long$_name", "concept": "a $concept$"}


def make_results(folder, *, shape=(36, 44), methods=METHODS, intervals=True, reason=None):
    generator = np.random.default_rng(0)
    count = len(methods)
    stored = {"methods": methods}
    if reason:
        stored["masks/reason"] = reason
    else:
        inside = np.zeros(shape, bool)
        inside[5:20, 8:15] = True
        stored |= {
            "masks/judged": methods[-1],
            "masks/shown/grey": generator.uniform(0, 255, shape),
            "masks/shown/inside": inside,
            "masks/shown/strength": generator.random((count, *shape)),
            "masks/shown/score": -0.7,
        }
        for score in ("pointing", "mass"):
            own, others = generator.random((2, 9, count))
            mean = own.mean(0) - others.mean(0)
            ends = [mean - 0.1, mean + 0.2] if intervals else [np.full(count, np.nan)] * 2
            stored |= {f"masks/{score}/own": own, f"masks/{score}/others": others}
            stored[f"masks/{score}/above_others"] = np.stack([mean, *ends])
    (folder / "evidence").mkdir(parents=True)
    np.savez(folder / "evidence" / "attribution.npz", **stored)
    return stored


def drawn(folder):
    loaded = maps.load(folder, **PARAMS)
    with matplotlib.rc_context():
        matplotlib.rcParams.update(style.panel())
        figure = maps.draw(**loaded)
        figure.draw_without_rendering()
    return figure


def test_every_method_has_its_map_its_largest_attribution_and_its_numbers(tmp_path):
    stored = make_results(tmp_path)
    figure = drawn(tmp_path)
    images = [ax for ax in figure.axes if ax.images]
    assert len(images) == 1 + len(METHODS)
    np.testing.assert_array_equal(images[0].images[0].get_array(), stored["masks/shown/grey"])
    for ax, strength in zip(images[1:], stored["masks/shown/strength"], strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), strength)
        (cross,) = ax.lines
        assert strength[int(cross.get_ydata()[0]), int(cross.get_xdata()[0])] == strength.max()
    for start, name in (("largest", "pointing"), ("share", "mass")):
        ax = next(ax for ax in figure.axes if ax.get_title().startswith(start))
        mean, low, high = stored[f"masks/{name}/above_others"]
        dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(dots, mean)
        bars = [part.get_segments()[0][:, 0] for part in ax.collections]
        np.testing.assert_allclose(bars, np.stack([low, high], 1))
        assert ax.get_xlim()[0] < min(low.min(), 0) and ax.get_xlim()[1] > high.max()
    named = next(ax for ax in figure.axes if ax.get_title().startswith("largest"))
    labels = named.get_yticklabels()
    assert [label.get_text() for label in labels] == [style.plain(name, limit=18) for name in METHODS]
    assert [label.get_fontweight() for label in labels] == [*["normal"] * (len(METHODS) - 1), "bold"]
    shares = [text.get_text() for ax in figure.axes for text in ax.texts if " / " in text.get_text()]
    own, others = (stored[f"masks/pointing/{kind}"].mean(0) for kind in ("own", "others"))
    assert [text for text in shares if "%" in text][: len(METHODS)] == [
        f"{100 * a:.0f} % / {100 * b:.0f} %" for a, b in zip(own, others, strict=True)
    ]


@pytest.mark.parametrize("changed", [{}, {"shape": (84, 84), "intervals": False}, {"methods": METHODS[:1]}])
def test_nothing_is_cut_off_or_overlaps(tmp_path, changed):
    make_results(tmp_path, **changed)
    figure = drawn(tmp_path)
    texts = [*figure.texts, *figure.legends[0].get_texts()]
    for ax in figure.axes:
        texts += [ax.title, *ax.texts]
        if ax.axison:
            low, high = sorted(ax.get_xlim())
            texts += [label for label in ax.get_xticklabels() if low <= label.get_position()[0] <= high]
            texts += [*ax.get_yticklabels(), ax.xaxis.label]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert len(boxes) > 10
    width, height = figure.bbox.size
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("reason", [None, "no labelled frames"])
def test_the_same_results_give_the_same_bytes_and_a_reason_is_said(tmp_path, monkeypatch, reason):
    make_results(tmp_path, reason=reason)
    said, words = [], style.words
    monkeypatch.setattr(style, "words", lambda text: said.append(text) or words(text))
    written = []
    for name in ("one", "two"):
        out = {form: tmp_path / f"{name}.{form}" for form in ("png", "svg")}
        argv = ["--results", tmp_path, "--params", json.dumps(PARAMS), "--png", out["png"], "--svg", out["svg"]]
        maps.main([str(word) for word in argv])
        written.append([path.read_bytes() for path in out.values()])
    assert written[0] == written[1]
    assert said == (2 * ["Not measured: no labelled frames."] if reason else [])
