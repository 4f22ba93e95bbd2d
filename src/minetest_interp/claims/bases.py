"""Units of a layer against other bases of its activations: which has the direction that tells concepts best?

Every basis has at most as many directions as the layer has units that are ever on. It is fitted to the first half of
the frames, and there its best direction is chosen for each concept; the other half tests it.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import bases, intervals, mask_overlap
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.analysis.mask_overlap import Labels
from minetest_interp.claims.measured import Arrays, Measured
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.labels import NO_LABELS

OTHERS = ("random", "nmf", "dictionary")
UNITS = "units"
PARTS = (*OTHERS, *(f"sparsity-{kind}" for kind in OTHERS))
CLAIM = "axis-aligned"
ONE_SIDED = "no labelled concept is both in some places and not in others in each half of the frames"
NONE_ON = "no unit of this layer is ever on in the half of the frames that bases are fitted to"

Halves = tuple[np.ndarray, np.ndarray]


class Basis(NamedTuple):
    """directions: `[K, C]`. represent: from samples `[S, C]` to their coefficients `[S, K]`."""

    kind: str
    directions: np.ndarray
    represent: Callable[[np.ndarray], np.ndarray]


def compare(
    network: Architecture,
    layer: str,
    activation: np.ndarray,
    clusters: np.ndarray,
    shares: Mapping[str, np.ndarray],
    *,
    concept_share: float,
    rotations: int,
    penalty: float,
    seed: int,
    level: Level,
) -> Measured:
    """How much better the best unit tells concepts than the best direction of each other basis, and how much sparser.

    A part named for a basis: the mean over concepts of the best unit's held-out AUROC less that of the best direction,
    of which the score is how far an activation goes along it; of several random bases the mean counts. sparsity-...:
    mean sparseness of the units less that of the coefficients that activations have in the basis.

    Args:
      activation: `[N, h, w, C]`, as the next layer gets it; what is below zero counts as zero. clusters: of the frames.
      shares: concept to the share of each pixel that is of it, `[N, H, W]`; none of frames without labels.
    """
    halves = intervals.cluster_halves(clusters)
    positive = np.maximum(activation, 0).reshape(len(activation), -1, activation.shape[-1]).astype(np.float64)
    fitted = positive[halves[0]].reshape(-1, positive.shape[-1])
    on = np.flatnonzero(fitted.any(0)) if len(fitted) else np.array([], int)
    if not len(on) or not halves[1].any():
        return Measured({}, {CLAIM: dict.fromkeys(PARTS, missing(NONE_ON))})
    labels, reason = _labels(network, layer, shares, halves, concept_share)
    sparse: dict[str, list[Statistic]] = {}
    best: dict[str, list[list[Statistic]]] = {}
    for basis in _bases(fitted[:, on], rotations=rotations, penalty=penalty, seed=seed):
        kind, samples = basis.kind, positive[..., on].reshape(-1, len(on))
        responses = basis.represent(samples).reshape(*positive.shape[:2], -1)
        sparse.setdefault(kind, []).append(bases.sparsity(responses, halves[0]))
        scores = (samples @ basis.directions.T).reshape(*activation.shape[:3], -1)
        best.setdefault(kind, []).append([_best(scores, each, halves) for each in labels.values()])
    held_out = clusters[halves[1]]

    def less(of: Mapping[str, Statistic], kind: str) -> Estimate:
        return intervals.estimate(lambda weights: of[UNITS](weights) - of[kind](weights), held_out, level, chance=0.0)

    auroc = {kind: partial(_mean, [one for each in of for one in each]) for kind, of in best.items()}
    sparseness = {kind: partial(_mean_over_directions, of) for kind, of in sparse.items()}
    parts = {kind: less(auroc, kind) if labels else missing(reason) for kind in OTHERS}
    parts |= {f"sparsity-{kind}": less(sparseness, kind) for kind in OTHERS}
    return Measured(_arrays(sparse, best, list(labels), int(halves[1].sum())), {CLAIM: parts})


def _labels(
    network: Architecture, layer: str, shares: Mapping[str, np.ndarray], halves: Halves, concept_share: float
) -> tuple[dict[str, Labels], str]:
    """Labels of the concepts that both halves of the frames show, and why there are none where there are none."""
    found = {}
    for concept, share in shares.items():
        labels = mask_overlap.field_labels(share, network, layer, trunk_share=concept_share)
        if all(sample.any() for half in halves for sample in labels.take(half).moved()):
            found[concept] = labels
    return found, ONE_SIDED if shares else NO_LABELS


def _bases(fitted: np.ndarray, *, rotations: int, penalty: float, seed: int) -> Iterator[Basis]:
    size = fitted.shape[1]
    yield Basis(UNITS, np.eye(size), lambda samples: samples)
    for turned in bases.rotations(size, count=rotations, seed=seed):
        yield Basis("random", turned, partial(_project, directions=turned))
    factors = bases.nonnegative(fitted, count=size, seed=seed)
    yield Basis("nmf", factors, partial(bases.codes, directions=factors))
    found = bases.dictionary(fitted, count=size, penalty=penalty, seed=seed)
    weight = penalty * bases.typical_length(fitted)
    yield Basis("dictionary", found, partial(bases.codes, directions=found, penalty=weight))


def _project(samples: np.ndarray, *, directions: np.ndarray) -> np.ndarray:
    return samples @ directions.T


def _best(scores: np.ndarray, labels: Labels, halves: Halves) -> Statistic:
    """The AUROC on the second half of the direction that had the best on the first."""
    first = labels.take(halves[0])
    chosen = mask_overlap.observed_singly(mask_overlap.auroc, scores[halves[0]], first)
    best = int(np.abs(chosen - 0.5).argmax())
    sign = -1 if chosen[best] < 0.5 else 1
    held_out = mask_overlap.samples(sign * scores[halves[1]][..., [best]], labels.take(halves[1]))
    auroc = mask_overlap.linear_auroc(held_out)
    return lambda weights: auroc(weights)[..., 0]


def _mean(statistics: list[Statistic], weights: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean([statistic(weights) for statistic in statistics], axis=0))


def _mean_over_directions(statistics: list[Statistic], weights: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean([statistic(weights).mean(-1) for statistic in statistics], axis=0))


def _arrays(
    sparse: Mapping[str, list[Statistic]], best: Mapping[str, list[list[Statistic]]], concepts: list[str], frames: int
) -> Arrays:
    """What the panel shows: held-out AUROC of each basis's best direction, and the sparseness of every direction."""
    once = np.ones(frames)
    arrays: Arrays = {"bases": np.array(list(sparse)), "concepts": np.array(concepts, dtype=str)}
    if concepts:
        arrays["bases/auroc"] = np.array(
            [np.mean([[float(one(once)) for one in each] for each in of], axis=0) for of in best.values()]
        )
    return arrays | {
        f"sparsity/{kind}": np.concatenate([statistic(once) for statistic in of]) for kind, of in sparse.items()
    }
