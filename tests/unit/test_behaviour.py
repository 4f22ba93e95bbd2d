"""What is claimed of the steering, recomputed from the formulas in plain numpy."""

import numpy as np
import pytest
import scipy.stats

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import behaviour as behaviour_claims
from tests.samples import smooth_frames

BOOTSTRAP = Bootstrap(resamples=200)
EACH = np.arange(40)


def test_equalised_halves_are_equally_bright_within_the_range_and_inverting_twice_is_nothing():
    greys = smooth_frames(6)
    changed = behaviour_claims.retouched(greys)
    np.testing.assert_allclose(behaviour_claims.brightness_difference(changed["equalised"]), 0, atol=1e-4)
    assert all(frames.min() >= 0 and frames.max() <= 255 for frames in changed.values())
    np.testing.assert_allclose(behaviour_claims.retouched(changed["inverted"])["inverted"], greys, atol=1e-4)
    np.testing.assert_allclose(behaviour_claims.retouched(changed["darker"])["brighter"], greys, atol=1e-2)


def test_one_half_of_an_equalised_frame_stays_and_a_black_frame_too():
    greys = smooth_frames(6)
    equalised = behaviour_claims.retouched(greys)["equalised"]
    left = np.all(equalised[..., :32] == greys[..., :32], (1, 2))
    right = np.all(equalised[..., 32:] == greys[..., 32:], (1, 2))
    assert (left | right).all()
    black = np.zeros((1, 64, 64), np.float32)
    assert (behaviour_claims.retouched(black)["equalised"] == 0).all()


def test_a_mirror_symmetric_policy_flips_always_and_keeps_nothing():
    steering = np.random.default_rng(0).uniform(-1, 1, 40)
    found = behaviour_claims.mirror_estimates(steering, -steering, EACH, BOOTSTRAP)
    assert found["flips"].estimate == 1 and found["correlation"].estimate == pytest.approx(1)
    assert behaviour_claims.unchanged_share(steering, -steering)(np.ones(40)) == 0
    assert behaviour_claims.unchanged_share(steering, steering)(np.ones(40)) == 1


def test_the_numbers_follow_from_the_formulas():
    generator = np.random.default_rng(1)
    here, there, position = generator.uniform(-1, 1, (3, 40))
    found = behaviour_claims.mirror_estimates(here, there, EACH, BOOTSTRAP)
    assert found["flips"].estimate == np.mean(here * there < 0)
    assert found["correlation"].estimate == pytest.approx(np.corrcoef(here, -there)[0, 1])
    kept = behaviour_claims.unchanged_share(here, there)(np.ones(40))
    even, odd = (here + there) / 2, (here - there) / 2
    assert kept == pytest.approx((even**2).sum() / (even**2 + odd**2).sum())
    trunk = behaviour_claims.trunk_estimates(here, position, EACH, BOOTSTRAP, side=1)
    off = np.abs(position) > 0.2
    assert trunk["correlation"].estimate == pytest.approx(scipy.stats.pearsonr(here, -position).statistic)
    assert trunk["sides"].estimate == np.mean((here * position < 0)[off]) and trunk["sides"].n == off.sum()
    turned = behaviour_claims.trunk_estimates(-here, position, EACH, BOOTSTRAP, side=-1)
    assert turned == trunk


def test_a_policy_that_compares_brightness_is_found_out():
    greys = smooth_frames(40)
    changed = behaviour_claims.retouched(greys)

    def steer(frames):
        return np.tanh(behaviour_claims.brightness_difference(frames) / 20)

    found = behaviour_claims.brightness_estimates(
        steer(greys),
        {name: steer(frames) for name, frames in changed.items()},
        behaviour_claims.brightness_difference(greys),
        EACH,
        BOOTSTRAP,
    )
    assert found["inverted"].estimate == pytest.approx(-1, abs=1e-3)
    assert found["explained"].estimate > 0.9
    assert found["equalised"].estimate is None or abs(found["equalised"].estimate) < 0.5


def test_a_behaviour_that_the_table_lacks_is_missing():
    found = behaviour_claims.walking_estimates({"forward": np.array([0.6, 0.4] * 10)}, np.arange(20), BOOTSTRAP)
    assert found["forward"].estimate == 0.5
    assert found["jump"].estimate is None and "no behaviour jump" in found["jump"].reason
