"""One recipe on all units of a policy: units of one kind and layer are ascended together."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from minetest_interp.analysis import stats
from minetest_interp.dreams import ascent, notebook, units
from minetest_interp.dreams.recipe import ImageRecipe, NotebookRecipe, Recipe
from minetest_interp.dreams.units import Unit
from minetest_interp.model import networks, objectives
from minetest_interp.model.architecture import Trace
from minetest_interp.model.batches import map_batches
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Geometry, Policy

BATCH = 16  # stacks at a time, whose traces fit into a processor's cache


class Subject(NamedTuple):
    """A policy, the units asked about, and frames `[N, H, W]` with what they make of it; natural: `[U, N]`."""

    policy: Policy
    listed: list[Unit]
    frames: np.ndarray
    trace: Trace
    natural: np.ndarray

    def scaled(self, i: int) -> objectives.Scaled:
        """Unit i's objective in natural standard deviations, or as it is where it does not vary."""
        unit, natural = self.listed[i], self.natural[i]
        if objectives.is_constant(natural):
            return objectives.Scaled(unit.objective, np.zeros((), np.float32), np.ones((), np.float32))
        return objectives.scaled(unit.objective, natural, name=unit.name)


class Dreams(NamedTuple):
    """pictures: `[U, K, T, H, W]`, T = 1 when the stack shares one frame. bases: `[U, H, W]`, what a picture shows
    before anything is asked of it: it earns no agreement."""

    pictures: np.ndarray
    bases: np.ndarray


def run_on_frames(policy: Policy, listed: Sequence[Unit], frames: np.ndarray) -> Subject:
    """The policy with what grey frames `[N, H, W]`, each shared by a whole stack, make of it."""
    trace, natural = run_on_stacks(policy, listed, np.asarray(frames, np.float32)[:, None])
    return Subject(policy, list(listed), np.asarray(frames), trace, natural)


def run_on_stacks(policy: Policy, listed: Sequence[Unit], stacks: np.ndarray) -> tuple[Trace, np.ndarray]:
    """What stacks `[B, T, H, W]` (T = 1 when shared) make of a policy, and every unit's objective on them, `[U, B]`."""
    groups = list(_kinds([unit.objective for unit in listed]).values())
    asked = [objectives.stack([listed[i].objective for i in group]) for group in groups]
    network, stacks = networks.plain(policy), np.broadcast_to(stacks, (len(stacks), *policy.architecture.stack))
    trace, scores = map_batches(lambda batch: _run(network, asked, batch), stacks, size=BATCH)
    return trace, np.concatenate(scores, axis=1)[:, np.argsort(np.concatenate(groups))].T


@jax.jit
def _run(network: networks.Network, asked: list[Objective], stacks: Array) -> tuple[Trace, list[Array]]:
    trace = network(stacks)
    return trace, [jax.vmap(lambda objective: objective(trace), out_axes=1)(each) for each in asked]


def divide(listed: Sequence[Unit], batch: int) -> list[np.ndarray]:
    """Indices of units of one kind and layer, about `batch` together, in the order of first appearance.

    The batches of a group are as equal as can be, since every new size is compiled anew.
    """
    groups = _kinds([unit.objective for unit in listed]).values()
    return [part for group in groups for part in np.array_split(group, max(1, round(len(group) / batch)))]


def _kinds(asked: Sequence[Objective]) -> dict:
    """Indices of the objectives that can be stacked, by their kind."""
    groups: dict = {}
    for i, objective in enumerate(asked):
        groups.setdefault(jax.tree.structure(objective), []).append(i)
    return groups


def dream(
    made: Recipe, subject: Subject, *, seeds: Sequence[int], progress: Callable[[int], None] = lambda done: None
) -> Dreams:
    """One recipe on every unit of a subject, whose frames are the fitted ones, from every seed.

    Args:
      progress: is called with how many unit-steps were just done (units x seeds x steps).
    """
    by_unit: dict[int, list[np.ndarray]] = {}
    # Units of one kind and layer are ascended together, each in its receptive field alone where it has one.
    for chosen in divide(subject.listed, len(subject.listed)):
        shown = dream_together(made, subject, chosen, seeds=seeds, progress=progress)
        by_unit |= {int(i): row for i, *row in zip(chosen, *shown, strict=True)}
    pictures, bases = zip(*(by_unit[i] for i in range(len(subject.listed))), strict=True)
    return Dreams(np.stack(pictures), np.stack(bases))


def dream_together(
    made: Recipe,
    subject: Subject,
    chosen: np.ndarray,
    *,
    seeds: Sequence[int],
    progress: Callable[[int], None] = lambda done: None,
) -> Dreams:
    """One recipe on the chosen units of a subject, which share one kind and layer."""
    done = len(chosen) * len(seeds)
    if isinstance(made, NotebookRecipe):
        shown = _notebook(made, subject, chosen, seeds, lambda step: progress(done))
    else:
        shown = _image(made, subject, chosen, seeds, lambda step: progress(done))
    return Dreams(*(array.astype(np.float32) for array in shown))


def _network(policy: Policy, unit: Unit) -> tuple[networks.Network, tuple[int, int] | None]:
    """What units of one kind are ascended on, and the position that it computes where it computes no other."""
    if not isinstance(policy.network, Geometry):
        return networks.plain(policy), None
    if unit.position is None:
        return networks.fast(policy), None
    return networks.field(policy, unit.layer), unit.position


def _image(made: ImageRecipe, subject: Subject, chosen: np.ndarray, seeds: Sequence[int], progress) -> Dreams:
    first, image, natural = subject.listed[chosen[0]], made.image, subject.natural[chosen]
    asked = [subject.scaled(i) for i in chosen.tolist()]
    network, position = _network(subject.policy, first)
    targets = anchors = None
    bases = np.repeat(np.asarray(image.base)[None], len(chosen), axis=0)
    if made.method.form == "target":
        targets = [float((top - o.mean) / o.sd + made.margin) for o, top in zip(asked, natural.max(1), strict=True)]
    if made.start == "best frame":
        anchors = np.stack([image.encode(subject.frames[stats.highest(row, count=1)[0]]) for row in natural])
        bases = ascent.pictures(image, anchors[:, None])[:, 0, -1]
    result = ascent.ascend(
        network,
        asked,
        image,
        seeds=seeds,
        method=made.method,
        targets=targets,
        anchors=anchors,
        position=position,
        names=[subject.listed[i].name for i in chosen],
        progress=progress,
    )
    return Dreams(ascent.pictures(image, result.parameters), bases)


def _notebook(made: NotebookRecipe, subject: Subject, chosen: np.ndarray, seeds: Sequence[int], progress) -> Dreams:
    """`notebook.deep_dream` from `notebook.grey_start`, for all chosen units and seeds at once; no pixel outside a
    receptive field ever moves. Its bases are flat."""
    architecture, listed = subject.policy.architecture, [subject.listed[i] for i in chosen]
    network, position = _network(subject.policy, listed[0])
    top, left, height, width = (0, 0, *architecture.stack[1:])
    asked = [unit.objective for unit in listed for _ in seeds]
    if position is not None:
        top, left, height, width = units.receptive_box(listed[0], architecture)
        asked = [objectives.at(objective, position) for objective in asked]
    starts = np.concatenate([notebook.grey_start(architecture, seed=seed) for seed in seeds])
    whole = np.tile(starts, (len(listed), 1, 1, 1))
    names = [unit.name for unit in listed for _ in seeds]
    inside = np.s_[:, :, top : top + height, left : left + width]
    whole[inside], _ = notebook.plain_ascent(
        network, objectives.stack(asked), whole[inside], lr=made.lr, steps=made.steps, names=names, progress=progress
    )
    return Dreams(whole.reshape(len(listed), len(seeds), *whole.shape[1:]), np.zeros((len(listed), *whole.shape[2:])))
