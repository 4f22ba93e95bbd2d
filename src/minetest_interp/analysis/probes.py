"""What can be read linearly from features: ridge regression, fitted on one half of the frames and tested on the other.

Features are `[N, ...]`, one row a frame; *answers* are `[N, A]`, columns that are predicted side by side, such as one
for each class. Half of the clusters of near-duplicate frames fits the probe that is tested on the other half, both ways
round, so every frame is tested once. The penalty is chosen on the fitting half alone, each of its clusters left out in
turn, in closed form. That more than the features' own structure is read is what the control tasks ask (Hewitt and Liang
2019): answers in random order, and features of shuffled weights.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from minetest_interp.analysis import intervals

PENALTIES = (0.01, 0.1, 1, 10, 100)  # to choose from, where nothing else is asked for
CHUNK = 4096  # features whose products are added at a time
FLAT = 1e-6  # a feature that varies less than this share of its size does not vary
CELLS = 4  # of a map of brightness, each way


class Halves(NamedTuple):
    """Products of the standardised features of the half that fits with themselves, `[F, F]`, and of the other half's.

    fits, tests: numbers of the frames. clusters: `[F]`, of the frames that fit. tested: `[T, F]`.
    """

    fits: np.ndarray
    tests: np.ndarray
    clusters: np.ndarray
    fitted: np.ndarray
    tested: np.ndarray


def brightness_map(
    greys: Num[np.ndarray, "frame row column"], *, cells: int = CELLS
) -> Float[np.ndarray, "frame cell"]:
    """Mean grey level of the cells of a grid, row by row; fewer where a picture has fewer pixels."""
    rows, columns = (np.array_split(np.arange(size), min(cells, size)) for size in greys.shape[1:])
    means = [greys[:, row[0] : row[-1] + 1, column[0] : column[-1] + 1] for row in rows for column in columns]
    return np.stack([cell.mean((1, 2), dtype=np.float64) for cell in means], axis=1)


def ways(clusters: Int[np.ndarray, " frame"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The numbers of the frames that fit a probe and of those it is tested on: one half and the other, both ways."""
    first, second = (np.flatnonzero(half) for half in intervals.cluster_halves(clusters))
    return [(first, second), (second, first)]


def both_ways(features: Num[np.ndarray, "frame ..."], clusters: Int[np.ndarray, " frame"]) -> list[Halves]:
    """The products of both halves of the frames, each fitting once.

    Every feature has mean 0 and variance 1 over the half that fits; one that does not vary there, or is
    not finite somewhere, counts as 0.
    """
    return [_products(features, clusters, fits, tests) for fits, tests in ways(clusters)]


def _products(features: np.ndarray, clusters: np.ndarray, fits: np.ndarray, tests: np.ndarray) -> Halves:
    flat = features.reshape(len(features), -1)
    frames = np.concatenate([fits, tests])
    products = np.zeros((len(frames), len(fits)))
    for start in range(0, flat.shape[1], CHUNK):
        part = flat[frames, start : start + CHUNK].astype(np.float64)
        part = part[:, np.isfinite(part).all(0)]
        largest = np.abs(part[: len(fits)]).max(0, initial=0)
        part -= part[: len(fits)].mean(0)
        spread = part[: len(fits)].std(0)
        varies = spread > FLAT * largest
        part = part[:, varies] / spread[varies]
        products += part @ part[: len(fits)].T
    return Halves(fits, tests, clusters[fits], products[: len(fits)], products[len(fits) :])


def predict(
    halves: Sequence[Halves], answers: Float[np.ndarray, "frame answer"], *, penalties: Sequence[float]
) -> Float[np.ndarray, "frame answer"]:
    """The answers that probes give on the frames they are tested on, each answer with the penalty that suits it.

    Args:
      penalties: of the squared weights, as multiples of the features' mean squared length; that which leaves the least
        squared error on left-out clusters of the half that fits is taken, the greatest of equal ones.
    """
    found = np.empty(answers.shape)
    for half in halves:
        found[half.tests] = _predict(half, answers[half.fits], sorted(penalties, reverse=True))
    return found


def _predict(half: Halves, answers: np.ndarray, penalties: Sequence[float]) -> np.ndarray:
    values, vectors = np.linalg.eigh(half.fitted)
    values = np.clip(values, 0, None)
    size = values.sum() / len(values) or 1.0
    mean = answers.mean(0)
    centred = vectors.T @ (answers - mean)
    blocks = _blocks(half.clusters)
    errors = np.stack([_left_out(vectors, values / (values + p * size), answers, blocks) for p in penalties])
    chosen = np.array(penalties)[errors.argmin(0)]
    weights = vectors @ (centred / (values[:, None] + chosen * size))
    return half.tested @ weights + mean


def _blocks(clusters: np.ndarray) -> list[np.ndarray]:
    """The frames of the clusters, those of one size together: `[clusters, size]` each."""
    order = np.argsort(clusters, kind="stable")
    each = np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)
    return [
        np.stack([block for block in each if len(block) == size]) for size in sorted({len(block) for block in each})
    ]


def _left_out(vectors: np.ndarray, kept: np.ndarray, answers: np.ndarray, blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Summed squared error of each answer, `[A]`, every frame predicted without its cluster.

    With the hat matrix H of all frames, which is what a ridge makes of the answers, those of a cluster B are missed by
    (I - H[B, B])^-1 (y - H y)[B] when B is left out.
    """
    hat = (vectors * kept) @ vectors.T + 1 / len(vectors)
    missed = answers - hat @ answers
    total = np.zeros(answers.shape[1])
    for block in blocks:
        own = np.eye(block.shape[1]) - hat[block[:, :, None], block[:, None, :]]
        try:
            total += (np.linalg.solve(own, missed[block]) ** 2).sum((0, 1))
        except np.linalg.LinAlgError:  # a cluster that is the whole half
            total += (missed[block] ** 2).sum((0, 1))
    return total


def shuffled_labels(clusters: Int[np.ndarray, " frame"], *, count: int, seed: int) -> Int[np.ndarray, "{count} frame"]:
    """Whose answer each frame gets when the clusters' answers are dealt out in random order, half by half.

    Frames of one cluster, which look the same, mostly keep answers of one cluster.
    """
    generator = np.random.default_rng(seed)
    orders = np.tile(np.arange(len(clusters)), (count, 1))
    for half, _ in ways(clusters):
        own = half[np.argsort(clusters[half], kind="stable")]
        members = np.split(own, np.flatnonzero(np.diff(clusters[own])) + 1)
        for order in orders:
            order[own] = np.concatenate([members[i] for i in generator.permutation(len(members))])
    return orders


def one_for_each(
    classes: Int[np.ndarray, "*shuffle frame"], *, count: int
) -> Float[np.ndarray, "frame *shuffle {count}"]:
    """Answers of 1 for a frame's class and 0 for the others; the greatest predicted one is the class that is read."""
    answers = classes[..., None] == np.arange(count)
    return np.moveaxis(answers, -2, 0).astype(np.float64)


def most_frequent(
    classes: Int[np.ndarray, " frame"], clusters: Int[np.ndarray, " frame"]
) -> Bool[np.ndarray, " frame"]:
    """Whether a frame is of the class that is most frequent in the half that its probe is fitted on."""
    found = np.empty(len(classes), bool)
    for fits, tests in ways(clusters):
        found[tests] = classes[tests] == np.bincount(classes[fits]).argmax()
    return found


def means_before(values: Num[np.ndarray, "*shuffle frame"], clusters: Int[np.ndarray, " frame"]) -> np.ndarray:
    """The mean over the half that a frame's probe is fitted on, for every frame, in the values' shape."""
    found = np.empty(values.shape)
    for fits, tests in ways(clusters):
        found[..., tests] = values[..., fits].mean(-1, keepdims=True)
    return found


def within_known(
    found: Float[np.ndarray, "*shuffle frame"],
    values: Num[np.ndarray, "*shuffle frame"],
    clusters: Int[np.ndarray, " frame"],
) -> Float[np.ndarray, "*shuffle frame"]:
    """Predictions, none beyond the least and greatest value of the half that a frame's probe is fitted on."""
    limited = np.empty(found.shape)
    for fits, tests in ways(clusters):
        known = values[..., fits]
        limited[..., tests] = found[..., tests].clip(known.min(-1, keepdims=True), known.max(-1, keepdims=True))
    return limited
