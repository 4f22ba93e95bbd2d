"""Test the claims about dreams on many seeds, each beside a dream of shuffled weights."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import dream_controls
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, objectives

# What the post says each dream has more of than chance.
CLAIMED = {"value": "repetition", "left": "middle_left", "right": "edges"}


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    side: int,
    arrays: Path,
    estimates: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    bootstrap, seeds = Bootstrap(**interval), range(settings["seeds"])
    steering = table.behaviours[actions["steering"]]
    asked = {
        "value": (objectives.value(), settings["value_steps"]),
        "left": (objectives.behaviour_probability(steering, sign=side), settings["yaw_steps"]),
        "right": (objectives.behaviour_probability(steering, sign=-side), settings["yaw_steps"]),
    }
    lags = {key: settings[key] for key in ("least_lag", "most_lag")}
    kept, found = {"seeds": np.array(seeds)}, {}
    for name, (objective, steps) in asked.items():
        pair = dream_controls.dream_pairs(loaded, objective, seeds=seeds, lr=settings["lr"], steps=steps)
        for kind, dreams in zip(pair._fields, pair, strict=True):
            newest = dreams[:, -1]
            kept |= {
                f"{name}/{kind}/{key}": share for key, share in dream_controls.contrast_shares(newest)._asdict().items()
            }
            kept |= {
                f"{name}/{kind}/repetition": np.array([dream_controls.repetition(dream, **lags) for dream in dreams]),
                f"{name}/{kind}/contrast": dream_controls.contrast(newest).mean(0),
                f"{name}/{kind}/example": newest[0],
            }
        real, shuffled = (kept[f"{name}/{kind}/{CLAIMED[name]}"] for kind in pair._fields)
        found[name] = dream_controls.excess(real, shuffled, bootstrap)

    files.write_arrays(arrays, **kept)
    measured = {
        "dream-value-repeats": {"repeats": found["value"][0], "peak": found["value"][1]},
        "dream-yaw-sides": {
            "left": found["left"][0],
            "right": found["right"][0],
            "left-share": found["left"][1],
            "right-share": found["right"][1],
        },
    }
    files.write_json(estimates, intervals.to_json(measured))


if __name__ == "__main__":
    command(run)
