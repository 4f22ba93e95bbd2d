"""What the atlas' page shows of frames and of units together: exemplars, similar units, and the map of all units."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from minetest_interp.dreams.exemplars import Exemplar, Observed
from minetest_interp.facts import units as unit_facts
from minetest_interp.pages.text import one_line

MAP_SIZE = 720, 440  # CSS pixels of the map of units
BORDER = 16
SIMILAR = 5  # units that are named on either side


def shown_patch(exemplar: Exemplar, frames: Sequence[str]) -> dict:
    """An exemplar as the page shows it: the frame's number, name and key, the box, and the activation."""
    frame, box, activation = exemplar
    return {
        "frame": frame,
        "name": one_line(frames[frame]),
        "key": frames[frame],
        "box": box,
        "activation": activation,
    }


def strongest_frames(atlas: Mapping[str, np.ndarray], i: int) -> list[Exemplar]:
    """The frames that drive unit i most, as the atlas has them."""
    height, width = (int(number) for number in atlas["box"][i][2:])
    rows = zip(*(atlas[f"patch_{key}"][i] for key in ("frame", "top", "left", "activation")), strict=True)
    return [
        Exemplar(int(frame), (int(top), int(left), height, width), float(activation))
        for frame, top, left, activation in rows
    ]


def observed_part(observed: Observed, i: int, names: Sequence[str], frames: Sequence[str], trunk: dict | None) -> dict:
    """What is shown of unit i beyond its strongest frames.

    Returns:
      middle, lowest: patches. along, against: similar and opposite units. counts: a map, or None. conflict: whether the
      counts deny the concept score `trunk`; False where either is missing.
    """
    along, against = unit_facts.similar_units(observed.correlations, names, i, count=SIMILAR)
    counts = observed.counts[i]
    conflict = bool(trunk and counts and unit_facts.is_conflict(trunk["on"], trunk["q"], counts.strongest, counts.of))
    return {
        "middle": [shown_patch(exemplar, frames) for exemplar in observed.middle[i]],
        "lowest": [shown_patch(exemplar, frames) for exemplar in observed.lowest[i]],
        "along": along,
        "against": against,
        "counts": counts and counts._asdict(),
        "conflict": conflict,
    }


def map_places(places: Float[np.ndarray, "unit 2"]) -> list[tuple[float, float] | None]:
    """Where each unit stands on the map, in CSS pixels from its left and top; None for one that does not vary.

    Both axes have one scale, and the middle of all units is the middle of the map.
    """
    known = np.isfinite(places).all(1)
    if not known.any():
        return [None] * len(places)
    sides = np.array(MAP_SIZE, float)
    low, high = places[known].min(0), places[known].max(0)
    scale = ((sides - 2 * BORDER) / np.maximum(high - low, 1e-9)).min()
    found = (places - (low + high) / 2) * scale * (1, -1) + sides / 2
    return [
        (round(float(x), 1), round(float(y), 1)) if is_known else None
        for (x, y), is_known in zip(found, known, strict=True)
    ]
