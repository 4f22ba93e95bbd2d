"""What is claimed of the steering, recomputed from the formulas in plain numpy."""

import numpy as np
import pytest
import scipy.stats

from minetest_interp.analysis import draws
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import asymmetry, walking
from minetest_interp.claims import behaviour as behaviour_claims
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy
from tests.samples import smooth_frames

LEVEL = Level()
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
    found = behaviour_claims.mirror_estimates(steering, -steering, EACH, LEVEL)
    assert found["flips"].estimate == 1 and found["correlation"].estimate == pytest.approx(1)
    assert asymmetry.unchanged_share(steering, -steering)(np.ones(40)) == 0
    assert asymmetry.unchanged_share(steering, steering)(np.ones(40)) == 1


def test_the_numbers_follow_from_the_formulas():
    generator = np.random.default_rng(1)
    here, there, position = generator.uniform(-1, 1, (3, 40))
    found = behaviour_claims.mirror_estimates(here, there, EACH, LEVEL)
    assert found["flips"].estimate == np.mean(here * there < 0)
    assert found["correlation"].estimate == pytest.approx(np.corrcoef(here, -there)[0, 1])
    kept = asymmetry.unchanged_share(here, there)(np.ones(40))
    even, odd = (here + there) / 2, (here - there) / 2
    assert kept == pytest.approx((even**2).sum() / (even**2 + odd**2).sum())
    trunk = behaviour_claims.trunk_estimates(here, position, EACH, LEVEL, side=1)
    off = np.abs(position) > 0.2
    assert trunk["correlation"].estimate == pytest.approx(scipy.stats.pearsonr(here, -position).statistic)
    assert trunk["sides"].estimate == np.mean((here * position < 0)[off]) and trunk["sides"].n == off.sum()
    turned = behaviour_claims.trunk_estimates(-here, position, EACH, LEVEL, side=-1)
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
        LEVEL,
    )
    assert found["inverted"].estimate == pytest.approx(-1, abs=1e-3)
    assert found["explained"].estimate > 0.9
    assert found["equalised"].estimate is None or abs(found["equalised"].estimate) < 0.5


def test_a_behaviour_that_the_table_lacks_is_missing_and_chance_of_jumping_is_what_others_do():
    values = {"forward": np.array([0.6, 0.4] * 10)}
    chances = {"forward": 0.5, "jump": 0.9}
    found = walking.walking_estimates(values, np.arange(20), LEVEL, chances=chances)
    assert (found["forward"].estimate, found["forward"].chance) == (0.5, 0.5)
    assert found["jump"].estimate is None and "no behaviour jump" in found["jump"].reason
    jumps = walking.walking_estimates(values | {"jump": np.full(20, 0.05)}, np.arange(20), LEVEL, chances=chances)
    assert (jumps["jump"].estimate, jumps["jump"].chance) == (1.0, 0.9)
    others = [{"jump": np.array([0.2, 0.01])}, {"jump": np.array([0.2, 0.3])}]
    np.testing.assert_array_equal(walking.walking_rates(others, "jump"), [0.5, 1])


def test_asymmetry_is_found_planted_and_not_found_where_there_is_none():
    generator = np.random.default_rng(3)
    steering = generator.uniform(-1, 1, 40)
    shuffled = [np.stack([values, values]) for values in generator.uniform(-1, 1, (5, 40))]  # blind to the mirror
    one_sided = asymmetry.estimates(np.stack([steering, 0.5 - steering]), shuffled, EACH, LEVEL)
    nearly = asymmetry.estimates(np.stack([steering, 0.02 - steering]), shuffled, EACH, LEVEL)
    assert one_sided["share"].interval[0] > 0.05 > nearly["share"].interval[1]
    assert nearly["below-shuffled"].estimate == pytest.approx(nearly["share"].estimate - 1)
    alike = asymmetry.estimates(np.stack([steering, steering]), shuffled, EACH, LEVEL)
    assert alike["below-shuffled"].estimate == pytest.approx(0)
    still = asymmetry.estimates(np.stack([steering, -steering]), [np.zeros((2, 40))], EACH, LEVEL)
    assert still["below-shuffled"].estimate is None and still["below-shuffled"].reason == draws.NONE


def test_night_is_the_study_s_and_the_labelled_frames_each_once():
    policy = random_policy(Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 3), gain=50.0)
    table = action_table({"do": ["-", "left", "right"]}, {"yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}}})
    greys = smooth_frames(30, 84, seed=4)
    views = {"original": greys, "mirrored": greys[..., ::-1]}
    stacks = {name: frames[:16] for name, frames in views.items()} | {"frames": np.arange(16).astype(str)}
    labelled = {name: frames[10:] for name, frames in views.items()} | {
        "frames": np.arange(110, 130).astype(str),
        "position": np.full(20, np.nan),
        "group": np.full(20, ""),
        "light": np.array(["night", "midday"] * 10),
    }
    options = {"steering": "yaw", "shuffles": 1, "level": LEVEL, "similarity": 0.999}
    found = behaviour_claims.measure(policy, table, stacks, labelled, night=["3", "10"], **options)
    assert found.arrays["night/frames"].tolist() == ["3", "10", *map(str, range(112, 130, 2))]  # 110 is the study's 10
    here, there = found.arrays["night/original"], found.arrays["night/mirrored"]
    flips = found.estimates["yaw-mirror-night"]["flips-night"]
    assert flips.estimate == pytest.approx(np.mean(here * there < 0)) and flips.n == len(here)
    np.testing.assert_allclose(here[:2], found.arrays["original"][[3, 10]], atol=1e-6)
    stacked = labelled | {name: np.stack([labelled[name]] * 2, 1) for name in views}
    again = behaviour_claims.measure(policy, table, stacks, stacked, night=["3", "10"], **options)
    np.testing.assert_allclose(again.arrays["night/original"], here, atol=1e-6)
    none = behaviour_claims.measure(policy, table, stacks, None, **options)
    assert "at night" in none.estimates["yaw-mirror-night"]["flips-night"].reason
