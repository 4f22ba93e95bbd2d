"""Checks of a frame on pictures whose fault is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minetest_interp.capture import checks, classes, march
from minetest_interp.capture.types import Shot
from tests.capture import worlds

SKY_BLUE = 140, 186, 250
SIZE = {"width": 320, "height": 188}


@pytest.fixture(scope="module")
def rendered() -> march.Rendered:
    """Trees near and far on open ground, under a sky: what is behind the hedge and the roof counts as sky."""
    shown = worlds.forest((-3, 5), (4, 8), (-9, 20), (8, 24), (1, 28))
    return march.render(shown, worlds.standing(pitch=-3), **SIZE, reach=31)


def painted(rendered: march.Rendered, *, seed: int = 0) -> np.ndarray:
    """A picture in which every class has a texture of its own around a colour of its own; the sky is flat."""
    colours = np.zeros((10, 3))
    colours[[classes.TRUNK, classes.GROUND, classes.LEAVES]] = [90, 60, 30], [80, 130, 50], [40, 90, 30]
    grain = np.random.default_rng(seed).integers(-12, 13, (*rendered.classes.shape, 1))
    picture = (colours[rendered.classes] + grain).clip(0, 255).astype(np.uint8)
    picture[rendered.classes == classes.SKY] = SKY_BLUE
    return picture


def shifted(rendered: march.Rendered, right: int, down: int) -> march.Rendered:
    return march.Rendered(*(np.roll(array, (down, right), (0, 1)) for array in rendered))


@settings(max_examples=12)
@given(right=st.integers(-4, 4), down=st.integers(-4, 4))
def test_the_edge_shift_is_how_far_a_mask_was_pushed_away(rendered, right, down):
    assert checks.edge_shift(painted(rendered), shifted(rendered, right, down)) == (-right, -down)


def test_a_mask_without_edges_or_with_all_of_them_behind_plants_has_no_shift(rendered):
    flat = rendered._replace(classes=np.full_like(rendered.classes, classes.GROUND))
    hidden = rendered._replace(plants=np.ones_like(rendered.plants))
    assert checks.edge_shift(painted(rendered), flat) is None
    assert checks.edge_shift(painted(rendered), hidden) is None


def test_edges_behind_plants_do_not_count(rendered):
    """A picture whose left half shows the mask's edges, hidden by plants, in the wrong place."""
    picture, plants = painted(rendered), np.zeros_like(rendered.plants)
    picture[:, :160] = np.roll(painted(rendered), (3, 3), (0, 1))[:, :160]
    plants[:, :160] = True
    assert checks.edge_shift(picture, rendered._replace(plants=plants)) == (0, 0)


def test_a_good_frame_is_kept(rendered):
    shot = Shot("a", 0, worlds.standing(), 0.5)
    assert checks.unloaded(painted(rendered), rendered) == 0
    assert checks.reason_to_reject(painted(rendered), rendered, shot.pose, shot) is None


@pytest.mark.parametrize("sky_in_view", [True, False])
def test_sky_where_the_ground_should_be_is_found(rendered, sky_in_view):
    picture = painted(rendered)
    missing = (rendered.classes == classes.GROUND) & (rendered.distance > 14)
    if not sky_in_view:
        hidden = np.where(rendered.classes == classes.SKY, classes.LEAVES, rendered.classes)
        rendered = rendered._replace(classes=hidden)
    missing[:, :100] = False
    picture[missing] = SKY_BLUE
    share = checks.unloaded(picture, rendered)
    assert 0.5 * missing.mean() < share <= missing.mean() and share > 0.002
    shot = Shot("a", 0, worlds.standing(), 0.5)
    assert checks.reason_to_reject(picture, rendered, shot.pose, shot) == checks.UNLOADED


def test_flat_near_textures_leaves_and_other_colours_are_not_taken_for_sky(rendered):
    near = (rendered.classes == classes.GROUND) & (rendered.distance < 10)
    leaves = rendered.classes == classes.LEAVES
    far = (rendered.classes == classes.GROUND) & (rendered.distance > 14)
    for where, colour in ((near, SKY_BLUE), (leaves, SKY_BLUE), (far, (200, 190, 120))):
        picture = painted(rendered)
        picture[where] = colour
        assert where.any() and checks.unloaded(picture, rendered) == 0


def test_unknown_labels_and_a_stale_pose_are_reasons(rendered):
    shot = Shot("a", 0, worlds.standing(), 0.5)
    unread = rendered._replace(classes=rendered.classes.copy())
    unread.classes[0, 0] = classes.UNKNOWN
    picture = painted(rendered)
    assert checks.reason_to_reject(picture, unread, shot.pose, shot) == checks.UNLABELLED
    for other in (shot.pose._replace(yaw=1), shot.pose._replace(x=0.5), shot.pose._replace(pitch=-1)):
        assert checks.reason_to_reject(picture, rendered, other, shot) == checks.STALE


def test_yaw_is_compared_around_the_circle():
    assert checks.same_pose(worlds.standing(yaw=359.99), worlds.standing(yaw=0.01))
    assert not checks.same_pose(worlds.standing(yaw=359.9), worlds.standing(yaw=0.1))
