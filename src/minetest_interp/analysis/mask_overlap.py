"""Does a channel tell trunk from the rest? Its activations against masks, and against the same masks shifted.

A *sample* is one position of a layer on one frame, frame by frame, row by row: `S = M * h * w` of them. Its score
is the channel's activation as the layer is shown, its label what the position's receptive field holds of the mask.

The measures follow Network Dissection (Bau et al. 2017: IoU at the top quantile); its chance level, which the paper
lacks, comes from masks that are shifted in a circle over frames and columns. A shift keeps how masks look, how much
they cover and in which rows they lie, and breaks only what they have to do with the frame.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy
from jax import Array

from minetest_interp.analysis import fields, intervals
from minetest_interp.analysis.fields import Columns
from minetest_interp.analysis.intervals import Statistic
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.batches import map_batches
from minetest_interp.model.policy import Policy

NUMBERS = 2**19  # labels worked on at a time: what stays in the processor's cache
TRUNK_SHARE = 0.1  # of a receptive field, from which on it holds a trunk, where nothing else is asked for
ROUNDING = 1e-6  # of the shares of fields, which come from float32 pictures
QUANTILES = (0.025, 0.5, 0.975)

Numbers = Sequence[int] | np.ndarray
Measure = Callable[["Ranked", np.ndarray, np.ndarray], np.ndarray]


class Labels(NamedTuple):
    """Labels of receptive fields that begin at every column, those at the right border going on at the left one.

    positive, negative: boolean `[M, h, D * W]`, a table of W columns for each of the D widths that fields have; a field
    that is neither has too little trunk to count as one. columns: those of the layer's own positions.
    """

    positive: np.ndarray
    negative: np.ndarray
    columns: Columns

    def take(self, frames: np.ndarray) -> "Labels":
        """Those of some frames, given by a boolean mask or numbers."""
        return self._replace(positive=self.positive[frames], negative=self.negative[frames])

    def moved(self, frames: Numbers = (0,), columns: Numbers = (0,)) -> tuple[np.ndarray, np.ndarray]:
        """Positive and negative samples, boolean `[R, S]`, with the masks moved on in a circle.

        Args:
          frames, columns: `[R]`, by how many frames and pixels to the right.
        """
        first, tables, width = self.columns
        draws = list(zip(frames, columns, strict=True))

        def all_draws(labels: np.ndarray) -> np.ndarray:
            return np.stack([np.roll(labels[:, :, tables + (first - c) % width], f, axis=0).ravel() for f, c in draws])

        return all_draws(self.positive), all_draws(self.negative)


class Ranked(NamedTuple):
    """The order of S samples in each of C channels, `[C, S]` int32.

    order: samples from lowest to highest, equal ones as they come. lower, upper: in that order, how many samples score
    less than each, and how many no more than it (itself included).
    """

    order: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def take(self, channels: Sequence[int]) -> "Ranked":
        """Those of some channels."""
        return Ranked(*(ranks[list(channels)] for ranks in self))


class Samples(NamedTuple):
    """The samples of some frames: their scores' order in each channel, and their labels."""

    ranked: Ranked
    labels: Labels


class Detection(NamedTuple):
    """What a layer's channels have to do with a mask.

    auroc: `[C]` on all frames: above .5 where the channel is higher on trunk. first, second: `[C]` AUROC of each half
    of the frames, turned round where the first half's is below .5. iou, iou_chance: `[C]`, of the second half, and its
    mean over shifted masks. p: `[C]`, of the second half's strength |AUROC - .5| against shifted masks. null: `[3, C]`,
    the quantiles `QUANTILES` of the second half's AUROC with shifted masks. held_out: the second half's samples, scores
    turned round like the AUROC.
    """

    auroc: np.ndarray
    first: np.ndarray
    second: np.ndarray
    iou: np.ndarray
    iou_chance: np.ndarray
    p: np.ndarray
    null: np.ndarray
    held_out: Samples


def activations(policy: Policy, greys: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Activations as layers are shown, of grey frames `[N, H, W]` or stacks `[N, T, H, W]`: layer to `[N, h, w, C]`."""
    stacked = greys.ndim == 4
    network = networks.plain(policy) if stacked else networks.fast(policy, whole=True)

    def step(batch: np.ndarray) -> dict[str, Array]:
        computed = networks.run(network, batch).layers
        return {layer: computed[layer] for layer in layers}

    return map_batches(step, greys if stacked else greys[:, None])


def field_labels(trunk: np.ndarray, network: Architecture, layer: str, *, trunk_share: float) -> Labels:
    """Positive: at least `trunk_share` of the receptive field is trunk; negative: none of it is.

    Args:
      trunk: `[M, H, W]`, share of each pixel that is trunk.
    """
    shares = fields.means(trunk, network, layer)
    return Labels(shares >= trunk_share - ROUNDING, shares <= ROUNDING, fields.columns(network, layer))


def with_brightness(activation: np.ndarray, greys: np.ndarray, network: Architecture, layer: str) -> np.ndarray:
    """`[M, h, w, C + 1]`: a layer's channels, and the mean grey level of each receptive field as one more."""
    first, tables, _ = fields.columns(network, layer)
    brightness = fields.means(greys, network, layer)[:, :, tables + first]
    return np.concatenate([activation, brightness[..., None].astype(activation.dtype)], -1)


def rank_samples(scores: np.ndarray) -> Ranked:
    """Orders the samples of every channel, `[S, C]`."""
    ranks = np.empty((3, *scores.T.shape), np.int32)
    for channel, values in enumerate(scores.T):
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        ranks[:, channel] = order, np.searchsorted(ordered, ordered), np.searchsorted(ordered, ordered, side="right")
    return Ranked(*ranks)


def auroc(ranked: Ranked, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Area under the ROC curve: how often a positive sample scores above a negative one, ties counting half.

    Exact also where samples are neither and where labels differ between draws: one pass over the samples in order
    counts the negative ones below each. (Sums of ranks over all samples would count those in between too.)

    Args:
      positive, negative: `[R, S]`, how often each sample counts as such in each of R draws; whole numbers.

    Returns:
      `[R, C]`; NaN for a draw without positive or without negative samples.
    """

    def count(positive: np.ndarray, negative: np.ndarray, channel: int) -> np.ndarray:
        ordered = positive.take(ranked.order[channel], axis=1)
        return np.einsum("rs,rs->r", ordered, _twice_below(ranked, negative, channel), dtype=np.float64) / 2

    pairs = positive.sum(1, dtype=np.float64) * negative.sum(1)
    with np.errstate(invalid="ignore"):
        return _each_channel(count, ranked, positive, negative) / pairs[:, None]


def iou(ranked: Ranked, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Intersection over union of the positive samples and the channel's highest ones, as many as there are positive.

    Samples that are neither are left out. Of equal samples the last ones count as highest.

    Args:
      positive, negative: as for `auroc`.

    Returns:
      `[R, C]`; NaN for a draw without positive samples.
    """
    wanted = positive.sum(1, dtype=np.int32)

    def count(positive: np.ndarray, negative: np.ndarray, channel: int) -> np.ndarray:
        downwards = ranked.order[channel][::-1]
        found = positive.take(downwards, axis=1)
        above = _cumulated(found + negative.take(downwards, axis=1))[:, :-1]
        return np.clip(wanted[:, None] - above, 0, found).sum(1, dtype=np.float64)

    both = _each_channel(count, ranked, positive, negative)
    with np.errstate(invalid="ignore"):
        return both / (2 * wanted[:, None] - both)


def samples(scores: np.ndarray, labels: Labels) -> Samples:
    """Joins scores `[M, h, w, C]` with the labels of the same frames."""
    return Samples(rank_samples(scores.reshape(-1, scores.shape[-1])), labels)


def observed(measure: Measure, samples: Samples) -> np.ndarray:
    """`auroc` or `iou` of every channel with the masks where they belong: `[C]`."""
    return measure(samples.ranked, *samples.labels.moved())[0]


def observed_singly(measure: Measure, scores: np.ndarray, labels: Labels) -> np.ndarray:
    """The same from scores `[M, h, w, C]` that are not needed in order again: one channel at a time is ranked."""
    channels = (scores[..., channel : channel + 1] for channel in range(scores.shape[-1]))
    return np.concatenate([observed(measure, samples(channel, labels)) for channel in channels])


def shifted(measure: Measure, samples: Samples, *, shifts: int, seed: int) -> np.ndarray:
    """`auroc` or `iou` of every channel with shifted masks: `[shifts, C]`; the same seed gives the same shifts.

    Each draw moves the masks on by 1 to M - 1 frames and 0 to W - 1 columns.
    """
    frames, width = len(samples.labels.positive), samples.labels.columns.width
    generator = np.random.default_rng(seed)
    draws = np.stack([generator.integers(1, frames, shifts), generator.integers(0, width, shifts)], 1)
    return np.concatenate(
        [measure(samples.ranked, *samples.labels.moved(*part.T)) for part in _parts(draws, samples.ranked)]
    )


def weighted(measure: Measure, samples: Samples, channels: Sequence[int]) -> Statistic:
    """`auroc` or `iou` of some channels as a statistic of the frames' weights: from `[..., M]` to `[..., channels]`."""
    ranked = samples.ranked.take(channels)
    positive, negative = samples.labels.moved()

    def statistic(weights: np.ndarray) -> np.ndarray:
        rows = weights.reshape(-1, weights.shape[-1]).astype(np.int32)
        of_each = positive.shape[1] // rows.shape[1]
        times = (np.repeat(part, of_each, axis=1) for part in _parts(rows, ranked))
        made = [measure(ranked, each * positive, each * negative) for each in times]
        return np.concatenate(made).reshape(*weights.shape[:-1], -1)

    return statistic


def linear_auroc(samples: Samples) -> Statistic:
    """The AUROC of every channel to first order in the frames' weights: a function from `[..., M]` to `[..., C]`.

    It follows from how many negative samples lie below each positive one and how many positive ones above each negative
    one (DeLong et al. 1988), summed over frames (Obuchowski 1997). Exact where all weights are the same, and for many
    channels far cheaper than `weighted`.
    """
    positive, negative = samples.labels.moved()
    frames = len(samples.labels.positive)

    def by_frame(values: np.ndarray) -> np.ndarray:
        return values.reshape(frames, -1).sum(1)

    def below(counted: np.ndarray, channel: int) -> np.ndarray:
        values = np.empty(counted.shape)
        values[:, samples.ranked.order[channel]] = _twice_below(samples.ranked, counted, channel) / 2
        return values

    every = range(len(samples.ranked.order))
    won = np.stack([by_frame(positive * below(negative, c)) for c in every], -1) / negative.sum()
    lost = np.stack([by_frame(negative * (positive.sum() - below(positive, c))) for c in every], -1) / positive.sum()
    both = by_frame(positive), by_frame(negative)
    whole = won.sum(0) / both[0].sum()

    def statistic(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = [
                weights @ part / (weights @ count)[..., None] for part, count in zip((won, lost), both, strict=True)
            ]
        return sum(shares) - whole

    return statistic


def turn(scores: np.ndarray, labels: Labels, halves: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, Samples]:
    """The AUROC of every channel on the first half `[C]`, and the second half's samples, turned round where it is < .5.

    Raises:
      InputError: a half has fewer than two frames, or no positive or no negative sample.
    """
    for half in halves:
        _check(labels.take(half))
    chosen = observed_singly(auroc, scores[halves[0]], labels.take(halves[0]))
    direction = np.where(chosen < 0.5, -1, 1).astype(scores.dtype)
    return chosen, samples(scores[halves[1]] * direction, labels.take(halves[1]))


def detect(
    scores: np.ndarray, labels: Labels, halves: tuple[np.ndarray, np.ndarray], *, shifts: int, seed: int
) -> Detection:
    """Holds every channel against the masks: its direction comes from the first half, the test from the second.

    Args:
      scores: `[M, h, w, C]`. labels: of the same M frames. halves: two boolean masks `[M]`.
      shifts: how many shifted masks make the null distribution. What it raises, `turn` says.
    """
    chosen, held_out = turn(scores, labels, halves)
    second, null = observed(auroc, held_out), shifted(auroc, held_out, shifts=shifts, seed=seed)
    return Detection(
        auroc=observed_singly(auroc, scores, labels),
        first=np.maximum(chosen, 1 - chosen),
        second=second,
        iou=observed(iou, held_out),
        iou_chance=np.nanmean(shifted(iou, held_out, shifts=shifts, seed=seed), 0),
        # A shift that leaves no trunk to look for says nothing, and must not make the p-value smaller.
        p=intervals.exceedance(np.abs(second - 0.5), np.nan_to_num(np.abs(null - 0.5), nan=np.inf)),
        null=np.nanquantile(null, QUANTILES, axis=0),
        held_out=held_out,
    )


def corrected(p: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """q-values of all layers' channels together (Benjamini and Hochberg 1995): layer to `[C]`, as the p-values."""
    joined = scipy.stats.false_discovery_control(np.concatenate(list(p.values())))
    ends = np.cumsum([len(values) for values in p.values()])[:-1]
    return dict(zip(p, np.split(joined, ends), strict=True))


def _check(labels: Labels) -> None:
    frames, (trunk, none) = len(labels.positive), (int(label.sum()) for label in labels.moved())
    if frames < 2 or not trunk or not none:
        raise InputError(
            "each half of the labelled frames must have two frames, a place with trunk and one without; one has "
            f"{frames} frames, {trunk} places with trunk and {none} without. Label more frames."
        )


def _parts(draws: np.ndarray, ranked: Ranked) -> list[np.ndarray]:
    """Draws, few enough at a time."""
    size = max(16, NUMBERS // ranked.order.shape[1])
    return [draws[i : i + size] for i in range(0, len(draws), size)]


def _each_channel(count: Callable, ranked: Ranked, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """`count(positive, negative, channel)` of labels `[R, S]`: `[R, C]`."""
    return np.stack([count(positive, negative, channel) for channel in range(len(ranked.order))], -1)


def _twice_below(ranked: Ranked, counted: np.ndarray, channel: int) -> np.ndarray:
    """Twice how many of the counted `[R, S]` score below each sample, ties counting half: `[R, S]` in the order."""
    order, lower, upper = (ranks[channel] for ranks in ranked)
    below = _cumulated(counted.take(order, axis=1))
    twice = below[:, :-1] + below[:, 1:]
    tied = np.flatnonzero(upper - lower > 1)
    twice[:, tied] = below[:, lower[tied]] + below[:, upper[tied]]
    return twice


def _cumulated(counts: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, ... S columns of `[R, S]`."""
    sums = np.zeros((len(counts), counts.shape[1] + 1), np.int32)
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums
