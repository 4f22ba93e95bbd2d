"""Units on frames beyond their strongest: the middle and the lowest of their range, a concept's share, and their likes.

A unit's *response* is its activation at every position of N frames, `[N, h, w]`; of a unit without positions h and w
are 1. *share* `[N, H, W]` says how much of each pixel belongs to the concept.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from minetest_interp.analysis import mask_overlap, stats
from minetest_interp.dreams import dreaming, scores, units
from minetest_interp.dreams.units import Unit
from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.policy import Policy

COUNT = 6  # frames of the middle, and of the bottom


class Exemplar(NamedTuple):
    """A frame's number, what the unit saw (top, left, height, width in pixels), and its activation there."""

    frame: int
    box: tuple[int, int, int, int]
    activation: float


class Counts(NamedTuple):
    """Of the `of` labelled frames that drive a unit most, and of those that drive it least, how many show the unit the
    concept where it is strongest or lowest; `base`, the share of all patches that hold it."""

    strongest: int
    weakest: int
    of: int
    base: float


class Observed(NamedTuple):
    """What frames make of U units.

    middle, lowest: exemplars of each unit, nearest the median first and lowest first. correlations: `[U, U]`, of mean
    responses over the frames, NaN where one does not vary. places: `[U, 2]` on the map of units, NaN likewise; shown:
    the two axes' shares of what sets units apart. counts: of each unit, None where nothing is labelled. frames,
    labelled: how many of each.
    """

    middle: list[list[Exemplar]]
    lowest: list[list[Exemplar]]
    correlations: np.ndarray
    places: np.ndarray
    shown: np.ndarray
    counts: list[Counts | None]
    frames: int
    labelled: int


def observe_units(
    policy: Policy,
    behaviours: Mapping[str, Behaviour],
    atlas: Mapping[str, np.ndarray],
    stacks: Mapping[str, np.ndarray],
    *,
    labelled: np.ndarray | None = None,
    share: np.ndarray | None = None,
    trunk_share: float = mask_overlap.TRUNK_SHARE,
) -> Observed:
    """Runs the policy on the study's frames, and on labelled ones where there are some, and looks at every unit.

    Args:
      atlas: as its stage writes it; the exemplars are of its `frames`, the correlations of all. stacks: `frames` `[N]`
        and grey `original` `[N, H, W]`. labelled: grey frames `[M, H, W]`. share: the concept's in them.
      trunk_share: as of `mask_overlap.field_labels`.

    Raises:
      InputError: the atlas shows a frame that `stacks` lacks.
    """
    network = policy.architecture
    known = {
        unit.name: unit
        for unit in units.list_units(
            network, behaviours, {layer: atlas[f"{layer}/directions"] for layer in _with_directions(network, atlas)}
        )
    }
    listed = [known[str(name)] for name in atlas["name"]]
    subject = dreaming.run_on_frames(policy, listed, stacks["original"])
    responses = [
        respond(unit, subject.trace.layers, natural)
        for unit, natural in zip(listed, np.asarray(subject.natural), strict=True)
    ]
    judged = _places(atlas["frames"], stacks["frames"])
    ranges = [range_frames(unit, network, found[judged]) for unit, found in zip(listed, responses, strict=True)]
    correlations = stats.correlations(np.stack([found.mean((1, 2)) for found in responses]))
    places, shown = similarity_map(correlations)
    counts: list[Counts | None] = [None] * len(listed)
    if labelled is not None and share is not None and len(labelled):
        layers = mask_overlap.activations(policy, labelled, network.maps)
        held = {layer: holding(layer, network, share, trunk_share=trunk_share) for layer in network.maps}
        counts = [
            None if unit.position is None else concept_counts(respond(unit, layers, None), held[unit.layer])
            for unit in listed
        ]
    return Observed(
        [middle for middle, _ in ranges],
        [lowest for _, lowest in ranges],
        correlations,
        places,
        shown,
        counts,
        len(stacks["frames"]),
        0 if labelled is None else len(labelled),
    )


def respond(unit: Unit, layers: Mapping[str, AnyArray], natural: np.ndarray | None) -> Float[np.ndarray, "frame h w"]:
    """A unit's response on frames, from the layers' activations or, without positions, from its objective there."""
    if unit.position is None:
        return np.asarray(natural, np.float64)[:, None, None]
    return np.asarray(layers[unit.layer] @ np.asarray(unit.weights), np.float64)


def range_frames(
    unit: Unit, network: Architecture, response: Float[np.ndarray, "frame h w"], *, count: int = COUNT
) -> tuple[list[Exemplar], list[Exemplar]]:
    """The frames whose strongest activation is nearest the median of all frames', and those with the lowest activation.

    Each with the place of that activation; ties in the frames' order.
    """
    flat = response.reshape(len(response), -1)
    strongest = flat.max(1)
    middle = np.argsort(np.abs(strongest - np.median(strongest)), kind="stable")[:count]
    lowest = np.argsort(flat.min(1), kind="stable")[:count]

    def exemplar(frame: int, place: int) -> Exemplar:
        position = divmod(place, response.shape[2])
        box = (0, 0, *network.stack[1:]) if unit.position is None else network.box(unit.layer, position)
        return Exemplar(frame, box, float(flat[frame, place]))

    return (
        [exemplar(int(frame), int(flat[frame].argmax())) for frame in middle],
        [exemplar(int(frame), int(flat[frame].argmin())) for frame in lowest],
    )


def holding(
    layer: str,
    network: Architecture,
    share: Num[np.ndarray, "frame row column"],
    *,
    trunk_share: float,
) -> Bool[np.ndarray, "frame h w"]:
    """Whether what the units of a layer see at each position holds the concept."""
    fields = mask_overlap.field_labels(share, network, layer, trunk_share=trunk_share)
    positive, _ = fields.moved()
    return positive.reshape(len(share), *network.shape(layer)[:2])


def concept_counts(
    response: Float[np.ndarray, "frame h w"], held: Bool[np.ndarray, "frame h w"], *, count: int = scores.TOP
) -> Counts:
    """How often the strongest and the lowest activations of the frames at both ends of a unit's range see a concept."""
    flat, seen = response.reshape(len(response), -1), held.reshape(len(held), -1)

    def number(chosen: Int[np.ndarray, " chosen"], places: Int[np.ndarray, " frame"]) -> int:
        return int(seen[chosen, places[chosen]].sum())

    top = stats.highest(flat.max(1), count=count)
    bottom = stats.highest(-flat.min(1), count=count)
    return Counts(number(top, flat.argmax(1)), number(bottom, flat.argmin(1)), len(top), float(seen.mean()))


def similarity_map(
    correlations: Float[np.ndarray, "unit unit"],
) -> tuple[Float[np.ndarray, "unit 2"], Float[np.ndarray, "2"]]:
    """Places of units in a plane, near where they correlate, and the share of all distances that each axis shows.

    Classical multidimensional scaling (Torgerson 1952) of the distances sqrt(2 - 2 r). On each axis the place that is
    farthest from the middle is positive, so that the same units give the same map.
    """
    known = np.flatnonzero(np.isfinite(np.diagonal(correlations)))
    places = np.full((len(correlations), 2), np.nan)
    shown = np.zeros(2)
    if len(known) < 3:
        return places, shown
    inner = correlations[np.ix_(known, known)]
    inner = inner - inner.mean(0) - inner.mean(1, keepdims=True) + inner.mean()
    values, vectors = np.linalg.eigh(inner)
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    found = vectors[:, :2] * np.sqrt(values[:2])
    farthest = found[np.abs(found).argmax(0), np.arange(2)]
    places[known] = found * np.where(farthest < 0, -1, 1)
    return places, values[:2] / (values.sum() or 1.0)


def _places(frames: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Where frames stand among others, by name."""
    names = among.tolist()
    for name in frames.tolist():
        if name not in names:
            raise InputError(f"the atlas shows the frame {name!r}, which the stacks lack. Build both from one study.")
    return np.array([names.index(name) for name in frames.tolist()])


def _with_directions(network: Architecture, atlas: Mapping[str, np.ndarray]) -> Sequence[str]:
    return [layer for layer in network.targets[1:] if f"{layer}/directions" in atlas]
