"""Ways to dream compared on one policy: each recipe's pictures, their scores, and what nonsense and real frames reach.

M recipes, U units, K seeds, T frames in a stack, S pixels; pictures are grey levels 0 (black) to 255. Whatever a
recipe learns from frames (prior, natural mean and standard deviation, target, the frame it starts from) comes from
the *fitted* frames; the *judged* frames, disjoint from them, serve the scores alone. A control is the same recipe on
the policy with shuffled weights, its pictures shown to the real policy.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from minetest_interp.analysis import stats
from minetest_interp.dreams import ascent, atlas, notebook, scores, units
from minetest_interp.dreams.recipe import ImageRecipe, NotebookRecipe, Recipe
from minetest_interp.dreams.units import Unit
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks, objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Geometry, Policy, Trace, shuffled_weights

PATH_LAYERS = ("conv1", "conv2")
PATHS = tuple(f"path_{layer}{form}" for form in ("", "_standardised") for layer in PATH_LAYERS)
SCORES = ("z", "hf", *PATHS, "fd", "agreement", "control_correlation")


class Subject(NamedTuple):
    """A policy, the units asked about, and frames `[N, S, S]` with what they make of it; natural: `[U, N]`."""

    policy: Policy
    listed: list[Unit]
    frames: np.ndarray
    trace: Trace
    natural: np.ndarray


class Dreams(NamedTuple):
    """pictures: `[U, K, T, S, S]`, T = 1 when the stack shares one frame. bases: `[U, S, S]`, what a picture shows
    before anything is asked of it: it earns no agreement."""

    pictures: np.ndarray
    bases: np.ndarray


def choose(names: Sequence[str], geometry: Geometry, behaviours: Mapping[str, Behaviour]) -> list[Unit]:
    """The units of these names, "conv1/56", "value", "yaw" or "yaw reversed", in this order.

    Raises:
      InputError: a name that no unit has.
    """
    known = {unit.name: unit for unit in units.list_units(geometry, behaviours, {})}
    for name in names:
        if name not in known:
            heads = ", ".join(unit.name for unit in known.values() if unit.layer == "head")
            raise InputError(f"a unit must be a convolution's channel like 'conv1/0', or one of {heads}; got {name!r}.")
    return [known[name] for name in names]


def run_on_frames(policy: Policy, listed: Sequence[Unit], frames: np.ndarray) -> Subject:
    """The policy with what grey frames `[N, S, S]`, each shared by a whole stack, make of it."""
    trace = _show(policy, np.asarray(frames, np.float32)[:, None])
    return Subject(policy, list(listed), np.asarray(frames), trace, np.stack([u.objective(trace) for u in listed]))


def dream(
    made: Recipe, subject: Subject, *, seeds: Sequence[int], progress: Callable[[int], None] = lambda done: None
) -> Dreams:
    """One recipe on every unit of a subject, whose frames are the fitted ones, from every seed.

    Args:
      progress: is called with how many unit-steps were just done (units x seeds x steps).
    """
    by_unit: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    # Units of one kind and layer are ascended together, each in its receptive field alone where it has one.
    for chosen in atlas.divide(subject.listed, len(subject.listed)):
        advance = _counter(progress, len(chosen) * len(seeds))
        if isinstance(made, NotebookRecipe):
            shown = _notebook(made, subject, chosen, seeds, advance)
        else:
            shown = _adam(made, subject, chosen, seeds, advance)
        by_unit |= {int(i): (picture, base) for i, picture, base in zip(chosen, *shown, strict=True)}
    pictures, bases = zip(*(by_unit[i] for i in range(len(subject.listed))), strict=True)
    return Dreams(np.stack(pictures).astype(np.float32), np.stack(bases).astype(np.float32))


def work(recipes: Sequence[Recipe], listed: Sequence[Unit], seeds: Sequence[int]) -> int:
    """Unit-steps of a comparison, controls included, as `progress` counts them."""
    return 2 * len(listed) * len(seeds) * sum(made.steps for made in recipes)


def judge(subject: Subject, shown: Dreams, control: Dreams) -> dict[str, np.ndarray]:
    """Every score of `SCORES`, `[U]`, its mean over the seeds; and the controls', the name ending in _control.

    HF, agreement and control correlation look at the stack's last frame, agreement and control correlation at the
    unit's receptive field alone; the others see what the policy sees. z is NaN where the frames do not vary.

    Args:
      subject: the real policy on the judged frames.
    """
    result = _score(subject, shown)
    result |= {f"{name}_control": values for name, values in _score(subject, control).items()}
    changes, others = (dreams.pictures[:, :, -1] - dreams.bases[:, None] for dreams in (shown, control))
    nothing = np.zeros(shown.bases.shape[1:], np.float32)
    result["control_correlation"] = np.array(
        [
            scores.control_correlation(change, other, nothing, mask)
            for change, other, mask in zip(changes, others, _masks(subject), strict=True)
        ]
    )
    return result


def ceilings(subject: Subject, *, mean: np.ndarray, seeds: int) -> dict[str, np.ndarray]:
    """What the judged frames that drive a unit most reach, `[U]`, the names ending in _real.

    z and HF: the mean over the best 9. path: each of them against the others. FD: the best `seeds` of them, as many as
    a dream has pictures. agreement: of the best 9 within the receptive field, `mean` `[S, S]` taken off.
    """
    reference, rows = _reference(subject), []
    for natural, mask in zip(subject.natural, _masks(subject), strict=True):
        strongest = stats.highest(natural, count=scores.TOP)
        few = scores.gaussian(subject.trace.layers["conv1"][strongest[:seeds]])
        row = {
            "z": scores.z_score(natural[strongest], natural).mean(),
            "hf": scores.high_frequency(subject.frames[strongest]).mean(),
            "fd": scores.frechet(few, reference),
            "agreement": scores.agreement(subject.frames[strongest], mean, mask),
        }
        for layer in PATH_LAYERS:
            real = scores.channel_features(subject.trace.layers[layer])
            row |= _named(layer, scores.path_ceiling(real[strongest], real))
        rows.append(row)
    return {f"{name}_real": np.array([row[name] for row in rows], np.float64) for name in rows[0]}


def compare(
    policy: Policy,
    listed: Sequence[Unit],
    recipes: Sequence[Recipe],
    *,
    fitted: np.ndarray,
    judged: np.ndarray,
    seeds: Sequence[int] = (0, 1),
    shuffle_seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, np.ndarray]:
    """Every recipe on every unit, with its control and its scores.

    Args:
      fitted, judged: `[N, S, S]` grey frames; no frame may be in both.
      shuffle_seed: of the control's weights.

    Returns:
      recipes `[M]`, units `[U]`, seeds `[K]`, boxes `[U, 3]` (top, left and size in pixels of what a unit sees).
      pictures, controls: `[M, U, K, S, S]`, the last frame of the stack.
      bases, control_bases: `[M, U, S, S]`, see `Dreams`.
      frames/RECIPE, control_frames/RECIPE: `[U, K, T, S, S]`, where a stack does not share one frame.
      motion/RECIPE: `[U, T, S, S]`, of frames "motion": the first seed's frames minus their mean.
      real: `[U, 2, S, S]`, the two judged frames that drive each unit most.
      every score and every score_control: `[M, U]`; every score_real: `[U]`.
    """
    if not listed or not recipes or not seeds:
        raise InputError("a comparison must have at least one unit, one recipe and one seed.")
    if any((frame == other).all() for frame in fitted for other in judged):
        raise InputError("the fitted frames and the judged frames must be disjoint; one is in both.")
    real, control = (run_on_frames(p, listed, fitted) for p in (policy, shuffled_weights(policy, seed=shuffle_seed)))
    judging = run_on_frames(policy, listed, judged)
    result = {
        "recipes": np.array([made.name for made in recipes]),
        "units": np.array([unit.name for unit in listed]),
        "seeds": np.array(seeds),
        "boxes": np.array([units.receptive_box(unit, policy.geometry) for unit in listed]),
        "real": np.stack([judging.frames[stats.highest(natural, count=2)] for natural in judging.natural]),
    }
    columns: dict[str, list] = {}
    for made in recipes:
        shown, other = (dream(made, subject, seeds=seeds, progress=progress) for subject in (real, control))
        row = {
            "pictures": shown.pictures[:, :, -1],
            "controls": other.pictures[:, :, -1],
            "bases": shown.bases,
            "control_bases": other.bases,
            **judge(judging, shown, other),
        }
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
        if shown.pictures.shape[2] > 1:
            result |= {f"frames/{made.name}": shown.pictures, f"control_frames/{made.name}": other.pictures}
        if isinstance(made, ImageRecipe) and made.image.frames == "motion":
            first = shown.pictures[:, 0]
            result[f"motion/{made.name}"] = first - first.mean(1, keepdims=True)
    result |= {key: np.stack(values) for key, values in columns.items()}
    return result | ceilings(judging, mean=np.mean(fitted, 0), seeds=len(seeds))


@jax.jit
def _run(network: networks.Network, stack: Array) -> Trace:
    return network(stack)


def _show(policy: Policy, stacks: np.ndarray) -> Trace:
    return jax.tree.map(np.asarray, _run(networks.plain(policy), jnp.asarray(stacks)))


def _network(policy: Policy, unit: Unit) -> networks.Network:
    return networks.fast(policy) if unit.position is None else networks.field(policy, unit.layer)


def _counter(progress: Callable[[int], None], done: int) -> Callable[[int], None]:
    return lambda step: progress(done)


def _adam(made: ImageRecipe, subject: Subject, chosen: np.ndarray, seeds: Sequence[int], progress) -> tuple:
    """Pictures `[U, K, T, S, S]` and bases `[U, S, S]` of the chosen units, which share one kind and layer."""
    first, image, natural = subject.listed[chosen[0]], made.image, subject.natural[chosen]
    asked = [_scaled(subject, i) for i in chosen]
    targets = anchors = None
    bases = np.repeat(np.asarray(image.base)[None], len(chosen), axis=0)
    if made.method.form == "target":
        targets = [(top - o.mean) / o.sd + made.margin for o, top in zip(asked, natural.max(1), strict=True)]
    if made.start == "best frame":
        anchors = jnp.stack([image.encode(subject.frames[stats.highest(row, count=1)[0]]) for row in natural])
        bases = ascent.pictures(image, anchors[:, None])[:, 0, -1]
    result = ascent.ascend(
        _network(subject.policy, first),
        asked,
        image,
        seeds=seeds,
        method=made.method,
        targets=targets,
        anchors=anchors,
        position=first.position,
        names=[subject.listed[i].name for i in chosen],
        progress=progress,
    )
    return ascent.pictures(image, result.parameters), bases


def _scaled(subject: Subject, i: int) -> objectives.Scaled:
    """Unit i's objective in natural standard deviations, or as it is where it does not vary."""
    unit, natural = subject.listed[i], subject.natural[i]
    if objectives.is_constant(natural):
        return objectives.Scaled(unit.objective, jnp.float32(0), jnp.float32(1))
    return objectives.scaled(unit.objective, natural, name=unit.name)


def _notebook(made: NotebookRecipe, subject: Subject, chosen: np.ndarray, seeds: Sequence[int], progress) -> tuple:
    """`dreams.deep_dream` from `dreams.grey_start`, for all chosen units and seeds at once; no pixel outside a
    receptive field ever moves. Its bases are flat."""
    geometry, listed = subject.policy.geometry, [subject.listed[i] for i in chosen]
    first = listed[0]
    network, (top, left, side) = _network(subject.policy, first), units.receptive_box(first, geometry)
    asked = [unit.objective for unit in listed for _ in seeds]
    if first.position is not None:
        asked = [objectives.at(objective, first.position) for objective in asked]
    stacked = objectives.stack(asked)
    starts = np.concatenate([notebook.grey_start(geometry, seed=seed) for seed in seeds])
    whole = np.tile(starts, (len(listed), 1, 1, 1))
    x, reached = jnp.asarray(whole[:, :, top : top + side, left : left + side]), []
    for step in range(made.steps):
        score, x = _notebook_step(network, stacked, x, made.lr)
        reached.append(score)
        progress(step + 1)
    _check_finite(np.asarray(reached), [unit.name for unit in listed for _ in seeds])
    whole[:, :, top : top + side, left : left + side] = x
    return whole.reshape(len(listed), len(seeds), *whole.shape[1:]), np.zeros((len(listed), *whole.shape[2:]))


@jax.jit
def _notebook_step(network: networks.Network, objective: Objective, x: Array, lr: Array) -> tuple[Array, Array]:
    def total(x: Array) -> tuple[Array, Array]:
        score = objective(network(x))
        return score.sum(), score

    gradient, score = jax.grad(total, has_aux=True)(x)
    return score, jnp.clip(x + lr * gradient, *notebook.RANGES["input"])


def _check_finite(reached: np.ndarray, names: Sequence[str]) -> None:
    if not np.isfinite(reached).all():
        step, i = (int(index) for index in np.argwhere(~np.isfinite(reached))[0])
        raise FloatingPointError(
            f"{names[i]} must stay finite while it is ascended; it is {reached[step, i]} at step {step}. "
            "Check the policy's parameters, or lower `lr`."
        )


def _score(subject: Subject, shown: Dreams) -> dict[str, np.ndarray]:
    """The scores that need no control, `[U]`."""
    count, seeds = shown.pictures.shape[:2]
    trace = _show(subject.policy, shown.pictures.reshape(count * seeds, *shown.pictures.shape[2:]))
    features = {layer: scores.channel_features(trace.layers[layer]) for layer in PATH_LAYERS}
    real = {layer: scores.channel_features(subject.trace.layers[layer]) for layer in PATH_LAYERS}
    reference, rows = _reference(subject), []
    for i, (unit, mask) in enumerate(zip(subject.listed, _masks(subject), strict=True)):
        own, natural, last = slice(i * seeds, (i + 1) * seeds), subject.natural[i], shown.pictures[i, :, -1]
        strongest = stats.highest(natural, count=scores.TOP)
        row = {
            "z": scores.z_score(np.asarray(unit.objective(trace))[own], natural).mean(),
            "hf": scores.high_frequency(last).mean(),
            "fd": scores.frechet(scores.gaussian(trace.layers["conv1"][own]), reference),
            "agreement": scores.agreement(last, shown.bases[i], mask) if seeds > 1 else np.nan,
        }
        for layer in PATH_LAYERS:
            each = [scores.path(f, real[layer][strongest], real[layer]) for f in features[layer][own]]
            row |= _named(layer, np.mean(each, axis=0))
        rows.append(row)
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}


def _named(layer: str, path: Sequence[float]) -> dict[str, float]:
    return {f"path_{layer}": path[0], f"path_{layer}_standardised": path[1]}


def _reference(subject: Subject) -> scores.Gaussian:
    return scores.gaussian(subject.trace.layers["conv1"])


def _masks(subject: Subject) -> list[np.ndarray]:
    return [units.receptive_mask(unit, subject.policy.geometry) for unit in subject.listed]
