"""Recorded episodes of all agents to one file of what is asked about them, place by place."""

from pathlib import Path

import numpy as np

from minetest_interp.claims import play
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import episodes
from minetest_interp.model.actions import action_table, behaviours_of


def run(
    own: Path,
    actions: dict,
    output: Path,
    random: Path | None = None,
    forward: Path | None = None,
    out_of_order: Path | None = None,
) -> None:
    table = action_table(actions["factors"], actions["behaviours"])
    played = episodes.read(own, sees=True)
    episodes.check_actions(played, len(table.labels), own)
    arrays = {"places": played["place"], "own/turn": behaviours_of(played, table)[actions["steering"]]}
    arrays |= {f"own/{name}": played[name] for name in (*episodes.BY_STEP, *episodes.SEEN)}
    held = {name: table.behaviours[name].plus for name in play.WALKING if name in table.behaviours}
    arrays |= {f"own/{name}": actions_of[played["action"]] for name, actions_of in held.items()}
    if episodes.STACKS in played:
        kept = played[episodes.KEPT]
        arrays |= {"stacks": played[episodes.STACKS], "logits": played[episodes.LOGITS][:, kept]}
    for agent, path in ((play.RANDOM, random), (play.FORWARD, forward), (play.OUT_OF_ORDER, out_of_order)):
        if path is not None:
            other = episodes.in_order(episodes.read(path, sees=False), played["place"], path)
            arrays |= {f"{agent}/{name}": other[name] for name in episodes.BY_STEP}
    files.write_arrays(output, **arrays)


if __name__ == "__main__":
    command(run)
