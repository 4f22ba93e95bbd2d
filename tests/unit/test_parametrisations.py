"""Images as parameters: they render what numpy's Fourier transform says, and share what they say they share."""

import jax
import numpy as np
import pytest

from minetest_interp.dreams import parametrisations
from minetest_interp.io.errors import InputError
from minetest_interp.model.policy import Geometry
from tests.samples import smooth_frames

GEOMETRY = Geometry(frames=3)


@pytest.fixture(scope="module")
def prior():
    return parametrisations.fit_prior(smooth_frames(12), GEOMETRY)


def every_image(prior, **options):
    return [
        parametrisations.pixels(GEOMETRY, **options),
        parametrisations.fourier(GEOMETRY, **options),
        parametrisations.frame_prior(prior, GEOMETRY, **options),
        parametrisations.maco(prior, GEOMETRY, **options),
    ]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 9), (64, 64), (8, 13), (9, 6)])
def test_the_matrix_transform_is_numpy_s_inverse_transform(height, width):
    parts = np.random.default_rng(0).standard_normal((2, 2, height, width // 2 + 1)).astype(np.float32)
    expected = np.fft.irfft2(parts[:, 0] + 1j * parts[:, 1], s=(height, width))
    rows, columns = np.arange(height), np.array([0, width - 1, 3])
    shown = parametrisations.inverse_fourier(parts, rows, columns, width=width)
    np.testing.assert_allclose(shown, expected[:, :, columns], atol=1e-5)


def test_the_frame_prior_is_the_mean_plus_scaled_waves_cut_at_black_and_white(prior):
    image = parametrisations.frame_prior(prior, GEOMETRY)
    z = np.asarray(30 * image.start(3))
    waves = np.fft.irfft2(prior.rms * (z[0, 0] + 1j * z[0, 1]))
    expected = np.clip(prior.mean + waves, 0, 255)
    assert (expected == 0).any() and (expected == 255).any()
    np.testing.assert_allclose(image.render(z[None], parametrisations.window((64, 64)))[0, 0], expected, atol=2e-3)


def test_maco_has_the_frames_magnitudes_whatever_its_phases(prior):
    image = parametrisations.maco(prior, GEOMETRY)
    phases = image.start(1)
    spectrum = np.asarray(
        image.unbounded(np.stack([np.cos(phases), np.sin(phases)], 1)[None], parametrisations.window((64, 64)))
    )
    # the constant and Nyquist columns hold the real part of two phases; the others hold theirs
    found = np.abs(np.fft.rfft2(spectrum[0, 0]))[:, 1:-1]
    np.testing.assert_allclose(found, prior.magnitude[:, 1:-1], rtol=1e-3, atol=0.5)


def test_a_shared_frame_is_one_frame_and_deltas_make_the_others(prior):
    for image in every_image(prior, frames="shared"):
        assert image.render(image.start(0)[None], parametrisations.window((64, 64))).shape == (1, 1, 64, 64)
    for image in every_image(prior, frames="motion"):
        z = np.asarray(image.start(0))
        still = z.copy()
        still[1:] = 0
        shown = np.asarray(image.render(np.stack([z, still]), parametrisations.window((64, 64))))
        assert shown.shape == (2, 3, 64, 64)
        assert (shown[0, 0] != shown[0, 1]).any()
        np.testing.assert_array_equal(shown[1, 1:], shown[1, :2])


def test_gradients_reach_the_shared_frame_from_every_frame_of_the_stack(prior):
    image = parametrisations.frame_prior(prior, GEOMETRY, frames="motion")
    z = image.start(0)[None]
    slopes = [
        np.asarray(jax.grad(lambda z, t=t: image.render(z, parametrisations.window((64, 64)))[:, t].sum())(z)[0])
        for t in range(3)
    ]
    np.testing.assert_allclose(slopes[0][0], slopes[1][0], atol=1e-2)
    assert (slopes[0][2:] == 0).all() and (slopes[0][1] != 0).any()


def test_a_window_is_cut_from_the_whole_with_its_edge_repeated(prior):
    for image in every_image(prior):
        z = image.start(2)[None]
        whole = np.pad(np.asarray(image.render(z, parametrisations.window((64, 64))))[0, 0], 4, mode="edge")
        part = image.render(z, parametrisations.window((64, 64), box=(50, 0, 14, 14), margin=4))[0, 0]
        np.testing.assert_allclose(part, whole[50 : 50 + 22, :22], atol=2e-3)


def test_a_real_frame_is_encoded_by_its_parameters(prior):
    frame = smooth_frames(1, seed=9)[0].clip(1, 254)
    for image in every_image(prior)[:3]:
        shown = image.render(image.encode(frame)[None], parametrisations.window((64, 64)))[0]
        np.testing.assert_allclose(shown, np.broadcast_to(frame, shown.shape), atol=0.05)


def test_the_same_seed_starts_from_the_same_numbers(prior):
    for image in every_image(prior):
        assert np.asarray(image.start(4)).tobytes() == np.asarray(image.start(4)).tobytes()
        assert (image.start(4) != image.start(5)).any()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((5, 32, 32)), r"at least 2 of 64x64, .*shape \(5, 32, 32\)"),
        (np.zeros((1, 64, 64)), r"at least 2"),
        (np.full((3, 64, 64), np.nan), r"grey levels from 0 to 255"),
        (np.full((3, 64, 64), 256.0), r"grey levels from 0 to 255"),
    ],
)
def test_a_prior_from_unfit_frames_is_refused(frames, message):
    with pytest.raises(InputError, match=message):
        parametrisations.fit_prior(frames, GEOMETRY)


def test_a_prior_of_another_size_or_an_unknown_sharing_is_refused(prior):
    with pytest.raises(InputError, match="84x84"):
        parametrisations.frame_prior(prior, Geometry(size=84))
    with pytest.raises(InputError, match="`frames` must be one of shared, separate, motion"):
        parametrisations.pixels(GEOMETRY, frames="moving")
