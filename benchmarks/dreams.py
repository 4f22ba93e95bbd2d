"""How fast dreams are: the network's step against the notebook's loop, the machine's peak and PyTorch; the atlas.

Candidates take turns and the best of each counts, since other work on the machine can only slow a run down. Times are
milliseconds for one stack's value and its gradient with respect to the pixels. PyTorch is measured where it is
installed.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from minetest_interp.analysis import factors
from minetest_interp.dreams import atlas, scores, units
from minetest_interp.dreams import notebook as dreams
from minetest_interp.model import checkpoint, frames, networks, objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.policy import Geometry, Policy

# Multiply-adds count two: forward and the gradient with respect to the input, conv0 where conv1 reads it.
PEAK_SIDE = 1024
BATCHES = (16, 24, 32, 48, 64)
ACTIONS = np.arange(36)
BEHAVIOURS = {
    "yaw": Behaviour(ACTIONS // 3 % 3 == 0, ACTIONS // 3 % 3 == 2),
    "pitch": Behaviour(ACTIONS % 3 == 0, ACTIONS % 3 == 2),
    "forward": Behaviour(ACTIONS >= 18, np.zeros(36, bool)),
    "jump": Behaviour(ACTIONS // 9 % 2 == 1, np.zeros(36, bool)),
}


def measure(data: Path, rounds: int) -> dict:
    """Every figure about dreams on the published policy in `data`; `rounds` turns for each candidate."""
    policy = checkpoint.load(data / "ppo_treechop-v0.model", size=64).policy
    size = policy.geometry.size
    grey = np.stack([frames.grey(frames.read(p), size=size) for p in frames.find(data / "screenshots", "*.png")])
    return throughput(policy, rounds) | box(policy) | whole_atlas(policy, grey)


def step_flop(geometry: Geometry) -> int:
    """Floating-point operations of one stack's step, forward and back to the pixels."""
    inputs = (geometry.frames, *geometry.channels)
    sides = networks.read_sides(geometry)
    torso = sum(
        side**2 * kernel**2 * inputs[i] * inputs[i + 1]
        for i, (side, kernel) in enumerate(zip(sides, geometry.kernels, strict=True))
    )
    return 4 * (torso + (sides[-1] ** 2 * inputs[-1] + 1) * geometry.hidden)


def throughput(policy: Policy, rounds: int) -> dict:
    generator = np.random.default_rng(0)
    square = jnp.asarray(generator.random((PEAK_SIDE, PEAK_SIDE), np.float32))
    candidates: dict[str, tuple[Callable, int]] = {
        "peak": (_call(jax.jit(lambda a: a @ square), square), 1),
        "notebook": (_call(_step(networks.plain(policy)), _stack(policy, generator, 1)), 1),
    }
    for batch in BATCHES:
        shapes = {"fast": policy.geometry.frames, "fast, one shared frame": 1, "plain batched": policy.geometry.frames}
        for name, count in shapes.items():
            stack = _stack(policy, generator, batch)[:, :count]
            network = networks.plain(policy) if name == "plain batched" else networks.fast(policy)
            candidates[f"{name} {batch}"] = (_call(_step(network), stack), batch)
            if name == "fast":  # an ascent of pixels stays in blocks from its first step to its last
                candidates[f"packed {batch}"] = (_call(_step(network.run), network.pack(stack)), batch)
    torch = _torch_milliseconds(policy, _stack(policy, generator, 8), rounds)
    best = take_turns({name: call for name, (call, _) in candidates.items()}, rounds)
    each = {name: 1e3 * best[name] / batch for name, (_, batch) in candidates.items()}
    gflops = 2 * PEAK_SIDE**3 / best["peak"] / 1e9

    def least(kind: str) -> float | None:
        return min((ms for name, ms in each.items() if name.rpartition(" ")[0] == kind), default=None)

    floor = step_flop(policy.geometry) / gflops / 1e6
    fast = min(least("fast"), least("packed"))
    return {
        "step_mflop": step_flop(policy.geometry) / 1e6,
        "peak_gflops": gflops,
        "floor_ms": floor,
        "step_ms": each | {f"torch {name}": ms for name, ms in torch.items()},
        "against_notebook": each["notebook"] / fast,
        "share_of_floor": floor / fast,
        "against_torch": min(torch.values()) / fast if torch else None,
        "shared_frame_against_notebook": each["notebook"] / least("fast, one shared frame"),
    }


def take_turns(candidates: dict[str, Callable], rounds: int) -> dict[str, float]:
    """Seconds of each candidate's best run; every round gives each a few."""
    best = dict.fromkeys(candidates, np.inf)
    for turn in range(rounds + 1):
        for name, call in candidates.items():
            for _ in range(4):
                began = time.perf_counter()
                call()
                took = time.perf_counter() - began
                best[name] = min(best[name], took) if turn else np.inf
    return best


def box(policy: Policy) -> dict:
    """The critic's value in the box 0..255, from the notebook's start."""
    start = dreams.grey_start(policy.geometry, seed=0)
    notebook = dreams.deep_dream(policy, objectives.value(), start, steps=500).scores
    better = dreams.sign_ascent(networks.fast(policy), objectives.value(), start, steps=100).scores
    return {
        "notebook_value_500": float(notebook[-1]),
        "sign_ascent_value_100": float(better[-1]),
        "value_ratio": float(better[-1] / notebook[-1]),
    }


def whole_atlas(policy: Policy, grey: np.ndarray) -> dict:
    """Seconds and mean scores of the atlas; then the same batch at 1, 2 and 4 times the steps."""
    fitted, judged = (grey[half] for half in scores.halves(grey))
    began = time.perf_counter()
    trace = jax.jit(policy.run)(frames.as_stacks(fitted, policy.geometry.frames))
    listed = units.list_units(policy.architecture, BEHAVIOURS, factors.leading_directions(trace, count=4, seed=0))
    plan = atlas.prepare(policy, listed, fitted=fitted, judged=judged)
    with tempfile.TemporaryDirectory() as folder:
        made = atlas.compute(plan, Path(folder), stamp="bench")
    seconds = time.perf_counter() - began
    chosen = np.isin(made["name"], twelve(policy))
    kept = [name for name, column in made.items() if column.ndim == 1 and column.dtype == np.float64]
    return {
        "atlas_units": len(listed),
        "atlas_seconds": seconds,
        "atlas_peak_mib": _peak_mib(),
        "twelve": twelve(policy),
        "twelve_scores": {name: float(made[name][chosen].mean()) for name in kept},
        "all_scores": {name: float(np.nanmean(made[name])) for name in kept},
        "steps_seconds": {factor: _batch_seconds(plan, factor) for factor in (1, 2, 4)},
    }


def twelve(policy: Policy) -> list[str]:
    """conv1 56 and conv2 0, the post's, and 3 and 7 more drawn with seed 0 from the rest."""
    generator, names = np.random.default_rng(0), []
    for i, (layer, first, more) in enumerate((("conv1", 56, 3), ("conv2", 0, 7)), start=1):
        rest = np.delete(np.arange(policy.geometry.channels[i]), first)
        names += [f"{layer}/{c}" for c in (first, *sorted(generator.choice(rest, more, replace=False)))]
    return names


def _batch_seconds(plan: atlas.Plan, factor: int) -> float:
    index = next(i for i, batch in enumerate(plan.batches) if plan.listed[batch[0]].layer == "conv2")
    method = plan.recipe.method._replace(steps=factor * plan.recipe.steps)
    longer = plan._replace(recipe=plan.recipe._replace(method=method))
    atlas.dream_batch(longer, index)  # compiles
    began = time.perf_counter()
    atlas.dream_batch(longer, index)
    return time.perf_counter() - began


def _step(network: Callable) -> Callable:
    return jax.jit(jax.value_and_grad(lambda stack: network(stack).value.sum()))


def _call(function: Callable, argument) -> Callable[[], None]:
    return lambda: jax.block_until_ready(function(argument))


def _stack(policy: Policy, generator: np.random.Generator, batch: int):
    return jnp.asarray(255 * generator.random((batch, *policy.geometry.shape("input")), np.float32))


def _torch_milliseconds(policy: Policy, stack: jax.Array, rounds: int) -> dict[str, float]:
    """What `torch_step.py` prints of the same network; nothing where PyTorch is not installed."""
    params, side = policy.params, policy.geometry.sides[-1]
    network = {f"{name}/bias": np.asarray(params[name]["bias"]) for name in params}
    for name in networks.CONVOLUTIONS:
        network[f"{name}/kernel"] = np.asarray(params[name]["kernel"]).transpose(3, 2, 0, 1)
    # PyTorch flattens channels first; the kernel's rows are put in that order once.
    hidden = np.asarray(params["hidden"]["kernel"]).reshape(side, side, -1, policy.geometry.hidden)
    network["hidden/kernel"] = hidden.transpose(2, 0, 1, 3).reshape(-1, policy.geometry.hidden)
    network["critic/kernel"] = np.asarray(params["critic"]["kernel"])
    network |= {"strides": policy.geometry.strides, "example": stack, "expected": networks.plain(policy)(stack).value}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.npz")
        np.savez(file, **network)
        command = [sys.executable, str(Path(__file__).with_name("torch_step.py")), str(file), str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
