"""The units of an atlas, and what natural frames do to them: best patches, distribution, dead or saturated."""

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from minetest_interp import objectives
from minetest_interp.actions import Behaviour
from minetest_interp.blocks import CONVOLUTIONS, field_box
from minetest_interp.errors import InputError
from minetest_interp.objectives import Objective
from minetest_interp.policy import LAYERS, Geometry, Policy, Trace
from minetest_interp.scores import best

BINS = 32
NEGLIGIBLE = 1e-4  # of the strongest factor


class Unit(NamedTuple):
    """name: "conv1/56", "conv2/direction 0", "hidden/direction 3", "yaw", "yaw reversed", "value".

    layer: where it is read, "head" for logits and value. weights: `[C]` over that layer's channels, None for heads.
    position: (row, column) of the objective, the centre; None where it has none and sees the whole frame.
    """

    name: str
    layer: str
    objective: Objective
    weights: np.ndarray | None
    position: tuple[int, int] | None


class Nature(NamedTuple):
    """A unit on N natural frames.

    scores: `[N]`, its objective. frames, tops, lefts, values: `[9]` of the strongest patches, one of each frame,
    strongest first, with their top-left pixel and activation. counts: `[BINS]` over `[BINS + 1]` edges, of the
    activation at every position of every frame. active: share of them above zero.
    """

    scores: np.ndarray
    frames: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    edges: np.ndarray
    active: float

    @property
    def constant(self) -> bool:
        """The objective does not vary over the frames, so nothing can be measured in its standard deviations."""
        return objectives.is_constant(self.scores)


def list_units(
    geometry: Geometry, behaviours: Mapping[str, Behaviour], directions: Mapping[str, np.ndarray]
) -> list[Unit]:
    """Every channel of the convolutions, directions `[n, C]` by layer, the value, and the behaviours both ways."""
    units = []
    for layer in LAYERS:
        rows = [(f"{layer}/direction {i}", row) for i, row in enumerate(directions.get(layer, ()))]
        if layer in CONVOLUTIONS:
            channels = np.eye(geometry.shape(layer)[-1], dtype=np.float32)
            rows = [(f"{layer}/{i}", row) for i, row in enumerate(channels)] + rows
        position = objectives.centre(geometry, layer) if layer in CONVOLUTIONS else None
        units += [Unit(n, layer, objectives.direction(geometry, layer, w), w, position) for n, w in rows]
    units.append(Unit("value", "head", objectives.value(), None, None))
    for name, behaviour in behaviours.items():
        units.append(Unit(name, "head", objectives.behaviour(behaviour), None, None))
        units.append(Unit(f"{name} reversed", "head", objectives.behaviour(behaviour, sign=-1), None, None))
    return units


def leading_directions(trace: Trace, *, count: int, seed: int) -> dict[str, np.ndarray]:
    """Non-negative factors of each layer's activations after the ReLU, unit length, strongest first: layer to `[n, C]`.

    Raises:
      InputError: `count` is below 1 or above a layer's channels.
    """
    return {layer: _factors(np.asarray(trace.layers[layer]), layer, count, seed) for layer in LAYERS}


def observe(unit: Unit, geometry: Geometry, trace: Trace, *, count: int) -> Nature:
    """What the frames of a trace do to a unit; `count` patches at most."""
    responses = response_map(unit, trace)
    width = responses.shape[2]
    flat = responses.reshape(len(responses), -1)
    order = best(flat.max(1), count=count)
    rows, columns = np.divmod(flat[order].argmax(1), width)
    boxes = [_box(unit, geometry, (int(r), int(c))) for r, c in zip(rows, columns, strict=True)]
    low, high = float(responses.min()), float(responses.max())
    counts, edges = np.histogram(responses, bins=BINS, range=(low, high) if high > low else (low - 0.5, low + 0.5))
    return Nature(
        scores=np.asarray(unit.objective(trace)),
        frames=order,
        tops=np.array([box[0] for box in boxes]),
        lefts=np.array([box[1] for box in boxes]),
        values=flat[order].max(1),
        counts=counts,
        edges=edges,
        active=float((responses > 0).mean()),
    )


def response_map(unit: Unit, trace: Trace) -> np.ndarray:
    """The unit at every position of every frame, `[N, h, w]`; 1 x 1 where it has no position."""
    if unit.position is None:
        return np.asarray(unit.objective(trace))[:, None, None]
    return np.asarray(trace.layers[unit.layer]) @ unit.weights


def flag(unit: Unit, nature: Nature) -> str:
    """ "dead" if the ReLU lets nothing of the unit through on any frame, "saturated" if it never cuts, else ""."""
    if unit.position is None:
        return ""
    return {0.0: "dead", 1.0: "saturated"}.get(nature.active, "")


def receptive_box(unit: Unit, geometry: Geometry) -> tuple[int, int, int]:
    """(top, left, size) in pixels of what the unit's objective sees."""
    return _box(unit, geometry, unit.position)


def receptive_mask(unit: Unit, geometry: Geometry) -> np.ndarray:
    """Boolean `[S, S]`: the pixels that can change the unit's objective."""
    top, left, size = receptive_box(unit, geometry)
    mask = np.zeros((geometry.size,) * 2, bool)
    mask[top : top + size, left : left + size] = True
    mask[geometry.read_size :] = mask[:, geometry.read_size :] = False
    return mask


def shuffled(policy: Policy, *, seed: int) -> Policy:
    """The policy with the numbers of every array in random order: what a dream shows that no learning put there."""
    generator = np.random.default_rng(seed)

    def shuffle(array):
        array = np.asarray(array)
        return generator.permutation(array.ravel()).reshape(array.shape)

    return Policy(policy.geometry, jax.tree.map(shuffle, dict(policy.params)))


def _box(unit: Unit, geometry: Geometry, position: tuple[int, int] | None) -> tuple[int, int, int]:
    if unit.position is None or position is None:
        return 0, 0, geometry.size
    return field_box(geometry, unit.layer, position)


def _factors(activation: np.ndarray, layer: str, count: int, seed: int) -> np.ndarray:
    samples = np.maximum(activation, 0).reshape(-1, activation.shape[-1])
    if not 1 <= count <= samples.shape[1]:
        raise InputError(f"`count` of directions must be 1 to {samples.shape[1]} in layer {layer!r}; got {count}.")
    # ASSUME: 2,000 evenly spaced positions stand for all; a factor is a habit of many positions.
    samples = samples[:: max(1, len(samples) // 2000)]
    if not samples.any():
        raise InputError(f"directions of layer {layer!r} need some activation above zero; all is dead there.")
    # A fixed number of steps, so that the outcome never hangs on a tolerance.
    model = NMF(count, init="nndsvda", random_state=seed, max_iter=200, tol=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        shares = model.fit_transform(samples)
    lengths = np.linalg.norm(model.components_, axis=1)
    strength = shares.sum(0) * lengths
    # What explains nothing shrinks towards zero; how close it comes depends on the processor.
    kept = strength > NEGLIGIBLE * strength.max()
    directions = model.components_[kept] / lengths[kept, None]
    return directions[np.argsort(-strength[kept], kind="stable")].astype(np.float32)
