"""Panels show what lies in the files, in the same bytes each time, whatever the frames are called."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from inspect import signature
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

import alignment
import channel
import channel_gradient
import dream_value
import dream_yaw
import frames as frames_figure
import mirror
import network
import panel
import style
import views
from minetest_interp.io import layout
from minetest_interp.model.description import describe
from minetest_interp.model.policy import Geometry, nature

FRAMES = ("a $x_y$ & <b>", "ünïcødé 树", "frame with spaces", "half a $", "x" * 200)
BEHAVIOURS = ("yaw", "pitch", "forward", "jump", "value")
SHAPES = {"conv0": (15, 15, 3), "conv1": (6, 6, 5), "conv2": (4, 4, 5)}
VIEWS = ("original", "mirrored", "unrounded", "reordered")
NETWORK = describe(nature(Geometry())) | {"parameters": 621765}
CHANNEL = {"layer": "conv1", "frame": FRAMES[0], "channel": 4, "view": "unrounded"}
SLOPE = {"layer": "conv2", "frame": FRAMES[0], "channel": 0, "gradient": "yaw-right", "view": "mirrored"}
TURNS = {"left": "yaw-left", "right": "yaw-right", "behaviour": "yaw"}
PANELS = {
    "dream_value": (dream_value, {"dream": "value"}),
    "dream_yaw": (dream_yaw, TURNS),
    "alignment": (alignment, {}),
    "views": (views, {"frame": FRAMES[0]}),
    "mirror": (mirror, {"frame": FRAMES[0], "behaviour": "yaw", "positive": "left"}),
    "channel": (channel, CHANNEL),
    "channel_gradient": (channel_gradient, SLOPE),
    "network": (network, {}),
    "frames": (frames_figure, {"behaviour": "yaw", "plus": "left", "minus": "right", "positive": "left"}),
}
NAMED = [
    (name, {"frame": frame} if "frame" in params else {})
    for name, (_, params) in PANELS.items()
    for frame in (FRAMES if "frame" in params else FRAMES[:1])
]
every_panel = pytest.mark.parametrize("name", PANELS)


def make_results(folder, frames=FRAMES, seed=0):
    """A results folder of random numbers in the layout that the stages write."""
    rng = np.random.default_rng(seed)
    count, names = len(frames), np.array(frames)

    def save(path, **arrays):
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)

    def grey(*shape):
        return (255 * rng.random(shape)).astype(np.float32)

    save("stacks.npz", frames=names, **{view: grey(count, 64, 64) for view in VIEWS})
    pictures = rng.integers(0, 255, (count, 20, 32, 3), dtype=np.uint8)
    sizes = np.array([(20, 32), (10, 32), (20, 8)])[np.arange(count) % 3]
    save("pictures.npz", frames=names, pictures=pictures, sizes=sizes)
    behaviours = {f"{view}/{b}": rng.uniform(-1, 1, count).astype(np.float32) for view in VIEWS for b in BEHAVIOURS}
    save("readouts.npz", frames=names, **behaviours)
    for view in VIEWS:
        computed = {name: rng.normal(-0.3, 1, (count, *shape)).astype(np.float32) for name, shape in SHAPES.items()}
        save(layout.intermediates(Path(), view), frames=names, **computed)
        gradients = {layer: rng.normal(0.1, 1, (count, *shape)) for layer, shape in SHAPES.items()}
        save(layout.gradients(Path(), view, "yaw-right"), frames=names, **gradients)
    for dream in ("value", "yaw-left", "yaw-right"):
        scores = np.cumsum(rng.random(11))
        save(f"dreams/{dream}.npz", image=grey(4, 64, 64), scores=scores, energy=rng.random((64, 64)) ** 4)
    save("alignment.npz", similarity=rng.uniform(-0.5, 0.2, 36), random=rng.uniform(-0.1, 0.1, 36))
    (folder / "network.json").write_text(json.dumps(NETWORK | {"not": "drawn"}))
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def first_build(results, tmp_path_factory):
    """Panel name to the bytes of its PNG and SVG."""
    folder = tmp_path_factory.mktemp("figures")
    return {name: saved(name, results, folder) for name in PANELS}


def stored(results, path, key, frame=FRAMES[0]):
    """One frame's entry, read without the code under test."""
    with np.load(results / path) as arrays:
        return arrays[key][list(arrays["frames"]).index(frame)]


def drawn(name, results, **changes):
    module, params = PANELS[name]
    with matplotlib.rc_context(style.panel()):
        return module.draw(**module.load(results, **{**params, **changes}))


def saved(name, results, folder, **changes):
    module, params = PANELS[name]
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    module.main(
        ["--results", str(results), "--params", json.dumps(params | changes), "--png", str(png), "--svg", str(svg)]
    )
    return png.read_bytes(), svg.read_bytes()


def arrays_shown(figure):
    """Every image's array in drawing order; colour bars hold meshes, not images."""
    return [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@every_panel
def test_same_results_give_same_bytes_whatever_the_settings_are(name, results, first_build, tmp_path):
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "other", "image.cmap": "jet", "savefig.dpi": 50}):
        before = dict(matplotlib.rcParams)
        assert saved(name, results, tmp_path) == first_build[name]
        assert dict(matplotlib.rcParams) == before, "a panel changed global settings"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.png", f"{name}.svg"]


def test_words_alone_are_drawn_for_phones_without_a_warning(tmp_path):
    with panel.drawing("phone"):
        panel.save_for_phones(style.words("Not measured: the study names no episodes."), tmp_path / "words.webp")
    with Image.open(tmp_path / "words.webp") as drawn:
        assert np.asarray(drawn.convert("L")).min() < 100


def test_every_process_writes_the_same_bytes(results, first_build, tmp_path):
    source = Path(panel.files.__file__).parents[2]
    for seed in ("1", "2"):
        png, svg = tmp_path / f"{seed}.png", tmp_path / f"{seed}.svg"
        command = [sys.executable, channel.__file__, "--results", results, "--params", json.dumps(CHANNEL)]
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(source)}
        subprocess.run([*command, "--png", png, "--svg", svg], check=True, env=environment, cwd=tmp_path)
        assert (png.read_bytes(), svg.read_bytes()) == first_build["channel"]


@every_panel
def test_files_carry_no_date_and_no_version_and_are_as_wide_as_the_page(name, first_build):
    png, svg = first_build[name]
    svg = re.sub(rb'base64,[^"]*', b"", svg)
    assert not re.search(rb"dc:date|dc:creator|\d{4}-\d{2}-\d{2}", svg)
    assert matplotlib.__version__.encode() not in png + svg
    with Image.open(io.BytesIO(png)) as image:
        assert image.width == style.WIDTH_INCHES["page"] * style.DPI
        assert not image.text


@pytest.mark.parametrize(("name", "changes"), NAMED)
def test_everything_drawn_lies_on_the_page_whatever_frames_are_called(name, changes, results):
    with matplotlib.rc_context(style.panel()):
        figure = drawn(name, results, **changes)
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    slack = 0.02
    assert min(box.x0, box.y0) > -slack
    assert box.x1 < width + slack
    assert box.y1 < height + slack


@given(text=st.text(max_size=60), limit=st.integers(4, 40))
def test_foreign_text_is_short_and_never_a_formula(text, limit):
    shown = style.plain(text, limit=limit)
    assert not matplotlib.cbook.is_math_text(shown)
    assert len(shown.replace(r"\$", "$")) <= limit
    assert not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", shown)


def test_ordinary_names_are_shown_as_they_are():
    assert style.plain("screenshot_12 <é>") == "screenshot_12 <é>"
    assert style.plain("树") == "□"
    assert style.plain("screenshot_of_a_tree_12", limit=12).endswith("_12")


@pytest.mark.parametrize("name", ["channel", "channel_gradient"])
def test_signed_colours_have_zero_in_the_middle_and_grey_ones_are_fixed(name, results):
    images = [image for ax in drawn(name, results).axes for image in ax.images]
    seen = {image.get_cmap().name: image.get_clim() for image in images}
    assert seen["gray"] == (0, 255)
    low, high = seen["RdBu_r"]
    assert low == -high < 0
    for image in images:
        if image.get_cmap().name == "RdBu_r":
            assert image.get_clim()[1] == pytest.approx(np.abs(image.get_array()).max())


def test_a_map_of_zeros_still_has_a_scale():
    assert style.centred(np.zeros((2, 2)))["vmax"] > 0


@pytest.mark.parametrize("frame", FRAMES[:3])
def test_channel_shows_the_stored_activation_and_where_it_is_positive(frame, results):
    figure = drawn("channel", results, frame=frame)
    activation = stored(results, "intermediates/unrounded.npz", "conv1", frame)[..., 4]
    expected = (stored(results, "stacks.npz", "unrounded", frame), activation, activation > 0)
    for shown, array in zip(arrays_shown(figure), expected, strict=True):
        np.testing.assert_array_equal(shown, array)
    extremes = " ".join(words(figure)).replace("−", "-")
    assert f"min {activation.min():+.4f}, max {activation.max():+.4f}" in extremes


def test_channel_without_a_view_reads_the_original_one(results):
    figure = channel.draw(**channel.load(results, layer="conv0", frame=FRAMES[1], channel=2))
    np.testing.assert_array_equal(arrays_shown(figure)[0], stored(results, "stacks.npz", "original", FRAMES[1]))
    activation = stored(results, "intermediates/original.npz", "conv0", FRAMES[1])[..., 2]
    np.testing.assert_array_equal(arrays_shown(figure)[1], activation)


def test_channel_gradient_shows_the_stored_gradient_of_the_same_view(results):
    shown = arrays_shown(drawn("channel_gradient", results))
    np.testing.assert_array_equal(shown[0], stored(results, "stacks.npz", "mirrored"))
    activations = stored(results, "intermediates/mirrored.npz", "conv2")
    np.testing.assert_array_equal(shown[1], activations[..., 0])
    np.testing.assert_array_equal(shown[2], stored(results, "gradients/mirrored/yaw-right.npz", "conv2")[..., 0])


@pytest.mark.parametrize("frame", FRAMES[:3])
def test_views_cut_the_padding_off_the_picture(frame, results):
    picture, grey = arrays_shown(drawn("views", results, frame=frame))
    height, width = stored(results, "pictures.npz", "sizes", frame)
    np.testing.assert_array_equal(picture, stored(results, "pictures.npz", "pictures", frame)[:height, :width])
    np.testing.assert_array_equal(grey, stored(results, "stacks.npz", "original", frame))


@pytest.mark.parametrize("name", ["views", "mirror", "channel", "channel_gradient"])
@pytest.mark.parametrize("kind", ["recorded", "colours"])
def test_of_a_stack_the_newest_frame_is_shown_or_its_colours(name, kind, results, tmp_path):
    """Frames of 24 x 40 pixels; the same file without the name of its colours holds stacks of three frames."""
    shutil.copytree(results, tmp_path / "results")
    generator = np.random.default_rng(0)
    stacks = {view: generator.integers(0, 256, (len(FRAMES), 3, 24, 40)).astype(np.float32) for view in VIEWS}
    colours = {"colours": ["red", "green", "blue"]} if kind == "colours" else {}
    np.savez(tmp_path / "results/stacks.npz", frames=np.array(FRAMES), **stacks, **colours)
    view = PANELS[name][1].get("view", "original")
    figure = drawn(name, tmp_path / "results")
    shown = np.asarray(arrays_shown(figure)[name == "views"])
    stack = stacks[view][0]
    np.testing.assert_array_equal(shown, np.moveaxis(stack, 0, -1) / 255 if colours else stack[-1])
    bars = [ax for ax in figure.findobj(Axes) if ax.get_ylabel() == "grey level"]
    assert len(bars) == (name != "mirror" and not colours)


def test_mirror_draws_each_behaviour_of_both_views_at_its_length(results):
    figure = drawn("mirror", results)
    bars = next(ax for ax in figure.axes if ax.containers)
    for view, container in zip(("original", "mirrored"), bars.containers, strict=True):
        expected = [stored(results, "readouts.npz", f"{view}/{b}") for b in BEHAVIOURS if b != "value"]
        names = [b for b in BEHAVIOURS if b != "value"]
        pointing = [-number if b == "yaw" else number for b, number in zip(names, expected, strict=True)]
        np.testing.assert_allclose([bar.get_width() for bar in container], pointing, rtol=1e-6)
        value = stored(results, "readouts.npz", f"{view}/value")
        for number in [*expected, value]:
            assert f"{number:+.4f}" in " ".join(words(figure)).replace("−", "-")
    assert bars.get_xlim() == (-1, 1)


def test_alignment_counts_every_action_in_the_same_bins(results):
    ax = drawn("alignment", results).axes[0]
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    edges = [bar.get_x() for bar in bars] + [bars[-1].get_x() + bars[-1].get_width()]
    (outline,) = (patch for patch in ax.patches if not isinstance(patch, Rectangle))
    with np.load(results / "alignment.npz") as arrays:
        expected = {key: np.histogram(arrays[key], edges)[0] for key in ("similarity", "random")}
    assert all(counts.sum() == 36 for counts in expected.values())
    np.testing.assert_array_equal([bar.get_height() for bar in bars], expected["similarity"])
    np.testing.assert_array_equal(outline.get_xy()[1:-1:2, 1], expected["random"])
    np.testing.assert_allclose(edges, -np.array(edges[::-1]), atol=1e-12)


def test_dream_of_value_shows_the_stack_oldest_first_and_every_score(results):
    figure = drawn("dream_value", results)
    with np.load(results / "dreams/value.npz") as arrays:
        np.testing.assert_array_equal(arrays_shown(figure), arrays["image"])
        (curve,) = (line for ax in figure.axes for line in ax.lines)
        np.testing.assert_array_equal(curve.get_ydata(), arrays["scores"])
    assert [ax.get_title() for ax in figure.axes[:4]] == ["frame t−3", "frame t−2", "frame t−1", "frame t"]


def test_dreams_of_yaw_share_one_scale_and_say_their_side(results):
    figure = drawn("dream_yaw", results)
    limits = {image.get_clim() for ax in figure.axes for image in ax.images}
    shown = arrays_shown(figure)
    assert limits == {(0, max(energy.max() for energy in shown))}
    for ax, energy, side in zip(figure.axes, shown, ("left", "right"), strict=False):
        assert side in ax.get_title()
        with np.load(results / f"dreams/yaw-{side}.npz") as arrays:
            np.testing.assert_array_equal(energy, arrays["energy"])


def drawn_network(described):
    with matplotlib.rc_context(style.panel()):
        return network.draw(**{name: described[name] for name in signature(network.draw).parameters})


@pytest.mark.parametrize(
    "g", [Geometry(), Geometry(frames=1, size=84, channels=(2, 16, 7), actions=6)], ids=["published", "other"]
)
def test_network_prints_every_size_of_the_geometry(g):
    text = "\n".join(words(drawn_network(describe(nature(g)) | {"parameters": 1234})))
    shapes = [f"{side} × {side} × {count}" for side, count in zip(g.sides, g.channels, strict=True)]
    kernels = [f"{k} × {k}\nstride {s}" for k, s in zip(g.kernels, g.strides, strict=True)]
    fields = [f"sees {field} × {field} px" for field in (8, 20, 36)]
    heads = [f"{g.actions} logits", "1 value", "1,234 parameters", str(g.hidden)]
    for expected in [f"{g.frames} × {g.size} × {g.size}", *shapes, *kernels, *fields, *heads]:
        assert expected in text


@pytest.mark.parametrize("positive", ["left", "right"])
@pytest.mark.parametrize("count", [1, 9, 200])
def test_the_sheet_of_frames_shows_every_frame_with_its_behaviour(count, positive, tmp_path):
    frames = [f"frame_{i + 1}" for i in range(count)]
    results = make_results(tmp_path, frames)
    figure = drawn("frames", results, positive=positive)
    values = [stored(results, "readouts.npz", "original/yaw", frame) for frame in frames]
    (ax,) = figure.axes
    assert len(ax.images) == count
    assert [word for word in words(figure) if word in frames] == frames
    numbers = [word.replace("−", "-") for word in words(figure) if re.fullmatch(r"[+−]\d\.\d\d", word)]
    assert numbers == [f"{value:+.2f}" for value in values]
    colours = {to_rgba(style.POSITIVE): 1, to_rgba(style.NEGATIVE): -1}
    bars = [patch for patch in ax.patches if patch.get_facecolor() in colours][2:]  # the first two are the key
    assert [colours[bar.get_facecolor()] for bar in bars] == [np.sign(value) for value in values]
    lengths = np.array([bar.get_width() for bar in bars]) * (-1 if positive == "left" else 1)
    np.testing.assert_allclose(lengths / values, (lengths / values)[0], rtol=1e-5)
    assert lengths[0] / values[0] > 0


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("views", {"frame": "nowhere"}, "nowhere"),
        ("channel", {"channel": 5}, "got 5"),
        ("channel", {"view": "sideways"}, "sideways"),
        ("dream_value", {"dream": "missing"}, "missing.npz"),
        ("mirror", {"farme": "x"}, "farme"),
    ],
)
def test_wrong_parameters_are_reported_in_one_line_and_leave_nothing(name, changes, told, results, tmp_path):
    with pytest.raises(SystemExit, match=re.escape(told)):
        saved(name, results, tmp_path, **changes)
    assert not list(tmp_path.iterdir())
