"""The panel of attribution shows the files' numbers, for any geometry and number of methods."""

import json

import matplotlib
import numpy as np
import pytest

import attribution
import style

METHODS = ("gradient", "SmoothGrad", "occlusion", "a $method$, long")
FRAMES = ("half a $", "ünïcødé 树", "x" * 90, "plain", "last")


def make_results(folder, *, size=84, methods=METHODS, maps=3, judged=("a_very_$long$_name", "value"), intervals=True):
    """Random results in the layout that the stage writes; frame 1 steers most, but only the others have maps."""
    rng = np.random.default_rng(0)
    count = len(methods)
    mapped = [0, 2, 3, 4][:maps]
    scores = rng.uniform(-0.5, 0.5, (len(FRAMES), 3))
    scores[:, 1] = [0.1, 0.99, -0.7, 0.2, 0.3]

    def measured(*shape):
        mean = rng.standard_normal((count, 2, *shape)) / 10
        bounds = [mean - 0.05, mean + 0.1] if intervals else [np.full_like(mean, np.nan)] * 2
        return np.stack([mean, *bounds])

    completeness = rng.random((count, 3))
    completeness[0] = np.nan
    (folder / "evidence").mkdir(parents=True)
    stored = {
        "frames": FRAMES,
        "methods": methods,
        "objectives": ("walk", *judged),
        "judged": judged,
        "replacements": ("mean frame", "blurred"),
        "maps": rng.standard_normal((count, 2, maps, 3, size, size)).astype(np.float32),
        "maps_frames": np.array(FRAMES)[mapped],
        "verdicts": ["trust", "; ".join(["not shown to beat random", "survives shuffled weights", "unstable"])] * 2,
        "frame/scores": scores,
        "completeness_median": completeness,
        "mean/deletion_above_random": measured(2),
        "mean/insertion_below_random": measured(2),
        "mean/randomisation": measured(5),
        "mean/sensitivity": measured(),
    }
    stored["verdicts"] = stored["verdicts"][:count]
    np.savez(folder / "evidence" / "attribution.npz", **stored)
    greys = rng.uniform(0, 255, (len(FRAMES), size, size)).astype(np.float32)
    np.savez(folder / "stacks.npz", frames=FRAMES, original=greys)
    return stored, greys


def drawn(folder):
    loaded = attribution.load(folder)
    with matplotlib.rc_context():
        matplotlib.rcParams.update(style.panel())
        figure = attribution.draw(**loaded)
        figure.draw_without_rendering()
    return loaded, figure


def plot(figure, title):
    return next(ax for ax in figure.axes if ax.get_title().startswith(title))


def test_the_maps_are_those_of_the_mapped_frame_that_steers_most(tmp_path):
    stored, greys = make_results(tmp_path)
    _, figure = drawn(tmp_path)
    images = [image for ax in figure.axes for image in ax.images]
    np.testing.assert_array_equal(images[0].get_array(), greys[2])
    assert images[0].get_clim() == (0, 255) and len(images) == 1 + 2 * len(METHODS)
    expected = stored["maps"][:, :, 1].sum(2).reshape(-1, 84, 84)
    for image, values in zip(images[1:], expected, strict=True):
        np.testing.assert_allclose(image.get_array(), values, rtol=1e-5)
        np.testing.assert_allclose(image.get_clim(), (-np.abs(values).max(), np.abs(values).max()), rtol=1e-6)
    scores = [ax.get_ylabel().splitlines()[1] for ax in figure.axes if ax.get_ylabel()]
    assert scores == ["−0.70", style.signed(stored["frame/scores"][2, 2], digits=2)]


def test_methods_stand_in_the_order_of_deletion_with_their_own_numbers_and_verdict(tmp_path):
    stored, _ = make_results(tmp_path)
    _, figure = drawn(tmp_path)
    deletion = stored["mean/deletion_above_random"][:, :, 0]
    order = np.argsort(-deletion[0].mean(1))
    ax = plot(figure, "deletion")
    assert [label.get_text() for label in ax.get_yticklabels()] == [style.plain(METHODS[m], limit=16) for m in order]
    for title, key, part in (
        ("deletion", "deletion_above_random", slice(None)),
        ("insertion", "insertion_below_random", slice(None)),
        ("correlation", "randomisation", slice(4, 5)),
    ):
        dots = [line.get_xdata() for line in plot(figure, title).lines if line.get_marker() == "o"]
        np.testing.assert_array_equal(np.transpose(dots), stored[f"mean/{key}"][0, order, 0, part])
    bars = [bar.get_segments() for bar in ax.collections]
    ends = np.array([[segment[:, 0] for segment in part] for part in bars])
    np.testing.assert_array_equal(ends.transpose(2, 1, 0), deletion[1:, order])
    words = next(ax for ax in figure.axes if any(text.get_text() == "verdict" for text in ax.texts))
    beside = [text for text in words.texts if text.get_text() != "verdict" and text.get_ha() == "left"]
    assert [text.get_text() for text in beside] == [stored["verdicts"][m].replace("; ", "\n") for m in order]
    numbers = [text.get_text() for text in words.texts if "%" in text.get_text() or text.get_text() == "–"]
    percent = [f"{100 * x:.0f} %" if np.isfinite(x) else "–" for x in stored["completeness_median"][order, 1]]
    assert numbers == percent


@pytest.mark.parametrize("changed", [{}, {"size": 36, "maps": 1, "intervals": False}, {"methods": METHODS[:1]}])
def test_nothing_is_cut_off_or_overlaps(tmp_path, changed):
    make_results(tmp_path, **changed)
    _, figure = drawn(tmp_path)
    texts = [*figure.texts, *figure.legends[0].get_texts()]
    for ax in figure.axes:
        texts += [ax.title, *ax.texts]
        if ax.axison:
            low, high = sorted(ax.get_xlim())
            texts += [label for label in ax.get_xticklabels() if low <= label.get_position()[0] <= high]
            texts += [*ax.get_yticklabels(), ax.yaxis.label]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert len(boxes) > 15
    width, height = figure.bbox.size
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_same_results_give_the_same_bytes(tmp_path):
    make_results(tmp_path)
    files = []
    for name in ("one", "two"):
        out = {form: tmp_path / f"{name}.{form}" for form in ("png", "svg")}
        argv = ["--results", tmp_path, "--params", json.dumps({}), "--png", out["png"], "--svg", out["svg"]]
        attribution.main([str(word) for word in argv])
        files.append([path.read_bytes() for path in out.values()])
    assert files[0] == files[1]
