"""Made-up episodes, as a file of them holds them: of agents that see nothing, and of a policy with what it saw; and the
film of one of them."""

from pathlib import Path

import numpy as np
from PIL import Image

from minetest_interp.model import intermediates
from minetest_interp.model.policy import Policy

AGENTS = (
    "own",
    "random",
    "forward",
    "out-of-order",
    "mirrored",
    "even",
    "silenced",
    "silenced-random",
    "night",
    "unsteered",
    "decoys-left",
    "decoys-right",
)
PLACES, STEPS, KEPT = 4, 60, np.array([0, 10])
FILMED, EVERY = 1, 2  # the place that is filmed, and the steps of a picture
HEIGHT, WIDTH = 30, 51


def columns(bearings: np.ndarray) -> dict[str, np.ndarray]:
    """Of a field: a base, two distances, trees without leaves and a stone, by day and at night, and a map of four."""
    sweeps = [(4, True, "apple"), (2, True, "apple"), (8, True, "apple"), (4, False, "apple"), (4, False, "stone")]
    rows = [(b, *sweep, time, False) for time in (0.5, 0.2) for sweep in sweeps for b in bearings]
    rows += [(b, 5, True, "apple", 0.5, True) for b in np.linspace(-50, 50, 4)]
    bearing, distance, leaves, kind, time, on_map = map(np.array, zip(*rows, strict=True))
    found = {"bearing": bearing, "distance": distance.astype(float), "time": time, "leaves": leaves}
    return found | {"kind": kind, "ground": np.full(len(rows), "plain"), "map": on_map}


def write_field(path: Path, policy: Policy) -> None:
    """A field of made-up stacks."""
    cells = columns(np.array([20.0, 0.0, -20.0]))
    shape = len(cells["map"]), *policy.architecture.stack
    stacks = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.savez_compressed(path, stacks=stacks, **cells)


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
        "pose": random.uniform(-180, 180, (*shape, 5)).astype(np.float32),
    }
    if policy is None:
        return found
    stacks = random.integers(0, 256, (PLACES, len(KEPT), *policy.architecture.stack)).astype(np.uint8)
    answered = intermediates.compute(policy, stacks.reshape(-1, *stacks.shape[2:]).astype(np.float32))["logits"]
    pose = np.zeros((*shape, 5), np.float32)
    pose[..., [0, 2]] = np.cumsum(random.normal(0, 0.3, (*shape, 2)), 1) + np.array([100, -40])
    pose[..., 3] = random.uniform(-180, 180, shape)
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
        "step_s": np.array(0.05, np.float32),
        "pose": pose,
        "trees": np.array([[0, 101, -40], [1, 100, -38], [1, 103, -41], [2, 99, -39]], np.int16),
    }


def taken(seed: int = 0) -> np.ndarray:
    """Pictures of one colour each, some like the one before."""
    colours = np.random.default_rng(seed).integers(30, 226, (STEPS // EVERY, 1, 1, 3))
    colours[1:12:2] = colours[:12:2]
    return np.broadcast_to(colours, (STEPS // EVERY, HEIGHT, WIDTH, 3)).astype(np.uint8)


def write_film(folder: Path, pictures: np.ndarray, **arrays: np.ndarray) -> None:
    """A film beside `own.npz`: its pictures; and as arrays which place is filmed, and what the policy saw there."""
    np.savez_compressed(folder / "own-film.npz", **arrays)
    first, *others = map(Image.fromarray, pictures)
    first.save(folder / "own.webp", "WebP", save_all=True, append_images=others, duration=100, quality=70, loop=0)


def write_all(folder: Path, actions: int, policy: Policy) -> None:
    """A file for each agent, named as the agent is, and a film."""
    for seed, agent in enumerate(AGENTS):
        np.savez_compressed(folder / f"{agent}.npz", **recorded(seed, actions, policy if agent == "own" else None))
    frames = np.random.default_rng(0).integers(0, 256, (STEPS, *policy.architecture.stack[1:])).astype(np.uint8)
    write_film(folder, taken(), filmed=np.array(FILMED), film=frames)
