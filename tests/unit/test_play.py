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


def turning(degrees):
    """Headings of one that turns to the dark pillar by so many degrees, and at each place by some more to the left."""
    drift = np.random.default_rng(9).uniform(-30, 30, (PLACES, 1)) * np.ones(80)
    return {name: drift + side * degrees for name, side in play.DECOYS.items()}


def episodes(own, turned=None, **others):
    rivals = {agent: blind(seed) for seed, agent in enumerate(play.AGENTS[1:], start=1)} | others
    agents = {"own": own} | {name: of for name, of in rivals.items() if of is not None}
    agents |= {name: {"heading": heading} for name, heading in (turned or turning(0)).items()}
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
    np.testing.assert_allclose(arrays["compared/digs-logs"][:, 0], [2] + [0] * (len(play.AGENTS) - 1))
    distance = own["distance"].reshape(PLACES, play.PARTS_OF_TIME, -1).mean((0, 2))
    np.testing.assert_allclose(arrays["distance/own"][:, 0], distance)
    followed = play.discounted(own["shaped"], SETTINGS.gamma)[:, :300]
    value, mean, low, high = arrays["followed"].T
    np.testing.assert_allclose(value, mean)  # the value is what follows
    assert (low <= mean).all() and (mean <= high).all() and mean.mean() == pytest.approx(followed.mean())
    assert (np.diff(arrays["turned/direction"][:, 1]) > 0).all()


def test_what_guides_the_agent_is_how_much_later_it_reaches_trees_without_it():
    late = seeing(1)
    late["distance"][:, 50:250] = 9.0
    found = measured(
        seeing(0), silenced=late, **{"silenced-random": seeing(2)}, night=late, unsteered=seeing(3)
    ).estimates
    assert found["tree-units-guide-play"]["silenced"].estimate == pytest.approx(0.5)
    assert found["tree-units-guide-play"]["silenced-random"].estimate == pytest.approx(0.5)
    assert found["daylight-guides-play"]["night"].estimate == pytest.approx(0.5)
    assert found["yaw-direction-guides-play"]["unsteered"].estimate == 0
    alike = measured(seeing(0), silenced=late, **{"silenced-random": late}).estimates["tree-units-guide-play"]
    assert alike["silenced"].estimate == pytest.approx(0.5) and alike["silenced-random"].estimate == 0


def test_an_agent_of_a_pair_that_was_not_recorded_is_named():
    found = measured(seeing(0), **{"silenced-random": None}).estimates["tree-units-guide-play"]
    assert found["silenced"].estimate is not None and "'silenced-random'" in found["silenced-random"].reason
    one = {"decoys-left": turning(5)["decoys-left"]}
    reasons = {part.reason for part in measured(seeing(0), turned=one).estimates["turns-to-dark-decoy"].values()}
    assert reasons == {"no episodes of the agent 'decoys-right' were recorded"}


def test_who_turns_to_the_dark_pillar_is_told_from_who_drifts_to_a_side():
    drifts = measured(seeing(0)).estimates["turns-to-dark-decoy"]
    assert drifts["dark-side"].estimate == drifts["places"].estimate == play.COIN
    assert drifts["degrees"].estimate == pytest.approx(0, abs=1e-9)
    turns = measured(seeing(0), turned=turning(40)).estimates["turns-to-dark-decoy"]
    assert turns["dark-side"].estimate == turns["places"].estimate == 1
    assert turns["degrees"].estimate == pytest.approx(40)
    away = measured(seeing(0), turned=turning(-40)).estimates["turns-to-dark-decoy"]
    assert away["dark-side"].estimate == 0 and away["degrees"].estimate == pytest.approx(-40)


def test_the_looks_to_the_dark_side_are_counted_step_by_step_and_only_the_first():
    random = np.random.default_rng(3)
    headings = {name: 5.0 * random.integers(-2, 3, (PLACES, 80)) for name in play.DECOYS}
    expected = []
    for place in range(PLACES):
        counts = []
        for name, sign in play.DECOYS.items():
            for degrees in headings[name][place, : SETTINGS.looks]:
                counts.append(0.5 if degrees == 0 else float(sign * degrees > 0))
        expected.append(sum(counts) / len(counts))
    found = measured(seeing(0), turned=headings).estimates["turns-to-dark-decoy"]
    assert found["dark-side"].estimate == pytest.approx(np.mean(expected))
    more = np.array(expected)
    assert found["places"].estimate == pytest.approx(np.mean((more > 0.5) + (more == 0.5) / 2))
    assert found["dark-side"].n == found["dark-side"].clusters == PLACES


def test_without_episodes_every_part_says_so():
    found, some = play.measure(None, SETTINGS, side=1, level=LEVEL), measured(seeing(0))
    assert {claim: set(parts) for claim, parts in found.estimates.items()} == {
        claim: set(parts) for claim, parts in some.estimates.items()
    }
    assert {part.reason for parts in found.estimates.values() for part in parts.values()} == {play.NO_EPISODES}
