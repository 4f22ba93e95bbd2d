"""The post's claims about what the policy does: mirroring, trunks, brightness, and how often it walks and jumps.

`[N]` arrays hold the steering behaviour of N frames, -1 to 1. A *side* of +1 says that positive steering turns left, -1
that it turns right; positions run from -1 (left edge) to 1 (right edge).
"""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Bootstrap, Estimate, Statistic
from minetest_interp.model.actions import ActionTable, behaviour_values
from minetest_interp.model.batches import map_batches
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.labels import OFF_MIDDLE
from minetest_interp.model.policy import Policy

LIKELY = 0.5  # a behaviour more likely than not
SOME = 0.05  # "some probability"


def behaviours(policy: Policy, table: ActionTable, greys: np.ndarray) -> dict[str, np.ndarray]:
    """Every behaviour on grey frames `[N, S, S]`, each repeated, or on real stacks `[N, T, S, S]`: name to `[N]`."""

    @jax.jit
    def logits(frames):
        return policy.run(frames).logits

    stacked = map_batches(lambda batch: logits(as_stacks(batch, policy.geometry.frames)), greys)
    return behaviour_values(stacked, table)


def retouched(greys: np.ndarray) -> dict[str, np.ndarray]:
    """Frames `[N, ..., S, S]` that ask whether brightness alone steers: name to `[N, ..., S, S]`, grey levels 0 to 255.

    equalised: the brighter of the left and the right half scaled down to the other's mean. inverted: black and white
    exchanged. darker, brighter: gamma 2 and 0.5.
    """
    greys = np.asarray(greys, np.float32)
    middle = greys.shape[-1] // 2
    means = np.stack([half.mean((-2, -1), keepdims=True) for half in (greys[..., :middle], greys[..., middle:])])
    gains = np.divide(means.min(0), means, out=np.ones_like(means), where=means > 0)
    columns = np.arange(greys.shape[-1]) < middle
    return {
        "equalised": greys * np.where(columns, gains[0], gains[1]),
        "inverted": 255 - greys,
        "darker": 255 * (greys / 255) ** 2,
        "brighter": 255 * (greys / 255) ** 0.5,
    }


def brightness_difference(greys: np.ndarray) -> np.ndarray:
    """Mean grey level of the left half less that of the right, `[N, ..., S, S]` to `[N]`."""
    middle, inside = greys.shape[-1] // 2, tuple(range(1, greys.ndim))
    return greys[..., :middle].mean(inside, dtype=np.float64) - greys[..., middle:].mean(inside, dtype=np.float64)


def sign_changes(here: np.ndarray, there: np.ndarray) -> Statistic:
    """Share of frames on which two `[N]` have strictly opposite signs."""
    return intervals.mean(np.sign(here) * np.sign(there) < 0)


def mirror_estimates(
    here: np.ndarray, there: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap
) -> dict[str, Estimate]:
    """How the steering answers to mirroring.

    flips: share of frames whose sign changes. correlation: of the steering with minus the mirrored steering.

    Args:
      here, there: `[N]`, steering on frames and on their mirror images.
    """
    return {
        "flips": intervals.estimate(sign_changes(here, there), clusters, bootstrap, chance=0.5, share=True),
        "correlation": intervals.estimate(intervals.correlation(here, -there), clusters, bootstrap, chance=0.0),
    }


def unchanged_share(here: np.ndarray, there: np.ndarray) -> Statistic:
    """Share of the steering's energy in its part that mirroring leaves alone, (here + there) / 2; 0 under symmetry."""
    return intervals.ratio((here + there) ** 2, 2 * (here**2 + there**2))


def trunk_estimates(
    steering: np.ndarray, position: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap, *, side: int
):
    """Does the steering follow the trunk? `[M]` frames with a trunk at `position`.

    correlation: of turning left with how far left the trunk is. sides: share of the trunks more than `OFF_MIDDLE` from
    the middle to whose side the policy turns.
    """
    left, off = side * steering, np.abs(position) > OFF_MIDDLE
    return {
        "correlation": intervals.estimate(intervals.correlation(left, -position), clusters, bootstrap, chance=0.0),
        "sides": intervals.estimate(
            sign_changes(left[off], position[off]), clusters[off], bootstrap, chance=0.5, share=True
        ),
    }


def walking_estimates(
    values: Mapping[str, np.ndarray], clusters: np.ndarray, bootstrap: Bootstrap
) -> dict[str, Estimate]:
    """How often forward is more likely than not, and jump has some probability at all."""

    def estimate(name: str, often: Callable[[np.ndarray], np.ndarray]) -> Estimate:
        if name not in values:
            return intervals.missing(f"the action table has no behaviour {name}")
        return intervals.estimate(intervals.mean(often(values[name])), clusters, bootstrap, chance=0.5, share=True)

    return {
        "forward": estimate("forward", lambda p: p > LIKELY),
        "jump": estimate("jump", lambda p: p >= SOME),
    }


def brightness_estimates(
    steering: np.ndarray,
    retouched: Mapping[str, np.ndarray],
    difference: np.ndarray,
    clusters: np.ndarray,
    bootstrap: Bootstrap,
) -> dict[str, Estimate]:
    """What a mere comparison of brightness cannot do; chance is what such a comparison would give.

    Args:
      steering: `[N]`. retouched: name to the steering on the frames of `retouched`. difference: `[N]`, of brightness.
    """
    chances = {"equalised": 0.0, "inverted": -1.0, "darker": 1.0, "brighter": 1.0}
    estimates = {
        name: intervals.estimate(
            intervals.correlation(steering, retouched[name]), clusters, bootstrap, chance=chances[name]
        )
        for name in chances
    }
    related = intervals.correlation(steering, difference)
    explained = intervals.estimate(lambda weights: related(weights) ** 2, clusters, bootstrap, chance=1.0)
    return estimates | {"explained": explained}
