"""The panels of circuits and dream controls show what the files hold, whatever the size of network and study."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

import circuits
import dream_controls
import style
from minetest_interp.io.errors import InputError

# Frames, side of a frame, channels by layer, fields in pixels, factors, exemplars, paths.
USUAL = (9, 64, {"conv0": 32, "conv1": 64, "conv2": 64, "hidden": 512}, (8, 20, 36, 64), 4, 6, 12)
TINY = (2, 84, {"conv0": 2, "conv1": 5, "conv2": 3, "hidden": 7}, (8, 20, 36, 84), 2, 2, 3)
NAMED = {"conv0": 1, "conv1": 2, "conv2": 2}
SEEDS = 5


def make_results(folder, shape, *, steering="yaw drive", seed=0):
    frames, size, channels, fields, count, exemplars, paths = shape
    generator = np.random.default_rng(seed)
    names = np.array([f"a $x_y$ {i}" for i in range(frames)])
    ends = np.stack([generator.integers(0, [channels["conv2"], channels["hidden"]], (paths, 2)) for _ in "rv"])
    arrays = {
        "frames": names,
        "readouts": np.array([steering, "value"]),
        "channels/variance_share": generator.normal(0.1, 0.1, (2, channels["conv2"] + 1)),
        "paths/units": ends,
        "paths/strength": -np.sort(-generator.random((2, paths))),
        "paths/flow": generator.standard_normal((2, paths)),
        "paths/weight": generator.standard_normal((2, paths)),
        "paths/share": np.array([0.031, 0.052]),
    }
    for (layer, width), field in zip(channels.items(), fields, strict=True):
        corners = generator.integers(0, size - field + 1, (count, exemplars, 2))
        arrays |= {
            f"{layer}/factors": generator.random((count, width)),
            f"{layer}/exemplars": generator.integers(0, frames, (count, exemplars)),
            f"{layer}/boxes": np.concatenate([corners, np.full((count, exemplars, 2), field)], -1),
            f"{layer}/attribution": generator.random((2, count + 1)),
        }
    dreams = {}
    for name in ("value", "left", "right"):
        for kind in ("real", "shuffled"):
            dreams |= {
                f"{name}/{kind}/{key}": generator.random(SEEDS)
                for key in ("repetition", "off_stride", "middle_left", "edges")
            }
            dreams |= {f"{name}/{kind}/{key}": generator.random((30, 30)) for key in ("contrast", "example")}
    (folder / "evidence").mkdir(parents=True)
    np.savez(folder / "stacks.npz", frames=names, original=255 * generator.random((frames, size, size)))
    np.savez(folder / "evidence/circuits.npz", **arrays)
    (folder / "network.json").write_text(json.dumps({"layers": [{"name": name} for name in channels]}))
    np.savez(folder / "evidence/dream_controls.npz", **dreams)
    np.savez(folder / "evidence/heads.npz", observed=0.3, null=generator.random(99) / 5)
    return folder


def drawn(module, results, **params):
    loaded = module.load(results, **params)
    with matplotlib.rc_context(style.panel()):
        return loaded, module.draw(**loaded)


@pytest.mark.parametrize("shape", [USUAL, TINY], ids=["usual", "tiny"])
def test_panels_are_the_same_bytes_each_time(tmp_path, shape):
    results = make_results(tmp_path / "results", shape, steering="a $y$ & <b>")
    for module, params in ((circuits, {"named": NAMED}), (dream_controls, {})):
        written = []
        for name in "ab":
            files = [tmp_path / f"{name}.{form}" for form in ("png", "svg")]
            module.main(
                [
                    "--results",
                    str(results),
                    "--params",
                    json.dumps(params),
                    "--png",
                    str(files[0]),
                    "--svg",
                    str(files[1]),
                ]
            )
            written.append([file.read_bytes() for file in files])
        assert written[0] == written[1]


def test_the_named_channel_and_the_biases_are_always_shown_and_bars_are_the_shares(tmp_path):
    loaded, figure = drawn(circuits, make_results(tmp_path, USUAL), named=NAMED)
    for ax, shares in zip(figure.axes[:2], loaded["shares"], strict=True):
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert "2" in labels and labels[-1] == "biases"
        rows = [len(shares) - 1 if label == "biases" else int(label) for label in labels]
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], shares[rows])
        assert rows[0] == shares[:-1].argmax()


def test_every_path_is_a_line_of_its_sign_and_the_strongest_is_the_widest(tmp_path):
    loaded, figure = drawn(circuits, make_results(tmp_path, USUAL), named=NAMED)
    path = loaded["paths"][0]
    lines = figure.axes[2].lines[: len(path.ends)]
    colours = [style.POSITIVE if flow > 0 else style.NEGATIVE for flow in path.flow]
    assert [line.get_color() for line in lines] == colours
    assert np.argmax([line.get_linewidth() for line in lines]) == np.argmax(path.strength)
    assert "3.1 % and 5.2 %" in figure.axes[2].get_title()


@pytest.mark.parametrize("shape", [USUAL, TINY], ids=["usual", "tiny"])
def test_crops_hold_the_receptive_fields_that_the_boxes_mark(tmp_path, shape):
    results = make_results(tmp_path, shape)
    loaded, figure = drawn(circuits, results, named=NAMED)
    stored = {name: np.load(results / f"{name}.npz") for name in ("stacks", "evidence/circuits")}
    greys, found = stored["stacks"]["original"], stored["evidence/circuits"]
    for layer, factors in loaded["factors"].items():
        for (k, e), frame in np.ndenumerate(found[f"{layer}/exemplars"][:, : factors.crops.shape[1]]):
            (top, left, field, _), (y, x, *_) = found[f"{layer}/boxes"][k, e], factors.boxes[k, e]
            expected = greys[frame, top : top + field, left : left + field]
            np.testing.assert_array_equal(factors.crops[k, e][y : y + field, x : x + field], expected)
    marked = [patch for ax in figure.axes if ax.images for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(marked) == sum(
        factors.crops.shape[0] * factors.crops.shape[1] for factors in list(loaded["factors"].values())[:3]
    )


def test_a_named_channel_that_the_layer_lacks_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 to 2"):
        circuits.load(make_results(tmp_path, TINY), named={"conv2": 3})


def test_dots_are_the_seeds_numbers_and_the_line_the_observed_cosine(tmp_path):
    loaded, figure = drawn(dream_controls, make_results(tmp_path, USUAL))
    axes = {ax.get_ylabel() or ax.get_title(): ax for ax in figure.axes}
    shares = axes["share of the contrast"]
    dots = [line.get_ydata() for line in shares.lines if line.get_marker() == "o"]
    expected = [values for pair in loaded["shares"].values() for values in pair]
    np.testing.assert_array_equal(dots, expected)
    areas = next(c for c in shares.collections if isinstance(c, LineCollection)).get_segments()
    assert [segment[0, 1] for segment in areas] == [0.25, 0.25, 0.5, 0.5]
    repeats = [line.get_ydata() for line in axes["highest autocorrelation"].lines if line.get_marker() == "o"]
    with np.load(tmp_path / "evidence/dream_controls.npz") as kept:
        for i, kind in enumerate(("real", "shuffled")):
            np.testing.assert_array_equal(repeats[i], kept[f"value/{kind}/repetition"])
            np.testing.assert_array_equal(repeats[2 + i], kept[f"value/{kind}/off_stride"])
            turns = (kept[f"left/{kind}/repetition"] + kept[f"right/{kind}/repetition"]) / 2
            np.testing.assert_allclose(repeats[4 + i], turns)
    heads = axes["actor and critic"]
    assert heads.lines[0].get_xdata()[0] == 0.3 and sum(bar.get_height() for bar in heads.patches) == 99
