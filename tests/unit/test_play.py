"""Claims about episodes: agents whose play is known are told apart, and numbers are those of plain loops."""

import numpy as np
import pytest
import scipy

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import play
from minetest_interp.claims.measured import NO_VALUE
from minetest_interp.claims.play import PlaySettings

PLACES, STEPS = 12, 400
LEVEL, SETTINGS = Level(), PlaySettings()


def blind(seed):
    """An agent that wanders: trunks are anywhere, and it never comes near one."""
    random = np.random.default_rng(seed)
    shape = (PLACES, STEPS)
    return {
        "distance": random.uniform(4, 30, shape),
        "direction": random.uniform(-180, 180, shape),
        "on_trunk": np.zeros(shape, bool),
        "dug": np.zeros(shape, int),
        "shaped": np.where(random.random(shape) < 0.1, 0.01, 0.0),
        "forward": np.ones(shape, bool),
        "jump": random.random(shape) < 0.25,
        "turn": random.uniform(-1, 1, shape),
        "value": random.normal(size=shape),
        "darker": random.normal(size=shape),
    }


def seeing(seed):
    """An agent that is at a trunk from step 50 on, digs two, climbs, turns to trunks and expects what it earns."""
    own = blind(seed)
    own["distance"][:, 50:] = 2.0
    own["dug"][:, [100, 200]] = 1
    own["shaped"] = own["shaped"] + own["dug"]
    own["on_trunk"][:, 300:] = True
    own["turn"] = own["direction"] + np.random.default_rng(seed).normal(scale=5, size=own["direction"].shape)
    own["value"] = play.discounted(own["shaped"], SETTINGS.gamma)
    return own


def episodes(own, **others):
    rivals = {agent: blind(seed) for seed, agent in enumerate(play.AGENTS[1:], start=1)} | others
    agents = {"own": own} | {name: of for name, of in rivals.items() if of is not None}
    return {"places": np.arange(PLACES).astype(str)} | {
        f"{agent}/{name}": array for agent, of in agents.items() for name, array in of.items()
    }


def measured(own, side=1, **others):
    return play.measure(episodes(own, **others), SETTINGS, side=side, level=LEVEL)


def test_an_agent_that_sees_is_told_from_those_that_do_not():
    found = measured(seeing(0)).estimates
    assert found["reaches-trees"]["random"].estimate == pytest.approx(1 - 50 / STEPS)
    assert found["digs-logs"]["out-of-order"].estimate == 2
    assert found["climbs"]["out-of-order"].estimate == pytest.approx(0.25)
    assert found["earns-more"]["forward"].interval[0] > 1.5
    assert found["value-foresees-return"]["correlation"].estimate > 0.99
    assert found["turns-to-nearest-trunk"]["given-darkness"].interval[0] > 0.9
    assert abs(found["darker-side-in-play"]["given-trunk"].estimate) < 0.1
    assert found["walks-in-play"]["forward"].estimate == 1
    assert found["walks-in-play"]["jump"].interval[1] < play.COIN


def test_an_agent_that_sees_nothing_is_like_the_others():
    found = measured(blind(0)).estimates
    for claim, rivals in play.RIVALS.items():
        for rival in rivals:
            low, high = found[claim][rival].interval
            assert low <= 0 <= high, (claim, rival)
    assert abs(found["value-foresees-return"]["correlation"].estimate) < 0.1
    assert abs(found["turns-to-nearest-trunk"]["correlation"].estimate) < 0.1


def test_one_that_turns_to_the_darker_side_is_found_to_and_not_to_turn_to_trunks():
    own = blind(0)
    own["darker"] += own["direction"] / 90  # trunks are dark
    own["turn"] = own["darker"] + np.random.default_rng(0).normal(scale=0.1, size=own["darker"].shape)
    found = measured(own).estimates
    assert found["darker-side-in-play"]["given-trunk"].interval[0] > 0.9
    assert found["turns-to-nearest-trunk"]["correlation"].interval[0] > 0.05
    assert abs(found["turns-to-nearest-trunk"]["given-darkness"].estimate) < 0.1


def test_steering_whose_other_end_is_left_has_the_same_verdict():
    own = seeing(0)
    turned = own | {"turn": -own["turn"]}
    assert measured(own).estimates == measured(turned, side=-1).estimates


def test_the_steps_before_a_trunk_are_all_where_none_is_reached():
    reached = np.zeros((3, 10), bool)
    reached[0, 0], reached[1, 4:6] = True, True
    np.testing.assert_array_equal(play.steps_before(reached), [0, 0.4, 1])


def test_what_follows_is_the_discounted_sum():
    reward = np.random.default_rng(0).normal(size=(2, 30))
    expected = [[sum(0.9**k * of[t + k] for k in range(30 - t)) for t in range(30)] for of in reward]
    np.testing.assert_allclose(play.discounted(reward, 0.9), expected, rtol=1e-10)


def test_the_correlations_are_those_of_ranks_over_the_steps_with_a_trunk_in_front():
    own = blind(5)
    found = measured(own).estimates["turns-to-nearest-trunk"]["correlation"]
    kept = (own["distance"] <= 20) & (np.abs(own["direction"]) <= 36)
    expected = scipy.stats.spearmanr(own["turn"][kept], own["direction"][kept]).statistic
    assert found.estimate == pytest.approx(expected, abs=1e-9) and found.n == kept.sum() and found.clusters == PLACES


def test_without_a_value_a_rival_or_a_trunk_the_number_is_missing():
    own = blind(0) | {"value": np.full((PLACES, STEPS), np.nan), "distance": np.full((PLACES, STEPS), np.nan)}
    found = measured(own, forward=None).estimates
    assert found["value-foresees-return"]["correlation"].reason == NO_VALUE
    assert found["turns-to-nearest-trunk"]["correlation"].reason == play.NO_TRUNKS
    assert "forward" in found["earns-more"]["forward"].reason
    np.testing.assert_array_equal(play.by_place(own, SETTINGS)["reaches-trees"], 1)


def test_what_is_drawn_are_the_means_of_places_and_of_groups_of_steps():
    own = seeing(0)
    arrays = measured(own).arrays
    assert list(arrays["agents"]) == list(play.AGENTS)
    np.testing.assert_allclose(arrays["compared/digs-logs"][:, 0], [2, 0, 0, 0, 0, 0])
    distance = own["distance"].reshape(PLACES, play.PARTS_OF_TIME, -1).mean((0, 2))
    np.testing.assert_allclose(arrays["distance/own"][:, 0], distance)
    followed = play.discounted(own["shaped"], SETTINGS.gamma)[:, :300]
    value, mean, low, high = arrays["followed"].T
    np.testing.assert_allclose(value, mean)  # the value is what follows
    assert (low <= mean).all() and (mean <= high).all() and mean.mean() == pytest.approx(followed.mean())
    assert (np.diff(arrays["turned/direction"][:, 1]) > 0).all()


def test_without_episodes_every_part_says_so():
    found, some = play.measure(None, SETTINGS, side=1, level=LEVEL), measured(seeing(0))
    assert {claim: set(parts) for claim, parts in found.estimates.items()} == {
        claim: set(parts) for claim, parts in some.estimates.items()
    }
    assert {part.reason for parts in found.estimates.values() for part in parts.values()} == {play.NO_EPISODES}
