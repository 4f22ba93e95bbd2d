"""What each layer computed for each frame: name to array."""

import numpy as np
from jaxtyping import Float

from minetest_interp.model import networks
from minetest_interp.model.batches import map_batches
from minetest_interp.model.policy import Policy


def compute(
    policy: Policy, stacks: Float[np.ndarray, "batch frame row column"]
) -> dict[str, Float[np.ndarray, "batch ..."]]:
    """Runs stacks through the policy: each layer, then what its heads put out ("logits", "q", "value"), float32."""
    network, layers, outputs = networks.plain(policy), policy.architecture.targets[1:], policy.architecture.outputs

    def step(batch: np.ndarray) -> dict:
        trace = networks.run(network, batch)
        return {name: trace.layers[name] for name in layers} | {name: getattr(trace, name) for name in outputs}

    computed = map_batches(step, stacks)
    return {name: computed[name] for name in (*layers, *outputs)}
