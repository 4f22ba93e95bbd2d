"""Ways to dream compared on one policy: each recipe's pictures, their scores, and what nonsense and real frames reach.

M recipes, U units, K seeds, T frames in a stack, H x W pixels; pictures are grey levels 0 (black) to 255. Whatever a
recipe learns from frames (prior, natural mean and standard deviation, target, the frame it starts from) comes from
the *fitted* frames; the *judged* frames, disjoint from them, serve the scores alone. A control is the same recipe on
the policy with shuffled weights, its pictures shown to the real policy.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from minetest_interp.analysis import stats
from minetest_interp.dreams import dreaming, judging, scores, units
from minetest_interp.dreams.recipe import ImageRecipe, Recipe
from minetest_interp.dreams.units import Unit
from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.policy import Policy, shuffled_weights


def choose(names: Sequence[str], network: Architecture, behaviours: Mapping[str, Behaviour]) -> list[Unit]:
    """The units of these names, "conv1/56", "value", "yaw" or "yaw reversed", in this order.

    Raises:
      InputError: a name that no unit has.
    """
    known = {unit.name: unit for unit in units.list_units(network, behaviours, {})}
    for name in names:
        if name not in known:
            heads = ", ".join(unit.name for unit in known.values() if unit.layer == "head")
            raise InputError(f"a unit must be a channel like {network.maps[0]}/0, or one of {heads}; got {name!r}.")
    return [known[name] for name in names]


def work(recipes: Sequence[Recipe], listed: Sequence[Unit], seeds: Sequence[int]) -> int:
    """Unit-steps of a comparison, controls included, as `progress` counts them."""
    return 2 * len(listed) * len(seeds) * sum(made.steps for made in recipes)


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
      fitted, judged: `[N, H, W]` grey frames; no frame may be in both.
      shuffle_seed: of the control's weights.

    Returns:
      recipes `[M]`, units `[U]`, seeds `[K]`, boxes `[U, 4]` (top, left, height, width in pixels of what a unit sees).
      pictures, controls: `[M, U, K, H, W]`, the last frame of the stack.
      bases, control_bases: `[M, U, H, W]`, see `Dreams`.
      frames/RECIPE, control_frames/RECIPE: `[U, K, T, H, W]`, where a stack does not share one frame.
      motion/RECIPE: `[U, T, H, W]`, of frames "motion": the first seed's frames minus their mean.
      real: `[U, 2, H, W]`, the two judged frames that drive each unit most.
      every score and every score_control: `[M, U]`; every score_real: `[U]`.
    """
    if not listed or not recipes or not seeds:
        raise InputError("a comparison must have at least one unit, one recipe and one seed.")
    scores.check_apart(fitted, judged)
    policies = policy, shuffled_weights(policy, seed=shuffle_seed)
    real, control = (dreaming.run_on_frames(each, listed, fitted) for each in policies)
    judge = dreaming.run_on_frames(policy, listed, judged)
    result = {
        "recipes": np.array([made.name for made in recipes]),
        "units": np.array([unit.name for unit in listed]),
        "seeds": np.array(seeds),
        "boxes": np.array([units.receptive_box(unit, policy.architecture) for unit in listed]),
        "real": np.stack([judge.frames[stats.highest(natural, count=2)] for natural in judge.natural]),
    }
    columns: dict[str, list] = {}
    for made in recipes:
        shown, other = (dreaming.dream(made, subject, seeds=seeds, progress=progress) for subject in (real, control))
        row = {
            "pictures": shown.pictures[:, :, -1],
            "controls": other.pictures[:, :, -1],
            "bases": shown.bases,
            "control_bases": other.bases,
            **judging.score(judge, shown, other),
        }
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
        if shown.pictures.shape[2] > 1:
            result |= {f"frames/{made.name}": shown.pictures, f"control_frames/{made.name}": other.pictures}
        if isinstance(made, ImageRecipe) and made.image.frames == "motion":
            first = shown.pictures[:, 0]
            result[f"motion/{made.name}"] = first - first.mean(1, keepdims=True)
    result |= {key: np.stack(values) for key, values in columns.items()}
    return result | judging.ceilings(judge, mean=np.mean(fitted, 0), seeds=len(seeds))
