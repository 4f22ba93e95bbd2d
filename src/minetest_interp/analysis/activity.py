"""How active channels are, as the next layer sees them."""

import numpy as np
from jaxtyping import Float

from minetest_interp.analysis import interventions
from minetest_interp.model import steps
from minetest_interp.model.policy import Policy


def pass_on(activation: np.ndarray, function: str | None) -> np.ndarray:
    """What the next layer gets of an activation: itself, or a function of it, one of `steps.FUNCTIONS`."""
    return activation if function is None else np.asarray(steps.FUNCTIONS[function](activation))


def activity(policy: Policy, layer: str, greys: np.ndarray) -> Float[np.ndarray, "mean_and_sd channel"]:
    """Mean and standard deviation, over frames and positions, of what each channel of a layer passes on."""
    function, count, sums = policy.architecture.passed_through(layer), 0, np.zeros((2, 1))
    for _, activation in interventions.stream_activations(policy, layer, greys):
        flat = pass_on(activation, function).reshape(-1, activation.shape[-1]).astype(np.float64)
        count, sums = count + len(flat), sums + np.stack([flat.sum(0), (flat**2).sum(0)])
    mean, square = sums / count
    return np.stack([mean, np.sqrt(np.maximum(square - mean**2, 0))])
