"""Labelled frames to random crops with the rule's answer for each.

A crop is a smaller view of the same scene: the window is cut from the frame's grey levels and labels alike and its
grey levels are shrunk to `[64, 64]`, as the study does with whole frames. Cutting a share s of the width looks like
coming nearer by that factor, so distances in a crop are the frame's distances times s.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from minetest_interp.demo import rule, select
from minetest_interp.errors import InputError
from minetest_interp.frames import read

TRUNK = 1  # the class of trunk pixels in masks
NO_HIT = 255  # in depths


class Frame(NamedTuple):
    """A labelled frame on the 256x150 grid: `[150, 256]` each.

    row: the frame's line of frames.csv. grey: uint8. trunk: boolean. distance: float32, nodes.
    """

    row: dict[str, str]
    grey: np.ndarray
    trunk: np.ndarray
    distance: np.ndarray


class Crops(NamedTuple):
    """What the policy sees and what the rule answers.

    greys: float32 `[B, 64, 64]`, 0 to 255. probabilities: float32 `[B, 36]`. values: float32 `[B]`.
    attention, x: float32 `[B]`, the rule's target.
    """

    greys: np.ndarray
    probabilities: np.ndarray
    values: np.ndarray
    attention: np.ndarray
    x: np.ndarray


class Window(NamedTuple):
    """A rectangle of a frame in pixels, top left corner included."""

    top: int
    left: int
    height: int
    width: int


WHOLE = Window(0, 0, 150, 256)


def training_frames(data: Path) -> list[Frame]:
    """The committed training frames, in the order of training/frames.csv."""
    folder = data / "training"
    return [
        _frame(row, _grey(folder / "grey" / name), _grey(folder / "masks" / name), _grey(folder / "depth" / name))
        for row, name in _rows(folder / "frames.csv")
    ]


def study_frames(data: Path) -> list[Frame]:
    """The study's frames brought to the training frames' grid, in the order of frames.csv."""
    return [
        _frame(
            row,
            select.small_grey(read(data / "frames" / name)),
            select.small_mask(_grey(data / "masks" / name)),
            _grey(data / "depth" / name),
        )
        for row, name in _rows(data / "frames.csv")
    ]


def random_window(rng: np.random.Generator) -> Window:
    """A window between half a frame's width and all of it, within 15 % of the frame's proportions."""
    width = rng.integers(WHOLE.width // 2, WHOLE.width + 1)
    height = min(WHOLE.height, round(width * WHOLE.height / WHOLE.width * np.exp(rng.uniform(-0.15, 0.15))))
    top, left = rng.integers(WHOLE.height - height + 1), rng.integers(WHOLE.width - width + 1)
    return Window(int(top), int(left), int(height), int(width))


def cut(frame: Frame, window: Window, *, mirrored: bool = False, size: int = 64) -> tuple[np.ndarray, rule.Target]:
    """Grey levels `[size, size]` uint8 of one window and the rule's target in it; labels are mirrored with the picture."""
    step = -1 if mirrored else 1
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)
    grey, trunk, distance = (a[rows, columns][:, ::step] for a in (frame.grey, frame.trunk, frame.distance))
    grey = cv2.resize(np.ascontiguousarray(grey), (size, size), interpolation=cv2.INTER_AREA)
    return grey, rule.nearest_trunk(trunk, distance * (window.width / WHOLE.width))


def expose(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """Another exposure of a grey frame, float32: random gamma, gain, contrast and sensor noise, rounded and cut to 0..255."""
    light = (grey / 255.0) ** np.exp(rng.uniform(-0.4, 0.4))
    light = light.mean() + (light - light.mean()) * np.exp(rng.uniform(-0.3, 0.3))
    light = light * np.exp(rng.uniform(-0.9, 0.4)) * 255
    return np.clip(np.round(light + rng.normal(0, rng.uniform(0, 5), grey.shape)), 0, 255).astype(np.float32)


def random_crops(rng: np.random.Generator, frames: Sequence[Frame], *, count: int, exposures: bool) -> Crops:
    """`count` random windows of random frames, each mirrored with probability 1/2, each exposed anew if asked."""
    cuts = []
    for index in rng.integers(len(frames), size=count):
        grey, target = cut(frames[index], random_window(rng), mirrored=bool(rng.integers(2)))
        cuts.append((expose(rng, grey) if exposures else grey, target))
    return labelled(cuts)


def labelled(cuts: Sequence[tuple[np.ndarray, rule.Target]]) -> Crops:
    """Grey frames with their targets, and the rule's answers."""
    greys, targets = zip(*cuts, strict=True)
    columns = (
        greys,
        [rule.action_probabilities(target) for target in targets],
        [rule.value(target) for target in targets],
        [target.attention for target in targets],
        [target.x for target in targets],
    )
    return Crops(*(np.asarray(column, np.float32) for column in columns))


def _rows(table: Path) -> list[tuple[dict[str, str], str]]:
    if not table.is_file():
        raise InputError(f"{table}: the demo's data must have this table; there is none. Restore data/demo.")
    with table.open(newline="") as file:
        return [(row, row["name"] + ".png") for row in csv.DictReader(file)]


def _grey(path: Path) -> np.ndarray:
    return read(path)[..., 0]


def _frame(row: dict[str, str], grey: np.ndarray, mask: np.ndarray, depth: np.ndarray) -> Frame:
    for kind, array in (("grey levels", grey), ("mask", mask), ("depth", depth)):
        if array.shape != WHOLE[2:]:
            raise InputError(f"{row['name']}: its {kind} must be 256x150 here; got {array.shape[::-1]}. Restore data/demo.")
    return Frame(row, grey, mask == TRUNK, np.where(depth == NO_HIT, np.inf, depth / 2).astype(np.float32))
