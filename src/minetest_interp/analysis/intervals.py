"""Estimates over frames with intervals that do not count near-duplicate frames as independent.

A *statistic* is a function of weights: it maps `[..., frame]`, how often each frame counts, to `[...]`. All weights 1
give the estimate; the bootstrap draws whole clusters of near-duplicates, so a cluster's frames share their weight.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int, Num, Shaped
from numpy.typing import ArrayLike

CHUNK = 1024  # frames compared at a time
MANY = 2000  # clusters
BATCH_NUMBERS = 2**23  # weights held at a time while resampling

Statistic = Callable[[np.ndarray], np.ndarray]


class Bootstrap(NamedTuple):
    """How intervals are made. Below `least_clusters` independent frames there is none."""

    resamples: int = 2000
    confidence: float = 0.95
    seed: int = 0
    least_clusters: int = 10


BOOTSTRAP = Bootstrap()  # what intervals are made by where nothing else is asked for


class Estimate(NamedTuple):
    """n: frames; clusters: independent ones among them. estimate, chance: None where there is none.

    interval: (low, high), None where there are too few clusters or the statistic is not defined on some resamples; a
      number that no sampling touches has (estimate, estimate).
    chance: what the statistic would be if the claim were empty.
    reason: why there is no estimate.
    """

    n: int
    clusters: int
    estimate: float | None
    interval: tuple[float, float] | None
    chance: float | None = None
    reason: str | None = None


def missing(reason: str) -> Estimate:
    """What stands in for an estimate that cannot be made."""
    return Estimate(0, 0, None, None, reason=reason)


def exact(value: float, *, n: int, chance: float | None = None) -> Estimate:
    """A number computed from all there is, such as a p-value or a property of the weights."""
    return Estimate(n, n, float(value), (float(value), float(value)), chance)


def to_json(estimates: Mapping[str, Mapping[str, Estimate]]) -> dict:
    """Estimates by claim and part as plain maps."""
    return {claim: {part: found._asdict() for part, found in parts.items()} for claim, parts in estimates.items()}


def near_duplicates(
    greys: Num[np.ndarray, "frame *stack row column"],
    *,
    similarity: float,
    group: Shaped[np.ndarray, " frame"] | None = None,
) -> Int[np.ndarray, " frame"]:
    """Cluster number of each frame or stack, in order of first appearance.

    Frames whose grey levels correlate above `similarity` share a cluster, directly or through others
    (connected components), and so do frames of one `group`, by its name, where the empty name is none. A frame of a
    single grey is its own cluster.
    """
    flat = greys.reshape(len(greys), -1).astype(np.float32)
    flat = flat - flat.mean(1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = np.divide(flat, lengths, out=np.zeros_like(flat), where=lengths > 0)
    near = scipy.sparse.vstack(
        [scipy.sparse.csr_matrix(flat[i : i + CHUNK] @ flat.T > similarity) for i in range(0, len(flat), CHUNK)]
    )
    if group is not None:
        near = near + scipy.sparse.csr_matrix((group[:, None] == group) & (group[:, None] != ""))
    return scipy.sparse.csgraph.connected_components(near, directed=False)[1]


def cluster_halves(
    clusters: Int[np.ndarray, " frame"],
) -> tuple[Bool[np.ndarray, " frame"], Bool[np.ndarray, " frame"]]:
    """Two masks, to choose on one and to test on the other; whole clusters go alternately to each.

    Neighbouring clusters are more similar than distant ones where frames are named in the order they were taken.
    """
    first = clusters % 2 == 0
    return first, ~first


def estimate(
    statistic: Statistic,
    clusters: Int[np.ndarray, " frame"],
    bootstrap: Bootstrap,
    *,
    chance: float | None = None,
    share: bool = False,
) -> Estimate:
    """A statistic of frames with a clustered bootstrap interval.

    The interval is bias-corrected and accelerated (BCa; Efron 1987), or of plain percentiles where that is not defined,
    its level widened for few clusters as Student's t widens the normal interval (Hesterberg 2015).

    Args:
      clusters: the cluster number of each frame.
      share: the statistic is a share of frames. Where all frames agree, resampling knows no spread, and the exact
        binomial interval (Clopper and Pearson 1934) over the clusters is taken.
    """
    names, clusters = np.unique(clusters, return_inverse=True)
    count = len(names)
    whole = float(statistic(np.ones(len(clusters)))) if count else np.nan
    value = whole if np.isfinite(whole) else None
    interval = None
    if value is not None and count >= bootstrap.least_clusters:
        if share and value in (0.0, 1.0):
            exact = scipy.stats.binomtest(round(value * count), count).proportion_ci(bootstrap.confidence)
            interval = (float(exact.low), float(exact.high))
        else:
            interval = _interval(statistic, clusters, count, bootstrap)
    return Estimate(len(clusters), count, value, interval, chance)


def weighted_mean(values: Shaped[np.ndarray, " frame"]) -> Statistic:
    """The weighted mean."""
    return lambda weights: _ratio(weights @ np.asarray(values, np.float64), weights.sum(-1))


def weighted_correlation(x: Num[np.ndarray, " frame"], y: Num[np.ndarray, " frame"]) -> Statistic:
    """Pearson's correlation."""
    x, y = (np.asarray(values, np.float64) - np.mean(values) for values in (x, y))

    def statistic(weights: Float[np.ndarray, "*resample frame"]) -> Float[np.ndarray, "*resample"]:
        total = weights.sum(-1)
        mean_x, mean_y = weights @ x / total, weights @ y / total
        covariance = weights @ (x * y) / total - mean_x * mean_y
        variances = (weights @ x**2 / total - mean_x**2) * (weights @ y**2 / total - mean_y**2)
        return _ratio(covariance, np.sqrt(np.maximum(variances, 0)))

    return statistic


def weighted_ratio(above: Shaped[np.ndarray, " frame"], below: Shaped[np.ndarray, " frame"]) -> Statistic:
    """The sum of `above` over the sum of `below`."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return lambda weights: _ratio(weights @ above, weights @ below)


def weighted_auroc(
    scores: Num[np.ndarray, " sample"], positive: Bool[np.ndarray, " sample"], frame: Int[np.ndarray, " sample"]
) -> Statistic:
    """Area under the ROC curve: how often a positive sample scores above a negative one, ties counting half.

    Args:
      frame: the frame of each sample, whose weight it carries.
    """
    order = np.argsort(scores, kind="stable")
    positive, frame, ordered = positive[order], frame[order], scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def statistic(weights: Float[np.ndarray, "*resample frame"]) -> Float[np.ndarray, "*resample"]:
        weights = weights[..., frame]
        plus = np.add.reduceat(weights * positive, starts, axis=-1)
        minus = np.add.reduceat(weights * ~positive, starts, axis=-1)
        below = np.cumsum(minus, axis=-1) - minus / 2
        return _ratio((plus * below).sum(-1), plus.sum(-1) * minus.sum(-1))

    return statistic


def exceedance(observed: ArrayLike, null: Num[np.ndarray, "draw ..."]) -> Float[np.ndarray, "..."]:
    """One-sided p-values of numbers against null draws of each: (1 + #{null >= observed}) / (1 + R).

    Uniform under the null, never zero (Phipson and Smyth 2010).
    """
    return np.asarray((1 + (null >= observed).sum(0)) / (1 + len(null)))


def _interval(
    statistic: Statistic, clusters: Int[np.ndarray, " frame"], count: int, bootstrap: Bootstrap
) -> tuple[float, float] | None:
    def resampled(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        rows = drawn.reshape(-1, drawn.shape[-1])
        cells = rows + count * np.arange(len(rows))[:, None]
        times = np.bincount(cells.ravel(), minlength=count * len(rows)).reshape(len(rows), count)
        return statistic(times[:, clusters].astype(np.float64)).reshape(drawn.shape[:-1])

    tail = scipy.stats.t.ppf((1 + bootstrap.confidence) / 2, count - 1) * np.sqrt(count / (count - 1))

    def bounds(method: str) -> tuple[float, float] | None:
        with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
            warnings.simplefilter("ignore")  # scipy says that a distribution is degenerate; None says it here
            found = scipy.stats.bootstrap(
                (np.arange(count),),
                resampled,
                vectorized=True,
                n_resamples=bootstrap.resamples,
                batch=max(1, BATCH_NUMBERS // len(clusters)),
                confidence_level=2 * scipy.stats.norm.cdf(tail) - 1,
                method=method,
                rng=np.random.default_rng(bootstrap.seed),
            ).confidence_interval
        found = float(found.low), float(found.high)
        return found if np.isfinite(found).all() else None

    # A rank that no single cluster changes has no acceleration; where there are very many clusters it only costs, and
    # as their square. Plain percentiles do without.
    return (bounds("BCa") if count <= MANY else None) or bounds("percentile")


def _ratio(above: ArrayLike, below: ArrayLike) -> Float[np.ndarray, "..."]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(below) != 0, np.divide(above, below), np.nan)
