"""The episode of a study's film: what the agent did, saw and earned at each step, and where it did better or worse."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from minetest_interp.claims import play
from minetest_interp.facts.study import Arrays
from minetest_interp.io import files
from minetest_interp.model.actions import ActionTable, behaviours_of
from minetest_interp.model.episodes import LOGITS, PLACES, Film

NEEDED = "pose", "trees", "step_s"
MARKED, APART = 4, 10  # moments of each sign, and the steps between any two


def filmed(
    recorded: Arrays, film: Film, table: ActionTable, steering: str, settings: play.PlaySettings, path: Path
) -> dict[str, np.ndarray]:
    """What is shown of the filmed episode of S steps, by step.

    Args:
      recorded: what `model.episodes.read` gives for a policy's file. film: of one of its episodes.
      settings: gamma, by which rewards are discounted, and steps, the first of the episode, whose return is known well
        enough.
      path: of the policy's file, for errors.

    Returns:
      place, a name; frames `[S, H, W]`; step_s, seconds of a step; action, turn (the steering), value, shaped, dug and
      pose `[S, 5]`; earned, the shaped reward up to and with the step; advantage; moments, the steps that stand out;
      known, how many of the first steps have a return known well enough; and trees `[K, 2]`, x and z of trunks.

    Raises:
      InputError: the file lacks what the page of a film shows.
    """
    files.require_arrays(recorded, NEEDED, path)
    which = film.place
    by_step = {name: recorded[name][which] for name in ("action", "value", "shaped", "dug", "pose")}
    advantage = advantages(by_step["value"], by_step["shaped"], gamma=settings.gamma)
    known = min(settings.steps, len(film.frames))
    return by_step | {
        "place": recorded[PLACES][which],
        "frames": film.frames,
        "step_s": recorded["step_s"],
        "turn": behaviours_of({LOGITS: recorded[LOGITS][which]}, table)[steering],
        "earned": np.nancumsum(by_step["shaped"], dtype=np.float64),
        "advantage": advantage,
        "moments": largest_moments(advantage[:known]),
        "known": np.array(known),
        "trees": recorded["trees"][recorded["trees"][:, 0] == which, 1:],
    }


def advantages(
    value: Float[np.ndarray, " step"], reward: Float[np.ndarray, " step"], *, gamma: float
) -> Float[np.ndarray, " step"]:
    """The discounted reward from each step on less what the critic foretold at it; NaN where either is not known."""
    return play.discounted(reward[None], gamma)[0] - value


def largest_moments(
    advantage: Float[np.ndarray, " step"], *, count: int = MARKED, apart: int = APART
) -> Int[np.ndarray, " m"]:
    """The steps of the largest advantages in order of time: up to `count` above zero and as many below, any two `apart`
    steps apart or more; of two that are closer it is the larger."""
    chosen: list[int] = []
    left = {1: count, -1: count}
    for step in np.argsort(-np.abs(advantage), kind="stable"):  # NaN is last
        sign = int(np.sign(advantage[step])) if np.isfinite(advantage[step]) else 0
        if left.get(sign, 0) and all(abs(step - other) >= apart for other in chosen):
            left[sign] -= 1
            chosen.append(int(step))
    return np.array(sorted(chosen), int)


def episode_facts(shown: Arrays, settings: play.PlaySettings, named: Mapping[str, int]) -> dict:
    """The numbers that the page prints of an episode.

    Args:
      shown: what `filmed` gives. named: layer to the channel that the study's claims are about.
    """
    numbers = {name: shown[name].astype(float) for name in ("turn", "value", "shaped", "earned", "advantage")}

    def at(step: int) -> dict:
        found = {name: float(array[step]) for name, array in numbers.items()}
        return {"step": step} | {name: x if np.isfinite(x) else None for name, x in found.items()}

    return {
        "place": str(shown["place"]),
        "steps": len(shown["action"]),
        "seconds": round(len(shown["action"]) * float(shown["step_s"]), 2),
        "step_seconds": round(float(shown["step_s"]), 4),
        "gamma": settings.gamma,
        "known": int(shown["known"]),
        "earned": float(shown["earned"][-1]),
        "dug": int(shown["dug"].sum(dtype=int)),
        "moments": [at(step) for step in shown["moments"].tolist()],
        "units": [f"{layer}/{channel}" for layer, channel in named.items()],
    }
