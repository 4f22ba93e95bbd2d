"""How strongly a part of a claim speaks for it, on one scale for all: in units of the smallest effect that matters."""

from collections.abc import Mapping

import numpy as np

REACH = 30.0  # effects that matter, at either end of the scale; what lies beyond stands at its end
TICKS = (-10, -1, 0, 1, 10)


def effect(part: Mapping, value: float) -> float:
    """How far a value of a part lies from chance in the claim's direction, in units of what matters."""
    sign = 1 if part["direction"] == "above" else -1
    return sign * (value - part["chance"]) / part["matters"]


def place(strength: float) -> float:
    """Where an effect stands on the scale, 0 (against) to 1 (for); linear near chance and logarithmic away from it."""
    return float(1 + np.arcsinh(np.clip(strength, -REACH, REACH)) / np.arcsinh(REACH)) / 2


def can_stand(part: Mapping) -> bool:
    """Whether a part is judged and measured, so that it has a place on the scale."""
    return bool(part["verdict"]) and part["estimate"] is not None and part["chance"] is not None
