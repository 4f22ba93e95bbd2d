"""Policies and frames at the edge: layers that are never on, numbers that overflow, hardly any frames."""

import importlib
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import circuits as panel
import style
from minetest_interp.analysis import factors
from minetest_interp.io import files
from minetest_interp.io.errors import InputError, reported_in_one_line
from minetest_interp.model import checkpoint
from minetest_interp.model.architecture import Trace
from minetest_interp.model.frames import VIEWS
from minetest_interp.model.policy import LAYERS, Geometry, Policy
from minetest_interp.stages import circuits, intermediates
from tests.conftest import random_policy

GEOMETRY = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 3)
ACTIONS = {
    "factors": {"do": ["-", "left", "right"]},
    "behaviours": {"yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}}},
    "steering": "yaw",
}
SETTINGS = {"factors": 3, "exemplars": 2, "paths": 3, "frames": 4, "draws": 2, "networks": 2, "seed": 0}


def changed(folder: Path, change) -> Path:
    """A checkpoint whose parameters `change` has worked on."""
    policy = random_policy(GEOMETRY, seed=5)
    params = jax.tree.map(np.array, policy.params)
    change(params)
    checkpoint.save(folder / "agent.model", Policy(GEOMETRY, params), {})
    return folder / "agent.model"


def write_stacks(folder: Path, count: int) -> Path:
    grey = np.random.default_rng(0).integers(0, 256, (count, 84, 84)).astype(np.float32)
    names = np.array([f"frame {i}" for i in range(count)])
    files.write_arrays(folder / "stacks.npz", frames=names, **dict.fromkeys(VIEWS, grey))
    return folder / "stacks.npz"


def trace(samples: np.ndarray) -> Trace:
    return Trace(logits=None, value=None, hidden=samples, layers=dict.fromkeys(LAYERS, samples))


@pytest.mark.parametrize("rank", [0, 1, 2, 4])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_there_are_no_more_factors_than_independent_activations(rank, count):
    generator = np.random.default_rng(rank)
    samples = (generator.random((9, rank)) @ generator.random((rank, 6))).astype(np.float32)
    for layer, found in factors.leading_directions(trace(samples), count=count, seed=0).items():
        assert found.shape[1] == 6 and len(found) <= min(count, rank) and bool(len(found)) == bool(rank), layer
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_of_few_positions_each_counts():
    for directions in factors.leading_directions(
        trace(np.diag([3, 2, 1]).astype(np.float32)), count=3, seed=0
    ).values():
        np.testing.assert_allclose(directions, np.eye(3), atol=1e-3)


def test_equal_frames_have_the_one_factor_that_they_are():
    frame = np.random.default_rng(0).random(6).astype(np.float32)
    found = factors.leading_directions(trace(np.repeat(frame[None], 5, 0)), count=4, seed=0)
    for directions in found.values():
        np.testing.assert_allclose(directions, [frame / np.linalg.norm(frame)], rtol=1e-5)


@pytest.mark.parametrize("dead", [("conv2", "hidden"), ()])
def test_circuits_of_dead_layers_on_a_single_frame_are_measured_and_drawn(dead, tmp_path):
    def kill(params):
        for layer in dead:
            params[layer]["bias"][:] = -1e6

    stacks = write_stacks(tmp_path, 1)
    arrays = tmp_path / "evidence/circuits.npz"
    model, estimates = changed(tmp_path, kill), tmp_path / "circuits.json"
    about = [["trunk", "yaw", 1]]
    circuits.run(model, {"size": 84}, ACTIONS, stacks, {}, 0.9, about, SETTINGS, arrays, estimates)
    found = files.read_arrays(arrays)
    for layer in LAYERS:
        assert (len(found[f"{layer}/factors"]) == 0) == (layer in dead), layer
        assert found[f"{layer}/attribution"].shape == (2, len(found[f"{layer}/factors"]) + 1)
    files.write_json(tmp_path / "network.json", {"layers": [{"name": layer} for layer in LAYERS]})
    figure = panel.draw(**panel.load(tmp_path, named={"conv2": 0}))
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert sum("no factors" in text for text in said) == len(dead)
    assert all(said.count(layer) == 1 for layer in LAYERS)


@pytest.mark.parametrize(
    ("script", "settings", "store"),
    [("atlas", {"layer": "conv0"}, "atlas"), ("recipes", {}, "recipes"), ("recipes_gallery", {}, "recipes")],
)
def test_a_panel_of_what_was_not_measured_says_why(script, settings, store, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(style, "words", lambda text: said.append(text) or style.figure())
    files.write_arrays(tmp_path / f"{store}.npz", reason="there is nothing to see")
    importlib.import_module(script).main(
        ["--results", str(tmp_path), "--params", json.dumps(settings), "--png", str(tmp_path / "a.png"), "--svg",
         str(tmp_path / "a.svg")]
    )  # fmt: skip
    assert said == ["Not measured: there is nothing to see."]
    assert (tmp_path / "a.png").is_file() and (tmp_path / "a.svg").is_file()


def test_words_stand_whole_inside_their_figure():
    text = "A long reason that is not measured by any means. " * 5
    drawn = style.words(text)
    [shown] = drawn.texts
    assert shown.get_text().split() == text.split()
    box, whole = shown.get_window_extent(FigureCanvasAgg(drawn).get_renderer()), drawn.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1 and whole.y0 <= box.y0 < box.y1 <= whole.y1


def test_a_layer_that_overflows_is_named_with_the_frame(tmp_path):
    def enlarge(params):
        for layer in ("conv0", "conv1"):
            params[layer]["kernel"] *= np.float32(1e20)

    path, stacks = changed(tmp_path, enlarge), write_stacks(tmp_path, 2)
    with pytest.raises(InputError, match=r"agent\.model: every layer must be finite .* conv1 is not on original"):
        intermediates.run(path, {"size": 84}, stacks, tmp_path / "results")


def test_numbers_that_are_not_finite_are_reported_in_one_line():
    with pytest.raises(SystemExit, match="^error: the objective must stay finite$"), reported_in_one_line():
        raise FloatingPointError("the objective must stay finite")
