"""Features of receptive fields and what they explain, recomputed pixel by pixel, and planted."""

import numpy as np
import pytest

from minetest_interp.analysis import picture_features
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
NETWORK = random_policy(SMALL).architecture
LAYER = "conv1"
FRAMES = 8
FIRST = np.arange(FRAMES) % 2 == 0


@pytest.fixture(scope="module")
def greys() -> np.ndarray:
    return smooth_frames(FRAMES, SMALL.size)


@pytest.fixture(scope="module")
def features(greys) -> dict[str, np.ndarray]:
    share = (greys > 140).astype(np.float32)
    return picture_features.of_pictures(greys, NETWORK, LAYER, shares={"trunk": share})


def windows(greys: np.ndarray) -> np.ndarray:
    """What each position sees, `[N, P, height, width]`."""
    rows, columns, _ = NETWORK.shape(LAYER)
    boxes = [NETWORK.box(LAYER, (r, c)) for r in range(rows) for c in range(columns)]
    return np.stack([greys[:, top : top + h, left : left + w] for top, left, h, w in boxes], 1).astype(np.float64)


def test_brightness_contrast_and_shares_are_those_of_the_pixels_in_the_field(greys, features):
    seen = windows(greys)
    np.testing.assert_allclose(features["brightness"], seen.mean((2, 3)), rtol=1e-5)
    np.testing.assert_allclose(features["contrast"], seen.std((2, 3)), rtol=1e-5)
    np.testing.assert_allclose(features["share of trunk"], (seen > 140).mean((2, 3)), atol=1e-9)


def test_a_ramp_has_gradients_along_its_own_direction_alone():
    columns = np.broadcast_to(np.arange(SMALL.size, dtype=np.float64), (2, SMALL.size, SMALL.size))
    for picture, strong, weak in ((columns, "across", "down"), (columns.transpose(0, 2, 1), "down", "across")):
        found = picture_features.of_pictures(picture, NETWORK, LAYER, shares={})
        middle = found[f"gradient {strong}, 1/8"].reshape(2, *NETWORK.shape(LAYER)[:2])[:, 2:-2, 2:-2]
        np.testing.assert_allclose(middle, 1, rtol=0.05)
        np.testing.assert_allclose(found[f"gradient {weak}, 1/8"], 0, atol=1e-9)
    level, diagonal, upright = (found[f"edges, {angle} degrees"].mean() for angle in (0, 45, 90))
    assert level < 1e-9 < diagonal < upright


def test_turning_the_picture_s_grey_levels_over_turns_signed_gradients_and_no_edges(greys, features):
    other = picture_features.of_pictures(255 - greys, NETWORK, LAYER, shares={})
    for name, found in other.items():
        sign = -1 if name.startswith("gradient") else 1
        expected = 255 - features[name] if name == "brightness" else sign * features[name]
        np.testing.assert_allclose(found, expected, atol=1e-3, err_msg=name)


def responses(features) -> np.ndarray:
    """Channels that are brightness, minus it, contrast with noise, noise, and nothing."""
    generator = np.random.default_rng(1)
    noise = generator.standard_normal((2, *features["brightness"].shape))
    contrast = features["contrast"] / features["contrast"].std()
    made = [features["brightness"], 7 - 3 * features["brightness"], contrast + 0.1 * noise[0], noise[1], 0 * noise[0]]
    return np.stack(made, -1)


def test_planted_features_are_found_on_frames_that_no_model_has_seen(features):
    found = responses(features)
    predicted = picture_features.predict_responses(found, np.stack(list(features.values()), -1), FIRST)
    misses = picture_features.misses(found[~FIRST], predicted[~FIRST])
    explained = picture_features.explained_shares(misses)(np.ones((~FIRST).sum()))
    assert explained[0] == pytest.approx(1) and explained[1] == pytest.approx(1)
    assert explained[2] > 0.9 and explained[3] < 0.1 and explained[4] == 0
    sums = picture_features.response_moments(found, features["brightness"][..., None])
    correlation = picture_features.feature_correlation(sums)(np.ones(FRAMES))
    np.testing.assert_allclose(correlation[[0, 1, 4]], [1, -1, 0], atol=1e-6)
    assert abs(correlation[3]) < 0.1


def test_numbers_for_any_weights_are_those_of_frames_that_are_there_so_often(features):
    found = responses(features)[..., :4]
    times = np.array([2, 0, 1, 3, 0, 1, 1, 0])
    every = np.stack(list(features.values()), -1)
    predicted = picture_features.predict_responses(found, every, FIRST)
    rows = np.repeat(np.arange(FRAMES), times)
    y, p, x = (each[rows].reshape(-1, each.shape[-1]) for each in (found, predicted, features["brightness"][..., None]))
    expected = 1 - ((y - p) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)
    explained = picture_features.explained_shares(picture_features.misses(found, predicted))
    np.testing.assert_allclose(explained(times.astype(float)), expected, atol=1e-5)
    correlation = picture_features.feature_correlation(
        picture_features.response_moments(found, features["brightness"][..., None])
    )
    expected = [np.corrcoef(y[:, c], x[:, 0])[0, 1] for c in range(4)]
    np.testing.assert_allclose(correlation(times.astype(float)), expected, atol=1e-5)
    design = np.c_[np.ones(FIRST.sum() * every.shape[1]), every[FIRST].reshape(-1, every.shape[-1])]
    fitted = np.linalg.lstsq(design, found[FIRST].reshape(len(design), -1))[0]
    np.testing.assert_allclose(predicted[FIRST].reshape(len(design), -1), design @ fitted, atol=1e-5)


def test_the_brightness_of_other_frames_explains_what_it_does_when_moved_there(features):
    found, brightness, shifts = responses(features)[..., :4], features["brightness"], np.array([1, 3])
    sums = picture_features.response_moments(found, brightness[..., None])
    shares = picture_features.shifted_shares(sums, found, brightness, shifts=shifts, least=0.01)
    expected = [
        np.mean(
            [np.corrcoef(found[..., c].ravel(), np.roll(brightness, s, 0).ravel())[0, 1] ** 2 >= 0.01 for c in range(4)]
        )
        for s in shifts
    ]
    assert shares(np.ones(FRAMES)) == pytest.approx(np.mean(expected))
