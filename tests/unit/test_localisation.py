"""Maps against masks: closed forms, a formula written a second time, planted maps and maps that know nothing."""

import numpy as np
import pytest

from minetest_interp.analysis import localisation

READ = (9, 8)
SHAPE = (12, 10, 11)


def made(seed=0):
    """Strengths and masks of as many frames."""
    generator = np.random.default_rng(seed)
    masks = generator.random(SHAPE) < generator.uniform(0.05, 0.9, SHAPE[0])[:, None, None]
    masks[:, 0, 0] = True
    return generator.random(SHAPE), masks


def test_scores_are_what_a_loop_over_pixels_finds():
    strength, masks = made()
    found = localisation.find(strength, masks, read=READ)
    for i, map_ in enumerate(strength[:, : READ[0], : READ[1]]):
        for j, mask in enumerate(masks[:, : READ[0], : READ[1]]):
            assert found.pointing[i, j] == mask[np.unravel_index(map_.argmax(), map_.shape)]
            assert found.mass[i, j] == pytest.approx(map_[mask].sum() / map_.sum())


def test_pixels_that_the_network_does_not_read_do_not_count():
    strength, masks = made()
    found = localisation.find(strength, masks, read=READ)
    strength[:, READ[0] :], masks[:, :, READ[1] :] = 1e9, True
    for one, other in zip(found, localisation.find(strength, masks, read=READ), strict=True):
        np.testing.assert_array_equal(one, other)
    maps = np.random.default_rng(1).standard_normal((3, 2, 4, 10, 11)).astype(np.float32)
    sizes = localisation.pixel_strength(maps, read=READ)
    np.testing.assert_allclose(sizes[:, :, :9, :8], np.abs(maps.sum(2))[:, :, :9, :8], rtol=1e-5, atol=1e-5)
    assert not sizes[:, :, 9:].any() and not sizes[..., 8:].any()


def test_equally_large_strengths_share_the_point_and_an_empty_map_finds_the_mask_s_area():
    _, masks = made()
    area = masks[:, : READ[0], : READ[1]].mean((1, 2))
    for strength in (np.zeros(SHAPE), np.full(SHAPE, 3.0)):
        found = localisation.find(strength, masks, read=READ)
        for scores in found:
            np.testing.assert_allclose(scores, np.broadcast_to(area, scores.shape))
            assert localisation.above_others(scores)(np.ones(SHAPE[0])) == pytest.approx(0, abs=1e-12)


def test_maps_of_their_own_masks_are_found_and_shuffled_ones_are_not():
    _, masks = made()
    own = localisation.find(masks.astype(float), masks, read=READ)
    np.testing.assert_allclose(np.diag(own.mass), 1)
    ones = np.ones(SHAPE[0])
    assert localisation.above_others(own.mass)(ones) == pytest.approx(1 - localisation.others(own.mass).mean())
    assert localisation.above_others(own.mass)(ones) > 0.3
    shuffled = [
        localisation.above_others(own.mass[np.random.default_rng(seed).permutation(SHAPE[0])])(ones)
        for seed in range(300)
    ]
    assert abs(np.mean(shuffled)) < 4 * np.std(shuffled) / np.sqrt(300)


def test_weights_count_frames_on_both_sides_as_often_as_they_say():
    strength, masks = made()
    found = localisation.find(strength, masks, read=READ).mass
    weights = np.random.default_rng(2).integers(0, 4, (5, SHAPE[0])).astype(float)
    statistic = localisation.above_others(found)
    for row, got in zip(weights, statistic(weights), strict=True):
        terms = []
        for i in np.repeat(np.arange(SHAPE[0]), row.astype(int)):
            rest = [found[i, j] for j in np.repeat(np.arange(SHAPE[0]), row.astype(int)) if j != i]
            terms.append(found[i, i] - np.mean(rest))
        assert got == pytest.approx(np.mean(terms))
        assert statistic(row) == pytest.approx(got)
    np.testing.assert_allclose(localisation.others(found)[0], found[0, 1:].mean())
    assert np.isnan(localisation.others(found[:1, :1])).all()
