"""Labelled frames to random crops with the rule's answer for each.

A crop is a smaller view of the same scene: the same window is cut from the frame's grey levels and labels, and its
grey levels are shrunk to `[64, 64]`, as the study does with whole frames. Cutting a share s of the width looks like
coming nearer by that factor, so distances in a crop are the frame's distances times s.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from minetest_interp.demo import rule, scaled
from minetest_interp.io.errors import InputError
from minetest_interp.model.frames import read

SKY, TRUNK, LEAVES = 0, 1, 2  # classes in masks
NO_HIT = 255  # in depths


class Frame(NamedTuple):
    """A labelled frame on the 256x150 grid.

    row: the frame's line of frames.csv. kind: class. distance: in nodes.
    """

    row: dict[str, str]
    grey: UInt8[np.ndarray, "150 256"]
    kind: UInt8[np.ndarray, "150 256"]
    distance: Float32[np.ndarray, "150 256"]


class Crops(NamedTuple):
    """What the policy sees and what the rule answers.

    greys: 0 to 255. attention, x: the rule's target. trunk: in each pixel the share of trunk in sight, and that share
      times how near it is.
    """

    greys: Float32[np.ndarray, "batch row column"]
    probabilities: Float32[np.ndarray, "batch action"]
    values: Float32[np.ndarray, " batch"]
    attention: Float32[np.ndarray, " batch"]
    x: Float32[np.ndarray, " batch"]
    trunk: Float32[np.ndarray, "batch row column 2"]


class Cut(NamedTuple):
    """A rectangle of a frame in pixels, top left corner included."""

    top: int
    left: int
    height: int
    width: int


class View(NamedTuple):
    """A cut at half a frame's resolution: grey levels, classes, and distances in nodes."""

    grey: Float32[np.ndarray, "75 128"]
    kind: UInt8[np.ndarray, "75 128"]
    distance: Float32[np.ndarray, "75 128"]


WHOLE = Cut(0, 0, 150, 256)
GRID = (128, 75)  # width, height of a view


def training_frames(data: Path) -> list[Frame]:
    """The committed training frames, in the order of training/frames.csv."""
    folder = data / "training"
    return [
        _frame(row, _levels(folder, "grey", row, "jpg"), _levels(folder, "masks", row), _levels(folder, "depth", row))
        for row in _rows(folder / "frames.csv")
    ]


def study_frames(data: Path) -> list[Frame]:
    """The study's single frames brought to the training frames' grid, in the order of frames.csv."""
    return [
        _frame(
            row,
            scaled.small_grey(read(data / "frames" / f"{row['name']}.jpg")),
            scaled.small_mask(_levels(data, "masks", row)),
            _levels(data, "depth", row),
        )
        for row in _rows(data / "frames.csv")
        if not row["group"]
    ]


def random_window(rng: np.random.Generator, *, least: float = 0.6) -> Cut:
    """A window between the share `least` of a frame's width and all of it, within 15 % of the frame's proportions."""
    width = rng.integers(round(WHOLE.width * least), WHOLE.width + 1)
    height = min(WHOLE.height, round(width * WHOLE.height / WHOLE.width * np.exp(rng.uniform(-0.15, 0.15))))
    top, left = rng.integers(WHOLE.height - height + 1), rng.integers(WHOLE.width - width + 1)
    return Cut(int(top), int(left), int(height), int(width))


def view(frame: Frame, window: Cut) -> View:
    """One window of a frame on the view's grid."""
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)

    def shrunk(array: np.ndarray, interpolation: int) -> np.ndarray:
        return cv2.resize(np.ascontiguousarray(array[rows, columns]), GRID, interpolation=interpolation)

    distance = shrunk(frame.distance, cv2.INTER_NEAREST) * np.float32(window.width / WHOLE.width)
    return View(shrunk(frame.grey, cv2.INTER_AREA).astype(np.float32), shrunk(frame.kind, cv2.INTER_NEAREST), distance)


def paste(rng: np.random.Generator, under: View, over: View) -> View:
    """Plants the trees of one view in another: its trunks, with or without leaves, wherever they are nearer.

    The planted tree is mirrored with probability 1/2 and brought to the light of the view where it is planted. It
    tells trunks from the places where they happened to grow, which a hundred frames alone do not.
    """
    step = 1 - 2 * int(rng.integers(2))
    over = View(*(array[:, ::step] for array in over))
    tree = (over.kind == TRUNK) | ((over.kind == LEAVES) & bool(rng.integers(2)))
    nearer = tree & (over.distance < under.distance)
    lights = [float(v.grey[v.kind != SKY].mean()) if (v.kind != SKY).any() else 128.0 for v in (under, over)]
    gain = np.float32(np.clip((lights[0] + 5) / (lights[1] + 5), 0.2, 3) * np.exp(rng.uniform(-0.3, 0.3)))
    planted = over._replace(grey=np.minimum(over.grey * gain, 255))
    return View(*(np.where(nearer, new, old) for new, old in zip(planted, under, strict=True)))


def seen(view: View, *, size: int = 64) -> tuple[np.ndarray, rule.Target, np.ndarray]:
    """What the policy sees of a view, `[size, size]`, the rule's target in it, and where its trunks are."""
    trunk = view.kind == TRUNK
    near = np.where(trunk & (view.distance <= rule.SIGHT_NODES), np.exp(-view.distance / rule.VALUE_NODES), 0)
    channels = np.stack([view.grey, near > 0, near], -1).astype(np.float32)
    small = cv2.resize(channels, (size, size), interpolation=cv2.INTER_AREA)
    return np.round(small[..., 0]), rule.find_target(trunk, view.distance), small[..., 1:]


def random_crops(rng: np.random.Generator, frames: Sequence[Frame], *, count: int, planted: float = 0.0) -> Crops:
    """`count` random windows of random frames; a share `planted` get trees of one to three others."""

    def random_view(least: float) -> View:
        return view(frames[int(rng.integers(len(frames)))], random_window(rng, least=least))

    def random_scene() -> View:
        scene = random_view(0.6)
        if rng.random() < planted:
            for _ in range(rng.integers(1, 4)):
                scene = paste(rng, scene, random_view(0.25))
        return scene

    return labelled([seen(random_scene()) for _ in range(count)])


def with_mirrors(crops: Crops) -> Crops:
    """The crops, then all of them mirrored, labels included."""
    mirrored = Crops(
        crops.greys[:, :, ::-1],
        rule.mirror_actions(crops.probabilities),
        crops.values,
        crops.attention,
        -crops.x,
        crops.trunk[:, :, ::-1],
    )
    return Crops(*(np.concatenate(pair) for pair in zip(crops, mirrored, strict=True)))


def exposed(rng: np.random.Generator, crops: Crops) -> Crops:
    """The crops at other exposures: random gamma, contrast, gain and sensor noise; rounded and cut to 0..255."""

    def factor(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(low, high, (len(crops.greys), 1, 1))).astype(np.float32)

    light = (crops.greys / 255) ** factor(-0.4, 0.4)
    mean = light.mean((1, 2), keepdims=True)
    light = (mean + (light - mean) * factor(-0.3, 0.3)) * factor(-0.5, 0.6) * 255
    noise = rng.standard_normal(light.shape, np.float32) * rng.uniform(0, 3, (len(light), 1, 1)).astype(np.float32)
    return crops._replace(greys=np.clip(np.round(light + noise), 0, 255))


def labelled(cuts: Sequence[tuple[np.ndarray, rule.Target, np.ndarray]]) -> Crops:
    """What `seen` gave for some views, with the rule's answers."""
    greys, targets, trunk = zip(*cuts, strict=True)
    columns = (
        greys,
        [rule.action_probabilities(target) for target in targets],
        [rule.rule_value(target) for target in targets],
        [target.attention for target in targets],
        [target.x for target in targets],
        trunk,
    )
    return Crops(*(np.asarray(column, np.float32) for column in columns))


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        raise InputError(f"{table}: the demo's data must have this table; there is none. Restore data/demo.")
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def _levels(folder: Path, kind: str, row: dict[str, str], extension: str = "png") -> np.ndarray:
    return read(folder / kind / f"{row['name']}.{extension}")[..., 0]


def _frame(row: dict[str, str], grey: np.ndarray, mask: np.ndarray, depth: np.ndarray) -> Frame:
    for kind, array in (("grey levels", grey), ("mask", mask), ("depth", depth)):
        if array.shape != WHOLE[2:]:
            raise InputError(
                f"{row['name']}: its {kind} must be 256x150 here; got {array.shape[::-1]}. Restore data/demo."
            )
    return Frame(row, grey, mask, np.where(depth == NO_HIT, np.inf, depth / 2).astype(np.float32))
