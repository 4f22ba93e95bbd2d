"""A verdict follows from the interval of the effect, the smallest effect that matters and the number of claims."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Estimate, Level
from minetest_interp.claims import verdicts
from minetest_interp.claims.verdicts import CONTRADICTED, NO_EFFECT, PARTLY, SUPPORTED, UNKNOWN, VERDICTS, Rule


def found(low, high):
    """An estimate with this 95 % interval."""
    estimate = Estimate(1000, 1000, (low + high) / 2, (low, high))
    return estimate._replace(error=(high - low) / 2 / scipy.stats.t.ppf(0.975, estimate.freedom))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.12, 0.3, SUPPORTED),
        (0.05, 0.3, PARTLY),  # beyond chance, not all of it beyond what matters
        (0.02, 0.08, NO_EFFECT),  # beyond chance, and too small to matter
        (-0.08, 0.08, NO_EFFECT),
        (-0.105, 0.05, NO_EFFECT),  # the 90 % interval, which is narrower, lies inside
        (-0.2, 0.3, UNKNOWN),
        (-0.05, 0.3, UNKNOWN),
        (-0.3, 0.05, UNKNOWN),
        (-0.3, -0.05, CONTRADICTED),
        (-0.08, -0.02, NO_EFFECT),
    ],
)
@pytest.mark.parametrize(("chance", "direction"), [(0.0, "above"), (0.5, "above"), (0.5, "below"), (-3.0, "below")])
def test_verdicts_where_a_tenth_matters(low, high, verdict, chance, direction):
    sign = 1 if direction == "above" else -1
    bounds = sorted(chance + sign * bound for bound in (low, high))
    rule = Rule(chance, 0.1, None, direction)
    assert verdicts.judge(found(*bounds), rule).verdict == verdict


def test_words_that_need_more_than_the_smallest_effect_are_partly_right_below_it():
    rule = Rule(0.5, 0.1, 0.9)
    assert verdicts.judge(found(0.91, 0.97), rule).verdict == SUPPORTED
    assert verdicts.judge(found(0.61, 0.88), rule).verdict == PARTLY
    assert rule.goal == 0.9 and Rule(0.5, 0.1, None, "below").goal == pytest.approx(0.4)


bounds = st.tuples(*[st.floats(-1, 1)] * 2).map(sorted).filter(lambda pair: pair[1] - pair[0] > 1e-3)


@given(bounds, st.floats(0.01, 1), st.floats(0, 1))
def test_a_higher_interval_never_speaks_more_against_a_claim(interval, matters, rise):
    """Save that an effect which is surely too small speaks more against it than one of which nothing is known."""
    order = {CONTRADICTED: 0, NO_EFFECT: 1, UNKNOWN: 1, PARTLY: 2, SUPPORTED: 3}
    before, after = (
        verdicts.judge(found(*(bound + by for bound in interval)), Rule(0.0, matters)).verdict for by in (0, rise)
    )
    assert order[after] >= order[before]


@given(bounds, st.floats(0.01, 1), st.floats(-1, 1))
def test_turned_round_a_claim_has_the_same_verdict(interval, matters, chance):
    low, high = interval
    above = verdicts.judge(found(low, high), Rule(chance, matters))
    below = verdicts.judge(found(-high, -low), Rule(-chance, matters, None, "below"))
    assert above == below


def test_what_is_supported_has_a_small_p_value_and_what_goes_the_other_way_none():
    x = np.random.default_rng(0).normal(0.5, 1, 50)
    estimate = intervals.estimate(intervals.weighted_mean(x), np.arange(50), Level())
    known = scipy.stats.ttest_1samp(x, 0.0)
    assert verdicts.judge(estimate, Rule(0.0, 0.1)).p == pytest.approx(known.pvalue)
    assert verdicts.judge(estimate, Rule(0.0, 0.1, None, "below")).p == 1.0


def test_power_and_the_number_of_cases_are_those_of_the_normal_test():
    x = np.random.default_rng(0).standard_normal(40)
    estimate = intervals.estimate(intervals.weighted_mean(x), np.arange(40), Level())
    error = x.std(ddof=1) / np.sqrt(40)
    test = verdicts.judge(estimate, Rule(0.0, 0.1))
    assert test.power == pytest.approx(scipy.stats.norm.sf(1.959964 - 0.1 / error))
    wanted = (1.959964 + 0.841621) ** 2 * x.var(ddof=1) / 0.1**2
    assert test.tells == np.ceil(wanted)
    draws = np.random.default_rng(1).normal(0.1, x.std(ddof=1), (2000, test.tells))
    told = scipy.stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05
    assert told.mean() == pytest.approx(0.8, abs=0.03)


def test_without_an_interval_one_cannot_tell_but_knows_how_many_cases_would():
    few = intervals.estimate(intervals.weighted_mean(np.arange(9.0)), np.arange(9), Level(least_clusters=10))
    test = verdicts.judge(few, Rule(4.0, 0.5))
    assert test.verdict == UNKNOWN and test.p is None and test.tells > 9
    assert verdicts.judge(intervals.missing("why"), Rule(0.0, 0.1)) == (UNKNOWN, None, None, None)


def test_a_claims_verdict_is_that_of_the_part_that_speaks_most_against_it():
    against = (SUPPORTED, PARTLY, UNKNOWN, NO_EFFECT, CONTRADICTED)
    assert set(against) == set(VERDICTS)
    for several in itertools.product(VERDICTS, repeat=3):
        worst = max(several, key=against.index)
        assert verdicts.conclude(several) == worst
        assert verdicts.conclude(several, significant=False) == (PARTLY if worst == SUPPORTED else worst)


def test_holms_correction_is_that_of_the_closed_test():
    """A hypothesis is rejected where every set that holds it is, by Bonferroni (Marcus, Peritz and Gabriel 1976)."""
    p = [0.01, 0.04, None, 0.03, 0.005, 0.8]
    known = [i for i, value in enumerate(p) if value is not None]
    closed = [None] * len(p)
    for i in known:
        sets = (s for size in range(1, len(known) + 1) for s in itertools.combinations(known, size) if i in s)
        closed[i] = max(min(1.0, len(s) * min(p[j] for j in s)) for s in sets)
    assert verdicts.holm(p) == pytest.approx(closed)
    assert verdicts.holm([]) == [] and verdicts.holm([None]) == [None]


def test_of_claims_without_any_effect_hardly_any_study_supports_one():
    """Forty claims on noise: the whole family errs in at most one study of twenty, whatever effect would matter."""
    generator, wrong = np.random.default_rng(5), 0
    for _ in range(200):
        p = scipy.stats.ttest_1samp(generator.standard_normal((40, 30)), 0.0, axis=1).pvalue
        wrong += any(value < 0.05 for value in verdicts.holm(p.tolist()))
    assert wrong / 200 <= 0.08


def test_no_number_of_frames_is_told_where_single_draws_are_in_the_error():
    alone = Estimate(40, 40, 0.1, (-0.3, 0.5), 0.0, error=0.2)
    with_draws = alone._replace(degrees=19.0)
    tests = [verdicts.judge(each, Rule(0.0, 0.1)) for each in (alone, with_draws)]
    assert [test.verdict for test in tests] == [UNKNOWN] * 2
    assert tests[0].tells > 40 and tests[1].tells is None and tests[1].power > 0
    assert with_draws.p_value(0.0) == pytest.approx(2 * scipy.stats.t.sf(0.5, 19))
