"""Non-negative factors of a layer's activations (Lee and Seung 1999): directions that many positions share."""

import warnings

import numpy as np
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model.architecture import INPUT, Trace

NEGLIGIBLE = 1e-4  # of the strongest factor


def leading_directions(trace: Trace, *, count: int, seed: int) -> dict[str, Float[np.ndarray, "factor channel"]]:
    """Non-negative factors of each layer's activations after the ReLU, unit length, strongest first.

    n is at most `count`: no more than there are independent activations, and 0 in a layer that is never above zero.

    Raises:
      InputError: `count` is below 1 or above a layer's channels.
    """
    layers = {name: np.asarray(activation) for name, activation in trace.layers.items() if name != INPUT}
    return {name: of_activation(activation, layer=name, count=count, seed=seed) for name, activation in layers.items()}


def of_activation(
    activation: Float[np.ndarray, "batch *position channel"], *, layer: str, count: int, seed: int
) -> Float[np.ndarray, "factor channel"]:
    """The same of one activation, that of `layer`."""
    import sklearn  # takes half a second, which pages that only name the directions do without

    samples = np.maximum(activation, 0).reshape(-1, activation.shape[-1])
    if not 1 <= count <= samples.shape[1]:
        raise InputError(f"`count` of directions must be 1 to {samples.shape[1]} in layer {layer!r}; got {count}.")
    # ASSUME: 2,000 evenly spaced positions stand for all; a factor is a habit of many positions.
    samples = samples[:: max(1, len(samples) // 2000)]
    if not samples.any():
        return np.empty((0, samples.shape[1]), np.float32)
    count = min(count, int(np.linalg.matrix_rank(samples)))
    # A fixed number of steps, so that the outcome never depends on a tolerance.
    model = sklearn.decomposition.NMF(count, init="nndsvda", random_state=seed, max_iter=200, tol=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        shares = model.fit_transform(samples)
    lengths = np.linalg.norm(model.components_, axis=1)
    strength = shares.sum(0) * lengths
    # What explains nothing shrinks towards zero; how close it comes depends on the processor.
    kept = strength > NEGLIGIBLE * strength.max()
    directions = model.components_[kept] / lengths[kept, None]
    return directions[np.argsort(-strength[kept], kind="stable")].astype(np.float32)
