"""Policies whose rules are known: what pasted bars and edits find of them."""

import numpy as np
import pytest
import scipy

from minetest_interp.analysis.bars import BarSettings
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import darkness
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy
from tests.samples import smooth_frames

SIDE, COUNT = 32, 24
LEVEL, EACH = Level(least_clusters=3), np.arange(COUNT)
GENERATOR = np.random.default_rng(0)
FRAMES = (100 + 30 * GENERATOR.random((COUNT, 1, 1, 1))) * np.ones((1, 1, SIDE, SIDE)) + GENERATOR.normal(
    0, 4, (COUNT, 1, SIDE, SIDE)
)
TEXTURES = GENERATOR.uniform(0.3, 0.7, (3, 1, 24, 4))
SETTINGS = BarSettings(donors=2)


def difference(of):
    """A policy that turns left by how much more the left half has of something."""
    return lambda frames: of(frames[..., : SIDE // 2]) - of(frames[..., SIDE // 2 :])


def dark(half):
    return -half.mean((1, 2, 3)) / 100


def roughness(half):
    return np.abs(np.diff(half, axis=2)).mean((1, 2, 3)) / 100


def estimated(ask, frames=FRAMES, textures=TEXTURES):
    turned, (kinds, pictures) = darkness.measure_bars(ask, frames, textures, SETTINGS)
    assert kinds == list(turned) and pictures.shape == (len(kinds), 2, *frames.shape[1:])
    places = darkness.measure_places(ask, frames, SETTINGS)
    assert places.shape == (3, len(SETTINGS.widths), len(SETTINGS.offsets), COUNT)
    found = darkness.bar_estimates(turned, places.mean((1, 2)), SETTINGS.doses, EACH, LEVEL)
    assert {claim: tuple(parts) for claim, parts in found.items()}.keys() == darkness.BARS.keys()
    assert all(set(parts) == set(darkness.BARS[claim]) for claim, parts in found.items())
    return found["turns-to-dark"], found["turns-to-rough"]


def test_a_policy_that_turns_to_the_dark_does_so_by_as_much_as_the_bar_is_darker():
    to_dark, to_rough = estimated(difference(dark))
    mean, area = FRAMES.mean((1, 2, 3)), 24 * 4 / (SIDE * SIDE // 2)
    assert to_dark["dark"].estimate == pytest.approx((mean / 2 * area / 100).mean(), rel=0.02)
    assert to_dark["dose"].estimate == 1 and to_dark["share"].estimate == 1
    assert to_dark["over-bright"].estimate == pytest.approx(2 * to_dark["dark"].estimate, rel=0.02)
    assert to_dark["narrow"].estimate < to_dark["dark"].estimate < to_dark["wide"].estimate
    assert to_dark["texture"].estimate == pytest.approx(to_dark["texture-flat"].estimate)
    assert to_dark["texture-light"].estimate == pytest.approx(0, abs=0.005)
    assert to_rough["rough"].estimate == pytest.approx(0, abs=0.005) and to_rough["over-dark"].interval[1] < 0
    assert to_dark["places"].interval[0] > 0 > to_rough["over-dark-places"].interval[1]


def test_a_policy_that_turns_to_the_rough_does_so_whatever_the_luminance():
    to_dark, to_rough = estimated(difference(roughness))
    assert to_rough["rough"].interval[0] > 0.05 and to_rough["over-dark"].interval[0] > 0.05
    assert to_rough["over-plain"].interval[0] > 0.05 and to_rough["scene"].estimate > 0
    assert to_dark["texture-light"].estimate > to_dark["texture"].estimate > to_dark["texture-flat"].estimate
    assert to_dark["dark"].estimate < 0 and to_dark["over-bright"].estimate == pytest.approx(0, abs=0.002)


def test_a_policy_that_turns_one_way_whatever_it_sees_turns_to_no_bar():
    to_dark, to_rough = estimated(lambda frames: np.full(len(frames), 0.3))
    assert {part.estimate for part in (*to_dark.values(), *to_rough.values())} == {0}


def test_without_textures_the_other_bars_are_still_measured():
    to_dark, _ = estimated(difference(dark), textures=TEXTURES[:0])
    assert to_dark["texture"].reason == to_dark["over-texture"].reason == darkness.NO_TEXTURE
    assert to_dark["dark"].estimate > 0


def test_rank_correlations_are_spearman_s_of_each_frame():
    responses = GENERATOR.normal(size=(5, 7)).round(1)
    found = darkness.rank_correlations(responses, SETTINGS.doses)
    expected = [scipy.stats.spearmanr(column, SETTINGS.doses).statistic for column in responses.T]
    np.testing.assert_allclose(found, expected)
    assert darkness.rank_correlations(np.ones((5, 1)), SETTINGS.doses) == 0


def with_trunks(*, dark_by, rough_by):
    """Frames with a trunk of 6 columns somewhere, and its share and position."""
    frames, share = FRAMES.copy(), np.zeros((COUNT, SIDE, SIDE))
    first = np.linspace(1, SIDE - 7, COUNT).round().astype(int)
    stripes = np.where(np.arange(SIDE) % 2, rough_by, -rough_by)
    for i, at in enumerate(first):
        frames[i, 0, :, at : at + 6] += stripes[:, None] - dark_by
        share[i, :, at : at + 6] = 1
    return frames, share, 2 * (first + 3) / SIDE - 1


@pytest.mark.parametrize(("rule", "by_light"), [(dark, True), (roughness, False)])
def test_edits_take_what_the_policy_turns_by(rule, by_light):
    frames, share, position = with_trunks(dark_by=40, rough_by=20)
    turned, (kinds, pictures) = darkness.measure_edits(difference(rule), frames, share, position, SETTINGS)
    assert kinds == ["as it is", *darkness.EDITS] and pictures.shape == (6, *frames.shape[1:])
    found = darkness.edit_estimates(turned, position, EACH, LEVEL)
    light = [found[edit].estimate for edit in ("scaled", "shifted", "local")]
    assert found["erased"].interval[0] > 0
    if by_light:
        np.testing.assert_allclose(light, found["erased"].estimate, rtol=0.1)
        assert found["flattened"].estimate == pytest.approx(0, abs=1e-4)
    else:
        assert max(light) < 0.2 * found["erased"].estimate < found["flattened"].estimate
        assert found["erased-over-luminance"].interval[0] > 0
    for name, edit in (("luminance", "scaled"), ("shifted", "shifted"), ("local", "local")):
        more = found["erased"].estimate - found[edit].estimate
        assert found[f"erased-over-{name}"].estimate == pytest.approx(more)


def partial(x, y, given):
    """By regression: the correlation of the residuals of ranks."""
    given = np.stack([np.ones(len(x)), *map(scipy.stats.rankdata, given)], axis=1)
    left = [ranks - given @ np.linalg.lstsq(given, ranks, rcond=None)[0] for ranks in map(scipy.stats.rankdata, (x, y))]
    return np.corrcoef(*left)[0, 1]


def test_relations_are_partial_rank_correlations_with_the_signs_of_left():
    position, turning = GENERATOR.uniform(-1, 1, COUNT), GENERATOR.normal(size=COUNT)
    halves = GENERATOR.uniform(20, 200, (2, COUNT))
    found = darkness.relation_estimates(turning, position, halves, EACH, LEVEL)
    darker = halves[1] - halves[0]
    assert tuple(found) == darkness.RELATIONS
    assert found["correlation"].estimate == pytest.approx(partial(turning, -position, [*halves, darker]), abs=1e-5)
    assert found["raw"].estimate == pytest.approx(scipy.stats.spearmanr(turning, -position).statistic, abs=1e-5)
    assert found["given-halves"].estimate == pytest.approx(partial(turning, -position, halves), abs=1e-5)
    assert found["brightness"].estimate == pytest.approx(partial(turning, darker, [-position]), abs=1e-5)


def test_what_follows_brightness_alone_has_no_relation_with_the_side_beyond_it():
    generator = np.random.default_rng(3)
    position, count = generator.uniform(-1, 1, 400), np.arange(400)
    halves = np.stack([100 + 50 * position, 100 - 50 * position]) + generator.normal(0, 30, (2, 400))
    turning = halves[1] - halves[0] + generator.normal(0, 10, 400)
    found = darkness.relation_estimates(turning, position, halves, count, LEVEL)
    assert found["raw"].interval[0] > 0.3 and found["brightness"].estimate > 0.9
    low, high = found["correlation"].interval
    assert low < 0 < high
    towards = darkness.relation_estimates(-position + turning / 300, position, halves, count, LEVEL)
    assert towards["correlation"].interval[0] > 0.5


TABLE = action_table({"do": ["left", "right"]}, {"yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}}})
GREYS, TRUNKS = smooth_frames(6, 84), np.zeros((6, 84, 84), np.float32)
TRUNKS[:3, :, 10:30] = 1
POSITION = np.where(np.arange(6) < 3, -0.5, np.nan)


def measured(*, frames=GREYS, share=TRUNKS, position=POSITION, side=1, geometry=(2, (6, 5, 4)), labelled=True):
    policy = random_policy(Geometry(geometry[0], 84, geometry[1], (8, 4, 3), (4, 2, 1), 16, 2), seed=3, gain=50.0)
    arrays = {
        "frames": np.arange(6).astype(str), "original": frames, "share": share, "position": position,
        "group": np.full(6, ""),
    }  # fmt: skip
    return darkness.measure(
        policy, TABLE, arrays if labelled else None, steering="yaw", side=side, level=LEVEL, widths=[0.1],
        offsets=[0.5],
    )  # fmt: skip


def test_what_cannot_be_measured_is_missing_and_says_why():
    none = measured(labelled=False).estimates
    assert {part.estimate for parts in none.values() for part in parts.values()} == {None}
    no_trunk = measured(share=0 * TRUNKS, position=np.full(6, np.nan)).estimates
    assert no_trunk["turns-to-dark"]["dark"].estimate is not None
    assert no_trunk["turns-to-dark"]["texture"].reason == darkness.NO_TEXTURE
    assert "no pixel of its class" in no_trunk["trunk-beyond-brightness"]["correlation"].reason
    everywhere = measured(position=np.linspace(-1, 1, 6)).estimates
    assert everywhere["turns-to-rough"]["rough"].reason == darkness.NO_EMPTY
    assert everywhere["trunk-beyond-brightness"]["erased"].estimate is not None
    for found in (none, no_trunk, everywhere):
        expected = darkness.BARS | darkness.WITH_CONCEPT
        assert {claim: set(parts) for claim, parts in found.items()} == {k: set(v) for k, v in expected.items()}


def test_the_side_turns_every_response_round():
    one, other = (measured(side=side).arrays for side in (1, -1))
    for name in ("bars/turned", "bars/places", "edits/turned"):
        np.testing.assert_allclose(one[name], -other[name])


def test_a_picture_in_colours_that_are_all_alike_is_answered_as_its_grey():
    """Of networks with three planes, which take a grey frame three times."""
    greys = measured(geometry=(3, (6, 5, 4))).arrays
    colours = measured(frames=np.repeat(GREYS[:, None], 3, axis=1), geometry=(3, (6, 5, 4))).arrays
    for name in ("bars/turned", "bars/places", "edits/turned"):
        np.testing.assert_allclose(colours[name], greys[name], atol=1e-5)
    assert colours["bars/example"].shape[2] == 3 and colours["edits/example"].shape[1] == 3


@pytest.mark.parametrize("grey", [0, 255])
def test_frames_of_one_grey_and_a_single_frame_of_each_sort_have_finite_answers(grey):
    chosen = slice(2, 4)  # one with a trunk and one without
    found = darkness.measure(
        random_policy(Geometry(1, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 2), seed=3, gain=50.0),
        TABLE,
        {
            "frames": np.array(["a", "b"]), "original": np.full((2, 84, 84), grey, np.float32), "share": TRUNKS[chosen],
            "position": POSITION[chosen], "group": np.array(["", ""]),
        },
        steering="yaw",
        widths=[0.1],
        offsets=[0.5],
    )  # fmt: skip
    for name in ("bars/turned", "bars/places", "edits/turned", "bars/example", "edits/example"):
        assert np.isfinite(found.arrays[name]).all(), name
    assert all(part.interval is None for parts in found.estimates.values() for part in parts.values())
