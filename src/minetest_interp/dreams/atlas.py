"""One dream, control, and set of scores for every unit, in batches that can be interrupted and taken up again.

A batch is a pure function of a `Plan` and its number: a dict of arrays with one row per unit. U units, K seeds,
S pixels; pictures are grey levels `[U, K, S, S]`. conv0 is linear, so its dreams come in closed form.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from minetest_interp.analysis import stats
from minetest_interp.dreams import ascent, parametrisations, scores, units
from minetest_interp.dreams.ascent import Method
from minetest_interp.dreams.parametrisations import Image
from minetest_interp.dreams.units import Nature, Unit
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks, objectives
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, Trace, shuffled_weights

BATCH = 16
PATH_LAYERS = ("conv1", "conv2")
# The recipe of the report; docs of `Method` say what each number is.
METHOD = Method(strength=32.0)


class Side(NamedTuple):
    """A policy with what the judging frames make of it. natures: one for each unit."""

    policy: Policy
    trace: Trace
    natures: list[Nature]


class Plan(NamedTuple):
    """Everything a batch needs. judged: `[N, S, S]`, the frames scored against, disjoint from the prior's.

    batches: indices into `listed`, every batch of one kind and layer. mean: `[S, S]`, the prior's mean frame.
    """

    listed: list[Unit]
    batches: list[np.ndarray]
    real: Side
    control: Side
    judged: np.ndarray
    mean: np.ndarray
    image: Image
    method: Method
    seeds: tuple[int, ...]


def prepare(
    policy: Policy,
    listed: Sequence[Unit],
    *,
    fitted: np.ndarray,
    judged: np.ndarray,
    seeds: Sequence[int] = (0, 1),
    shuffle_seed: int = 0,
    method: Method = METHOD,
    patches: int = scores.TOP,
    batch: int = BATCH,
) -> Plan:
    """Fits the prior, runs both policies on the frames, and divides the units into batches.

    Args:
      fitted, judged: `[N, S, S]` grey frames for the prior and for the scores; no frame may be in both.
      seeds: of the dreams. shuffle_seed: of the control's weights.
    """
    prior = parametrisations.fit_prior(fitted, policy.geometry)
    parametrisations.fit_prior(judged, policy.geometry)  # the same demands on size and levels
    if method.form != "penalty":
        raise InputError(f"the atlas' method must have form 'penalty', which needs no targets; got {method.form!r}.")
    if any((frame == other).all() for frame in fitted for other in judged):
        raise InputError("the prior's frames and the judging frames must be disjoint; one is in both.")
    real = _side(policy, listed, judged, patches)
    control = _side(shuffled_weights(policy, seed=shuffle_seed), listed, judged, patches)
    image = parametrisations.frame_prior(prior, policy.geometry)
    return Plan(
        list(listed), divide(listed, batch), real, control, np.asarray(judged), prior.mean, image, method, tuple(seeds)
    )


def divide(listed: Sequence[Unit], batch: int) -> list[np.ndarray]:
    """Indices of units of one kind and layer, about `batch` together, in the order of first appearance.

    The batches of a group are as equal as can be, since every new size is compiled anew.
    """
    groups: dict = {}
    for i, unit in enumerate(listed):
        groups.setdefault((unit.layer, jax.tree.structure(unit.objective)), []).append(i)
    return [part for group in groups.values() for part in np.array_split(group, max(1, round(len(group) / batch)))]


def compute_batch(plan: Plan, index: int, *, progress: Callable[[int], None] = lambda done: None) -> dict:
    """One batch: array name to one row per unit; see `_describe` and `_judge` for the names.

    Args:
      progress: is called with how many unit-steps were just done (units x seeds x steps, dreams and controls).
    """
    chosen = plan.batches[index]
    dream = _dream(plan, plan.real, chosen, progress)
    control = _dream(plan, plan.control, chosen, progress)
    rows = [_describe(plan, i) | _judge(plan, i, d, c) for i, d, c in zip(chosen, dream, control, strict=True)]
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return {"unit": chosen, "pictures": dream, "control": control, **columns}


def compute(
    plan: Plan, folder: Path, *, stamp: str, progress: Callable[[int], None] = lambda done: None
) -> dict[str, np.ndarray]:
    """All batches, taken up where an interrupted run left off: the same arrays as an uninterrupted one.

    Args:
      folder: keeps one file per finished batch.
      stamp: a digest of everything the plan was made from; files with another stamp are done again.

    Returns:
      array name to one row per unit, in the order of `plan.listed`.
    """
    done = [_kept_batch(plan, index, folder, stamp, progress) for index in range(len(plan.batches))]
    joined = {name: np.concatenate([part[name] for part in done]) for name in done[0]}
    order = np.argsort(joined["unit"])
    return {name: array[order] for name, array in joined.items()}


def work(plan: Plan) -> int:
    """Unit-steps in the whole atlas, as `progress` counts them."""
    return 2 * len(plan.listed) * len(plan.seeds) * plan.method.steps


def box_optimum(policy: Policy, asked: Objective, position: tuple[int, int], *, around: np.ndarray) -> np.ndarray:
    """The frame `[S, S]`, shared by the stack, that no other in the box 0..255 beats on a unit of conv0.

    conv0 is linear: every pixel goes to the end of the box that its weight, summed over the stack, points to.

    Args:
      around: `[S, S]` grey levels, kept where the unit sees nothing.
    """
    network = networks.field(policy, "conv0")
    top, left, extent = networks.field_box(policy.geometry, "conv0", position)
    weight = np.asarray(_slope(network, objectives.at(asked, position), jnp.zeros((1, 1, extent, extent))))[0, 0]
    frame = np.array(around, np.float32)
    seen = frame[top : top + extent, left : left + extent]
    seen[weight > 0], seen[weight < 0] = 255.0, 0.0
    return frame


@jax.jit
def _slope(network: networks.Field, asked: Objective, stack: Array) -> Array:
    return jax.grad(lambda stack: asked(network(stack)).sum())(stack)


def _side(policy: Policy, listed: Sequence[Unit], judged: np.ndarray, patches: int) -> Side:
    trace = jax.tree.map(np.asarray, _run(networks.plain(policy), jnp.asarray(judged, jnp.float32)[:, None]))
    return Side(policy, trace, [units.observe(unit, policy.geometry, trace, count=patches) for unit in listed])


@jax.jit
def _run(network, stack):
    return network(stack)


def _asked(side: Side, plan: Plan, i: int) -> Objective:
    """The unit's objective in natural standard deviations, or as it is where it does not vary."""
    unit, nature = plan.listed[i], side.natures[i]
    if nature.constant:
        return objectives.Scaled(unit.objective, jnp.float32(0), jnp.float32(1))
    return objectives.scaled(unit.objective, nature.scores, name=unit.name)


def _dream(plan: Plan, side: Side, chosen: np.ndarray, progress: Callable[[int], None]) -> np.ndarray:
    """Pictures `[U, K, S, S]` of the chosen units, which share one kind and layer."""
    first, done = plan.listed[chosen[0]], len(chosen) * len(plan.seeds)
    asked = [_asked(side, plan, i) for i in chosen]
    if first.layer == "conv0":
        progress(done * plan.method.steps)
        frames = [box_optimum(side.policy, objective, first.position, around=plan.mean) for objective in asked]
        # The optimum is one and the same for every seed.
        return np.repeat(np.stack(frames)[:, None], len(plan.seeds), axis=1)
    result = ascent.ascend(
        _network(side.policy, first),
        asked,
        plan.image,
        seeds=plan.seeds,
        method=plan.method,
        position=first.position,
        names=[plan.listed[i].name for i in chosen],
        progress=lambda step: progress(done),
    )
    return ascent.pictures(plan.image, result.parameters)[:, :, 0]


def _network(policy: Policy, unit: Unit) -> networks.Network:
    return networks.fast(policy) if unit.position is None else networks.field(policy, unit.layer)


def _describe(plan: Plan, i: int) -> dict:
    """What natural frames do to unit i: best patches, distribution, flags."""
    unit, nature, geometry = plan.listed[i], plan.real.natures[i], plan.real.policy.geometry
    return {
        "name": np.array(unit.name),
        "layer": np.array(unit.layer),
        "box": np.array(units.receptive_box(unit, geometry)),
        "patch_frame": nature.frames,
        "patch_top": nature.tops,
        "patch_left": nature.lefts,
        "patch_activation": nature.values,
        "histogram": nature.counts,
        "edges": nature.edges,
        "active": np.array(nature.active),
        "flag": np.array(units.flag(unit, nature)),
        "constant": np.array(nature.constant),
        "natural_mean": np.array(nature.scores.mean()),
        "natural_sd": np.array(nature.scores.std()),
    }


def _judge(plan: Plan, i: int, dream: np.ndarray, control: np.ndarray) -> dict:
    """Scores of unit i's dream `[K, S, S]`, its control's, and what real frames reach (names ending in _real)."""
    unit, mask = plan.listed[i], units.receptive_mask(plan.listed[i], plan.real.policy.geometry)
    natural = plan.real.natures[i].scores
    strongest = stats.highest(natural, count=scores.TOP)
    result = {
        "agreement": scores.agreement(dream, plan.mean, mask),
        "control_agreement": scores.agreement(control, plan.mean, mask),
        "control_correlation": scores.control_correlation(dream, control, plan.mean, mask),
        "z_real": scores.z_score(natural[strongest], natural).mean(),
        "hf": scores.high_frequency(dream).mean(),
        "hf_control": scores.high_frequency(control).mean(),
        "hf_real": scores.high_frequency(plan.judged[strongest]).mean(),
    }
    # The control's dream is shown to the real policy: what a picture earns that knows the frames but not the weights.
    for suffix, picture in (("", dream), ("_control", control)):
        trace = _run(networks.plain(plan.real.policy), jnp.asarray(picture)[:, None])
        result[f"z{suffix}"] = scores.z_score(np.asarray(unit.objective(trace)), natural).mean()
        result[f"fd{suffix}"] = scores.frechet(scores.gaussian(np.asarray(trace.layers["conv1"])), _reference(plan))
        for layer in PATH_LAYERS:
            features, real = _features(trace, layer), _features(plan.real.trace, layer)
            paths = [scores.path(f, real[strongest], real) for f in features]
            result |= _named(f"path_{layer}", suffix, np.mean(paths, axis=0))
    for layer in PATH_LAYERS:
        real = _features(plan.real.trace, layer)
        result |= _named(f"path_{layer}", "_real", scores.path_ceiling(real[strongest], real))
    best = scores.gaussian(plan.real.trace.layers["conv1"][strongest[: len(plan.seeds)]])
    result["fd_real"] = scores.frechet(best, _reference(plan))
    return {name: np.array(number, np.float64) for name, number in result.items()}


def _features(trace: Trace, layer: str) -> np.ndarray:
    return scores.channel_features(np.asarray(trace.layers[layer]))


def _named(name: str, suffix: str, path: Sequence[float]) -> dict:
    return {f"{name}{suffix}": path[0], f"{name}_standardised{suffix}": path[1]}


def _reference(plan: Plan) -> scores.Gaussian:
    return scores.gaussian(plan.real.trace.layers["conv1"])


def _kept_batch(plan: Plan, index: int, folder: Path, stamp: str, progress: Callable[[int], None]) -> dict:
    path = folder / f"batch-{index:03d}.npz"
    if path.is_file():
        kept = files.read_arrays(path)
        if str(kept.pop("stamp", "")) == stamp:
            progress(2 * len(plan.batches[index]) * len(plan.seeds) * plan.method.steps)
            return kept
    made = compute_batch(plan, index, progress=progress)
    files.write_arrays(path, stamp=np.array(stamp), **made)
    return made
