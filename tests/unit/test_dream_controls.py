"""Dreams' statistics on pictures whose answer is known, batched ascents against single ones, and the heads' cosines."""

import itertools

import numpy as np
import pytest

from minetest_interp.analysis import stats
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import dream_controls, heads
from minetest_interp.dreams import notebook
from minetest_interp.model import networks, objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.policy import Geometry, nature, shuffled_weights
from tests.conftest import random_policy, random_stacks

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
TURN = Behaviour(np.arange(6) < 2, np.arange(6) > 2)
NOISE = np.random.default_rng(0).standard_normal((3, 60, 60))
x, y = np.meshgrid(np.arange(60), np.arange(60))
EGG_CRATE = 128 + 20 * np.sin(2 * np.pi * x / 12) + 20 * np.sin(2 * np.pi * y / 12)


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, seed=3, gain=100.0)


def test_a_pattern_s_autocorrelation_peaks_at_its_period_and_only_there():
    image = EGG_CRATE[None]
    assert dream_controls.repetition(image, least_lag=11.5, most_lag=12.5) > 0.98
    assert dream_controls.repetition(image, least_lag=5, most_lag=7) < 0.4
    assert dream_controls.repetition(image, least_lag=23, most_lag=25) > 0.98


def test_noise_does_not_repeat():
    assert dream_controls.repetition(NOISE, least_lag=6, most_lag=24) < 0.15


def test_repetition_knows_neither_contrast_nor_brightness_and_averages_over_frames():
    lags = {"least_lag": 6, "most_lag": 24}
    expected = dream_controls.repetition(NOISE, **lags)
    assert dream_controls.repetition(128 + 1e-3 * NOISE, **lags) == pytest.approx(expected, abs=1e-6)
    assert dream_controls.repetition(-50 * NOISE, **lags) == pytest.approx(expected)
    assert expected == pytest.approx(np.mean([dream_controls.repetition(frame[None], **lags) for frame in NOISE]))
    assert dream_controls.repetition(np.full((1, 30, 30), 7.0), **lags) == 0


def test_autocorrelation_is_the_normalised_product_of_what_overlaps():
    frame = np.random.default_rng(1).random((5, 7))
    found, deviation = dream_controls.autocorrelation(frame), frame - frame.mean()
    for dy, dx in itertools.product(range(-4, 5), range(-6, 7)):
        here = deviation[max(0, dy) : 5 + min(0, dy), max(0, dx) : 7 + min(0, dx)]
        there = deviation[max(0, -dy) : 5 + min(0, -dy), max(0, -dx) : 7 + min(0, -dx)]
        expected = (here * there).sum() / np.sqrt((here**2).sum() * (there**2).sum())
        assert found[4 + dy, 6 + dx] == pytest.approx(expected, abs=1e-9)


def test_contrast_lies_where_the_pattern_is():
    frame = np.full((8, 8), 128.0)
    frame[:, 2:4] += np.where(np.arange(8) % 2, 5.0, -5.0)[:, None]
    assert tuple(dream_controls.contrast_shares(frame)) == pytest.approx((1, 0))
    mirrored = dream_controls.contrast_shares(np.stack([frame[:, ::-1], np.roll(frame, -2, axis=1)]))
    np.testing.assert_allclose(mirrored, [[0, 0], [0, 1]], atol=1e-12)
    spread = dream_controls.contrast_shares(NOISE)
    np.testing.assert_allclose(spread, [[0.25] * 3, [0.5] * 3], atol=0.03)
    assert dream_controls.contrast(NOISE).sum() == pytest.approx(3)
    assert tuple(dream_controls.contrast_shares(np.ones((8, 8)))) == (0, 0)


@pytest.mark.parametrize("objective", [objectives.value(), objectives.behaviour_probability(TURN, sign=-1)])
def test_a_batch_ascends_as_the_notebook_does_one_by_one(small, objective):
    starts = random_stacks(2, SMALL)
    # so far in three steps that some pixels reach the ends of the range
    found, _ = notebook.plain_ascent(networks.fast(small), objective, starts, lr=3e4, steps=3)
    expected = np.asarray(notebook.deep_dream(small, objective, starts[1:], lr=3e4, steps=3).image)
    np.testing.assert_allclose(found[1:], expected, atol=0.01)
    assert np.abs(expected - starts[1:]).max() > 1 and ((expected == 0) | (expected == 255)).any()


def test_an_ascent_that_is_not_finite_stops_with_the_items_name(small):
    with pytest.raises(FloatingPointError, match=r"second must stay finite .* at step 0.* lower `lr`"):
        starts = np.stack([random_stacks(1, SMALL)[0], np.full(SMALL.shape("input"), np.nan, np.float32)])
        notebook.plain_ascent(
            networks.fast(small), objectives.value(), starts, lr=1.0, steps=1, names=["first", "second"]
        )


def test_every_seed_has_its_own_start_and_its_own_shuffled_twin(small):
    ascent = {"lr": 1e3, "steps": 2}
    pair = dream_controls.dream_pairs(small, objectives.value(), seeds=[4, 9], **ascent)
    assert pair.real.shape == pair.shuffled.shape == (2, 2, nature(SMALL).reads[0], nature(SMALL).reads[0])
    read = np.s_[..., : nature(SMALL).reads[0], : nature(SMALL).reads[0]]
    for i, seed in enumerate([4, 9]):
        start = notebook.grey_start(SMALL, seed=seed)
        for policy, found in ((small, pair.real), (shuffled_weights(small, seed=seed), pair.shuffled)):
            alone, _ = notebook.plain_ascent(networks.fast(policy), objectives.value(), start, **ascent)
            np.testing.assert_allclose(found[i], np.asarray(alone)[0][read], atol=1e-3)
    assert np.abs(pair.real - pair.shuffled).max() > 0.1


@pytest.mark.parametrize(("period", "told"), [(8, False), (12, True)])
def test_what_repeats_with_the_stride_alone_does_not_repeat_off_it(period, told):
    crate = 128 + 20 * np.sin(2 * np.pi * x / period) + 20 * np.sin(2 * np.pi * y / period)
    lags = {"least_lag": 6, "most_lag": 24}
    assert dream_controls.repetition(crate[None], **lags) > 0.95
    off = dream_controls.repetition(crate[None], **lags, stride=(8, 8))
    assert (off > 0.9) == told and (off < 0.1) != told


def test_lags_off_the_stride_lie_a_quarter_of_it_from_every_multiple():
    lags = np.arange(-12, 13)
    expected = [lag for lag in lags if min(abs(lag - 8 * k) for k in range(-3, 4)) >= 2]
    assert lags[dream_controls.off_stride(lags, 8)].tolist() == expected
    assert dream_controls.off_stride(lags, 1).all()
    assert np.isnan(dream_controls.repetition(NOISE[:, :3, :3], least_lag=6, most_lag=9))


def test_the_stride_is_that_of_the_last_layer_with_positions():
    assert dream_controls.strides(nature(SMALL)) == (8, 8)
    assert dream_controls.strides(nature(Geometry(2, 20, (6, 5, 4), (4, 3, 3), (1, 1, 1), 16, 6))) is None


def test_dreams_are_held_against_single_networks_and_against_each_other():
    generator = np.random.default_rng(2)
    shuffled = {name: generator.random((3, 20)) / 10 for name in ("repetition", "off_stride", "middle_left", "edges")}
    real = {
        "repetition": (0.9, 0.5, 0.7),
        "off_stride": (0.05,) * 3,
        "middle_left": (0, 0.6, 0.2),
        "edges": (0, 0.1, 0.5),
    }
    arrays = {}
    for i, name in enumerate(("value", "left", "right")):
        for key, values in real.items():
            arrays[f"{name}/real/{key}"] = np.full(20, values[i])
            arrays[f"{name}/shuffled/{key}"] = shuffled[key][i]
    found = dream_controls.repeat_estimates(arrays, Level()) | dream_controls.side_estimates(arrays, Level())
    estimates = {part: each.estimate for part, each in found.items()}
    expected = {"repeats": 0.9, "off-stride": 0.05, "over-yaw": 0.3, "middle-left": 0.4, "edges": 0.4}
    assert {part: estimates[part] for part in expected} == pytest.approx(expected)
    repeats, off = found["repeats"], found["off-stride"]
    assert repeats.chance == pytest.approx(shuffled["repetition"][0].mean())
    assert repeats.error == pytest.approx(shuffled["repetition"][0].std(ddof=1))  # not that of their mean
    assert repeats.interval[0] > repeats.chance and off.interval[0] < off.chance < off.interval[1]
    del arrays["value/real/off_stride"]
    assert "no stride" in dream_controls.repeat_estimates(arrays, Level())["off-stride"].reason


def test_what_all_actions_share_is_no_action_s_own():
    actor = np.random.default_rng(5).standard_normal((5, 8))
    own = heads.own_weights(actor + np.arange(8))
    np.testing.assert_allclose(own, heads.own_weights(actor), atol=1e-12)
    np.testing.assert_allclose(own.sum(0), 0, atol=1e-12)


def test_the_mean_cosine_counts_hidden_units_as_often_as_their_weights_say():
    actor, critic = np.random.default_rng(3).standard_normal((2, 5, 8))
    statistic, critic = heads.mean_cosine(actor, critic[0]), critic[0]
    times = np.array([[1, 1, 1, 1, 1, 1, 1, 1], [0, 2, 1, 0, 3, 1, 0, 1]])
    for found, count in zip(statistic(times.astype(float)), times, strict=True):
        cosines = stats.cosine_similarity(np.repeat(actor, count, axis=1), np.repeat(critic, count))
        assert found == pytest.approx(np.abs(cosines).mean())
    assert heads.mean_cosine(actor, critic)(np.zeros(8)) == 0
    short = heads.mean_cosine(1e-3 * actor, 1e-3 * critic)
    assert short(np.ones(8)) == pytest.approx(statistic(np.ones(8)))


def test_random_orders_draw_every_order_of_the_critic_s_weights_alike(monkeypatch):
    monkeypatch.setattr(heads, "CHUNK", 700)
    actor, critic = np.random.default_rng(4).standard_normal((4, 3)), np.array([0.3, -2.0, 1.0])
    orders = [
        np.abs(stats.cosine_similarity(actor, np.array(order))).mean() for order in itertools.permutations(critic)
    ]
    found = heads.random_orders(actor, critic, count=3000, seed=0)
    assert found.shape == (3000,)
    nearest = np.abs(found[:, None] - np.array(orders)[None]).argmin(1)
    np.testing.assert_allclose(found, np.array(orders)[nearest])
    np.testing.assert_allclose(np.bincount(nearest, minlength=6), 500, atol=80)
