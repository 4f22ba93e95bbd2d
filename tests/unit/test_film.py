"""An episode's film, curves and numbers: what is drawn is what was recorded."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minetest_interp.claims import play
from minetest_interp.facts import episode
from minetest_interp.io import files, stores
from minetest_interp.io.errors import InputError
from minetest_interp.model import episodes
from minetest_interp.pages import curves, film
from minetest_interp.pages import episode as page
from minetest_interp.stages import film as stage
from tests.played import FILMED, HEIGHT, STEPS, WIDTH, taken, write_film
from tests.unit.test_explorer import GEOMETRY, table_of_a_study

PLACES = 3
SETTINGS = play.PlaySettings(gamma=0.9, steps=45)
ACTIONS = {
    "factors": {"x": ["left", "-", "right"]},
    "behaviours": {"yaw": {"plus": {"x": "left"}, "minus": {"x": "right"}}},
    "steering": "yaw",
}


def recorded(seed=0, size=GEOMETRY.size, actions=3):
    """As `gather` keeps a policy's episodes; the film is of the middle place."""
    random = np.random.default_rng(seed)
    shape = PLACES, STEPS
    pose = np.zeros((*shape, 5))
    pose[..., [0, 2]] = np.cumsum(random.normal(0, 0.3, (*shape, 2)), 1) + np.array([100, -40])
    pose[..., 3] = random.uniform(-180, 180, shape)
    dug = (random.random(shape) < 0.1).astype(np.uint8)
    return {
        "place": np.array([f"place {n}" for n in range(PLACES)]),
        "step_s": np.array(0.05, np.float32),
        "action": random.integers(0, actions, shape).astype(np.uint8),
        "distance": random.uniform(1, 30, shape).astype(np.float32),
        "direction": random.uniform(-180, 180, shape).astype(np.float32),
        "on_trunk": random.random(shape) < 0.1,
        "dug": dug,
        "shaped": (random.normal(0, 0.05, shape) + dug).astype(np.float32),
        "pose": pose.astype(np.float32),
        "logits": random.normal(size=(*shape, actions)).astype(np.float32),
        "value": random.normal(1, 0.5, shape).astype(np.float32),
        "darker": random.normal(size=shape).astype(np.float32),
        "trees": np.array([[0, 101, -40], [1, 100, -38], [1, 103, -41], [2, 99, -39]], np.int16),
        "filmed": np.array(FILMED),
        "film": random.integers(0, 256, (STEPS, size, size)).astype(np.uint8),
    }


FILM = "filmed", "film"


def write_recording(folder, arrays, pictures):
    np.savez_compressed(folder / "own.npz", **{name: array for name, array in arrays.items() if name not in FILM})
    write_film(folder, pictures, **{name: arrays[name] for name in FILM if name in arrays})


@pytest.fixture
def folder(tmp_path):
    write_recording(tmp_path, recorded(), taken())
    return tmp_path


def read_recording(folder):
    """The policy's episodes and the film of one of them."""
    own = episodes.read(folder / "own.npz", sees=True)
    return own, episodes.read_film(folder / "own-film.npz", places=PLACES, steps=STEPS)


def shown_of(arrays, folder):
    write_recording(folder, arrays, taken())
    return episode.filmed(*read_recording(folder), table_of_a_study(), "yaw", SETTINGS, folder / "own.npz")


def test_the_numbers_are_those_of_the_filmed_place(tmp_path):
    arrays = recorded()
    shown = shown_of(arrays, tmp_path)
    for name in ("action", "value", "shaped", "dug", "pose"):
        np.testing.assert_array_equal(shown[name], arrays[name][1])
    np.testing.assert_array_equal(shown["frames"], arrays["film"])
    shares = np.exp(arrays["logits"][1])
    shares /= shares.sum(1, keepdims=True)
    np.testing.assert_allclose(shown["turn"], shares[:, 0] - shares[:, 2], atol=1e-6)
    np.testing.assert_allclose(shown["earned"], [arrays["shaped"][1, : i + 1].sum() for i in range(STEPS)], atol=1e-5)
    assert shown["trees"].tolist() == [[100, -38], [103, -41]] and shown["place"] == "place 1"
    facts = episode.episode_facts(shown, SETTINGS, {"conv0": 2})
    assert facts["dug"] == arrays["dug"][1].sum() and facts["seconds"] == 3.0 and facts["units"] == ["conv0/2"]
    assert facts["earned"] == pytest.approx(arrays["shaped"][1].sum(), abs=1e-5)
    for row in facts["moments"]:
        assert row["advantage"] == shown["advantage"][row["step"]] and row["step"] < SETTINGS.steps


def test_an_advantage_is_the_discounted_reward_that_followed_less_the_value(tmp_path):
    arrays = recorded(seed=3)
    reward, value = (arrays[name][1].astype(float) for name in ("shaped", "value"))
    expected = [sum(0.9**k * reward[i + k] for k in range(STEPS - i)) - value[i] for i in range(STEPS)]
    np.testing.assert_allclose(shown_of(arrays, tmp_path)["advantage"], expected, atol=1e-5)


@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=80))
def test_moments_are_the_largest_of_each_sign_and_stand_apart(numbers):
    advantage = np.array(numbers)
    chosen = episode.largest_moments(advantage, count=3, apart=10)
    assert (np.diff(chosen) >= 10).all()
    for sign in (1, -1):
        own = [i for i in chosen if sign * advantage[i] > 0]
        assert len(own) <= 3
        least = min((abs(advantage[i]) for i in own), default=0) if len(own) == 3 else 0
        # Whatever is left out is smaller than all of its sign, or close to one that is at least as large.
        for i in np.flatnonzero(sign * advantage > least):
            near = [j for j in chosen if abs(i - j) < 10 and abs(advantage[j]) >= abs(advantage[i])]
            assert i in chosen or near
    assert np.isfinite(advantage[chosen]).all() and (advantage[chosen] != 0).all()


@pytest.mark.parametrize("name", ["film", "filmed", "pose", "trees"])
def test_a_recording_without_a_film_is_refused(name, tmp_path):
    arrays = recorded()
    del arrays[name]
    with pytest.raises(InputError, match=f"must have the array '{name}'"):
        shown_of(arrays, tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"filmed": np.array(PLACES)}, f"must be the number of one of {PLACES} places; got {PLACES}"),
        ({"filmed": np.array([1])}, r"got \[1\]"),
        ({"film": np.zeros((STEPS - 1, 8, 8), np.uint8)}, f"of {STEPS} steps; got uint8"),
        ({"film": np.zeros((STEPS, 8, 8))}, "got float64"),
    ],
)
def test_a_film_of_other_episodes_is_refused(changes, words, tmp_path):
    with pytest.raises(InputError, match=words):
        shown_of(recorded() | changes, tmp_path)


def test_pictures_come_back_also_where_some_are_the_same_as_the_one_before(folder):
    pictures = film.read_pictures(folder / "own.webp", steps=STEPS)
    with Image.open(folder / "own.webp") as stored:
        assert stored.n_frames < len(pictures)
    assert pictures.shape == taken().shape
    assert np.abs(pictures.mean((1, 2)) - taken().mean((1, 2))).max() < 6


@pytest.mark.parametrize(
    ("content", "steps", "words"),
    [(b"no WebP", STEPS, "must be a WebP of 2 to"), (None, STEPS // 2 + 1, "must have a picture for every so many")],
)
def test_what_is_no_film_of_the_episode_is_refused(content, steps, words, folder):
    if content is not None:
        (folder / "own.webp").write_bytes(content)
    with pytest.raises(InputError, match=words):
        film.read_pictures(folder / "own.webp", steps=steps)


def test_the_film_has_every_picture_runs_as_fast_as_the_game_begins_anew_and_is_small(folder):
    run = {"own": folder / "own.npz", "seen": folder / "own-film.npz", "pictures": folder / "own.webp"}
    run |= {"actions": ACTIONS, "settings": {"gamma": 0.9}}
    written = {"arrays": folder / "film.npz", "moving": folder / "film.webp", "sheet": folder / "sheet.webp"}
    stage.run(**run, **written)
    assert (folder / "film.webp").stat().st_size <= film.LARGEST <= 3_000_000
    pictures = film.read_pictures(folder / "film.webp", steps=STEPS)
    with Image.open(folder / "film.webp") as moving:
        assert moving.info["loop"] == 0 and moving.size[0] == 320
        lengths = []
        for i in range(moving.n_frames):
            moving.seek(i)
            moving.load()
            lengths.append(moving.info["duration"])
    assert sum(lengths) == STEPS * 50
    own = film.read_pictures(folder / "own.webp", steps=STEPS)
    height = pictures.shape[1] - film.STRIP
    assert np.abs(pictures[:, 20 : height - 20].mean((1, 2)) - own.mean((1, 2))).max() < 8
    first = [path.read_bytes() for path in written.values()]
    stage.run(**run, **written)
    assert [path.read_bytes() for path in written.values()] == first
    assert stores.breaches(stores.store_of("film.npz"), files.read_arrays(folder / "film.npz")) == []


def test_a_film_that_would_be_too_large_is_made_with_less_quality_or_refused():
    noise = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3)).astype(np.uint8)
    shown = {name: np.arange(8) for name in ("turn", "value", "earned", "dug")}
    best = film.moving_picture(noise, shown, side=1)
    smaller = film.moving_picture(noise, shown, side=1, largest=len(best) - 1)
    assert len(smaller) < len(best)
    with pytest.raises(InputError, match="at most 100 bytes"):
        film.moving_picture(noise, shown, side=1, largest=100)


def test_a_sheet_has_each_picture_at_its_place():
    pictures = np.random.default_rng(1).integers(0, 256, (7, 1, 1, 3)).repeat(16, 1).repeat(24, 2).astype(np.uint8)
    lies = film.sheet_of(pictures)
    with Image.open(io.BytesIO(film.picture_sheet(pictures))) as stored:
        sheet = np.asarray(stored.convert("RGB"), float)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, lies.columns)
        cell = sheet[row * 16 + 4 : row * 16 + 12, column * 24 + 4 : column * 24 + 20]
        assert np.abs(cell.mean((0, 1)) - picture.mean((0, 1))).max() < 12


@pytest.mark.parametrize("turning", [0.0, 0.3, 1.0])
def test_the_arrow_points_to_the_side_of_the_turn(turning):
    left, right = (np.asarray(film.dial(x, 48), float) for x in (turning, -turning))
    assert np.abs(left[:, ::-1] - right).mean() < 4
    middles = [np.average(np.arange(48), weights=(d[..., 2] - d[..., 0]).clip(0).sum(0)) for d in (left, right)]
    assert middles[0] < middles[1] - 0.5 if turning else abs(middles[0] - middles[1]) < 0.1
    rows = (left[..., 2] - left[..., 0]).clip(0).sum(1)
    assert turning == 1 or rows[:24].sum() > rows[24:].sum()


def points(drawing, kind):
    path = re.search(rf'<path class="{kind}" d="([^"]*)"', str(drawing))[1]
    return [(command, *map(float, at.split())) for command, at in re.findall(r"([ML])([-\d. ]+)", path)]


def test_a_curve_goes_through_its_numbers_on_its_scale_and_is_broken_where_one_is_missing():
    values = np.random.default_rng(2).normal(size=30)
    values[[4, 5, 29]] = np.nan
    drawn = curves.curve("value", values)
    free = curves.MARGIN * (drawn.high - drawn.low)
    found = points(drawn.drawing, "line")
    assert [int(step) for _, step, _ in found] == np.flatnonzero(np.isfinite(values)).tolist()
    assert [int(step) for command, step, _ in found if command == "M"] == [0, 6]
    for _, step, y in found:
        expected = 100 * (drawn.high + free - values[int(step)]) / (drawn.high - drawn.low + 2 * free)
        assert y == pytest.approx(expected, abs=0.051)
    assert (drawn.low, drawn.high) == (np.nanmin(values), np.nanmax(values))
    assert curves.curve("value", np.full(5, np.nan)) is None


def test_zero_is_in_the_middle_of_a_symmetric_curve():
    drawn = curves.curve("turn", np.array([0.1, -0.4, 0.2]), symmetric=True)
    assert (drawn.low, drawn.high) == (-0.4, 0.4) and 'd="M0 50.0H2"' in drawn.drawing


def test_the_map_has_north_up_and_the_arrow_looks_where_the_agent_looks():
    pose = np.array([[10.0, 1, 20, 90, 0], [9, 1, 20, 90, 0], [8, 1, 23, 0, 0]])
    drawn = str(curves.from_above(pose, np.array([[8, 24], [900, 900]]), np.array([False, True, False])))
    way = points(drawn, "way")
    assert [(x, y) for _, x, y in way] == [(10, -20), (9, -20), (8, -23)]
    assert 'd="M7.5 -24.5h1v1h-1Z"' in drawn  # the tree that is near, and no other
    # Yaw is counted against the clock from north, where the arrow looks up; SVG turns with the clock.
    assert 'transform="translate(10.00 -20.00) rotate(-90.0)' in drawn
    assert 'class="dug" cx="9.00" cy="-20.00"' in drawn


def test_curves_of_an_agent_without_a_critic_are_those_that_there_are(tmp_path):
    arrays = recorded()
    arrays["value"][:] = np.nan
    shown = shown_of(arrays, tmp_path)
    assert [one.name for one in page.curves(shown, 1)] == ["turn", "shaped"]
    assert len(shown["moments"]) == 0
    assert len(film.moving_picture(taken(), shown, side=1)) > 0
