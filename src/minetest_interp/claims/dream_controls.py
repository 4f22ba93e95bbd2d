"""The post's claims about dreams: that those of the value repeat, and where those of steering put their contrast.

Dreams are stacks `[B, T, H, W]` of levels 0 to 255. Only the top left pixels that the network reads are looked at
(`Architecture.reads`): no ascent moves the others.

Convolutions that step over their input write its gradient in a pattern that repeats with their stride, whatever they
have learnt. A lag is *off the stride* where both its parts lie at least a quarter of the stride from every multiple.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from minetest_interp.analysis import draws, intervals
from minetest_interp.analysis.intervals import Level, missing
from minetest_interp.claims.measured import NO_VALUE, Arrays, Measured, Parts
from minetest_interp.dreams import notebook
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.networks import fast
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, shuffled_weights

KINDS = ("real", "shuffled")
REPEATS = ("repeats", "off-stride", "over-yaw")
NO_STRIDE = "the layers with positions of this network have no stride, so no lag is off it"


class ContrastShares(NamedTuple):
    """Shares of a frame's squared deviation from its mean, 0 to 1.

    middle_left: in the second quarter of the columns. edges: in the first and the last.
    """

    middle_left: np.ndarray
    edges: np.ndarray


class Pair(NamedTuple):
    """Dreams of one objective from the same starts, the parts that are read, `[seeds, T, R, R]`.

    real: of the policy. shuffled: dream s is of the policy with its weights shuffled with seed s.
    """

    real: np.ndarray
    shuffled: np.ndarray


def measure(
    policy: Policy,
    table: ActionTable,
    *,
    steering: str,
    side: int = 1,
    seeds: int = 20,
    value_steps: int = 500,
    yaw_steps: int = 600,
    lr: float = 1000,
    least_lag: float = 6,
    most_lag: float = 24,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests the claims about dreams on many seeds, each beside a dream of shuffled weights.

    Args:
      steering: the name of the steering behaviour. seeds: how many dreams of each kind, from seeds 0, 1, ....
      value_steps, yaw_steps: of the ascents. lr: grey levels per unit of gradient. least_lag, most_lag: pixels, between
        which a pattern counts as repeating.
    """
    turn = table.behaviours[steering]
    outputs, stride = policy.architecture.outputs, strides(policy.architecture)
    steer = objectives.return_difference if "q" in outputs else objectives.behaviour_probability
    dreamed = {"value": (objectives.value(), value_steps)} if "value" in outputs else {}
    dreamed |= {name: (steer(turn, sign=sign), yaw_steps) for name, sign in (("left", side), ("right", -side))}
    arrays: Arrays = {"seeds": np.arange(seeds)}
    for name, (objective, steps) in dreamed.items():
        pair = dream_pairs(policy, objective, seeds=range(seeds), lr=lr, steps=steps)
        for kind, dreams in zip(KINDS, pair, strict=True):
            of = dream_properties(dreams, least_lag=least_lag, most_lag=most_lag, stride=stride)
            arrays |= {f"{name}/{kind}/{key}": array for key, array in of.items()}
    repeats = repeat_estimates(arrays, level) if "value" in dreamed else dict.fromkeys(REPEATS, missing(NO_VALUE))
    return Measured(arrays, {"dream-value-repeats": repeats, "dream-yaw-sides": side_estimates(arrays, level)})


def strides(network: Architecture) -> tuple[int, int] | None:
    """How many rows and columns the last layer with positions steps at a time; None where both are one or unknown."""
    seen = network.extent(network.maps[-1]) if network.maps else None
    found = seen and (seen[0].stride, seen[1].stride)
    return found if found and max(found) > 1 else None


def repeat_estimates(arrays: Arrays, level: Level) -> Parts:
    """What dreams of the value repeat; chance is what those of shuffled weights do.

    repeats: highest autocorrelation between the lags. off-stride: the same at lags off the stride. over-yaw: the first
    less the mean of dreams of the steering left and right.

    Args:
      arrays: by (dream, kind, property), as `measure` gives them.
    """
    value = _both(arrays, "value", "repetition")
    steering = (_both(arrays, "left", "repetition") + _both(arrays, "right", "repetition")) / 2
    stepping = f"value/{KINDS[0]}/off_stride" in arrays
    off = draws.beside_draws(_both(arrays, "value", "off_stride"), level) if stepping else missing(NO_STRIDE)
    found = {
        "repeats": draws.beside_draws(value, level),
        "off-stride": off,
        "over-yaw": draws.beside_draws((value - steering), level),
    }
    return {part: found[part] for part in REPEATS}


def side_estimates(arrays: Arrays, level: Level) -> Parts:
    """Where dreams of the steering put their contrast; chance is what those of shuffled weights do.

    middle-left: the share in the middle left of the dream of turning left less that of turning right. edges: the share
    at the edges of the dream of turning right less that of turning left. left-share, right-share: the first of each.
    """
    shares = {
        "middle-left": _both(arrays, "left", "middle_left") - _both(arrays, "right", "middle_left"),
        "edges": _both(arrays, "right", "edges") - _both(arrays, "left", "edges"),
        "left-share": _both(arrays, "left", "middle_left"),
        "right-share": _both(arrays, "right", "edges"),
    }
    return {part: draws.beside_draws(of, level) for part, of in shares.items()}


def _both(arrays: Arrays, name: str, key: str) -> np.ndarray:
    """A property of the policy's dreams, and of those of shuffled weights, `[2, seeds]`."""
    return np.stack([arrays[f"{name}/{kind}/{key}"] for kind in KINDS])


def dream_properties(
    dreams: np.ndarray, *, least_lag: float, most_lag: float, stride: tuple[int, int] | None = None
) -> Arrays:
    """What the claims and figures need of dreams `[B, T, h, w]`, most of it of their newest frame.

    Returns:
      the fields of `ContrastShares`, `[B]`; repetition `[B]`, and off_stride `[B]` where there is a stride; contrast
      `[h, w]`, its mean over the dreams; example `[h, w]`, the first dream.
    """
    newest = dreams[:, -1]

    def repeated(stride: tuple[int, int] | None) -> np.ndarray:
        lags = {"least_lag": least_lag, "most_lag": most_lag}
        return np.array([repetition(dream, **lags, stride=stride) for dream in dreams])

    return {
        **contrast_shares(newest)._asdict(),
        "repetition": repeated(None),
        **({"off_stride": repeated(stride)} if stride else {}),
        "contrast": contrast(newest).mean(0),
        "example": newest[0],
    }


def dream_pairs(policy: Policy, objective: Objective, *, seeds: Sequence[int], lr: float, steps: int) -> Pair:
    """A policy's dreams from `notebook.grey_start` of each seed, each beside that of its own shuffled twin."""
    starts = np.concatenate([notebook.grey_start(policy.architecture, seed=seed) for seed in seeds])

    def dreams(policy: Policy, starts: np.ndarray) -> np.ndarray:
        return np.asarray(notebook.plain_ascent(fast(policy), objective, starts, lr=lr, steps=steps)[0])

    shuffled = [dreams(shuffled_weights(policy, seed=s), start[None]) for s, start in zip(seeds, starts, strict=True)]
    rows, columns = policy.architecture.reads
    return Pair(*(each[..., :rows, :columns] for each in (dreams(policy, starts), np.concatenate(shuffled))))


def autocorrelation(frame: np.ndarray) -> np.ndarray:
    """Of `[h, w]` with its mean removed, at every shift: `[2h - 1, 2w - 1]`, shift (0, 0) in the middle, -1 to 1.

    Each shift is normalised by the energy of the two parts that overlap (normalised cross-correlation, Lewis 1995), so
    that a pattern that repeats scores 1 at its period whatever the frame's size and contrast. A flat frame has 0.
    """
    deviation = np.asarray(frame, np.float64) - np.mean(frame, dtype=np.float64)
    products = scipy.signal.correlate(deviation, deviation, method="fft")
    energy = scipy.signal.correlate(deviation**2, np.ones_like(deviation), method="fft")
    lengths = np.sqrt(np.maximum(energy * energy[::-1, ::-1], 0))
    # Overlaps with less than a rounding error's share of the energy are flat.
    seen = lengths > 1e-9 * (deviation**2).sum()
    return np.divide(products, lengths, out=np.zeros_like(products), where=seen).clip(-1, 1)


def repetition(image: np.ndarray, *, least_lag: float, most_lag: float, stride: tuple[int, int] | None = None) -> float:
    """Highest autocorrelation of `[T, h, w]` at shifts of `least_lag` to `most_lag` pixels (Euclidean), mean over T.

    NaN where there is no such shift.

    Args:
      stride: rows and columns; then only shifts off the stride count.
    """
    down, across = np.ix_(*(np.arange(1 - size, size) for size in image.shape[1:]))
    lags = np.hypot(down, across)
    between = (lags >= least_lag) & (lags <= most_lag)
    if stride:
        between &= off_stride(down, stride[0]) & off_stride(across, stride[1])
    if not between.any():
        return float("nan")
    return float(np.mean([autocorrelation(frame)[between].max() for frame in image]))


def off_stride(lags: np.ndarray, stride: int) -> np.ndarray:
    """Which lags along one axis lie at least a quarter of the stride from every multiple of it; all for no stride."""
    beyond = lags % stride
    return np.minimum(beyond, stride - beyond) >= stride / 4 if stride > 1 else np.ones(lags.shape, bool)


def contrast(frames: np.ndarray) -> np.ndarray:
    """Squared deviation from each frame's mean as a share of its sum, `[..., h, w]`; 0 where a frame is flat."""
    frames = np.asarray(frames, np.float64)
    squares = (frames - frames.mean((-2, -1), keepdims=True)) ** 2
    total = squares.sum((-2, -1), keepdims=True)
    return np.divide(squares, total, out=np.zeros_like(squares), where=total > 0)


def contrast_shares(frames: np.ndarray) -> ContrastShares:
    """Where frames `[..., h, w]` have their contrast; a column belongs to the quarter in which its centre lies."""
    columns = contrast(frames).sum(-2)
    quarter = (4 * np.arange(columns.shape[-1]) + 2) // columns.shape[-1]
    return ContrastShares(columns[..., quarter == 1].sum(-1), columns[..., (quarter == 0) | (quarter == 3)].sum(-1))
