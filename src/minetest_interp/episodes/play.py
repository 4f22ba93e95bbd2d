"""One episode: pictures from the screen to the player, actions to the keys, and the game's clock moved by a step."""

import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minetest_interp.capture.game import Game, Lost
from minetest_interp.capture.types import EYE_HEIGHT, Pose
from minetest_interp.episodes import agents, keys
from minetest_interp.episodes.clock import Clock
from minetest_interp.model import frames

SMALL = 240  # pixels, width of the pictures that are kept
PATIENCE = 60.0  # seconds for the picture of a step
TOLERANCE = 1e-3  # seconds of game time


class Event(NamedTuple):
    """A node that was dug or punched at a step."""

    step: int
    name: str
    x: int
    y: int
    z: int


class Played(NamedTuple):
    """arrays: by step. dug, punched: in their order."""

    arrays: dict[str, np.ndarray]
    dug: list[Event]
    punched: list[Event]


class Reports:
    """What the game's mods write down: a line for each drawn frame, and for each node that is punched or dug."""

    def __init__(self, path: Path):
        self._path = path
        self._read = 0  # bytes
        self._waiting: list[dict] = []

    def frame(self, after: float, count: int) -> tuple[dict | None, list[dict]]:
        """The report of the `count`-th frame that was drawn at game time `after` or later, None while there are fewer.

        Returns:
          Also the nodes that were dug or punched before it; what has been returned is not returned again.
        """
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + bool(whole)
        self._waiting += map(json.loads, whole.splitlines())
        drawn = [i for i, entry in enumerate(self._waiting) if entry.get("time", -1.0) >= after - TOLERANCE]
        if len(drawn) < count:
            return None, []
        seen, self._waiting = self._waiting[: drawn[count - 1] + 1], self._waiting[drawn[count - 1] + 1 :]
        return seen[-1], [entry for entry in seen if "at" in entry]


def play(
    game: Game, keyboard: keys.Keyboard, clock: Clock, player: agents.Player, *, steps: int, step_s: float, seed: int
) -> Played:
    """Plays `steps` steps of `step_s` seconds of game time each; the clock must stand still.

    Of each step are kept the picture's pose and health, the action, and of a player who sees also frames and answers.

    Raises:
      Lost: the game draws no more, or its time is not the clock's.
    """
    random = np.random.default_rng(seed)
    held = [keys.held(levels) for levels in player.levels]
    reports = Reports(game.world / "episode.jsonl")
    kept: dict[str, list] = {}
    events: dict[str, list[Event]] = {"dug": [], "punched": []}
    report, _ = _wait(game, reports, 0.0, 2)
    start, stack = report["time"], None
    for step in range(steps):
        seen: dict = {"pose": pose(report), "hp": report["hp"]}
        if player.sees:
            picture = game.picture()
            frame = frames.grey(picture, size=player.size, order="environment").astype(np.uint8)
            stack = agents.push(stack, frame, player.stack)
            seen |= {"frames": frame, "pictures": frames.thumbnail(picture, width=SMALL)}
        logits, value = player.forward(step, stack)
        action = agents.sample(logits, random)
        seen |= {"action": action} | ({"logits": logits, "value": value} if player.sees else {})
        for name, what in seen.items():
            kept.setdefault(name, []).append(what)
        keyboard.hold(held[action])
        clock.advance(step_s)
        # The first frame of the new time reports the pose of the picture before it; the second comes after its picture.
        report, happened = _wait(game, reports, start + (step + 1) * step_s, 2)
        for entry in happened:
            kind = "dug" if "dug" in entry else "punched"
            events[kind].append(Event(step, entry[kind], *map(int, entry["at"])))
    if abs(report["time"] - start - steps * step_s) > steps * TOLERANCE:
        raise Lost(f"the game's time went {report['time'] - start:.2f} s in {steps} steps of {step_s} s.")
    return Played({name: np.array(values) for name, values in kept.items()}, **events)


def pose(report: dict) -> Pose:
    """Feet and look of a report; the client's yaw and pitch are counted otherwise, see `camera`."""
    x, y, z = report["eye"]
    return Pose(x, y - EYE_HEIGHT, z, float(np.degrees(report["yaw"]) - 90), float(np.degrees(report["pitch"])))


def _wait(game: Game, reports: Reports, after: float, count: int) -> tuple[dict, list[dict]]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        report, happened = reports.frame(after, count)
        if report is not None:
            return report, happened
        game.check_alive()
        time.sleep(0.001)
    raise Lost(f"the game drew nothing within {PATIENCE:.0f} s; see {game.folder}.")
