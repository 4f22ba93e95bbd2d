"""What each layer computed for each frame: name to array."""

import numpy as np
from jaxtyping import Float

from minetest_interp.io import layout
from minetest_interp.model import networks
from minetest_interp.model.batches import map_batches
from minetest_interp.model.policy import LAYERS, Policy


def compute(
    policy: Policy, stacks: Float[np.ndarray, "batch frame row column"]
) -> dict[str, Float[np.ndarray, "batch ..."]]:
    """Runs stacks through the policy: name in `layout.INTERMEDIATES` to what was computed, float32.

    Convolutions before their ReLU, hidden after it, logits and value.
    """
    network = networks.plain(policy)

    def step(batch: np.ndarray) -> dict:
        trace = networks.run(network, batch)
        return {name: trace.layers[name] for name in LAYERS} | {"logits": trace.logits, "value": trace.value}

    computed = map_batches(step, stacks)
    return {name: computed[name] for name in layout.INTERMEDIATES}
