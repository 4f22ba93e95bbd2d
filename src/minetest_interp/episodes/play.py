"""One episode: pictures from the screen to the player, its actions to the keys, at the steps of a clock."""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minetest_interp.capture.game import Game
from minetest_interp.capture.types import EYE_HEIGHT
from minetest_interp.episodes import agents, keys
from minetest_interp.model import frames

SMALL = 160  # pixels, width of the pictures that are kept
LATE = 0.5  # of a step
PAID = "tree"
PER_NODE, PER_RAY, PER_PUNCH, PER_JUMP = 1.0, 0.01, 0.01, -0.01


class Played(NamedTuple):
    """Arrays by step, see the episode file's contract; offsets: bytes of the log that were there at each picture."""

    arrays: dict[str, np.ndarray]
    offsets: np.ndarray


def play(game: Game, keyboard: keys.Keyboard, player: agents.Player, *, steps: int, step_s: float, seed: int) -> Played:
    """Plays `steps` steps of `step_s` seconds of real time each."""
    random = np.random.default_rng(seed)
    held = [keys.held(levels) for levels in player.levels]
    log = game.world / "episode.jsonl"
    kept: dict[str, list] = {
        name: [] for name in ("frames", "pictures", "logits", "value", "action", "late", "repeated")
    }
    offsets, stack, last = [], None, None
    due = time.monotonic()
    for _ in range(steps):
        time.sleep(max(0.0, due - time.monotonic()))
        picture = game._screen.grab()
        offsets.append(os.stat(log).st_size)
        frame = frames.grey(picture, size=player.size, order="environment").astype(np.uint8)
        stack = agents.push(stack, frame, player.stack)
        logits, value = player.forward(stack.astype(np.float32))
        action = agents.sample(logits, random)
        keyboard.hold(held[action])
        late = time.monotonic() - due > LATE * step_s
        repeated = last is not None and np.array_equal(last, picture)
        small = frames.thumbnail(picture, width=SMALL)
        for name, value_of in zip(kept, (frame, small, logits, value, action, late, repeated), strict=True):
            kept[name].append(value_of)
        last, due = picture, max(due + step_s, time.monotonic() - step_s) if not late else time.monotonic() + step_s / 2
    return Played({name: np.array(values) for name, values in kept.items()}, np.array(offsets))


class Events(NamedTuple):
    """pose: x, y, z of the feet, yaw, pitch at each step. dug, punched: (step, name, x, y, z)."""

    pose: np.ndarray
    hp: np.ndarray
    dug: list[tuple]
    punched: list[tuple]


def read_events(log: Path, offsets: np.ndarray) -> Events:
    """What the server's mod wrote down: the pose reported last before each picture; digging by the step before it."""
    poses, healths, dug, punched = np.full((len(offsets), 5), np.nan), np.full(len(offsets), np.nan), [], []
    position = 0
    for line in log.read_bytes().splitlines(keepends=True):
        position += len(line)
        step = int(np.searchsorted(offsets, position))  # the first picture taken with the line in the log
        if not line.endswith(b"\n"):
            break
        entry = json.loads(line)
        if "eye" in entry and step < len(offsets):
            x, y, z = entry["eye"]
            poses[step] = x, y - EYE_HEIGHT, z, np.degrees(entry["yaw"]) - 90, np.degrees(entry["pitch"])
            healths[step] = entry["hp"]
        for kind, found in (("dug", dug), ("punched", punched)):
            if kind in entry and step > 0:
                found.append((step - 1, entry[kind], *map(int, entry["at"])))
    for step in range(1, len(offsets)):
        if np.isnan(poses[step, 0]):
            poses[step], healths[step] = poses[step - 1], healths[step - 1]
    return Events(poses, healths, dug, punched)


def rewards(dug: list, punched: list, crossed: np.ndarray, jumped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shaped and the plain reward of each step.

    Args:
      crossed: nodes of trees on the view ray at each step; NaN where unknown, which makes the shaped reward unknown.
    """
    steps = len(crossed)

    def count(events):
        return np.bincount([e[0] for e in events if PAID in e[1] and e[0] < steps], minlength=steps).astype(float)

    plain = PER_NODE * count(dug)
    return plain + PER_RAY * crossed + PER_PUNCH * count(punched) + PER_JUMP * jumped, plain
