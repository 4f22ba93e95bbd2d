"""Do few channels of the last layer with positions carry a behaviour? All others are held at their means."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import draws as null_draws
from minetest_interp.analysis import intervals, interventions, sufficiency
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.claims.measured import Measured, Parts
from minetest_interp.io.errors import InputError
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, shuffled_networks

CLAIM = "few-paths-suffice"
PARTS = ("quarter", "over-shuffled", "explained", "needed")
FEW = 1 / 4  # of the channels


class Kept(NamedTuple):
    """A behaviour on F frames that chose nothing, while sets of channels of K sizes are kept, or are held themselves.

    sizes: `[K]`, channels. readout: `[F]`, as it is. strongest, without: `[F, K]`, the strongest kept, and held.
    random: `[F, K, D]`, as many random ones kept.
    """

    sizes: np.ndarray
    readout: np.ndarray
    strongest: np.ndarray
    without: np.ndarray
    random: np.ndarray

    def place(self, size: int) -> int:
        """Where a size stands."""
        return int(np.flatnonzero(self.sizes == size)[0])

    def explained(self, values: np.ndarray) -> Statistic:
        """The mean variance that is explained by what is left of the behaviour in some sets, `[F, U]` or `[F]`."""
        each = sufficiency.explained(self.readout, values.reshape(len(values), -1))
        return lambda weights: each(weights).mean(-1)


def measure(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    *,
    steering: str,
    frames: int = 128,
    draws: int = 100,
    networks: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests whether a quarter of the channels, the strongest, explains more of a behaviour than as many random ones.

    Strengths and means are those of one half of the frames, what is explained that of the other.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]` or stacks `[N, T, S, S]`.
      steering: the name of the behaviour. frames: at most so many are looked at, evenly spaced. draws: random sets of
        each size. networks: of shuffled weights. seed: of random sets, and of the first network. similarity: of grey
        levels, above which frames are near-duplicates.
    """
    taken = np.unique(np.linspace(0, len(stacks["frames"]) - 1, frames).round().astype(int))
    greys, readout = stacks["original"][taken], objectives.readouts(table, policy.architecture)[steering]
    clusters = intervals.near_duplicates(greys, similarity=similarity)
    chosen, tested = intervals.cluster_halves(clusters)
    try:
        layer = _layer(policy.architecture)
        if not tested.any():
            raise InputError("all frames are near-duplicates, so there are none to test on")
        activation = sufficiency.read_activation(policy, layer, greys)
        means = activation[chosen].mean(0)
        strength = sufficiency.holding_effects(policy, readout, layer, activation[chosen], means)
        found = _keep(policy, readout, layer, activation[tested], means, strength, draws, seed)
        if np.ptp(found.readout) == 0:
            raise InputError(f"the {steering} is the same on all frames that it is tested on")
    except InputError as error:
        return Measured({"kept/reason": np.array(str(error))}, {CLAIM: dict.fromkeys(PARTS, missing(str(error)))})
    few = sufficiency.share_of(len(strength), FEW)
    random = sufficiency.explained(found.readout, found.random.reshape(len(found.readout), -1))
    others = [
        strongest_and_random(network, readout, layer, greys, (chosen, tested), few=few, draws=draws, seed=seed)
        for network in shuffled_networks(policy, count=networks, seed=seed)
    ]
    arrays = {
        "kept/layer": np.array(layer),
        "kept/frames": stacks["frames"][taken][tested],
        "kept/clusters": clusters[tested],
        "kept/strength": strength,
        "kept/sizes": found.sizes,
        "kept/few": np.array(few),
        "kept/strongest": _curve(found, found.strongest, clusters[tested], level),
        "kept/without": _curve(found, found.without, clusters[tested], level),
        "kept/random": random(np.ones(tested.sum())).reshape(len(found.sizes), draws),
        "kept/shuffled": np.array([other(np.ones(tested.sum())) for other in others], float),
    }
    return Measured(arrays, {CLAIM: _parts(found, others, few, len(strength), clusters[tested], level)})


def strongest_and_random(
    policy: Policy,
    readout: Objective,
    layer: str,
    greys: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray],
    *,
    few: int,
    draws: int,
    seed: int,
) -> Statistic:
    """What the strongest few channels of a network explain on some frames, and the mean of as many random ones.

    Args:
      halves: two masks of the frames: those that say which are the strongest and what the means are, and the tested
        ones, whose weights the statistic is of.

    Returns:
      a statistic of the frames' weights: a function from `[..., frame]` to `[..., strongest and random]`.
    """
    activation = sufficiency.read_activation(policy, layer, greys)
    before, after = (activation[half] for half in halves)
    means = before.mean(0)
    strongest = sufficiency.strongest_sets(
        sufficiency.holding_effects(policy, readout, layer, before, means), np.array([few])
    )
    random = interventions.random_units(means.shape[-1], size=few, count=draws, seed=seed)
    kept = np.concatenate([np.ones_like(strongest), strongest, random])
    read = sufficiency.keep_alone(policy, readout, layer, after, means, kept)
    each = sufficiency.explained(read[:, 0], read[:, 1:])

    def both(weights: np.ndarray) -> np.ndarray:
        found = each(weights)
        return np.stack([found[..., 0], found[..., 1:].mean(-1)], axis=-1)

    return both


def _layer(network: Architecture) -> str:
    """The last layer with positions.

    Raises:
      InputError: there is none, or it has one channel.
    """
    if not network.maps:
        raise InputError("no layer of this network has positions")
    layer = network.maps[-1]
    if network.shape(layer)[-1] < 2:
        raise InputError(f"{layer} has a single channel, so there is none to choose")
    return layer


def _keep(
    policy: Policy,
    readout: Objective,
    layer: str,
    activation: np.ndarray,
    means: np.ndarray,
    strength: np.ndarray,
    draws: int,
    seed: int,
) -> Kept:
    """The readout while every set is kept alone: all channels, the strongest, all but these, and random ones."""
    sizes = sufficiency.sizes(len(strength))
    strongest, count = sufficiency.strongest_sets(strength, sizes), len(sizes)
    drawn = [interventions.random_units(len(strength), size=size, count=draws, seed=seed) for size in sizes.tolist()]
    kept = np.concatenate([np.ones_like(strongest[:1]), strongest, ~strongest, *drawn])
    read = sufficiency.keep_alone(policy, readout, layer, activation, means, kept)
    random = read[:, 1 + 2 * count :].reshape(len(read), count, draws)
    return Kept(sizes, read[:, 0], read[:, 1 : 1 + count], read[:, 1 + count : 1 + 2 * count], random)


def _curve(found: Kept, values: np.ndarray, clusters: np.ndarray, level: Level) -> np.ndarray:
    """What is explained with its interval, for `[F, K]`: (estimate, low, high) `[3, K]`; NaN where there is none."""
    each = [intervals.estimate(found.explained(column), clusters, level) for column in values.T]
    return np.array([one.numbers for one in each]).T


def _parts(
    found: Kept, others: Sequence[Statistic], few: int, channels: int, clusters: np.ndarray, level: Level
) -> Parts:
    """quarter: explained by the strongest quarter, less random ones'. explained: by it alone; chance is the random one.

    over-shuffled: the first less the mean of the same of networks of shuffled weights. needed: explained without a
    random quarter, less without the strongest.

    Args:
      others: what `strongest_and_random` gives of each of those networks.
    """
    place = found.place(few)
    strongest, without = (found.explained(values[:, place]) for values in (found.strongest, found.without))
    # Random channels that are kept are those left where as many others are held.
    few_random, rest_random = (found.explained(found.random[:, found.place(n)]) for n in (few, channels - few))

    def estimate(statistic: Statistic, chance: float) -> Estimate:
        return intervals.estimate(statistic, clusters, level, chance=chance)

    def quarter(weights: np.ndarray) -> np.ndarray:
        return np.asarray(strongest(weights) - few_random(weights))

    null = [lambda weights, of=of: -np.diff(of(weights))[..., 0] for of in others]
    return {
        "quarter": estimate(quarter, 0.0),
        "over-shuffled": null_draws.beyond_others(quarter, null, clusters, level),
        "explained": estimate(strongest, float(few_random(np.ones(len(clusters))))),
        "needed": estimate(lambda weights: rest_random(weights) - without(weights), 0.0),
    }
