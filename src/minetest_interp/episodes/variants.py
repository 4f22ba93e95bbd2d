"""A study's policy, as it is or with one thing changed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from minetest_interp.episodes import agents, gather, inside, names
from minetest_interp.episodes.agents import Player
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import action_table
from minetest_interp.model.architecture import Edit, keep
from minetest_interp.model.policy import Policy
from minetest_interp.study import Study


def players(agent: str, study: Study, own: Sequence[Path], seed: int) -> Callable[[int], Player]:
    """Who plays at the place of a number: the same everywhere, or at each place with other channels at zero.

    Args:
      agent: "policy" or one of `names.VARIANTS`. own: files of the policy's own episodes, for similar activity.

    Raises:
      InputError: the policy cannot play, names no channels to silence, or has not played what is in `own`.
    """
    loaded = agents.load_policy(study.checkpoint, study.policy, study.actions)
    if agent == names.SILENCED_RANDOM:
        named = tree_detectors(study)
        activity = _activity(loaded, own, list(named))
        return lambda n: agents.policy(loaded, study.actions, edit=others_at_zero(loaded, named, activity, [seed, n]))
    player = agents.policy(loaded, study.actions, picture=agents.EDITS.get(agent), edit=_edit(agent, loaded, study))
    return lambda n: player


def tree_detectors(study: Study) -> dict[str, int]:
    """The channels that claims name as tree detectors: by layer, those that the study names in all but the first.

    Raises:
      InputError: there are none.
    """
    named = study.settings.get("evidence", {}).get("named", {})
    if len(named) < 2:
        raise InputError(f"{study.name}: `evidence.named` must name two layers or more to silence; got {named}.")
    return dict(list(named.items())[1:])


def others_at_zero(loaded: Policy, named: dict[str, int], activity: dict[str, np.ndarray], seed: Sequence[int]) -> Edit:
    """The edit that sets as many other channels of the same layers to zero, of similar mean activity `[channel]`."""
    random = np.random.default_rng(seed)
    others = {layer: inside.draw_similar(activity[layer], channel, random) for layer, channel in named.items()}
    return inside.silence(loaded, others)


def _activity(loaded: Policy, own: Sequence[Path], layers: Sequence[str]) -> dict[str, np.ndarray]:
    length, seen = loaded.network.shape("input")[0], []
    for path in own:
        frames = files.read_arrays(files.read(path), "frames")["frames"]
        seen.append(gather.stacks_at(frames, np.arange(0, len(frames), gather.EVERY), length))
    return {layer: inside.mean_activity(loaded, np.concatenate(seen), layer) for layer in layers}


def _edit(agent: str, loaded: Policy, study: Study) -> Edit:
    if agent == names.SILENCED:
        return inside.silence(loaded, tree_detectors(study))
    if agent == names.UNSTEERED:
        table = action_table(study.actions["factors"], study.actions["behaviours"])
        direction = inside.steering_direction(loaded, table.behaviours[study.actions["steering"]])
        return inside.project_out(loaded.architecture.targets[-1], direction)
    return keep
