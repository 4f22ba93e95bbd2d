"""A policy whose rule is known: what each contrast finds of it."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import pairs as pair_claims
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.policy import shuffled_networks
from tests.conftest import random_policy
from tests.samples import smooth_frames
from tests.unit.test_measure import SMALL, TABLE

PAIRS, SIDE = 16, 32
LEVEL = Level()
EACH = np.arange(PAIRS)


def bars(columns):
    """Frames with a bright bar in one column each, and where it is."""
    frames = np.full((len(columns), SIDE, SIDE), 50.0)
    frames[np.arange(len(columns)), :, columns] = 250
    return frames, (frames > 200).astype(float)


def pairs(before, after):
    return tuple(np.stack(pair, axis=1) for pair in zip(bars(before), bars(after), strict=True))


def ask(frames):
    """Turns left as far as the brightest column is to the left; its value is how bright that is."""
    newest = frames if frames.ndim == 3 else frames[:, -1]
    columns = newest.mean(1)
    at = 2 * (columns.argmax(-1) + 0.5) / SIDE - 1
    seen = columns.max(-1) > 100
    return {"turning": np.where(seen, -at, 0.0), "value": columns.max(-1)}


def columns(seed, low=0, high=SIDE):
    return np.random.default_rng(seed).integers(low, high, PAIRS)


def test_a_turn_that_goes_with_the_trunk_is_found_and_its_size_is_right():
    frames, trunk = pairs(columns(1), columns(1))
    frames[:, 1], trunk[:, 1] = 50, 0
    measured = pair_claims.measure_removal(ask, frames, trunk)
    found = pair_claims.removal_estimates(**measured, clusters=EACH, level=LEVEL)
    position = 2 * (columns(1) + 0.5) / SIDE - 1
    np.testing.assert_allclose(measured["position"], position)
    assert found["change"].estimate == pytest.approx(np.abs(position).mean())
    assert found["towards"].estimate == pytest.approx(np.abs(position).mean())
    assert found["towards"].interval[0] > 0 and found["value"].estimate == pytest.approx(200)


def test_a_policy_that_minds_any_change_alike_is_not_above_the_control():
    frames, trunk = pairs(columns(1), columns(1))
    frames[:, 1], trunk[:, 1] = 50, 0
    frames = 100 + frames / 10  # far from black and white, where the control would be cut off

    def mean_grey(frames):
        return {"turning": frames.mean((1, 2))}

    measured = pair_claims.measure_removal(mean_grey, frames, trunk)
    found = pair_claims.removal_estimates(**measured, clusters=EACH, level=LEVEL)
    assert found["change"].estimate > 0.5 and found["value"].reason == "this policy has no critic"
    assert found["above-control"].estimate == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 10**6))
def test_the_control_changes_as_many_pixels_as_much_on_the_other_half(seed):
    before, after = np.random.default_rng(seed).uniform(100, 150, (2, 3, SIDE // 4, SIDE))
    after[..., SIDE // 2 :] = before[..., SIDE // 2 :]
    changed = pair_claims.elsewhere(before, after) - before
    np.testing.assert_allclose(changed[..., SIDE // 2 :], (after - before)[..., : SIDE // 2], atol=1e-9)
    np.testing.assert_allclose(changed[..., : SIDE // 2], 0, atol=1e-9)


def test_a_policy_that_follows_turns_to_where_the_trunk_went():
    before, after = columns(2), columns(3)
    after = np.where(after == before, (after + 5) % SIDE, after)
    measured = pair_claims.measure_move(ask, *pairs(before, after))
    np.testing.assert_allclose(measured["moved"], 2 * (after - before) / SIDE)
    found = pair_claims.move_estimates(**measured, clusters=EACH, level=LEVEL)
    assert found["sides"].estimate == 1 and found["correlation"].estimate == pytest.approx(1)
    away = pair_claims.move_estimates(-measured["turning"], measured["moved"], EACH, LEVEL)
    assert away["sides"].estimate == 0


def test_likeness_of_a_view_with_itself_and_with_half_of_it():
    turning = np.random.default_rng(0).uniform(-1, 1, PAIRS)
    found = pair_claims.likeness_estimates(np.stack([turning, turning / 2], 1), EACH, LEVEL)
    assert [found[part].estimate for part in pair_claims.LIKENESS] == pytest.approx([1, 1, 0.5])


def test_night_goes_with_day_only_beyond_what_any_network_does():
    generator = np.random.default_rng(7)
    views, own, random = generator.standard_normal((PAIRS, 1)), *generator.standard_normal((2, PAIRS, 20, 2))

    def shown(noise):
        turning = views + noise * own[:, 0]
        return pair_claims.light_estimates(turning, views[:, None] + 0.5 * random, EACH, LEVEL)["over-shuffled"]

    fisher = [np.arctanh(np.corrcoef(*(views + 0.5 * random[:, k]).T)[0, 1]) for k in range(20)]
    mine = np.arctanh(np.corrcoef(*(views + 0.5 * own[:, 0]).T)[0, 1])
    assert shown(0.5).estimate == pytest.approx(mine - np.mean(fisher))
    assert shown(0.5).interval[0] < 0 < shown(0.01).interval[0] and mine > 0.5
    still = np.concatenate([0.5 * random, np.ones((PAIRS, 1, 2))], axis=1)  # a network that does not steer
    found = [pair_claims.light_estimates(own[:, 0], each, EACH, LEVEL) for each in (still, still[:, :-1])]
    assert found[0] == found[1]


def test_motion_compares_the_real_stack_with_its_newest_frame():
    stacks, trunk = (np.stack([a, b, c], 1) for a, b, c in zip(*(bars(columns(n)) for n in (1, 2, 3)), strict=True))

    def oldest(frames):
        return {"turning": (frames[:, 0] if frames.ndim == 4 else frames).mean((1, 2))}

    measured = pair_claims.measure_motion(ask, stacks, trunk)
    turning = measured["turning"]
    np.testing.assert_array_equal(*turning.T)
    np.testing.assert_allclose(measured["mirrored"], -turning)
    found = pair_claims.motion_estimates(**measured, clusters=EACH, level=LEVEL)
    assert found["flips-stack"].estimate == found["flips-still"].estimate == 1
    stacks[:, 0] += 10
    np.testing.assert_allclose(np.diff(pair_claims.measure_motion(oldest, stacks, trunk)["turning"]), -10)


def test_every_contrast_measures_the_parts_that_it_names():
    frames, trunk = pairs(columns(1), columns(2))
    for contrast in pair_claims.CONTRASTS.values():
        measured = contrast.measure(ask, frames, trunk)
        if contrast.beside_shuffled:
            measured["shuffled"] = np.random.default_rng(0).uniform(-1, 1, (PAIRS, 4, 2))
        found = contrast.estimate(**measured, clusters=EACH, level=LEVEL)
        assert tuple(found) == contrast.parts


def test_pairs_in_which_nothing_moves_are_left_out():
    changes = {"turning": np.zeros((3, 2)), "moved": np.array([0.1, np.nan, -0.2])}
    assert pair_claims._visible(changes).tolist() == [True, False, True]
    assert pair_claims._visible({"turning": np.zeros((3, 2))}).all()


def scenes(roles, policy_seed=3):
    """A policy, and eight groups of two labelled frames of the roles, with a trunk that is elsewhere in the second."""
    policy, count = random_policy(SMALL, seed=policy_seed, gain=50.0), 16
    share = np.zeros((count, 84, 84), np.float32)
    for i in range(count):
        share[i, :, 5 * i % 70 :][:, :9] = 1
    labelled = {
        "frames": np.arange(count).astype(str),
        "original": smooth_frames(count, 84),
        "share": share,
        "group": np.array([f"g{i // 2}" for i in range(count)]),
        "role": np.array(list(roles) * (count // 2)),
    }
    return policy, labelled


def measured(policy, labelled, **options):
    return pair_claims.measure(
        policy, TABLE, labelled, steering="yaw", networks=2, similarity=0.999, level=Level(least_clusters=3), **options
    )


def turning(policy, greys):
    """Probability of left less that of right, from the logits."""
    logits = np.asarray(policy.run(as_stacks(greys, SMALL.frames)).logits, np.float64)
    probability = scipy.special.softmax(logits, axis=1)
    return probability[:, 1] - probability[:, 2]


@pytest.mark.parametrize("side", [1, -1])
def test_turning_is_the_steering_of_the_frames_of_each_pair_to_the_left(side):
    policy, labelled = scenes(("trunk", "no trunk"))
    made = measured(policy, labelled, side=side)
    expected = side * turning(policy, labelled["original"]).reshape(-1, 2)
    np.testing.assert_allclose(made.arrays["removed/turning"], expected, rtol=1e-3, atol=1e-3)
    aside = np.roll(labelled["original"][1::2] - labelled["original"][::2], 42, axis=-1)  # half of the picture
    control = side * turning(policy, np.clip(labelled["original"][::2] + aside, 0, 255))
    np.testing.assert_allclose(made.arrays["removed/control"], control, rtol=1e-3, atol=1e-3)
    parts = made.estimates["trunk-removed"]
    assert all(part.estimate is not None for part in parts.values())
    assert parts["change"].estimate == pytest.approx(np.abs(np.diff(expected)).mean(), rel=1e-3)
    assert {part.reason for part in made.estimates["trunk-moved"].values()} == {pair_claims.NO_PAIRS}


def test_night_is_compared_with_networks_of_shuffled_weights():
    policy, labelled = scenes(("day", "night"))
    made = measured(policy, labelled, seed=4)
    for k, other in enumerate(shuffled_networks(policy, count=2, seed=4)):
        expected = turning(other, labelled["original"]).reshape(-1, 2)
        np.testing.assert_allclose(made.arrays["light/shuffled"][:, k], expected, rtol=1e-3, atol=1e-3)
    assert made.estimates["day-night"]["over-shuffled"].estimate is not None


def test_what_labelled_frames_cannot_say_is_missing_with_its_reason():
    policy, labelled = scenes(("trunk", "no trunk"))

    def reasons(labelled) -> dict:
        found = measured(policy, labelled).estimates
        return {claim: {part.reason for part in parts.values()} for claim, parts in found.items()}

    assert set.union(*reasons(None).values()) == {NO_LABELS}
    assert reasons(labelled)["still-stacks"] == {pair_claims.NO_PAIRS}
    hidden = labelled | {"share": np.ones_like(labelled["share"])}
    assert reasons(hidden)["trunk-removed"] == {pair_claims.NOTHING_MOVES}
    stacks = labelled | {"original": as_stacks(labelled["original"], SMALL.frames)}
    assert reasons(stacks)["still-stacks"] == {pair_claims.NO_MOTION}
