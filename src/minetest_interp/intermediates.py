"""What each layer computed for each frame: name to array, and where it is stored."""

from pathlib import Path

import jax
import numpy as np

from minetest_interp.policy import LAYERS, Policy, Trace

NAMES = (*LAYERS, "logits", "value")
BATCH = 64  # frames at a time: bounds memory, and a fixed shape compiles once


def compute(policy: Policy, stacks: np.ndarray) -> dict[str, np.ndarray]:
    """Runs `[N, T, H, W]` through the policy: name in `NAMES` to float32 `[N, ...]`.

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
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def path(folder: Path, view: str, name: str) -> Path:
    """Where a study keeps one layer's activations in one view; the original view lies in `folder` itself."""
    return (folder if view == "original" else folder / view) / f"{name}.npz"
