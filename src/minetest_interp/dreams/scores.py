"""How good a dream is, with what real frames and nonsense reach beside it.

A *picture* here is `[..., H, W]` grey levels 0..255; *features* are `[n, C]`. Fit the prior on one half of the frames
and score on the other: `halves` splits them.
"""

from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import stats
from minetest_interp.io.errors import InputError
from minetest_interp.model.arrays import AnyArray

EDGE = 0.25  # cycles per pixel: half the Nyquist frequency, where "high" begins
TOP = 9
FEWEST = 4  # different frames: two to fit the prior to, and two to judge by


class Path(NamedTuple):
    """Spearman correlations over a layer's channels; standardised: of activations in natural standard deviations."""

    raw: float
    standardised: float


def halves(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the frames `[N, H, W]` to fit on (1st, 3rd, ...) and to score on (2nd, 4th, ...).

    Of equal frames only the first counts, so that the halves have none in common.
    """
    # ASSUME: frames are in natural order, where neighbours look similar, so that both halves see every kind of scene.
    different = _different(frames)
    return different[::2], different[1::2]


def why_no_halves(frames: np.ndarray) -> str | None:
    """Why the frames cannot be halved, None where they can; stacks `[N, T, H, W]` cannot."""
    if frames.ndim != 3:
        return "dreams with a prior are made of single grey pictures, and this study has stacks"
    if (found := len(_different(frames))) >= FEWEST:
        return None
    return f"at least {FEWEST} different frames are needed, two to fit and two to judge; this study has {found}"


def check_apart(fitted: np.ndarray, judged: np.ndarray) -> None:
    """Checks that no frame `[H, W]` serves both to fit and to judge.

    Raises:
      InputError: one does.
    """
    if any((frame == other).all() for frame in fitted for other in judged):
        raise InputError("no frame must be both among the fitted and the judged; one is. Split them with `halves`.")


def _different(frames: np.ndarray) -> np.ndarray:
    """Indices of the frames that are equal to none before them."""
    first: dict[bytes, int] = {}
    for i, frame in enumerate(frames):
        first.setdefault(frame.tobytes(), i)
    return np.array(list(first.values()), int)


def z_score(activation: AnyArray, natural: np.ndarray) -> np.ndarray:
    """Activations in natural standard deviations above the natural mean; NaN where the natural ones do not vary."""
    spread = np.std(natural, dtype=np.float64)
    if spread == 0 or np.ptp(natural) <= 8 * np.finfo(np.float32).eps * np.abs(natural).max():
        return np.full(np.shape(activation), np.nan)
    return (np.asarray(activation, np.float64) - np.mean(natural, dtype=np.float64)) / spread


def high_frequency(pictures: np.ndarray) -> np.ndarray:
    """Share of a picture's energy about its mean that lies above `EDGE`: `[..., H, W]` to `[...]`, NaN if flat."""
    pictures = np.asarray(pictures, np.float64)
    rows, columns = pictures.shape[-2:]
    energy = np.abs(np.fft.fft2(pictures - pictures.mean((-2, -1), keepdims=True))) ** 2
    high = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None]) > EDGE
    total = energy.sum((-2, -1))
    return np.divide((energy * high).sum((-2, -1)), total, out=np.full(total.shape, np.nan), where=total > 0)


def channel_features(activation: AnyArray) -> np.ndarray:
    """What a convolution passes on, `[N, h, w, C]` before its ReLU to `[N, C]`: the mean over positions after it."""
    return np.maximum(np.asarray(activation), 0).mean((1, 2), dtype=np.float64)


def path(dream: np.ndarray, real: np.ndarray, natural: np.ndarray) -> Path:
    """Does a dream take the path through a layer that the objective's best real frames take?

    Args:
      dream: `[C]`, the dream's channel features. real: `[n, C]`, those of the best real frames. natural: `[N, C]`,
        those of all frames, by whose mean and standard deviation the second correlation standardises.
    """
    mean, spread = natural.mean(0), natural.std(0)
    alive = spread > 0
    goal = real.mean(0)

    def standard(features: np.ndarray) -> np.ndarray:
        return (features[alive] - mean[alive]) / spread[alive]

    return Path(stats.spearman(dream, goal), stats.spearman(standard(dream), standard(goal)))


def path_ceiling(real: np.ndarray, natural: np.ndarray) -> Path:
    """What each of the best real frames reaches against the others, on average."""
    each = [path(real[i], np.delete(real, i, 0), natural) for i in range(len(real))]
    return Path(*np.mean(each, axis=0))


def agreement(pictures: np.ndarray, mean: np.ndarray, mask: np.ndarray) -> float:
    """Mean correlation between the pictures of different seeds, `[K, H, W]`: what they share beyond the prior's mean.

    Args:
      mean: `[H, W]`, the prior's mean frame, taken off first so that it earns nothing.
      mask: boolean `[H, W]`, the pixels that the objective sees.
    """
    shown = [np.asarray((picture - mean)[mask], np.float64) for picture in pictures]
    pairs = [stats.correlation(shown[i], shown[j]) for i in range(len(shown)) for j in range(i)]
    return float(np.mean(pairs))


def control_correlation(pictures: np.ndarray, control: np.ndarray, mean: np.ndarray, mask: np.ndarray) -> float:
    """Mean correlation of a dream `[K, H, W]` with its shuffled-weights control, seed by seed, as in `agreement`."""
    shown, others = ([np.asarray((picture - mean)[mask], np.float64) for picture in of] for of in (pictures, control))
    return float(np.mean([stats.correlation(*pair) for pair in zip(shown, others, strict=True)]))


class Gaussian(NamedTuple):
    """mean `[C]` and covariance `[C, C]` of features."""

    mean: np.ndarray
    covariance: np.ndarray


def gaussian(activation: AnyArray) -> Gaussian:
    """Mean and covariance over images and positions of `[N, h, w, C]`."""
    features = np.asarray(activation, np.float64).reshape(-1, activation.shape[-1])
    return Gaussian(features.mean(0), np.cov(features, rowvar=False, bias=True))


def frechet(a: Gaussian, b: Gaussian) -> float:
    """Squared Frechet distance of two Gaussians: |m - n|^2 + tr(A + B - 2 (A B)^(1/2))."""
    root = _root(a.covariance)
    cross = np.linalg.eigvalsh(root @ b.covariance @ root)
    trace = np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.sqrt(cross.clip(0)).sum()
    return float(max(0.0, ((a.mean - b.mean) ** 2).sum() + trace))


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T
