"""Panel v shows what the stage measured; the stage measures what the ledger asks for, with labels and without."""

import itertools
import json

import matplotlib
import numpy as np
import pytest
import yaml
from matplotlib.text import Text

import style
import units as units_figure
from minetest_interp.analysis import intervals
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.stages import units as stage
from tests.conftest import MINETESTER, ROOT, random_policy
from tests.samples import smooth_frames

NAMED = {"conv0": 2, "conv1": 3, "conv2": 0}
LAYERS = ("conv1", "conv2")  # asked about trunks
SETTINGS = {"trunk_share": 0.1, "shifts": 19, "false_discovery": 0.05, "named": 2, "seed": 0}
INTERVAL = {"confidence": 0.95, "least_clusters": 10}
CLAIMS = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))["claims"]


def save(folder, channels: int = 64, labelled: bool = True, seed: int = 0):
    """Random results in the stage's layout."""
    generator = np.random.default_rng(seed)
    arrays = {f"conv0/{key}/second": generator.uniform(-0.1, 1, channels) for key in ("gradient", "brightness")}
    arrays |= {"layers": np.array(LAYERS), "conv0/kernel": generator.random(channels)}
    arrays["conv0/shuffled"] = np.array([0.2, 0.4])
    for layer in LAYERS if labelled else ():
        middle = generator.uniform(0.45, 0.55, channels)
        arrays |= {f"{layer}/second": generator.uniform(0.4, 0.9, channels), f"{layer}/brightness/second": 0.55}
        arrays[f"{layer}/counts"] = np.array([[900, 40, 20], [30, 7, 5]])
        arrays[f"{layer}/null"] = np.stack([middle - 0.1, middle, middle + 0.1])
        arrays["found"] = np.array(["conv1/5", "conv2/1", "conv1/3", "conv1/4", "conv1/0"])
    files.write_arrays(folder / "evidence" / "units.npz", **arrays)
    return folder


def drawn(results):
    with matplotlib.rc_context(style.panel()):
        figure = units_figure.draw(**units_figure.load(results, named=NAMED, concept="trunk"))
        figure.draw_without_rendering()
    return figure


def words(where) -> list[Text]:
    return [text for text in where.findobj(Text) if text.get_text() and text.get_visible()]


def test_every_channel_its_band_and_brightness_are_drawn_best_first(tmp_path):
    figure = drawn(save(tmp_path))
    stored = files.read_arrays(tmp_path / "evidence" / "units.npz")
    for ax, layer in zip(figure.axes, LAYERS, strict=False):
        order = np.argsort(-stored[f"{layer}/second"])
        points = next(line for line in ax.lines if line.get_label() == "channel")
        np.testing.assert_array_equal(points.get_ydata(), stored[f"{layer}/second"][order])
        bands = np.array([segment[:, 1] for segment in ax.collections[0].get_segments()])
        np.testing.assert_allclose(bands, stored[f"{layer}/null"][[0, 2]][:, order].T)
        brightness = next(line for line in ax.lines if line.get_label() == "brightness alone")
        np.testing.assert_array_equal(brightness.get_ydata(), [0.55, 0.55])
        assert "with: 40, without: 7" in ax.get_xlabel()
    assert any(np.allclose(line.get_ydata(), 0.3) for line in figure.axes[2].lines)  # shuffled kernels
    [band] = figure.axes[2].patches
    low, high = np.percentile(stored["conv0/shuffled"], (2.5, 97.5))
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((low, high))
    x, y = next(line.get_data() for line in figure.axes[2].lines if len(line.get_xdata()) == 64)
    np.testing.assert_array_equal(x, np.abs(stored["conv0/brightness/second"]))
    np.testing.assert_array_equal(y, stored["conv0/gradient/second"])


def test_the_named_unit_and_those_that_were_found_carry_their_numbers(tmp_path):
    figure = drawn(save(tmp_path))
    stored = files.read_arrays(tmp_path / "evidence" / "units.npz")
    expected = ({"5": "found", "3": "named", "4": "found", "0": "found"}, {"1": "found", "0": "named"}, {"2": "named"})
    colours = {"found": units_figure.FOUND, "named": units_figure.NAMED}
    keys = ("conv1/second", "conv2/second", "conv0/gradient/second")
    for ax, units, key in zip(figure.axes, expected, keys, strict=True):
        labels = {text.get_text(): text for text in ax.texts}
        assert {name: label.get_color() for name, label in labels.items()} == {n: colours[w] for n, w in units.items()}
        for name, label in labels.items():
            assert label.xy[1] == stored[key][int(name)]


@pytest.mark.parametrize("channels", [6, 64, 512])
@pytest.mark.parametrize("labelled", [True, False])
def test_nothing_lies_outside_the_page_and_no_labels_touch(channels, labelled, tmp_path):
    figure = drawn(save(tmp_path, channels, labelled))
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02
    for ax in figure.axes:
        extents = [Text.get_window_extent(text) for text in ax.texts]  # without their lines
        for one, other in itertools.combinations(extents, 2):
            assert not one.overlaps(other)


def test_without_labels_the_panel_says_so_and_shows_edges_all_the_same(tmp_path):
    figure = drawn(save(tmp_path, labelled=False))
    assert sum("nothing is known" in text.get_text() for text in words(figure)) == 2
    assert any(len(line.get_xdata()) == 64 for line in figure.axes[2].lines)


def test_of_stacks_whose_frames_differ_the_panel_says_so_and_shows_trunks_all_the_same(tmp_path):
    stored = files.read_arrays(save(tmp_path) / "evidence/units.npz")
    kept = {name: array for name, array in stored.items() if not name.startswith("conv0")}
    files.write_arrays(tmp_path / "evidence/units.npz", **kept)
    figure = drawn(tmp_path)
    assert [text.get_text() for text in figure.axes[2].texts] == [
        "no single grey picture is read:\nnothing is known\nabout gradients in one"
    ]
    assert any(line.get_label() == "channel" for line in figure.axes[0].lines)


def test_same_results_same_bytes(tmp_path):
    save(tmp_path)
    written = []
    for name in ("a", "b"):
        png, svg = tmp_path / f"{name}.png", tmp_path / f"{name}.svg"
        options = ["--results", str(tmp_path), "--params", json.dumps({"named": NAMED, "concept": "trunk"})]
        units_figure.main([*options, "--png", str(png), "--svg", str(svg)])
        written.append((png.read_bytes(), svg.read_bytes()))
    assert written[0] == written[1]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Options of the stage for a random policy on smooth frames; half of them have a trunk."""
    folder = tmp_path_factory.mktemp("study")
    checkpoint.save(folder / "policy.model", random_policy(gain=10.0), {})
    greys, trunk = smooth_frames(24), np.zeros((24, 64, 64), np.float32)
    trunk[[0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21], 20:, 10:30] = 1
    names = np.array([f"frame {i}" for i in range(24)])
    files.write_arrays(folder / "stacks.npz", frames=names, original=greys)
    labels = {"frames": names, "original": greys, "group": np.full(24, "")}
    files.write_arrays(folder / "labels.npz", **labels, **{"trunk/share": trunk})
    files.write_arrays(folder / "bare.npz", **labels, **{"trunk/share": 0 * trunk})
    return folder, {
        "checkpoint_path": folder / "policy.model",
        "policy": {"size": MINETESTER.size},
        "actions": yaml.safe_load((ROOT / "config/minetest-actions.yaml").read_text(encoding="utf-8")),
        "stacks": folder / "stacks.npz",
        "settings": SETTINGS,
        "interval": INTERVAL,
        "similarity": 0.9,
        "about": [["trunk", "yaw", 1]],
        "named": NAMED,
    }


def measured(study, name: str, **changes) -> tuple[dict, dict]:
    folder, options = study
    arrays, estimates = folder / name / "evidence" / "units.npz", folder / name / "units.json"
    stage.run(**options | changes, arrays=arrays, estimates=estimates)
    return files.read_arrays(arrays), files.read_json(estimates)


@pytest.fixture(scope="module")
def labelled(study):
    return measured(study, "labelled", labels=study[0] / "labels.npz")


def test_the_stage_gives_every_part_that_the_ledger_asks_for(labelled):
    asked = {claim: set(entry["parts"]) for claim, entry in CLAIMS.items() if entry["figure"] == "units"}
    detects = asked.pop("tree-detector")
    asked |= {f"tree-detector-{layer}": detects for layer in LAYERS}
    assert {claim: set(parts) for claim, parts in labelled[1].items()} == asked
    for parts in labelled[1].values():
        for part in parts.values():
            assert part["estimate"] is not None and set(part) == set(intervals.Estimate._fields)


def test_the_estimates_are_the_arrays_entries_of_the_named_channels(labelled):
    arrays, claims = labelled
    edge = claims["edge-detector"]
    gradient, brightness = (arrays[f"conv0/{key}/second"] for key in ("gradient", "brightness"))
    assert edge["response"]["estimate"] == pytest.approx(gradient[NAMED["conv0"]])
    assert edge["over-brightness"]["estimate"] == pytest.approx((gradient - brightness)[NAMED["conv0"]])
    assert edge["response"]["chance"] == pytest.approx(arrays["conv0/shuffled"].mean())
    assert edge["kernel"]["estimate"] == arrays["conv0/kernel"][NAMED["conv0"]]
    for layer in LAYERS:
        channel, claim = NAMED[layer], claims[f"tree-detector-{layer}"]
        second = arrays[f"{layer}/second"]
        expected = {
            "auroc": second[channel],
            "over-brightness": second[channel] - arrays[f"{layer}/brightness/second"],
            "q-value": arrays[f"{layer}/q"][channel],
            "iou": arrays[f"{layer}/iou"][channel],
            "rank": (second > second[channel]).sum() / (len(second) - 1),
        }
        assert {part: claim[part]["estimate"] for part in expected} == pytest.approx(expected)
        assert claim["iou"]["chance"] == arrays[f"{layer}/iou_chance"][channel]
        positive, negative = arrays[f"{layer}/counts"]
        assert (positive[0], negative[0]) == (arrays[f"{layer}/positives"], arrays[f"{layer}/negatives"])
        assert all(places >= frames >= groups for places, frames, groups in (positive, negative))
        first, (chosen, lower, upper) = arrays[f"{layer}/first"][channel], arrays[f"{layer}/held_in"]
        assert first == pytest.approx(max(chosen, 1 - chosen)) and lower < chosen < upper
        low, high = claim["auroc"]["interval"]
        assert low < second[channel] < high


def test_found_units_pass_the_test_and_come_in_the_order_of_the_first_half(labelled):
    arrays, _ = labelled
    found = [name.split("/") for name in arrays["found"]]
    strength = [arrays[f"{layer}/first"][int(channel)] for layer, channel in found]
    assert len(found) <= SETTINGS["named"] and strength == sorted(strength, reverse=True)
    assert all(arrays[f"{layer}/q"][int(channel)] < SETTINGS["false_discovery"] for layer, channel in found)


def test_the_panel_reads_what_the_stage_writes(labelled, study):
    assert drawn(study[0] / "labelled").axes


@pytest.mark.parametrize(("labels", "reason"), [(None, "no labelled frames"), ("bare.npz", "Label more frames")])
def test_without_trunks_to_look_at_only_the_edges_are_known(labels, reason, study, labelled):
    arrays, claims = measured(study, f"without {labels}", **({"labels": study[0] / labels} if labels else {}))
    assert "found" not in arrays and claims["edge-detector"] == labelled[1]["edge-detector"]
    for layer in LAYERS:
        parts = claims[f"tree-detector-{layer}"]
        assert set(parts) == set(labelled[1][f"tree-detector-{layer}"])
        assert all(part["estimate"] is None and reason in part["reason"] for part in parts.values())


def test_a_channel_that_the_layer_has_not_is_refused(study):
    with pytest.raises(InputError, match="conv1 must be 0 to 63; got 64"):
        measured(study, "refused", named=NAMED | {"conv1": 64})
