"""Recorded episodes of all agents to one file of what is asked about them, place by place."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minetest_interp.claims import play
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import episodes as recorded
from minetest_interp.model.actions import ActionTable, action_table, behaviour_values


def run(
    own: Path,
    actions: dict,
    concepts: dict,
    network: Path,
    episodes: Path,
    on_policy: Path | None = None,
    random: Path | None = None,
    forward: Path | None = None,
    out_of_order: Path | None = None,
    mirrored: Path | None = None,
    even: Path | None = None,
    silenced: Path | None = None,
    silenced_random: Path | None = None,
    night: Path | None = None,
    unsteered: Path | None = None,
    decoys_left: Path | None = None,
    decoys_right: Path | None = None,
) -> None:
    table = action_table(actions["factors"], actions["behaviours"])
    played = recorded.read(own, sees=True)
    recorded.check_actions(played, len(table.labels), own)
    described = files.read_json(network)
    recorded.check_stacks(played, own, seen=(described["frames"], described["height"], described["width"]))
    arrays = _of_policy(played, table, actions["steering"])
    named = random, forward, out_of_order, mirrored, even, silenced, silenced_random, night, unsteered
    for agent, path in zip(play.AGENTS[1:], named, strict=True):
        if path is not None:
            other = recorded.beside(recorded.read(path, sees=False), played, path)
            arrays |= {f"{agent}/{name}": array for name, array in other.items()}
    for agent, path in zip(play.DECOYS, (decoys_left, decoys_right), strict=True):
        if path is not None:
            arrays[f"{agent}/heading"] = recorded.headings(recorded.read(path, sees=False), played, path)
    files.write_arrays(episodes, **arrays)
    if on_policy is not None:
        files.write_arrays(on_policy, **recorded.labelled_stacks(played, concepts))


def _of_policy(played: Mapping[str, np.ndarray], table: ActionTable, steering: str) -> dict[str, np.ndarray]:
    arrays = {"places": played["place"], "own/turn": behaviour_values(played["logits"], table)[steering]}
    arrays |= {f"own/{name}": played[name] for name in (*recorded.BY_STEP, *recorded.SEEN)}
    held = {name: table.behaviours[name].plus for name in play.WALKING if name in table.behaviours}
    arrays |= {f"own/{name}": actions_of[played["action"]] for name, actions_of in held.items()}
    if recorded.STACKS in played:
        kept = played[recorded.KEPT]
        arrays |= {"stacks": played[recorded.STACKS], "logits": played[recorded.LOGITS][:, kept]}
    return arrays


if __name__ == "__main__":
    command(run)
