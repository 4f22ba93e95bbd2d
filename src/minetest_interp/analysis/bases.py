"""Bases of a layer's activations besides its units: random directions, non-negative factors, and a sparse dictionary.

*samples* `[S, C]` are activations that are nowhere below zero, as they come out of a ReLU. A basis is K *directions* of
unit length `[K, C]`; *codes* `[S, K]` are the coefficients of the directions that make up each sample.
"""

import numpy as np
from jaxtyping import Bool, Float

from minetest_interp.analysis import factors
from minetest_interp.analysis.intervals import Statistic

MOST = 2000  # samples that a basis is fitted to
ROUNDS, BETWEEN, STEPS = 30, 15, 60  # of the dictionary; of its codes in each round; of codes
ROUNDING = 1e-12

Samples = Float[np.ndarray, "sample channel"]
Directions = Float[np.ndarray, "direction channel"]
Codes = Float[np.ndarray, "sample direction"]


def rotations(size: int, *, count: int, seed: int) -> Float[np.ndarray, "count {size} {size}"]:
    """Random orthogonal bases, evenly distributed (Stewart 1980)."""
    gaussian = np.random.default_rng(seed).standard_normal((count, size, size))
    q, r = np.linalg.qr(gaussian)
    return q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]


def nonnegative(samples: Samples, *, count: int, seed: int) -> Directions:
    """Non-negative factors (`factors.of_activation`), at most `count`."""
    return factors.of_activation(evenly(samples), layer="samples", count=count, seed=seed).astype(np.float64)


def dictionary(samples: Samples, *, count: int, penalty: float, seed: int) -> Directions:
    """Directions of which each sample needs few: codes and directions are improved in turn (Mairal et al. 2010).

    Args:
      penalty: on a code's sum, in units of the samples' `typical_length`.
    """
    weight = penalty * typical_length(samples)
    samples = evenly(samples)
    generator = np.random.default_rng(seed)
    lengths = np.linalg.norm(samples, axis=1)
    start = generator.permutation(np.flatnonzero(lengths > 0))[:count]
    directions = samples[start] / lengths[start, None]
    found = np.zeros((len(samples), len(directions)))
    for _ in range(ROUNDS):
        found = _improved(found, samples, directions, weight, steps=BETWEEN)
        used, seen = found.T @ found, found.T @ samples
        for j in np.flatnonzero(np.diagonal(used) > 0):
            moved = np.maximum(directions[j] + (seen[j] - used[j] @ directions) / used[j, j], 0)
            length = np.linalg.norm(moved)
            directions[j] = moved / length if length > 0 else directions[j]
    return directions


def codes(samples: Samples, directions: Directions, *, penalty: float = 0.0) -> Codes:
    """Coefficients of at least 0 that add up to each sample, in least squares plus `penalty` times their sum.

    By a fixed number of accelerated gradient steps (FISTA; Beck and Teboulle 2009), so that the outcome depends on no
    tolerance.
    """
    return _improved(np.zeros((len(samples), len(directions))), samples, directions, penalty, steps=STEPS)


def sparsity(responses: Float[np.ndarray, "frame position direction"], first: Bool[np.ndarray, " frame"]) -> Statistic:
    """Lifetime sparseness of each response (Vinje and Gallant 2000) on the frames that are not `first`.

    One less the squared mean size over the mean square, from 0 where all sizes are equal to 1 where one sample alone
    answers. Sizes are taken from the median over the `first` frames, so that a direction whose responses lie around
    some other number than 0 is not called dense for that. 0 where nothing answers.

    Returns:
      a statistic of the other frames' weights: a function from `[..., frame]` to `[..., direction]`.
    """
    about = np.abs(responses[~first] - np.median(responses[first], axis=(0, 1)))
    positions, sizes, squares = about.shape[1], about.sum(1), (about**2).sum(1)

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting direction"]:
        answers, energy = weights @ sizes, weights @ squares * positions * weights.sum(-1)[..., None]
        return np.where(energy > 0, 1 - np.divide(answers**2, energy, out=np.zeros(answers.shape), where=energy > 0), 0)

    return statistic


def typical_length(samples: Samples) -> float:
    """The root mean square of the samples' lengths."""
    return float(np.sqrt((samples**2).sum(1).mean()))


def evenly(samples: Samples) -> Samples:
    """At most about `MOST` of the samples, evenly spaced."""
    return samples[:: max(1, len(samples) // MOST)]


def _improved(found: Codes, samples: Samples, directions: Directions, penalty: float, *, steps: int) -> Codes:
    """Codes after some more steps."""
    products, wanted = directions @ directions.T, samples @ directions.T - penalty
    size = 1 / max(float(np.linalg.eigvalsh(products)[-1]), ROUNDING)
    ahead, pace = found, 1.0
    for _ in range(steps):
        before, found = found, np.maximum(ahead + size * (wanted - ahead @ products), 0)
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead, pace = found + (pace - 1) / faster * (found - before), faster
    return found
