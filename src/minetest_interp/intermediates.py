"""What each layer computed for each frame: name to array."""

import jax
import numpy as np

from minetest_interp import layout
from minetest_interp.policy import LAYERS, Policy, Trace

BATCH = 64  # frames at a time: bounds memory, and a fixed shape compiles once


def compute(policy: Policy, stacks: np.ndarray) -> dict[str, np.ndarray]:
    """Runs `[N, T, H, W]` through the policy: name in `layout.INTERMEDIATES` to float32 `[N, ...]`.

    Convolutions before their ReLU, hidden after it, logits `[N, A]`, value `[N]`.
    """

    @jax.jit
    def step(batch) -> dict:
        trace: Trace = policy.run(batch)
        return {name: trace.layers[name] for name in LAYERS} | {"logits": trace.logits, "value": trace.value}

    size = min(BATCH, len(stacks))
    parts = []
    for first in range(0, len(stacks), size):
        batch = stacks[first : first + size]
        padded = np.pad(batch, ((0, size - len(batch)), (0, 0), (0, 0), (0, 0)))
        parts.append({name: np.asarray(array)[: len(batch)] for name, array in step(padded).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in layout.INTERMEDIATES}
