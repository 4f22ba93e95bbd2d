"""What a reader of the article tries: a piece moved over a frame, and frames on which to guess the turn.

Frames are as in `paint`: `[P, H, W]`, grey levels 0 to 255, of P planes. *Turning* is the steering behaviour with the
sign that is positive to the left.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int, Num

from minetest_interp.analysis import paint, probes, stats
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.model.labels import OFF_MIDDLE

GUESSES = 10  # frames
CALM = 0.05  # turning that counts as going straight on
CLEAR = 0.1  # turning that counts as a turn: the smallest difference of the steering that matters
WHOLE = 0.5  # share from which on a pixel belongs to a cut-out
COMPACT = 0.7  # of its box that a cut-out fills


# Frames [N, P, H, W] to [N]: turning.
Ask = Callable[[np.ndarray], np.ndarray]


class Piece(NamedTuple):
    """levels: `[P, h, w]`. share: `[h, w]`, how much of each pixel of a frame it covers, 0 to 1. top: its first row."""

    levels: Float[np.ndarray, "plane height width"]
    share: Float[np.ndarray, "height width"]
    top: int


class CutOut(NamedTuple):
    """donor: number of the frame that it was cut from. left: its first column there."""

    piece: Piece
    donor: int
    left: int


def bars(frame: Float[np.ndarray, "plane row column"], settings: BarSettings) -> dict[str, Piece]:
    """The bars of the claims about darkness and roughness for one frame.

    `dark` and `light` are flat, as much darker and brighter than the scene; `rough` is as bright as the scene.
    """
    shape = settings.place.shape(*frame.shape[-2:])
    levels = {"dark": 1 - settings.dark, "light": 1 + settings.dark}
    made = {name: np.tile(paint.flat(frame[None], level), (1, 1, *shape)) for name, level in levels.items()}
    made["rough"] = paint.rough(frame[None], shape, contrast=settings.contrast, seed=settings.seed)
    return {name: Piece(np.rint(of[0]), np.ones(shape), 0) for name, of in made.items()}


def cut_out(
    planes: Float[np.ndarray, "frame plane row column"],
    share: Float[np.ndarray, "frame row column"],
    shape: tuple[int, int],
) -> CutOut | None:
    """Of all connected pieces of the concept the one whose area is nearest to that of a bar of this shape, the first of
    equal ones, among those that are at least half as tall, away from both sides of their frame and compact; or None."""
    best, least = None, np.inf
    for donor, own in enumerate(share):
        numbered, _ = scipy.ndimage.label(own >= WHOLE)
        for number, box in enumerate(scipy.ndimage.find_objects(numbered), 1):
            rows, columns = box
            inside = numbered[box] == number
            away = abs(int(inside.sum()) - shape[0] * shape[1])
            free = columns.start > 0 and columns.stop < own.shape[1]
            tall = rows.stop - rows.start >= shape[0] / 2
            if free and tall and inside.mean() >= COMPACT and away < least:
                least = away
                piece = Piece(planes[(donor, slice(None), *box)].astype(np.float64), own[box] * inside, rows.start)
                best = CutOut(piece, donor, columns.start)
    return best


def at_every_column(frame: Num[np.ndarray, "plane row column"], piece: Piece) -> Float[np.ndarray, "place _ _ _"]:
    """The frame with the piece at each column at which it fits, its own first column counted."""
    _, height, width = piece.levels.shape
    places = frame.shape[-1] - width + 1
    painted = np.repeat(frame[None].astype(np.float32), places, axis=0)
    for column in range(places):
        under = painted[column, :, piece.top : piece.top + height, column : column + width]
        under += (piece.share * (piece.levels - under)).astype(np.float32)
    return painted


def choose_stage(
    planes: Float[np.ndarray, "frame plane row column"],
    turning: Float[np.ndarray, " frame"],
    usable: Bool[np.ndarray, " frame"],
) -> int:
    """The frame to put pieces on: of those that are usable and leave the policy calm the one of the highest contrast,
    or the calmest where none does."""
    calm = usable & (np.abs(turning) < CALM)
    if not calm.any():
        return int(np.where(usable, np.abs(turning), np.inf).argmin())
    return int(np.where(calm, planes.std((1, 2, 3)), -np.inf).argmax())


def evenly_turned(turning: Float[np.ndarray, " frame"], *, count: int) -> Int[np.ndarray, " chosen"]:
    """Frames from the most left turn to the most right one, at even steps of rank; all where there are no more."""
    order = np.argsort(-turning, kind="stable")
    return order[np.unique(np.rint(np.linspace(0, len(order) - 1, min(count, len(order)))).astype(int))]


def draw_guesses(
    turning: Float[np.ndarray, " frame"],
    clusters: Int[np.ndarray, " frame"],
    usable: Bool[np.ndarray, " frame"],
    *,
    count: int,
    seed: int,
) -> Int[np.ndarray, " chosen"]:
    """Usable frames, half of them turned to the left and half to the right, one of a cluster, in random order.

    Fewer where there are fewer; as many to the left as to the right in any case.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(np.flatnonzero(usable))
    order = order[np.sort(np.unique(clusters[order], return_index=True)[1])]
    sides = [order[turning[order] > 0], order[turning[order] < 0]]
    each = min(count // 2, *map(len, sides))
    return generator.permutation(np.concatenate([side[:each] for side in sides]))


def guesses(
    turning: Float[np.ndarray, " frame"],
    rules: Mapping[str, Float[np.ndarray, " frame"]],
    position: Float[np.ndarray, " frame"],
    clusters: Int[np.ndarray, " frame"],
    *,
    seed: int,
) -> tuple[Int[np.ndarray, " chosen"], dict[str, np.ndarray]]:
    """The frames to guess on, and what is known of them.

    They are drawn from those on which the concept is off the middle and the policy clearly turns.

    Args:
      rules: what each rule says of every frame, positive for left; NaN where it says nothing.

    Returns:
      the frames' numbers; and of them turning, position and each rule's numbers. Of all frames that could have been
      drawn: number, and by rule the share on which it names the policy's side.
    """
    usable = (np.abs(position) > OFF_MIDDLE) & (np.abs(turning) >= CLEAR)
    chosen = draw_guesses(turning, clusters, usable, count=GUESSES, seed=seed)
    found = {"turning": turning[chosen], "position": position[chosen], "number": np.array(usable.sum())}
    for name, said in rules.items():
        found |= {name: said[chosen], f"{name}/share": np.array(agreement_with(said[usable], turning[usable]))}
    return chosen, found


def probe_of_side(
    features: Float[np.ndarray, "frame ..."],
    position: Float[np.ndarray, " frame"],
    clusters: Int[np.ndarray, " frame"],
    *,
    penalties: Sequence[float],
) -> Float[np.ndarray, " frame"]:
    """What a linear probe says of the concept's side, positive for left; NaN where the concept is near the middle.

    Every frame is read by a probe that was fitted on the other half of the frames (see `probes`).
    """
    known = np.abs(position) > OFF_MIDDLE
    halves = probes.both_ways(features[known], clusters[known])
    said = np.full(len(position), np.nan)
    said[known] = probes.predict(halves, -np.sign(position[known])[:, None], penalties=penalties)[:, 0]
    return said


def darker_side(planes: Float[np.ndarray, "frame plane row column"]) -> Float[np.ndarray, " frame"]:
    """How much darker the left half of each frame is than the right one, in grey levels."""
    left, right = stats.half_means(planes)
    return right - left


def agreement_with(rule: Float[np.ndarray, " frame"], turning: Float[np.ndarray, " frame"]) -> float:
    """The share of frames on which a rule, positive for left, names the side to which the policy turns."""
    return float((np.sign(rule) == np.sign(turning)).mean()) if len(rule) else float("nan")
