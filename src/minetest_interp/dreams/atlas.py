"""One dream, control, and set of scores for every unit, in batches that can be interrupted and taken up again.

A batch's pictures are a pure function of a `Plan` and the batch's number. U units, K seeds; pictures are grey
levels `[U, K, H, W]`. A first layer that is affine in the pixels has its dreams in closed form.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from minetest_interp.dreams import dreaming, judging, parametrisations, scores, units
from minetest_interp.dreams.ascent import Method
from minetest_interp.dreams.dreaming import Dreams, Subject
from minetest_interp.dreams.recipe import ImageRecipe
from minetest_interp.dreams.units import Nature, Unit
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, shuffled_weights

BATCH = 16
# The recipe of the report; docs of `Method` say what each number is.
METHOD = Method(strength=32.0)


class Plan(NamedTuple):
    """Everything a batch needs.

    real, control: the policy and the one with shuffled weights, on the frames scored against, `[N, H, W]`, which are
    disjoint from the prior's. natures: of the real one's units. batches: indices of units, every batch of one kind
    and layer. mean: `[H, W]`, the prior's mean frame.
    """

    real: Subject
    control: Subject
    natures: list[Nature]
    batches: list[np.ndarray]
    mean: np.ndarray
    recipe: ImageRecipe
    seeds: tuple[int, ...]

    @property
    def listed(self) -> list[Unit]:
        return self.real.listed


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
      fitted, judged: `[N, H, W]` grey frames for the prior and for the scores; no frame may be in both.
      seeds: of the dreams. shuffle_seed: of the control's weights.
    """
    prior = parametrisations.fit_prior(fitted, policy.network)
    parametrisations.fit_prior(judged, policy.network)  # the same demands on size and levels
    if method.form != "penalty":
        raise InputError(f"the atlas' method must have form 'penalty', which needs no targets; got {method.form!r}.")
    scores.check_apart(fitted, judged)
    real, control = (
        dreaming.run_on_frames(each, listed, judged) for each in (policy, shuffled_weights(policy, seed=shuffle_seed))
    )
    natures = [
        units.observe(unit, policy.architecture, real.trace, natural, count=patches)
        for unit, natural in zip(real.listed, real.natural, strict=True)
    ]
    recipe = ImageRecipe("atlas", parametrisations.frame_prior(prior, policy.network), method)
    return Plan(real, control, natures, dreaming.divide(real.listed, batch), prior.mean, recipe, tuple(seeds))


def dream_batch(plan: Plan, index: int, *, progress: Callable[[int], None] = lambda done: None) -> dict:
    """One batch: `unit`, its units' numbers; `pictures` and `control`, `[U, K, H, W]`, of the policy and the control.

    Args:
      progress: is called with how many unit-steps were just done (units x seeds x steps, dreams and controls).
    """
    chosen = plan.batches[index]
    dreams, controls = (_dream(plan, subject, chosen, progress) for subject in (plan.real, plan.control))
    return {"unit": chosen, "pictures": dreams, "control": controls}


def compute(
    plan: Plan, folder: Path, *, stamp: str, progress: Callable[[int], None] = lambda done: None
) -> dict[str, np.ndarray]:
    """All units, taken up where an interrupted run left off: the same arrays as an uninterrupted one.

    Args:
      folder: keeps one file per finished batch.
      stamp: a digest of everything the plan was made from; files with another stamp are done again.

    Returns:
      array name to one row per unit, in the order of `plan.listed`.
    """
    done = [_stored_batch(plan, index, folder, stamp, progress) for index in range(len(plan.batches))]
    joined = {name: np.concatenate([part[name] for part in done]) for name in done[0]}
    order = np.argsort(joined["unit"])
    made = {name: array[order] for name, array in joined.items()}
    # The control's dream is shown to the real policy: what a picture earns that knows the frames but not the weights.
    bases = np.repeat(np.asarray(plan.recipe.image.base)[None], len(plan.listed), axis=0)
    dreams, controls = (Dreams(made[name][:, :, None], bases) for name in ("pictures", "control"))
    judged = judging.score(plan.real, dreams, controls)
    judged |= judging.ceilings(plan.real, mean=plan.mean, seeds=len(plan.seeds))
    rows = [_describe(plan, i) for i in range(len(plan.listed))]
    return made | {name: np.stack([row[name] for row in rows]) for name in rows[0]} | judged


def work(plan: Plan) -> int:
    """Unit-steps in the whole atlas, as `progress` counts them."""
    return 2 * len(plan.listed) * len(plan.seeds) * plan.recipe.steps


def box_optimum(policy: Policy, asked: Objective, *, around: np.ndarray) -> np.ndarray:
    """The frame `[H, W]`, shared by the stack, that no other in the box 0..255 beats on a unit of an affine layer.

    Every pixel goes to the end of the box that its weight, summed over the stack, points to.

    Args:
      around: `[H, W]` grey levels, kept where the unit sees nothing.
    """
    black = np.zeros((1, 1, *policy.architecture.stack[1:]), np.float32)
    weight = np.asarray(_slope(networks.plain(policy), asked, black))[0, 0]
    return np.where(weight > 0, 255.0, np.where(weight < 0, 0.0, around)).astype(np.float32)


@jax.jit
def _slope(network: networks.Plain, asked: Objective, stack: Array) -> Array:
    return jax.grad(lambda stack: asked(network(stack)).sum())(stack)


def _dream(plan: Plan, subject: Subject, chosen: np.ndarray, progress: Callable[[int], None]) -> np.ndarray:
    """Pictures `[U, K, H, W]` of the chosen units, which share one kind and layer."""
    first = plan.listed[chosen[0]]
    if first.layer == subject.policy.architecture.affine:
        progress(len(chosen) * len(plan.seeds) * plan.recipe.steps)
        asked = [subject.scaled(i) for i in chosen.tolist()]
        frames = [box_optimum(subject.policy, each, around=plan.mean) for each in asked]
        # The optimum is one and the same for every seed.
        return np.repeat(np.stack(frames)[:, None], len(plan.seeds), axis=1)
    return dreaming.dream_together(plan.recipe, subject, chosen, seeds=plan.seeds, progress=progress).pictures[:, :, 0]


def _describe(plan: Plan, i: int) -> dict:
    """What natural frames do to unit i: best patches, distribution, flags."""
    unit, nature, network = plan.listed[i], plan.natures[i], plan.real.policy.architecture
    return {
        "name": np.array(unit.name),
        "layer": np.array(unit.layer),
        "box": np.array(units.receptive_box(unit, network)),
        "patch_frame": nature.frames,
        "patch_top": nature.tops,
        "patch_left": nature.lefts,
        "patch_activation": nature.values,
        "histogram": nature.counts,
        "edges": nature.edges,
        "active": np.array(nature.active),
        "flag": np.array(units.flag(unit, network, nature)),
        "constant": np.array(nature.constant),
        "natural_mean": np.array(nature.scores.mean()),
        "natural_sd": np.array(nature.scores.std()),
    }


def _stored_batch(plan: Plan, index: int, folder: Path, stamp: str, progress: Callable[[int], None]) -> dict:
    path = folder / f"batch-{index:03d}.npz"
    if path.is_file():
        stored = files.read_arrays(path)
        if str(stored.pop("stamp", "")) == stamp:
            progress(2 * len(plan.batches[index]) * len(plan.seeds) * plan.recipe.steps)
            return stored
    made = dream_batch(plan, index, progress=progress)
    files.write_arrays(path, stamp=np.array(stamp), **made)
    return made
