"""Estimates over frames with intervals that do not count near-duplicate frames as independent.

A *statistic* is a function of weights: it maps `[..., frame]`, how often each frame counts, to `[...]`. All weights 1
give the estimate. Its standard error is a jackknife's over whole clusters of near-duplicates, taken on a *scale* on
which such statistics are nearly normal (correlations by Fisher's z, for example), and the interval is Student's on that
scale (Tukey 1958; Efron and Stein 1981). Nothing is drawn at random, so that no interval depends on a seed. The
jackknife asks for smooth statistics: means, ratios, correlations and AUROCs, but no ranks or medians.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int, Num, Shaped
from numpy.typing import ArrayLike

CHUNK = 1024  # frames compared at a time
MOST_GROUPS = 500  # left out one at a time; more clusters are left out in so many groups
BATCH_NUMBERS = 2**23  # weights held at a time
TWO, GIVEN = slice(2), slice(2, None)
PARTITION = (TWO, TWO), (TWO, GIVEN), (GIVEN, GIVEN)  # of a matrix of two variables and those that are given
NOTHING_LEFT = 1e-12  # share of a variance that is rounding

Statistic = Callable[[np.ndarray], np.ndarray]


class Level(NamedTuple):
    """How sure intervals are, and from how many independent frames on there is one."""

    confidence: float = 0.95
    least_clusters: int = 10


LEVEL = Level()  # what intervals are made by where nothing else is asked for


class Transformation(NamedTuple):
    """to: numbers to the scale on which intervals are symmetrical; back: its inverse."""

    to: Callable[[ArrayLike], np.ndarray]
    back: Callable[[ArrayLike], np.ndarray]


EDGE = 1e-9


def _inside(low: float, high: float) -> Callable[[ArrayLike], np.ndarray]:
    """Moves the bounds of a range inwards, where a scale has no number for them."""
    return lambda x: np.clip(np.asarray(x, np.float64), low + EDGE, high - EDGE)


SCALES = {
    "plain": Transformation(lambda x: np.asarray(x, np.float64), lambda y: np.asarray(y, np.float64)),
    "correlation": Transformation(lambda x: np.arctanh(_inside(-1, 1)(x)), np.tanh),  # Fisher 1915
    "share": Transformation(  # of cases, and AUROCs: Freeman and Tukey 1950
        lambda x: np.arcsin(np.sqrt(np.clip(x, 0, 1))), lambda y: np.sin(np.clip(y, 0, np.pi / 2)) ** 2
    ),
    "fraction": Transformation(
        lambda x: scipy.special.logit(_inside(0, 1)(x)), scipy.special.expit
    ),  # of a sum of squares
    "ratio": Transformation(lambda x: np.log(_inside(0, np.inf)(x)), np.exp),  # of two positive sums
}


class Estimate(NamedTuple):
    """n: frames; clusters: independent ones among them. estimate, chance: None where there is none.

    interval: (low, high), None where there are too few clusters or the statistic is not defined without some of them; a
      number that no frame changes has (estimate, estimate).
    chance: what the statistic would be if the claim were empty.
    reason: why there is no estimate, or no interval.
    scale: one of `SCALES`. error: the standard error on that scale, None where it is not defined.
    degrees: of freedom of the error where it holds more than the spread over clusters; None where it does not.
    """

    n: int
    clusters: int
    estimate: float | None
    interval: tuple[float, float] | None
    chance: float | None = None
    reason: str | None = None
    scale: str = "plain"
    error: float | None = None
    degrees: float | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval; NaN where there is none."""
        return self.interval or (np.nan, np.nan)

    @property
    def numbers(self) -> tuple[float, float, float]:
        """The estimate, low and high; NaN for what is not there."""
        return np.nan if self.estimate is None else self.estimate, *self.bounds

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the standard error."""
        return min(self.clusters, MOST_GROUPS) - 1 if self.degrees is None else self.degrees

    @property
    def is_unanimous(self) -> bool:
        """Whether a share is of cases that all agree, among which no spread can be seen."""
        return self.scale == "share" and self.error == 0 and self.estimate in (0.0, 1.0)

    def at(self, confidence: float) -> tuple[float, float] | None:
        """The interval at another confidence; None where the standard error is not defined.

        A share on which all cases agree has the exact binomial interval (Clopper and Pearson 1934) over the clusters.
        """
        if self.estimate is None or self.error is None:
            return None
        if self.is_unanimous:
            cases = round(self.estimate * self.clusters)
            exact = scipy.stats.binomtest(cases, self.clusters).proportion_ci(confidence)
            return float(exact.low), float(exact.high)
        if self.error == 0:
            return self.estimate, self.estimate
        scale, reach = SCALES[self.scale], scipy.stats.t.ppf((1 + confidence) / 2, self.freedom) * self.error
        low, high = (float(scale.back(scale.to(self.estimate) + sign * reach)) for sign in (-1, 1))
        return low, high

    def p_value(self, null: float) -> float | None:
        """Two-sided p-value of the null hypothesis that the statistic is `null`, by Student's t on the scale.

        It is below .05 where the 95 % interval does not hold `null`; exact and binomial where all cases agree.
        """
        if self.estimate is None or self.error is None:
            return None
        if self.is_unanimous:
            return float(scipy.stats.binomtest(round(self.estimate * self.clusters), self.clusters, null).pvalue)
        if self.error == 0:
            return float(self.estimate == null)
        scale = SCALES[self.scale]
        return float(2 * scipy.stats.t.sf(abs(scale.to(self.estimate) - scale.to(null)) / self.error, self.freedom))


def missing(reason: str) -> Estimate:
    """What stands in for an estimate that cannot be made; its reason ends where a sentence may go on."""
    return Estimate(0, 0, None, None, reason=reason.removesuffix("."))


def exact(value: float, *, n: int, chance: float | None = None) -> Estimate:
    """A number computed from all there is, such as a p-value or a property of the weights."""
    return Estimate(n, n, float(value), (float(value), float(value)), chance, error=0.0)


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
    level: Level,
    *,
    chance: float | None = None,
    scale: str = "plain",
) -> Estimate:
    """A statistic of frames with its standard error and interval over clusters.

    Args:
      clusters: the cluster number of each frame.
      scale: one of `SCALES`, that of the statistic.
    """
    names, clusters = np.unique(clusters, return_inverse=True)
    count = len(names)
    whole = float(statistic(np.ones(len(clusters)))) if count else np.nan
    if not np.isfinite(whole):
        return Estimate(len(clusters), count, None, None, chance, scale=scale)
    error = _standard_error(statistic, clusters, whole, scale) if count > 1 else None
    found = Estimate(len(clusters), count, whole, None, chance, scale=scale, error=error)
    return found._replace(interval=found.at(level.confidence) if count >= level.least_clusters else None)


def weighted_mean(values: Shaped[np.ndarray, " frame"]) -> Statistic:
    """The weighted mean."""
    return lambda weights: _ratio(weights @ np.asarray(values, np.float64), weights.sum(-1))


def weighted_correlation(x: Num[np.ndarray, " frame"], y: Num[np.ndarray, " frame"]) -> Statistic:
    """Pearson's correlation."""
    x, y = (np.asarray(values, np.float64) - np.mean(values) for values in (x, y))

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting"]:
        total = weights.sum(-1)
        mean_x, mean_y = weights @ x / total, weights @ y / total
        covariance = weights @ (x * y) / total - mean_x * mean_y
        variances = (weights @ x**2 / total - mean_x**2) * (weights @ y**2 / total - mean_y**2)
        return _ratio(covariance, np.sqrt(np.maximum(variances, 0)))

    return statistic


def weighted_partial_correlation(
    x: Num[np.ndarray, " frame"], y: Num[np.ndarray, " frame"], given: Sequence[Num[np.ndarray, " frame"]]
) -> Statistic:
    """Correlation of what is left of x and y once each is regressed on the variables that are given.

    From their covariance given the others, a Schur complement of the correlation matrix of all (Whittaker 1990).
    Of ranks it is the partial rank correlation. NaN where what is given leaves nothing of x or of y.
    """
    variables = np.array([x, y, *given], np.float64)
    variables -= variables.mean(1, keepdims=True)
    products = (variables[:, None] * variables[None]).reshape(-1, variables.shape[1])

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting"]:
        total = weights.sum(-1)[..., None]
        means = weights @ variables.T / total
        moments = (weights @ products.T / total).reshape(*means.shape, -1)
        covariance = moments - means[..., :, None] * means[..., None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
            correlations = covariance / (spread[..., :, None] * spread[..., None, :])
        known = np.isfinite(correlations).all((-2, -1))
        left = np.full((*known.shape, 2, 2), np.nan)
        both, across, others = (correlations[known][..., rows, columns] for rows, columns in PARTITION)
        left[known] = both - across @ np.linalg.pinv(others, hermitian=True) @ np.swapaxes(across, -1, -2)
        variances = np.diagonal(left, axis1=-2, axis2=-1)
        variances = np.where(variances > NOTHING_LEFT, variances, 0)
        return _ratio(left[..., 0, 1], np.sqrt(variances.prod(-1)))

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

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting"]:
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


def _standard_error(
    statistic: Statistic, clusters: Int[np.ndarray, " frame"], whole: float, scale: str
) -> float | None:
    """By leaving out each of G groups of clusters: (G - 1) / G times the sum of squared deviations, its root.

    None where the statistic is not defined without one of them.
    """
    count = clusters.max() + 1
    groups = clusters % min(count, MOST_GROUPS)
    number, batch = groups.max() + 1, max(1, BATCH_NUMBERS // len(clusters))
    left_out = [np.arange(first, min(first + batch, number)) for first in range(0, number, batch)]
    values = np.concatenate([statistic((groups != some[:, None]).astype(np.float64)) for some in left_out])
    if not np.isfinite(values).all():
        return None
    if np.allclose(values, whole, rtol=1e-12, atol=0):
        return 0.0
    scaled = SCALES[scale].to(values)
    return float(np.sqrt((number - 1) / number * ((scaled - scaled.mean()) ** 2).sum()))


def _ratio(above: ArrayLike, below: ArrayLike) -> Float[np.ndarray, "..."]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(below) != 0, np.divide(above, below), np.nan)
