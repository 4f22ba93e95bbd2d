"""Trunk against no trunk: pair counting written out, masks shifted pixel by pixel, and p-values that are fair."""

from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from minetest_interp.analysis import intervals, mask_overlap, stats
from minetest_interp.analysis.fields import Columns
from minetest_interp.analysis.mask_overlap import Labels, Ranked, Samples
from minetest_interp.io.errors import InputError
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.policy import Geometry, nature
from minetest_interp.model.steps import Apply, Convolution, Dense, Scale
from tests.conftest import random_policy, random_stacks

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
LAYER, NETWORK = "conv1", nature(SMALL)
SHARE = 0.1


def trunks(count: int, size: int = SMALL.size, seed: int = 0) -> np.ndarray:
    """Masks `[count, size, size]`: upright bars that stand on the lower edge, one on three frames of four."""
    generator = np.random.default_rng(seed)
    masks = np.zeros((count, size, size), np.float32)
    for i in np.flatnonzero(np.arange(count) % 4 > 0):
        top, left, width = generator.integers(5, size // 2), generator.integers(0, size - 30), generator.integers(8, 25)
        masks[i, top:, left : left + width] = generator.choice([0.5, 1])
    return masks


def labels(masks: np.ndarray) -> Labels:
    return mask_overlap.field_labels(masks, NETWORK, LAYER, trunk_share=SHARE)


def field_shares(masks: np.ndarray) -> np.ndarray:
    """Mean of each position's receptive field, `[M, h, w]`, cut out one by one."""
    side = SMALL.shape(LAYER)[0]
    shares = np.empty((len(masks), side, side))
    for row, column in product(range(side), repeat=2):
        top, left, size, _ = NETWORK.box(LAYER, (row, column))
        shares[:, row, column] = masks[:, top : top + size, left : left + size].astype(float).mean((1, 2))
    return shares


def noise(count: int, channels: int, seed: int = 1) -> np.ndarray:
    side = SMALL.shape(LAYER)[0]
    return np.random.default_rng(seed).standard_normal((count, side, side, channels)).astype(np.float32)


def halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    return intervals.cluster_halves(np.arange(count))


def pairs_won(scores: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """The AUROC by its definition, every pair counted as often as its samples do."""
    won = np.sign(scores[:, None] - scores[None]) / 2 + 0.5
    return (won * np.outer(positive, negative)).sum() / (positive.sum() * negative.sum())


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31 - 1), levels=st.integers(1, 30), most=st.integers(1, 3))
def test_auroc_is_the_share_of_pairs_that_the_positive_sample_wins(seed, levels, most):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, levels, (40, 3)).astype(np.float32)
    kinds, times = generator.integers(0, 3, (5, 40)), generator.integers(1, most + 1, (5, 40))
    kinds[:, :2] = [0, 1]
    positive, negative = times * (kinds == 0), times * (kinds == 1)
    found = mask_overlap.auroc(mask_overlap.rank_samples(scores), positive, negative)
    expected = [[pairs_won(scores[:, c], positive[r], negative[r]) for c in range(3)] for r in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("change", [np.exp, np.cbrt, lambda x: 3 * x - 7], ids=["exp", "cbrt", "linear"])
def test_a_growing_function_of_the_scores_changes_nothing(change):
    scores, known = noise(6, 4).astype(float), labels(trunks(6))
    for measure in (mask_overlap.auroc, mask_overlap.iou):
        before, after = (
            mask_overlap.observed(measure, mask_overlap.samples(s, known)) for s in (scores, change(scores))
        )
        np.testing.assert_array_equal(before, after)


def test_iou_is_that_of_as_many_highest_samples_as_there_are_positive_ones():
    scores, known = noise(8, 5), labels(trunks(8))
    positive, negative = (label[0] for label in known.moved())
    found = mask_overlap.observed(mask_overlap.iou, mask_overlap.samples(scores, known))
    kept = positive | negative
    assert not kept.all()
    for channel, iou in enumerate(found):
        flat = scores[..., channel].ravel()[kept]
        active = flat > np.sort(flat)[-positive.sum() - 1]
        both = (active & positive[kept]).sum()
        assert iou == pytest.approx(both / (active | positive[kept]).sum())


def test_iou_of_the_masks_with_themselves_is_one_and_with_their_opposite_zero():
    shares, known = field_shares(trunks(8)), labels(trunks(8))
    assert mask_overlap.observed(
        mask_overlap.iou, mask_overlap.samples(np.stack([shares, -shares], -1), known)
    ).tolist() == [1, 0]


def test_labels_are_what_each_receptive_field_holds():
    shares = field_shares(trunks(8))
    positive, negative = (label[0].reshape(shares.shape) for label in labels(trunks(8)).moved())
    np.testing.assert_array_equal(positive, shares >= SHARE)
    np.testing.assert_array_equal(negative, shares == 0)
    assert (~(positive | negative)).any()


@settings(max_examples=15)
@given(frames=st.integers(0, 9), columns=st.integers(0, 39))
def test_fields_that_the_border_cuts_off_move_like_all_others(frames, columns):
    steps = Scale(), Convolution("a", 2, (7, 5), (2, 3), "SAME"), Apply(), Convolution("b", 2, (9, 9), (2, 2), "SAME")
    network = Architecture((1, 30, 40), (Layer("layer", steps),), (Dense("actor", 2),))
    masks = trunks(8, 40)[:, :30]
    found = mask_overlap.field_labels(masks, network, "layer", trunk_share=SHARE).moved([frames], [columns])
    rolled = np.roll(masks, (frames, columns), axis=(0, 2))
    shares = np.empty((8, *network.shape("layer")[:2]))
    for place in product(*map(range, shares.shape[1:])):
        top, left, height, width = network.box("layer", place)
        shares[:, *place] = rolled[:, top : top + height, left : left + width].astype(float).mean((1, 2))
    assert len({network.box("layer", (0, column))[3] for column in range(shares.shape[2])}) > 1
    np.testing.assert_array_equal(found[0][0].reshape(shares.shape), shares >= SHARE)
    np.testing.assert_array_equal(found[1][0].reshape(shares.shape), shares == 0)


@settings(max_examples=15)
@given(frames=st.integers(0, 9), columns=st.integers(0, SMALL.size - 1))
def test_a_shift_of_the_labels_is_one_of_the_pixels(frames, columns):
    masks = trunks(8)
    rolled = labels(np.roll(masks, (frames, columns), axis=(0, 2)))
    for found, expected in zip(labels(masks).moved([frames], [columns]), rolled.moved(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_field_with_exactly_the_share_counts():
    masks = np.zeros((1, SMALL.size, SMALL.size), np.float32)
    size = NETWORK.extent(LAYER)[0].size
    masks[0, :2, :size] = 1  # two rows of a field of twenty
    positive, _ = labels(masks).moved()
    assert size == 20 and positive[0, 0]


def test_weights_are_frames_that_come_more_than_once():
    scores, known = noise(7, 3), labels(trunks(7))
    weights = np.array([[1, 1, 1, 1, 1, 1, 1], [2, 0, 3, 1, 0, 1, 0]])
    for measure in (mask_overlap.auroc, mask_overlap.iou):
        statistic = mask_overlap.weighted(measure, mask_overlap.samples(scores, known), [2, 0])
        for row, found in zip(weights, statistic(weights.astype(float)), strict=True):
            again = np.repeat(np.arange(7), row)
            repeated = mask_overlap.observed(measure, mask_overlap.samples(scores[again], known.take(again)))
            np.testing.assert_allclose(found, repeated[[2, 0]], rtol=1e-12)
            np.testing.assert_array_equal(statistic(row.astype(float)), found)


def test_the_weighted_auroc_is_that_of_intervals():
    scores, known = noise(7, 1), labels(trunks(7))
    positive, negative = (label[0] for label in known.moved())
    kept, frame = positive | negative, np.repeat(np.arange(7), positive.size // 7)
    other = intervals.weighted_auroc(scores.ravel()[kept], positive[kept], frame[kept])
    weights = np.random.default_rng(3).integers(0, 4, (9, 7)).astype(float)
    found = mask_overlap.weighted(mask_overlap.auroc, mask_overlap.samples(scores, known), [0])(weights)[..., 0]
    np.testing.assert_allclose(found, other(weights), rtol=1e-12)


def test_the_linear_auroc_has_the_value_and_the_slope_of_the_true_one():
    scores, known = np.round(noise(9, 2), 1), labels(trunks(9))
    positive, negative = (label[0] for label in known.moved())
    kept, frame = positive | negative, np.repeat(np.arange(9), positive.size // 9)
    linear = mask_overlap.linear_auroc(mask_overlap.samples(scores, known))
    nudged = 1 + np.concatenate([np.zeros((1, 9)), 1e-5 * np.eye(9)])
    for channel in range(2):
        true = intervals.weighted_auroc(scores[..., channel].ravel()[kept], positive[kept], frame[kept])(nudged)
        found = linear(nudged)[:, channel]
        assert found[0] == pytest.approx(true[0], rel=1e-12)
        np.testing.assert_allclose((found[1:] - found[0]) / 1e-5, (true[1:] - true[0]) / 1e-5, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(linear(np.full(9, 3.0)), linear(np.ones(9)))


def test_a_channel_that_is_the_mask_its_opposite_and_one_that_knows_nothing():
    masks = trunks(24)
    shares = field_shares(masks)
    scores = np.stack([shares, -shares, np.full_like(shares, 3.0)], -1)
    found = mask_overlap.detect(scores, labels(masks), halves(24), shifts=99, seed=0)
    np.testing.assert_array_equal(found.auroc, [1, 0, 0.5])
    np.testing.assert_array_equal(found.first, [1, 1, 0.5])
    np.testing.assert_array_equal(found.second, [1, 1, 0.5])
    np.testing.assert_array_equal(found.iou[:2], [1, 1])
    np.testing.assert_allclose(found.p, [0.01, 0.01, 1])
    assert (found.iou_chance < 0.6).all()
    np.testing.assert_array_equal(found.null[:, 2], 0.5)


def test_the_direction_comes_from_the_first_half_alone():
    masks = trunks(24)
    shares, (first, second) = field_shares(masks), halves(24)
    turned = np.where(second[:, None, None], -shares, shares)[..., None]
    found = mask_overlap.detect(turned, labels(masks), (first, second), shifts=9, seed=0)
    assert found.first.tolist() == [1] and found.second.tolist() == [0]


def test_p_values_of_channels_that_know_nothing_are_uniform():
    masks = trunks(36)
    found = mask_overlap.detect(noise(36, 400), labels(masks), halves(36), shifts=199, seed=0)
    assert scipy.stats.kstest(found.p, "uniform").pvalue > 0.05
    assert found.p.min() >= 1 / 200 and abs(found.auroc - 0.5).max() < 0.15
    low, _, high = found.null
    assert 0.9 < ((low <= found.second) & (found.second <= high)).mean() < 0.99


def test_a_channel_that_knows_only_how_high_it_looks_is_no_better_than_shifted_masks():
    """Trunks stand on the lower edge, so that rows alone tell something; the shifts keep it."""
    masks, side = trunks(36), SMALL.shape(LAYER)[0]
    rows = np.broadcast_to(np.arange(side, dtype=float)[None, :, None, None], (36, side, side, 1))
    found = mask_overlap.detect(rows, labels(masks), halves(36), shifts=199, seed=0)
    assert found.second[0] > 0.58 and found.p[0] > 0.1


def test_shifts_are_drawn_from_all_frames_and_columns_and_never_leave_the_frames_as_they_are():
    seen = []

    def spy(ranked: Ranked, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
        seen.append(positive)
        return np.zeros((len(positive), 1))

    mask = np.zeros((5, 1, 8), bool)
    mask[0, 0, 0] = True  # its place after a draw is the draw
    known = Samples(
        mask_overlap.rank_samples(np.zeros((40, 1))), Labels(mask, ~mask, Columns(np.arange(8), np.zeros(8, int), 8))
    )
    mask_overlap.shifted(spy, known, shifts=500, seed=0)
    frames, columns = np.divmod(np.concatenate(seen).argmax(1), 8)
    assert set(frames) == {1, 2, 3, 4} and set(columns) == set(range(8))


def test_q_values_are_benjamini_and_hochberg_s_over_all_layers_together():
    generator = np.random.default_rng(0)
    p = {"conv1": generator.random(7) ** 3, "conv2": generator.random(5)}
    joined = np.concatenate(list(p.values()))
    order = np.argsort(joined)
    expected, least = np.empty(12), 1.0
    for rank in range(12, 0, -1):  # q of the i-th smallest: the least of p_j * m / j over j >= i
        least = expected[order[rank - 1]] = min(least, joined[order[rank - 1]] * 12 / rank)
    q = mask_overlap.corrected(p)
    assert list(q) == ["conv1", "conv2"]
    np.testing.assert_allclose(np.concatenate(list(q.values())), expected)


def test_larger_counts_the_other_channels():
    values = np.array([[1.0, 3.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(stats.share_larger(values, 2), [2 / 3, 0])
    np.testing.assert_allclose(stats.share_larger(values, 1), [0, 0])


def test_activations_are_the_network_s_and_brightness_is_the_field_s_mean():
    policy, greys = random_policy(SMALL), random_stacks(3, SMALL)[:, 0]
    found = mask_overlap.activations(policy, greys, ("conv1", "conv2"))
    trace = policy.run(np.repeat(greys[:, None], SMALL.frames, 1))
    for layer, activation in found.items():
        np.testing.assert_allclose(activation, trace.layers[layer], rtol=1e-3, atol=1e-4)
    scores = mask_overlap.with_brightness(found[LAYER], greys, NETWORK, LAYER)
    np.testing.assert_array_equal(scores[..., :-1], found[LAYER])
    np.testing.assert_allclose(scores[..., -1], field_shares(greys), rtol=1e-5)


def test_halves_without_a_trunk_are_refused():
    masks = trunks(12)
    first, second = halves(12)
    masks[second] = 0
    with pytest.raises(InputError, match="each half of the labelled frames must have"):
        mask_overlap.detect(noise(12, 2), labels(masks), (first, second), shifts=9, seed=0)
    with pytest.raises(InputError, match="one has 1 frames"):
        only = np.arange(12) == 1
        mask_overlap.detect(noise(12, 2), labels(trunks(12)), (~only, only), shifts=9, seed=0)
