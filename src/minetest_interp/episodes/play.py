"""One episode: pictures from the screen to the player, actions to the keys, and the game's clock moved by a step."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minetest_interp.capture.game import Game, Lost, reported_pose
from minetest_interp.episodes import agents, keys
from minetest_interp.episodes.clock import Clock
from minetest_interp.model import frames

SMALL = 240  # pixels, width of the pictures that are kept
PATIENCE = 60.0  # seconds for the picture of a step
STILL = 0.2  # seconds until a frame's report is on disk
TOLERANCE = 0.1  # of a step; the client adds up its steps in single precision


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

    def frame(self, after: float) -> tuple[dict | None, list[dict]]:
        """The report of the first frame at game time `after` or later, None until it comes.

        Returns:
          Also the nodes that were dug or punched before it; what has been returned is not returned again.
        """
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + bool(whole)
        self._waiting += map(json.loads, whole.splitlines())
        for number, entry in enumerate(self._waiting):
            if entry.get("time", -1.0) >= after:
                seen, self._waiting = self._waiting[: number + 1], self._waiting[number + 1 :]
                return entry, [happened for happened in seen if "at" in happened]
        return None, []

    def latest(self) -> dict:
        """The report of the newest frame; it and all before are not returned again.

        Raises:
          Lost: there is none.
        """
        newest = None
        while (report := self.frame(0.0)[0]) is not None:
            newest = report
        if newest is None:
            raise Lost("the game must report its frames; it has not.")
        return newest


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
    for _ in range(2):  # one may have been in work; the next takes what is left of the time before
        _draw(game, clock)
    time.sleep(STILL)
    shown, stack = reports.latest(), None
    start = shown["time"]
    for step in range(steps):
        seen: dict = {}
        if player.sees:
            picture = game.picture()
            small = frames.grey(picture, size=player.size, order="environment").astype(np.uint8)
            stack = agents.push(stack, small, player.stack)
            seen |= {"frames": small, "pictures": frames.thumbnail(picture, width=SMALL)}
        logits, value = player.forward(step, stack)
        action = agents.sample(logits, random)
        seen |= {"action": action} | ({"logits": logits, "value": value} if player.sees else {})
        keyboard.hold(held[action])
        clock.advance(step_s)
        _draw(game, clock)
        report, happened = _report(game, reports, start + (step + 1 - TOLERANCE) * step_s)
        # A frame reports where the camera still is, in the picture before it, and where it is going to look.
        seen |= {"pose": reported_pose({**shown, "eye": report["eye"]}), "hp": shown["hp"]}
        shown = report
        for name, what in seen.items():
            kept.setdefault(name, []).append(what)
        for entry in happened:
            kind = "dug" if "dug" in entry else "punched"
            events[kind].append(Event(step, entry[kind], *map(int, entry["at"])))
    if abs(report["time"] - start - steps * step_s) > TOLERANCE * step_s:
        raise Lost(f"the game's time went {report['time'] - start:.2f} s in {steps} steps of {step_s} s.")
    return Played({name: np.array(values) for name, values in kept.items()}, **events)


def _draw(game: Game, clock: Clock) -> None:
    frame = clock.allow_frame()
    _wait(game, lambda: clock.drawn >= frame)


def _report(game: Game, reports: Reports, after: float) -> tuple[dict, list[dict]]:
    found: list = [None, []]

    def come() -> bool:
        found[0], happened = reports.frame(after)
        found[1] += happened
        return found[0] is not None

    _wait(game, come)
    return found[0], found[1]


def _wait(game: Game, come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not come():
        if time.monotonic() > deadline:
            raise Lost(f"the game drew nothing within {PATIENCE:.0f} s; see {game.folder}.")
        game.check_alive()
        time.sleep(0.0005)
