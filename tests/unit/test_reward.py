"""The value beside what the reward pays: planted followers are found, and what cannot be asked is missing."""

import numpy as np
import pytest
import scipy
from jax import numpy as jnp

from minetest_interp.analysis import interventions
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import reward
from minetest_interp.claims.measured import NO_VALUE
from minetest_interp.claims.pairs import NO_PAIRS
from minetest_interp.model.labels import NO_LABELS
from tests.conftest import random_policy
from tests.unit.test_measure import SMALL, TABLE

FEW = Level(least_clusters=3)
COUNT, SIDE = 60, 84


@pytest.fixture
def labelled():
    generator = np.random.default_rng(0)
    share = np.zeros((COUNT, SIDE, SIDE), np.float32)
    for own, width in zip(share, generator.integers(0, 40, COUNT), strict=True):
        own[20:64, 42 - width // 2 : 42 + width // 2] = 1
    return {
        "frames": np.arange(COUNT).astype(str),
        "original": generator.uniform(0, 255, (COUNT, SIDE, SIDE)).astype(np.float32),
        "share": share,
        "group": np.array([f"g{n // 2}" if n < 20 else "" for n in range(COUNT)]),
        "role": np.array(["trunk", "no trunk"] * 10 + [""] * 40),
        "ray_trunks": generator.integers(0, 4, COUNT).astype(float),
        "hud": np.arange(COUNT) % 2.0,
    }


def measure(labelled, monkeypatch, value=None):
    """As if the value were a function of the frames."""
    if value is not None:
        monkeypatch.setattr(interventions, "read_out", lambda policy, readouts, frames: value(frames)[:, None])
    return reward.measure(random_policy(SMALL, seed=1), TABLE, labelled, level=FEW)


def by_frame(labelled, numbers):
    """A value that looks a frame up, edited or not, by its first pixel's rank among the frames."""
    order = np.sort(labelled["original"][:, 0, 0])
    ranks = np.argsort(np.argsort(labelled["original"][:, 0, 0]))
    table = np.empty(COUNT)
    table[ranks] = numbers
    return lambda frames: table[np.abs(frames[:, 0, 0][:, None] - order).argmin(1)].astype(np.float32)


def test_a_value_that_follows_the_ray_is_found_and_the_middle_is_not(labelled, monkeypatch):
    noise = np.random.default_rng(1).normal(size=COUNT)
    parts = measure(labelled, monkeypatch, by_frame(labelled, labelled["ray_trunks"] + 0.1 * noise)).estimates[
        reward.CLAIM
    ]
    assert parts["ray"].estimate > 0.9 and parts["ray"].interval[0] > 0.8
    assert abs(parts["middle"].estimate) < 0.3 and parts["middle"].interval[0] < 0 < parts["middle"].interval[1]


def test_correlations_are_those_of_ranks_with_brightness_regressed_out(labelled, monkeypatch):
    measured = measure(labelled, monkeypatch, by_frame(labelled, np.random.default_rng(2).normal(size=COUNT)))
    arrays, parts = measured.arrays, measured.estimates[reward.CLAIM]
    value, bright = (scipy.stats.rankdata(arrays[name]) for name in ("value", "brightness"))
    given = np.stack([bright, np.ones(COUNT)], axis=1)

    def left(ranks):
        return ranks - given @ np.linalg.lstsq(given, ranks, rcond=None)[0]

    for name in ("ray", "middle", "area"):
        expected = np.corrcoef(left(value), left(scipy.stats.rankdata(arrays[name])))[0, 1]
        assert parts[name].estimate == pytest.approx(expected, abs=1e-6)
    assert parts["brightness"].estimate == pytest.approx(np.corrcoef(value, bright)[0, 1])


def test_a_value_that_is_the_brightness_falls_when_darker_and_moves_by_what_is_painted(labelled, monkeypatch):
    measured = measure(labelled, monkeypatch, lambda frames: frames.mean((1, 2)))
    parts, original = measured.estimates[reward.CLAIM], labelled["original"]
    assert parts["brightness"].estimate == pytest.approx(1)
    assert parts["darker"].estimate == pytest.approx((255 * (original / 255) ** 2 - original).mean(), abs=1e-2)
    shown = original[1::2]
    assert parts["logs"].estimate == pytest.approx((reward.with_logs(shown) - shown).mean(), abs=1e-3)
    assert parts["logs"].n == COUNT // 2
    pairs = original[:20].mean((1, 2)).reshape(-1, 2)
    assert parts["trunk"].estimate == pytest.approx((pairs[:, 0] - pairs[:, 1]).mean(), abs=1e-4)


def test_a_box_covers_its_share_and_nothing_outside_it():
    box = reward.Box(0.1, 0.55, 0.25, 0.3)
    for height, width in ((64, 64), (7, 13), (1, 1)):
        covered = reward.coverage(box, height, width)
        assert covered.mean() == pytest.approx(0.25 * 0.3) and covered.min() >= 0 and covered.max() <= 1 + 1e-12
    assert not reward.coverage(box, 100, 100)[40:].any()


def test_logs_are_painted_at_the_left_of_the_display_alone_and_alike_in_all_colours():
    frames = np.full((2, 3, 60, 64), 20, np.float32)
    changed = reward.with_logs(frames) != 20
    assert changed.any() and not changed[..., :54, :].any() and not changed[..., 22:].any()
    assert (changed == changed[:, :1]).all()


def test_at_the_game_s_own_size_the_icon_is_a_square_of_48_pixels_with_a_white_digit_in_it():
    [painted] = reward.with_logs(np.zeros((1, 600, 1024), np.float32)).round(3)
    icon = painted[544:592, 288:336]
    assert np.count_nonzero(painted) == 48**2 == np.count_nonzero(icon)
    digit = icon == 255
    assert digit.sum() == 12 * 10 and (digit == digit.any(1)[:, None] & digit.any(0)).all()
    assert set(icon[:20].ravel()) == {136} and set(icon[20:][~digit[20:]]) == {46}


def test_the_middle_is_what_is_asked_for(labelled):
    whole, half = (reward.middle_share(labelled["share"], part) for part in (1.0, 0.5))
    np.testing.assert_allclose(whole, labelled["share"].mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(half, labelled["share"][:, 21:63, 21:63].mean((1, 2)), atol=1e-6)


def test_pictures_that_show_as_much_of_the_concept_have_the_same_share(labelled, monkeypatch):
    generator = np.random.default_rng(0)
    parts = np.tile(np.arange(42**2) % 200, (COUNT, 1))
    for own in parts:  # as much in all, spread over other pixels
        own[generator.permutation(42**2)[:200]] += 7
    share = np.zeros((COUNT, SIDE, SIDE), np.float32)
    share[:, 21:63, 21:63] = (parts / 235).reshape(-1, 42, 42)
    assert len(np.unique(share.mean((1, 2), dtype=np.float64))) > 2  # but for rounding
    share[: COUNT // 2, 0, 0] = 1 / 235
    arrays = measure(labelled | {"share": share}, monkeypatch).arrays
    assert len(np.unique(arrays["middle"])) == 1
    np.testing.assert_array_equal(arrays["area"], np.repeat([arrays["area"].max(), arrays["area"].min()], COUNT // 2))
    assert arrays["area"].max() > arrays["area"].min()


def test_what_labels_do_not_say_is_missing(labelled, monkeypatch):
    labelled |= {
        "ray_trunks": np.full(COUNT, np.nan),
        "hud": np.full(COUNT, np.nan),
        "share": np.zeros((COUNT, SIDE, SIDE), np.float32),
        "role": np.full(COUNT, ""),
    }
    parts = measure(labelled, monkeypatch).estimates[reward.CLAIM]
    reasons = {name: part.reason for name, part in parts.items() if part.estimate is None}
    assert reasons.keys() == {"ray", "middle", "area", "present", "logs", "trunk"}
    assert (reasons["ray"], reasons["logs"], reasons["trunk"]) == (reward.NO_RAYS, reward.NO_DISPLAY, NO_PAIRS)
    assert "no pixel of its class" in reasons["middle"]


def test_without_labels_or_a_critic_the_reason_is_said(labelled, monkeypatch):
    measured = measure(None, monkeypatch)
    assert str(measured.arrays["reason"]) == NO_LABELS
    monkeypatch.setattr(reward.objectives, "readouts", lambda table, network: {"yaw": jnp.zeros})
    measured = measure(labelled, monkeypatch)
    assert {part.reason for part in measured.estimates[reward.CLAIM].values()} == {NO_VALUE}
    assert str(measured.arrays["reason"]) == NO_VALUE
