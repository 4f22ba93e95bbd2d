"""The arrays that functions take; jaxtyping adds kind and axes in the signatures, which the tests check.

Axes have the same names everywhere: batch (items computed at once), frame (of a stack, or of the study where there are
no stacks), row, column, channel (of a layer, or unit of "hidden"), action.
"""

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray  # functions of JAX take NumPy's arrays too
