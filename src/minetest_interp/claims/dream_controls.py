"""The post's claims about dreams: that those of the value repeat, and where those of steering put their contrast.

Dreams are stacks `[B, T, H, W]` of levels 0 to 255. Only the top left pixels that the network reads are looked at
(`Architecture.reads`): no ascent moves the others.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Bootstrap, Estimate, missing
from minetest_interp.claims.measured import NO_VALUE, Arrays, Measured
from minetest_interp.dreams import notebook
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.networks import fast
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, shuffled_weights

# What the post says each dream has more of than chance.
CLAIMED = {"value": "repetition", "left": "middle_left", "right": "edges"}


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
    bootstrap: Bootstrap = intervals.BOOTSTRAP,
) -> Measured:
    """Tests the claims about dreams on many seeds, each beside a dream of shuffled weights.

    Args:
      steering: the name of the steering behaviour. seeds: how many dreams of each kind, from seeds 0, 1, ....
      value_steps, yaw_steps: of the ascents. lr: grey levels per unit of gradient. least_lag, most_lag: pixels, between
        which a pattern counts as repeating.
    """
    turn = table.behaviours[steering]
    outputs = policy.architecture.outputs
    steer = objectives.return_difference if "q" in outputs else objectives.behaviour_probability
    dreamed = {"value": (objectives.value(), value_steps)} if "value" in outputs else {}
    dreamed |= {name: (steer(turn, sign=sign), yaw_steps) for name, sign in (("left", side), ("right", -side))}
    arrays, estimates = {"seeds": np.arange(seeds)}, {}
    for name, (objective, steps) in dreamed.items():
        pair = dream_pairs(policy, objective, seeds=range(seeds), lr=lr, steps=steps)
        properties = {
            kind: dream_properties(dreams, least_lag=least_lag, most_lag=most_lag)
            for kind, dreams in pair._asdict().items()
        }
        arrays |= {f"{name}/{kind}/{key}": array for kind, of in properties.items() for key, array in of.items()}
        real, shuffled = (of[CLAIMED[name]] for of in properties.values())
        estimates[name] = excess(real, shuffled, bootstrap)
    return Measured(arrays, _claims(estimates))


def _claims(estimates: dict[str, tuple[Estimate, Estimate]]) -> dict[str, dict[str, Estimate]]:
    """The parts of each claim, from the `excess` of each dream."""
    repeats, peak = estimates.get("value", [missing(NO_VALUE)] * 2)
    (left, left_share), (right, right_share) = (estimates[name] for name in ("left", "right"))
    return {
        "dream-value-repeats": {"repeats": repeats, "peak": peak},
        "dream-yaw-sides": {"left": left, "right": right, "left-share": left_share, "right-share": right_share},
    }


def dream_properties(dreams: np.ndarray, *, least_lag: float, most_lag: float) -> Arrays:
    """What the claims and figures need of dreams `[B, T, h, w]`, most of it of their newest frame.

    Returns:
      the fields of `ContrastShares`, `[B]`; repetition `[B]`; contrast `[h, w]`, its mean over the dreams; example
      `[h, w]`, the first dream.
    """
    newest = dreams[:, -1]
    return {
        **contrast_shares(newest)._asdict(),
        "repetition": np.array([repetition(dream, least_lag=least_lag, most_lag=most_lag) for dream in dreams]),
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


def repetition(image: np.ndarray, *, least_lag: float, most_lag: float) -> float:
    """Highest autocorrelation of `[T, h, w]` at shifts of `least_lag` to `most_lag` pixels (Euclidean), mean over T."""
    height, width = image.shape[1:]
    lags = np.hypot(*np.ix_(np.arange(1 - height, height), np.arange(1 - width, width)))
    between = (lags >= least_lag) & (lags <= most_lag)
    return float(np.mean([autocorrelation(frame)[between].max() for frame in image]))


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


def excess(real: np.ndarray, shuffled: np.ndarray, bootstrap: Bootstrap) -> tuple[Estimate, Estimate]:
    """Mean over seeds of what `[seeds]` real dreams have above their shuffled twins, and of what they have.

    Seeds are independent; chance of the second is the mean of the shuffled ones.
    """
    clusters = np.arange(len(real))
    return (
        intervals.estimate(intervals.weighted_mean(real - shuffled), clusters, bootstrap, chance=0.0),
        intervals.estimate(intervals.weighted_mean(real), clusters, bootstrap, chance=float(np.mean(shuffled))),
    )
