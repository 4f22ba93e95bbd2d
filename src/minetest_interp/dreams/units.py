"""The units of an atlas, and what natural frames do to them: best patches, distribution, dead or saturated."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis.stats import highest
from minetest_interp.model import objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Architecture, Trace
from minetest_interp.model.objectives import Objective

BINS = 32


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
    network: Architecture, behaviours: Mapping[str, Behaviour], directions: Mapping[str, np.ndarray]
) -> list[Unit]:
    """Every channel of the layers with positions, directions `[n, C]` by layer, the value, and behaviours both ways."""
    units = []
    for layer in network.targets[1:]:
        rows = [(f"{layer}/direction {i}", row) for i, row in enumerate(directions.get(layer, ()))]
        if layer in network.maps:
            channels = np.eye(network.shape(layer)[-1], dtype=np.float32)
            rows = [(f"{layer}/{i}", row) for i, row in enumerate(channels)] + rows
        position = objectives.centre(network, layer) if layer in network.maps else None
        units += [Unit(n, layer, objectives.direction(network, layer, w), w, position) for n, w in rows]
    heads = _heads(network, behaviours)
    return units + [Unit(name, "head", objective, None, None) for name, objective in heads.items()]


def _heads(network: Architecture, behaviours: Mapping[str, Behaviour]) -> dict[str, Objective]:
    """The value, and the behaviours both ways, as objectives of one kind, so that one compiled step serves all."""
    read = objectives.return_difference if "q" in network.outputs else objectives.behaviour
    heads: dict[str, Objective] = {"value": objectives.value()} if "value" in network.outputs else {}
    heads |= {
        f"{name}{suffix}": read(behaviour, sign=sign)
        for name, behaviour in behaviours.items()
        for suffix, sign in (("", 1), (" reversed", -1))
    }
    return dict(zip(heads, objectives.of_one_kind(list(heads.values())), strict=True))


def observe(unit: Unit, network: Architecture, trace: Trace, natural: np.ndarray, *, count: int) -> Nature:
    """What the frames of a trace do to a unit, whose objective on them is `natural`; `count` patches at most."""
    responses = natural[:, None, None] if unit.position is None else np.asarray(trace.layers[unit.layer]) @ unit.weights
    width = responses.shape[2]
    flat = responses.reshape(len(responses), -1)
    order = highest(flat.max(1), count=count)
    rows, columns = np.divmod(flat[order].argmax(1), width)
    boxes = [_box(unit, network, (int(r), int(c))) for r, c in zip(rows, columns, strict=True)]
    low, high = float(responses.min()), float(responses.max())
    finest = float(BINS * np.spacing(np.float32(max(abs(low), abs(high)))))  # a narrower range has no distinct bins
    margin = 0.0 if high - low > finest else max(0.5, finest)
    counts, edges = np.histogram(responses, bins=BINS, range=(low - margin, high + margin))
    return Nature(
        scores=natural,
        frames=order,
        tops=np.array([box[0] for box in boxes]),
        lefts=np.array([box[1] for box in boxes]),
        values=flat[order].max(1),
        counts=counts,
        edges=edges,
        active=float((responses > 0).mean()),
    )


def flag(unit: Unit, network: Architecture, nature: Nature) -> str:
    """ "dead" if a ReLU lets nothing of the unit through on any frame, "saturated" if it never cuts, else ""."""
    if unit.position is None or network.passed_through(unit.layer) != "relu":
        return ""
    return {0.0: "dead", 1.0: "saturated"}.get(nature.active, "")


def receptive_box(unit: Unit, network: Architecture) -> tuple[int, int, int, int]:
    """(top, left, height, width) in pixels of what the unit's objective sees."""
    return _box(unit, network, unit.position)


def receptive_mask(unit: Unit, network: Architecture) -> np.ndarray:
    """Boolean `[H, W]`: the pixels that can change the unit's objective."""
    top, left, height, width = receptive_box(unit, network)
    mask, (rows, columns) = np.zeros(network.stack[1:], bool), network.reads
    mask[top : top + height, left : left + width] = True
    mask[rows:] = mask[:, columns:] = False
    return mask


def _box(unit: Unit, network: Architecture, position: tuple[int, int] | None) -> tuple[int, int, int, int]:
    if unit.position is None or position is None:
        return 0, 0, *network.stack[1:]
    return network.box(unit.layer, position)
