"""Units on frames: ends and middle of a range, concept counts, conflicts, and the map, each by a law or by hand."""

import numpy as np
import pytest

from minetest_interp.analysis import stats
from minetest_interp.dreams import exemplars
from minetest_interp.dreams.units import Unit
from minetest_interp.facts import units as unit_facts
from minetest_interp.model.policy import nature
from tests.unit.test_network_js import SMALL

NETWORK = nature(SMALL)


def test_the_middle_is_about_the_median_and_the_lowest_where_it_is_lowest():
    height, width, channels = NETWORK.shape("conv1")
    response = np.zeros((5, height, width))
    response[:, 1, 2] = [5, 1, 4, 2, 3]
    response[[3, 0], 0, 1] = [-7, -2]
    unit = Unit("conv1/0", "conv1", None, np.eye(channels)[0], (0, 0))
    middle, lowest = exemplars.range_frames(unit, NETWORK, response, count=2)
    assert [(one.frame, one.activation) for one in middle] == [(4, 3), (2, 4)]
    assert [(one.frame, one.activation) for one in lowest] == [(3, -7), (0, -2)]
    assert {one.box for one in middle} == {NETWORK.box("conv1", (1, 2))}
    assert {one.box for one in lowest} == {NETWORK.box("conv1", (0, 1))}
    whole = Unit("value", "head", None, None, None)
    [(_, box, number)], _ = exemplars.range_frames(whole, NETWORK, np.array([[[2.0]]]), count=2)
    assert box == (0, 0, 50, 50) and number == 2


def test_a_patch_holds_a_concept_from_a_tenth_of_it_on():
    share = np.zeros((2, 50, 50))
    share[0] = 0.1
    top, left, height, width = NETWORK.box("conv0", (2, 3))
    share[1, top : top + height, left : left + width] = 0.1
    share[1, top, left] -= 0.01
    held = exemplars.holding("conv0", NETWORK, share, trunk_share=0.1)
    assert held[0].all() and not held[1].any()
    assert exemplars.holding("conv0", NETWORK, share, trunk_share=0.09)[1, 2, 3]


def test_counts_look_where_the_unit_is_strongest_and_lowest():
    response = np.zeros((6, 2, 2))
    response[:, 0, 1], response[:, 1, 0] = [6, 5, 4, 3, 2, 1], [-1, -2, -3, -4, -5, -6]
    held = np.zeros((6, 2, 2), bool)
    held[[0, 2], 0, 1] = True
    held[5, 1, 0] = held[4, 0, 1] = True
    assert exemplars.concept_counts(response, held, count=3) == (2, 1, 3, pytest.approx(4 / 24))


@pytest.mark.parametrize(
    ("on", "q", "strongest", "conflict"),
    [
        (False, 0.01, 6, True),
        (False, 0.01, 4, False),
        (True, 0.01, 4, True),
        (True, 0.01, 5, False),
        (False, 0.2, 9, False),
    ],
)
def test_a_score_and_the_strongest_frames_conflict_by_the_majority(on, q, strongest, conflict):
    assert unit_facts.is_conflict(on, q, strongest, 9) == conflict


def test_similar_units_are_the_strongest_on_each_side():
    correlations = np.array([[1, 0.9, -0.8, 0.2, np.nan], *np.zeros((4, 5))])
    along, against = unit_facts.similar_units(correlations, "abcde", 0, count=5)
    assert along == [{"name": "b", "correlation": 0.9}, {"name": "d", "correlation": 0.2}]
    assert against == [{"name": "c", "correlation": -0.8}]
    nothing = np.full((2, 2), np.nan)
    assert unit_facts.similar_units(nothing, "ab", 0, count=5) == ([], [])


def test_the_map_keeps_distances_that_lie_in_a_plane_and_its_signs():
    """Rows on a circle about zero have the distances sqrt(2 - 2 r) in the plane exactly."""
    angles = np.array([0.1, 0.9, 2.0, 3.3, 4.4, 5.5])
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 3)) - 0.0)[0]
    basis -= basis.mean(0)
    basis = np.linalg.qr(basis)[0][:, :2]
    rows = np.stack([np.cos(angles), np.sin(angles)], 1) @ basis.T
    correlations = stats.correlations(np.vstack([rows, np.ones(8)]))
    places, shown = exemplars.similarity_map(correlations)
    assert np.isnan(places[-1]).all() and shown.sum() == pytest.approx(1)
    between = np.linalg.norm(places[:-1, None] - places[None, :-1], axis=-1)
    np.testing.assert_allclose(between**2, 2 - 2 * np.cos(angles[:, None] - angles), atol=1e-9)
    for axis in places[:-1].T:
        assert axis[np.abs(axis).argmax()] > 0
    turned, _ = exemplars.similarity_map(correlations[::-1, ::-1])
    np.testing.assert_allclose(turned[1:][::-1], places[:-1], atol=1e-9)


def test_fewer_than_three_units_that_vary_have_no_map():
    places, shown = exemplars.similarity_map(np.array([[1.0, 0.5, np.nan], [0.5, 1.0, np.nan], [np.nan] * 3]))
    assert np.isnan(places).all() and not shown.any()
