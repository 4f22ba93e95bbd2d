"""Measures of trust against closed forms on linear scores; the stage on a small study."""

import flax.struct
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jax import Array

from minetest_interp.analysis import attribution, faithfulness
from minetest_interp.analysis.attribution import AttributionMethod
from minetest_interp.io import files
from minetest_interp.model import checkpoint, frames
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.policy import LAYERS, Geometry
from minetest_interp.stages import attribution as stage
from tests.conftest import random_policy
from tests.samples import PixelScores, smooth_frames

SIDE, SIZE = 6, 8
SETTINGS = {
    "steps": 2, "samples": 2, "noise": 25.5, "patch": 28, "patch_stride": 28, "removals": 4, "radius": 5.1, "draws": 2,
    "frames": 5, "masks": 6, "seed": 0,
}  # fmt: skip
ACTIONS = {
    "factors": {"turn": ["left", "-", "right"], "walk": ["-", "forward"]},
    "behaviours": {
        "walk": {"plus": {"walk": "forward"}},
        "yaw": {"plus": {"turn": "left"}, "minus": {"turn": "right"}},
    },
    "steering": "yaw",
}


@pytest.fixture(scope="module")
def small():
    return random_policy(Geometry(2, 84, (4, 4, 4), (8, 4, 3), (4, 2, 1), 16, 6), gain=100.0)


@flax.struct.dataclass
class Linear(PixelScores):
    """Scores that are weighted sums of the pixels; weights `[K, T, H, W]`."""

    weights: Array

    def rest(self, stack: Array) -> Array:
        return jnp.einsum("bthw,kthw->bk", stack, self.weights)


def linear(seed=0, questions=1):
    """Scores of two frames of which SIDE x SIDE pixels count, and three stacks."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((questions, 2, SIZE, SIZE)).astype(np.float32)
    weights[..., SIDE:, :] = weights[..., SIDE:] = 0
    return Linear(jnp.asarray(weights)), generator.uniform(1, 2, (3, 2, SIZE, SIZE)).astype(np.float32)


def test_pixels_go_strongest_first_whatever_their_sign_and_unread_ones_never():
    maps = np.zeros((1, 2, 4, 4))
    maps[0, :, 0, :3] = [[5, -4, 1], [-5, -4, 1]]  # what two frames say of the first pixel cancels out
    maps[0, 0, 1, 1], maps[0, 0, 3, 3] = 3, 99
    expected = [[3, 0, 2, 9], [4, 1, 5, 9], [6, 7, 8, 9], [9, 9, 9, 9]]
    np.testing.assert_array_equal(faithfulness.rank_pixels(maps, read=(3, 3))[0], expected)


def test_random_maps_rank_each_pixel_once_and_an_item_keeps_its_own():
    together = faithfulness.random_ranks(np.arange(4), (SIZE, SIZE), read=(SIDE, SIDE), draws=3, seed=1)
    alone = faithfulness.random_ranks(np.array([2]), (SIZE, SIZE), read=(SIDE, SIDE), draws=3, seed=1)
    assert len(together) == 3
    for all_items, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(all_items[2], one[0])
        assert (all_items[:, SIDE:] == SIDE**2).all() and (all_items[:, :, SIDE:] == SIDE**2).all()
        read = all_items[:, :SIDE, :SIDE].reshape(4, -1)
        np.testing.assert_array_equal(np.sort(read), np.arange(SIDE**2)[None].repeat(4, 0))
    flat = np.stack(together).reshape(12, -1)
    assert len(np.unique(flat, axis=0)) == 12


def test_removal_is_the_mean_change_over_the_steps():
    scores, stack = linear(questions=2)
    replacement = np.random.default_rng(1).uniform(0, 1, stack.shape).astype(np.float32)
    ranking = faithfulness.random_ranks(np.arange(3), (SIZE, SIZE), read=(SIDE, SIDE), draws=1, seed=0)[0]
    found = faithfulness.removal(scores, stack, replacement, ranking, read=(SIDE, SIDE), steps=5)
    products = np.asarray(scores.weights)[None] * (stack - replacement)[:, None]
    lost = np.array([(products * (ranking < n)[:, None, None]).sum((2, 3, 4)) for n in (7, 14, 22, 29, 36)])
    np.testing.assert_allclose(found.deletion, np.abs(lost).mean(0), rtol=1e-4)
    kept = lost - products.sum((2, 3, 4))[None]
    np.testing.assert_allclose(found.insertion, np.abs(kept).mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_true_map_beats_random_ones_and_its_reverse_is_beaten_by_them(sign):
    scores, stack = linear()
    scores = Linear(sign * jnp.abs(scores.weights))
    product = attribution.gradient_times_input(scores, stack)
    with np.errstate(divide="ignore"):
        reverse = 1 / product
    reverse[..., SIDE:, :] = reverse[..., SIDE:] = 0
    own, random = faithfulness.removals(
        scores, stack, np.zeros((SIZE, SIZE), np.float32), [product, reverse], np.arange(3), judged=[0],
        read=(SIDE, SIDE), steps=6, draws=4, seed=0,
    )  # fmt: skip
    assert own.deletion.shape == (3, 2, 1, 2) and random.deletion.shape == (3, 1, 2)
    black = faithfulness.REPLACEMENTS.index("mean frame")
    true, worst = own.deletion[:, 0, :, black], own.deletion[:, 1, :, black]
    assert (true > random.deletion[..., black]).all() and (random.deletion[..., black] > worst).all()
    true, worst = own.insertion[:, 0, :, black], own.insertion[:, 1, :, black]
    assert (true < random.insertion[..., black]).all() and (random.insertion[..., black] < worst).all()


def test_each_score_is_judged_by_its_own_map():
    scores, stack = linear(questions=3)
    product = attribution.gradient_times_input(scores, stack)
    how = {"judged": [2, 0], "read": (SIDE, SIDE), "steps": 3, "draws": 2, "seed": 4}
    mean, items = np.full((SIZE, SIZE), 0.5, np.float32), np.array([7, 0, 3])
    own, random = faithfulness.removals(scores, stack, mean, [product, -product[:, ::-1]], items, **how)
    for row, k in enumerate(how["judged"]):
        for m, chosen in enumerate((product[:, k], product[:, 2 - k])):
            ranking = faithfulness.rank_pixels(chosen, read=(SIDE, SIDE))
            blurred = faithfulness.blurred(stack)
            alone = faithfulness.removal(scores, stack, blurred, ranking, read=(SIDE, SIDE), steps=3)
            np.testing.assert_array_equal(own.deletion[:, m, row, 1], alone.deletion[:, k])
            np.testing.assert_array_equal(own.insertion[:, m, row, 1], alone.insertion[:, k])
    drawn = faithfulness.random_ranks(items, (SIZE, SIZE), read=(SIDE, SIDE), draws=2, seed=4)
    flat = np.broadcast_to(mean, stack.shape)
    each = [
        faithfulness.removal(scores, stack, flat, ranking, read=(SIDE, SIDE), steps=3).insertion for ranking in drawn
    ]
    np.testing.assert_allclose(random.insertion[..., 0], np.mean(each, axis=0)[:, how["judged"]], rtol=1e-6)


def test_a_blur_keeps_the_mean_and_takes_away_detail_of_each_frame_alone():
    checks = 255.0 * (np.indices((64, 64)).sum(0) % 2)
    stack = np.stack([checks, np.full((64, 64), 77.0)])[None].astype(np.float32)
    found = faithfulness.blurred(stack)
    np.testing.assert_allclose(found[0, 0].mean(), 127.5, atol=0.1)
    np.testing.assert_allclose(found[0, 0, 16:48, 16:48], 127.5, atol=0.1)
    np.testing.assert_allclose(found[0, 1], 77, rtol=1e-5)


def test_completeness_is_missed_by_what_is_added_and_not_asked_of_those_that_claim_none():
    scores, stack = linear(questions=2)
    black = AttributionMethod(attribution.gradient_times_input, np.zeros_like(stack[0]))
    maps = attribution.gradient_times_input(scores, stack)
    np.testing.assert_allclose(faithfulness.completeness_error(scores, stack, black, maps), 0, atol=1e-4)
    np.testing.assert_allclose(faithfulness.completeness_error(scores, stack, black, 1.5 * maps), 0.5, atol=1e-3)
    same = black._replace(baseline=stack[0])
    error = faithfulness.completeness_error(scores, stack[:1], same, 0 * maps[:1] + 1e-6)
    np.testing.assert_allclose(error, 2 * SIZE**2 * 1e-6 / faithfulness.LEAST_CHANGE, rtol=1e-3)
    assert np.isnan(faithfulness.completeness_error(scores, stack, black._replace(baseline=None), maps)).all()


def test_the_cascade_shuffles_from_the_heads_down_and_keeps_every_number(small):
    below = [["actor", "critic"], ["hidden"], ["conv2"], ["conv1"], ["conv0"]]
    changed = set()
    for names, one in zip(below, faithfulness.cascade(small, seed=0), strict=True):
        changed |= set(names)
        for layer, arrays in small.params.items():
            for name, array in arrays.items():
                before, after = np.asarray(array), np.asarray(one.params[layer][name])
                assert before.size == 1 or (before != after).any() == (layer in changed)
                np.testing.assert_array_equal(np.sort(before.ravel()), np.sort(after.ravel()))


def test_maps_are_alike_where_their_strengths_rank_alike():
    generator = np.random.default_rng(0)
    maps, others = generator.standard_normal((2, 3, 1, 2, SIZE, SIZE))
    found = faithfulness.map_correlation(maps, others, read=(SIDE, SIDE))
    read = [np.abs(each[1, 0, :, :SIDE, :SIDE]).ravel() for each in (maps, others)]
    np.testing.assert_allclose(found[1, 0], scipy.stats.spearmanr(*read).statistic)
    same = -(maps**3)
    same[..., SIDE:, :] = 0
    np.testing.assert_allclose(faithfulness.map_correlation(maps, same, read=(SIDE, SIDE)), 1)
    np.testing.assert_array_equal(faithfulness.map_correlation(maps, 0 * maps, read=(SIDE, SIDE)), 0)


def test_a_map_that_follows_the_input_moves_as_far_as_the_noise_and_one_of_the_weights_not_at_all():
    scores, stack = linear(questions=2)
    still, moving = AttributionMethod(attribution.gradient), AttributionMethod(attribution.gradient_times_input)

    def measure(method, radius, draws=3):
        maps = method.attribute(scores, stack)
        return faithfulness.max_sensitivity(method, scores, stack, maps, radius=radius, draws=draws, seed=0)

    np.testing.assert_allclose(measure(still, 5.0), 0, atol=1e-6)
    np.testing.assert_array_equal(measure(moving, 0.0), 0)
    weights = np.asarray(scores.weights)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (3, *stack.shape[1:]))
    moved = np.linalg.norm((weights[None] * noise[:, None]).reshape(3, 2, -1), axis=-1).max(0)
    length = np.linalg.norm((weights[None] * stack[:, None]).reshape(3, 2, -1), axis=-1)
    np.testing.assert_allclose(measure(moving, 0.5), moved[None] / length, rtol=1e-4)
    assert (measure(moving, 0.5, draws=6) >= measure(moving, 0.5) - 1e-9).all()
    nothing = AttributionMethod(lambda s, x: 0 * attribution.gradient_times_input(s, x))
    np.testing.assert_array_equal(measure(nothing, 0.5), 0)


def test_a_method_is_trusted_only_where_it_meets_all_three_conditions():
    low = np.array([[0.1, 0.1], [0.1, 0.0], [0.1, np.nan], [0.1, 0.1], [0.1, 0.1], [-1, -1]])
    correlation = np.array([0.49, 0.1, 0.1, 0.5, np.nan, 0.9])
    sensitivity = np.array([0.99, 0.1, 0.1, 0.1, 1.0, 2.0])
    failed = faithfulness.failures(low, correlation, sensitivity)
    expected = [[0, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]]
    np.testing.assert_array_equal(failed, np.array(expected, bool))
    words = [faithfulness.verdict(each) for each in failed]
    assert words[0] == "trust" and words[1] == faithfulness.FAILURES[0]
    assert words[4] == "; ".join(faithfulness.FAILURES[1:]) and "trust" not in words[1:]


@pytest.fixture(scope="module")
def study(tmp_path_factory, small):
    """The stage's options and results for eleven frames, two of them nearly the same."""
    folder = tmp_path_factory.mktemp("study")
    checkpoint.save(folder / "a.model", small, {})
    greys = smooth_frames(11, size=84)
    greys[10] = greys[0]
    files.write_arrays(folder / "stacks.npz", frames=[f"frame {i}" for i in range(11)], original=greys)
    options = {
        "checkpoint_path": folder / "a.model",
        "policy": {"strides": [4, 2, 1], "size": 84},
        "actions": ACTIONS,
        "stacks": folder / "stacks.npz",
        "interval": {"least_clusters": 10},
        "similarity": 0.99,
        "settings": SETTINGS,
        "about": [["trunk", "yaw", 1], ["trunk", "walk", 1]],
        "estimates": folder / "estimates.json",
    }
    stage.run(**options, arrays=folder / "first.npz")
    return folder, options, files.read_arrays(folder / "first.npz")


def test_the_stage_writes_every_method_score_and_frame(study, small):
    _, options, found = study
    estimates = files.read_json(options["estimates"])
    assert list(estimates) == ["maps-find-trunks", "trunk/walk/maps-find-trunks"]
    assert {part["reason"] for parts in estimates.values() for part in parts.values()} == {NO_LABELS}
    assert found["masks/reason"] == found["trunk/walk/masks/reason"] == NO_LABELS
    count, methods, stages = 11, 6, len(faithfulness.stages(small.architecture))
    assert list(found["objectives"]) == ["walk", "yaw", "value"] and list(found["judged"]) == ["yaw", "value"]
    assert len(found["methods"]) == methods and len(set(found["clusters"])) == 10
    assert found["maps"].shape == (methods, 2, 4, 2, 84, 84) and len(found["maps_frames"]) == 4
    shapes = {
        "frame/scores": (count, 3),
        "frame/completeness": (count, methods, 3),
        "frame/deletion": (count, methods, 2, 2),
        "frame/insertion": (count, methods, 2, 2),
        "frame/random_deletion": (count, 2, 2),
        "frame/random_insertion": (count, 2, 2),
        "frame/sensitivity": (5, methods, 2),
        "frame/randomisation": (5, methods, 2, stages),
        "mean/deletion_above_random": (3, methods, 2, 2),
        "mean/insertion_below_random": (3, methods, 2, 2),
        "mean/sensitivity": (3, methods, 2),
        "mean/randomisation": (3, methods, 2, stages),
        "completeness_median": (methods, 3),
        "failed": (methods, 3),
        "verdicts": (methods,),
    }
    assert {name: found[name].shape for name in shapes} == shapes
    gain = found["frame/deletion"] - found["frame/random_deletion"][:, None]
    estimate, low, high = found["mean/deletion_above_random"]
    np.testing.assert_allclose(estimate, gain.mean(0), atol=1e-6)
    assert ((low <= estimate) & (estimate <= high)).all()
    assert np.isnan(found["mean/sensitivity"][1:]).all()  # five frames are too few for an interval
    for layer, channels in zip(LAYERS, (4, 4, 4, 16), strict=True):
        signed, size = found[f"channels/{layer}"], found[f"channels/{layer}/size"]
        assert signed.shape == (3, channels) and (np.abs(signed) <= size + 1e-6).all()


def test_stacks_whose_frames_are_the_same_are_judged_as_one_frame_is(study):
    folder, options, found = study
    stored = files.read_arrays(folder / "stacks.npz")
    files.write_arrays(folder / "real.npz", **stored | {"original": frames.as_stacks(stored["original"], 2)})
    stage.run(**options | {"stacks": folder / "real.npz"}, arrays=folder / "of real.npz")
    again = files.read_arrays(folder / "of real.npz")
    for name in ("frame/scores", "frame/deletion", "frame/insertion", "frame/random_deletion", "maps"):
        np.testing.assert_allclose(again[name], found[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_the_same_input_gives_the_same_bytes(study):
    folder, options, _ = study
    stage.run(**options, arrays=folder / "second.npz")
    assert (folder / "first.npz").read_bytes() == (folder / "second.npz").read_bytes()
