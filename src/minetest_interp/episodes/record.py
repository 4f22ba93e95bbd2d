"""Plays whole episodes in the real game and keeps one file of each.

Needs Minetest, its game, Xvfb, libxtst6 and a C compiler, and starts a client without a screen. A run that was
interrupted goes on with the next episode that is missing.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minetest_interp import study as studies
from minetest_interp.capture import march
from minetest_interp.capture.game import Game, Lost
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Node, Pose
from minetest_interp.episodes import agents, decoys, keys, labels, names, places, variants
from minetest_interp.episodes import play as playing
from minetest_interp.episodes.agents import Player
from minetest_interp.episodes.clock import Clock
from minetest_interp.episodes.places import Start
from minetest_interp.io import files, yaml_files
from minetest_interp.io.errors import InputError
from minetest_interp.study import Study

SETTINGS = {
    "free_move": False,
    "noclip": False,
    "creative_mode": False,
    "enable_damage": True,
    "enable_clouds": True,
    "time_speed": 72,
    "view_bobbing_amount": 1,
    "fall_bobbing_amount": 0.03,
    "node_highlighting": "box",
}
UNSEEN = {"screen_w": 256, "screen_h": 150, "viewing_range": 30}  # of agents that see nothing
SCHEMA = Path(__file__).with_name("episodes.schema.yaml")
DAWN = 6125 / 24000  # time of day at which a world begins
CALM, LONGEST = 1.0, 30.0  # seconds without a new picture after which all is drawn, and until it counts as drawn
LET_GO = 0.5  # seconds in which the player comes to stand on the ground
AGENTS = "policy", *names.VARIANTS, "random", "forward", "out-of-order"
RESTARTS = 3  # in a row for one episode


class Beginning(NamedTuple):
    """Where and how an episode begins: the pose, the map before it is changed, what is placed, and the time of day."""

    pose: Pose
    shown: Scene
    nodes: list[Node]
    timeofday: float
    steps: int


def episodes(
    study: Path, config: Path, agent: str, output: Path, *, data: Path | None = None, number: int | None = None
) -> None:
    """Plays the episodes that `output` does not hold yet, one from each place.

    Args:
      study: YAML file of a study, whose policy plays. agent: one of `AGENTS`; out-of-order draws from what the policy
        did. data: a local copy of the study's files. number: of the places that are played, from the first on.

    Raises:
      InputError: something is not installed, a setting is wrong, or the game does not stay alive.
    """
    wanted = yaml_files.read(config, advice="Compare with config/episodes/places.yaml.")
    yaml_files.validate(wanted, yaml_files.schema(SCHEMA), config)
    if agent not in AGENTS:
        raise InputError(f"`agent` must be one of {', '.join(AGENTS)}; got {agent!r}.")
    loaded = studies.load(study, Path("workflow/schemas/study.schema.yaml"), data=data)
    listed = places.starting_places(output, wanted)[:number]
    folder = output / name_of(agent, loaded.name)
    folder.mkdir(exist_ok=True)
    player_at = _players(agent, loaded, output, listed, wanted["seed"])
    missing = [n for n, place in enumerate(listed) if not (folder / f"{place.name}.npz").exists()]
    began = time.monotonic()
    for done, n in enumerate(missing, start=1):
        place = listed[n]
        arrays = _tried(output, folder, _beginning(agent, output, place, wanted), player_at(place, n), wanted, n)
        files.write_arrays(folder / f"{place.name}.npz", **arrays)
        left = (time.monotonic() - began) / done * (len(missing) - done)
        said = f"{arrays['dug'].sum()} trunks dug, reward {arrays['shaped'].sum():.2f}"
        print(f"{folder}: {done} of {len(missing)}, {place.name}: {said}; {left / 60:.0f} min left", flush=True)
    print(f"{folder}: {len(listed)} episodes, {len(missing)} of them new")


def name_of(agent: str, study: str) -> str:
    """The folder of an agent's episodes: those that see nothing of the study have their own name alone."""
    return {"policy": study, "random": agent, "forward": agent}.get(agent, f"{study}-{agent}")


def _beginning(agent: str, output: Path, place: Start, wanted: Mapping) -> Beginning:
    shown = places.around(output, place)
    usual = Beginning(place.pose, shown, [], DAWN, wanted["steps"])
    if agent == names.NIGHT:
        return usual._replace(timeofday=wanted["night"])
    if agent in names.DECOYS:
        pose = decoys.best_view(shown, place.pose, wanted["decoys"])
        nodes = decoys.pillars(pose, wanted["decoys"], dark=names.DECOYS[agent])
        return usual._replace(pose=pose, nodes=nodes, steps=wanted["decoys"]["steps"])
    return usual


def _players(
    agent: str, study: Study, output: Path, listed: Sequence[Start], seed: int
) -> Callable[[Start, int], Player]:
    """Who plays at a place of some number."""
    if agent == "policy" or agent in names.VARIANTS:
        own = [output / study.name / f"{place.name}.npz" for place in listed]
        plays = variants.players(agent, study, own, seed)
        return lambda place, n: plays(n)
    if agent == "out-of-order":

        def shuffled(place: Start, n: int) -> Player:
            recorded = files.read(output / study.name / f"{place.name}.npz")
            return agents.out_of_order(study.actions, files.read_arrays(recorded, "logits")["logits"], seed + n)

        return shuffled
    player = {"random": agents.random, "forward": agents.forward}[agent](study.actions)
    return lambda place, n: player


def _tried(
    output: Path, folder: Path, begins: Beginning, player: Player, wanted: Mapping, n: int
) -> dict[str, np.ndarray]:
    attempt = 1
    while True:
        try:
            return _episode(output, folder / places.GAME, begins, player, wanted, n)
        except Lost as lost:
            if attempt == RESTARTS:
                raise InputError(f"the game must stay alive; {lost} Tried {attempt} times.") from lost
            print(f"starting the game again: {lost}", flush=True)
            attempt += 1


def _episode(
    output: Path, folder: Path, begins: Beginning, player: Player, wanted: Mapping, n: int
) -> dict[str, np.ndarray]:
    shutil.rmtree(folder, ignore_errors=True)
    settings = SETTINGS | ({} if player.sees else UNSEEN)
    mod = Path(__file__).with_name("mods") / "episodes"
    with (
        Clock(folder) as clock,
        Game(folder, world=output / places.WORLD, settings=settings, variables=clock.variables, mod=mod) as game,
    ):
        keyboard = _arrive(game, begins)
        with clock.standing():
            played = playing.play(
                game, keyboard, clock, player, steps=begins.steps, step_s=wanted["step"], seed=wanted["seed"] + n
            )
        keyboard.close()
    jumped = np.array([player.levels[a].get("jump") == "jump" for a in played.arrays["action"]])
    shown = march.changed(begins.shown, begins.nodes)
    known = labels.of_steps(shown, played.arrays["pose"], played.dug, played.punched, jumped)
    return {
        **played.arrays,
        **known,
        **{f"events/{name}": labels.written(getattr(played, name)) for name in ("dug", "punched")},
        "seed": np.array(wanted["seed"] + n),
        "step_s": np.array(wanted["step"]),
        "stack": np.array(player.stack),
    }


def _arrive(game: Game, begins: Beginning) -> keys.Keyboard:
    """Takes the player to the place, waits until all is drawn, and lets go."""
    pose, timeofday = begins.pose, begins.timeofday
    game.ask("stand", feet=pose[:3], yaw=float(np.radians(pose.yaw)), timeofday=timeofday)
    if begins.nodes and not game.ask("place", nodes=begins.nodes)["come"]:
        raise Lost(f"the client did not get the {len(begins.nodes)} nodes that were placed.")
    began = since = time.monotonic()
    last = game.picture()
    while time.monotonic() < since + CALM and time.monotonic() < began + LONGEST:
        time.sleep(0.1)
        if not np.array_equal(picture := game.picture(), last):
            last, since = picture, time.monotonic()
    keyboard = keys.Keyboard(game.display)
    keyboard.focus()
    game.ask("play", timeofday=timeofday)
    keyboard.button(True)
    time.sleep(LET_GO)
    return keyboard
