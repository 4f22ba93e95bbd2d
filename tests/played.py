"""Made-up episodes, as a file of them holds them: of agents that see nothing, and of a policy with what it saw."""

from pathlib import Path

import numpy as np

from minetest_interp.model import intermediates
from minetest_interp.model.policy import Policy

AGENTS = ("own", "random", "forward", "out-of-order", "mirrored", "even")
PLACES, STEPS, KEPT = 4, 60, np.array([0, 10])


def recorded(seed: int, actions: int, policy: Policy | None = None) -> dict[str, np.ndarray]:
    """The arrays of one agent's file, of 4 places and 60 steps; with a policy also what it saw and answered."""
    random = np.random.default_rng(seed)
    shape = PLACES, STEPS
    found = {
        "place": np.array([f"place {n}" for n in range(PLACES)]),
        "action": random.integers(0, actions, shape).astype(np.uint8),
        "distance": random.uniform(1, 30, shape).astype(np.float32),
        "direction": random.uniform(-180, 180, shape).astype(np.float32),
        "on_trunk": random.random(shape) < 0.1,
        "dug": random.integers(0, 2, shape).astype(np.uint8),
        "shaped": random.normal(size=shape).astype(np.float32),
    }
    if policy is None:
        return found
    stacks = random.integers(0, 256, (PLACES, len(KEPT), *policy.architecture.stack)).astype(np.uint8)
    answered = intermediates.compute(policy, stacks.reshape(-1, *stacks.shape[2:]).astype(np.float32))["logits"]
    logits = random.normal(size=(*shape, actions)).astype(np.float16)
    logits[:, KEPT] = answered.reshape(PLACES, len(KEPT), -1)
    return found | {
        "logits": logits,
        "value": random.normal(size=shape).astype(np.float32),
        "darker": random.normal(size=shape).astype(np.float32),
        "kept": KEPT,
        "stacks": stacks,
        "masks": random.integers(0, 3, (PLACES, len(KEPT), 15, 27)).astype(np.uint8),
        "crossed": random.integers(0, 5, shape).astype(np.float32),
    }


def write_all(folder: Path, actions: int, policy: Policy) -> None:
    """A file for each agent, named as the agent is."""
    for seed, agent in enumerate(AGENTS):
        np.savez_compressed(folder / f"{agent}.npz", **recorded(seed, actions, policy if agent == "own" else None))
