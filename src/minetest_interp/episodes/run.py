"""Plays whole episodes in the real game and keeps one file of each.

Needs Minetest, its game, Xvfb, libxtst6 and libfaketime, and starts a client without a screen. A run that was
interrupted goes on with the next episode that is missing.
"""

import json
import shutil
import time
from pathlib import Path
from typing import cast

import numpy as np

from minetest_interp.capture import line, march
from minetest_interp.capture.game import Game
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Node, Pose
from minetest_interp.episodes import agents, clock, keys
from minetest_interp.episodes import play as playing
from minetest_interp.episodes.agents import Player
from minetest_interp.io import files, yaml_files
from minetest_interp.model.actions import ActionSettings

SETTINGS = {
    "screen_w": 512,
    "screen_h": 300,
    "viewing_range": 60,
    "free_move": False,
    "noclip": False,
    "creative_mode": False,
    "enable_damage": True,
    "time_speed": 72,
    "max_block_generate_distance": 5,
    "max_block_send_distance": 6,
    "view_bobbing_amount": 1,
    "fall_bobbing_amount": 0.03,
    "node_highlighting": "box",
}
SCHEMA = Path(__file__).with_name("episodes.schema.yaml")
DAWN = 0.2552  # 6125 of 24,000
LOAD_S = 12.0  # seconds of real time in which the client draws the surroundings
AROUND, BELOW, ABOVE = 64, 24, 48  # nodes of the map that are read


def episodes(
    config: Path, agent: str, checkpoint: Path, settings: dict, actions: Path, number: int, output: Path
) -> None:
    """Plays the episodes that `output` does not hold yet.

    Args:
      agent: policy, random or forward. settings: `policy` of a study's config. actions: the file of its action table.

    Raises:
      InputError: something is not installed, the list is wrong, or the machine is too slow.
    """
    wanted = yaml_files.read(config, advice="Compare with config/episodes/demo.yaml.")
    yaml_files.validate(wanted, yaml_files.schema(SCHEMA), config)
    table = cast(ActionSettings, yaml_files.read(actions, advice="Compare with config/minetest-actions.yaml."))
    player = agents.policy(checkpoint, settings, table) if agent == "policy" else agents.baseline(agent, table)
    output.mkdir(parents=True, exist_ok=True)
    rate = wanted["clock"]
    missing = [n for n in range(number) if not (output / f"episode-{n:03d}.npz").exists()]
    began = time.monotonic()
    for done, n in enumerate(missing):
        place = wanted["places"][n % len(wanted["places"])]
        while True:
            arrays = _episode(output / "game", place, player, wanted, n, rate)
            share = clock.bad_share(arrays["late"], arrays["repeated"])
            slowed = clock.slower(rate, share)
            if slowed == rate:
                break
            print(
                f"episode {n}: {share:.1%} of the steps were late or repeated; clock {rate:.2f} -> {slowed:.2f}",
                flush=True,
            )
            rate = slowed
        target = output / f"episode-{n:03d}.npz"
        files.write_arrays(target, **arrays, agent=agent, bad_share=share)
        left = (time.monotonic() - began) / (done + 1) * (len(missing) - done - 1)
        print(f"{target}: {share:.1%} late or repeated, clock {rate:.2f}, {left / 60:.0f} min left", flush=True)
    print(f"{output}: {number} episodes, {len(missing)} of them new")


def _episode(folder: Path, place: dict, player: Player, wanted: dict, n: int, rate: float) -> dict[str, np.ndarray]:
    shutil.rmtree(folder, ignore_errors=True)
    world = (
        {"world": Path(place["world"]["folder"])} if "folder" in place["world"] else {"seed": place["world"]["seed"]}
    )
    mod = Path(__file__).with_name("mods") / "episodes"
    seed, yaw = wanted["seed"] + n, float(np.radians(place["yaw"]))
    with Game(folder, **world, settings=SETTINGS, variables=clock.variables(rate), mod=mod) as game:
        feet = place["feet"]
        game._ask("stand", feet=feet, yaw=yaw, timeofday=DAWN)
        centre = np.floor(feet).astype(int)
        lowest, highest = centre - np.array([AROUND, BELOW, AROUND]), centre + np.array([AROUND, ABOVE, AROUND])
        game.generate(lowest.tolist(), highest.tolist())
        voxels, drawtypes = game.dump(lowest.tolist(), highest.tolist()), game.drawtypes()
        time.sleep(LOAD_S)
        keyboard = keys.Keyboard(game.display)
        try:
            keyboard.focus()
            game._ask("play", timeofday=DAWN)
            keyboard.button(True)
            time.sleep(0.5)
            played = playing.play(
                game, keyboard, player, steps=wanted["steps"], step_s=wanted["step"] / rate, seed=seed
            )
        finally:
            keyboard.close()
        time.sleep(0.5)
        events = playing.read_events(game.world / "episode.jsonl", played.offsets)
    jumped = np.array([player.levels[a].get("jump", "-") == "jump" for a in played.arrays["action"]])
    crossed = crossed_by_step(march.scene(voxels, drawtypes), events)
    shaped, plain = playing.rewards(events.dug, events.punched, crossed, jumped)
    return {
        **played.arrays,
        "pose": events.pose,
        "hp": events.hp,
        "dug": np.array(json.dumps(events.dug)),
        "punched": np.array(json.dumps(events.punched)),
        "view_ray_nodes": crossed,
        "shaped": shaped,
        "plain": plain,
        "seed": np.array(seed),
        "clock": np.array(rate),
        "step_s": np.array(wanted["step"]),
        "place": np.array(json.dumps(place)),
    }


def crossed_by_step(shown: Scene, events: playing.Events) -> np.ndarray:
    """Nodes of trees on the view ray at each step, with what was dug before it taken away; NaN where unknown."""
    by_step: dict[int, list[Node]] = {}
    for step, _, x, y, z in events.dug:
        by_step.setdefault(step + 1, []).append(Node(x, y, z, "air"))
    found = np.full(len(events.pose), np.nan)
    for step, pose in enumerate(events.pose):
        shown = march.changed(shown, by_step.get(step, []))
        if np.isfinite(pose).all():
            count = line.trunks(shown, Pose(*map(float, pose)))
            found[step] = np.nan if count is None else count
    return found
