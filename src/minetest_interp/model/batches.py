"""Many items through a compiled function, a few at a time, so that memory does not grow with their number."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Shaped

SIZE = 64  # items at a time: a fixed shape compiles once


def map_batches(step: Callable, *arrays: Shaped[np.ndarray, "batch ..."], size: int = SIZE):
    """Applies `step` to batches of the arrays' first axis and joins what it returns.

    The last batch is filled up with repetitions of its last item, which are cut off again, so `step` must treat
    items independently.

    Args:
      step: arrays `[size, ...]` to an array, or a map, tuple or record of arrays, each `[size, ...]`.
      arrays: at least one item.

    Returns:
      what `step` returns, as numpy arrays over all items.
    """
    count = len(arrays[0])
    size = min(size, count)
    joined = None
    for first in range(0, count, size):
        index = np.minimum(np.arange(first, first + size), count - 1)
        made = jax.tree.map(np.asarray, step(*(array[index] for array in arrays)))
        if joined is None:
            joined = jax.tree.map(lambda part: np.empty((count, *part.shape[1:]), part.dtype), made)
        for whole, part in zip(jax.tree.leaves(joined), jax.tree.leaves(made), strict=True):
            whole[first : first + size] = part[: count - first]
    return joined
