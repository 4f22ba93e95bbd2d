"""What the agent does in whole episodes of the real game, beside agents that see nothing.

Agents play one episode from each starting place and are compared place by place; places are the clusters. A trunk is a
node whose name holds "tree". Directions are in degrees from where the agent looks, positive to the left.
"""

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float, Num

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.measured import NO_VALUE, Arrays, Measured, Parts
from minetest_interp.episodes import names
from minetest_interp.episodes.names import EVEN, MIRRORED, NIGHT, SILENCED, SILENCED_RANDOM, UNSTEERED

OWN, RANDOM, FORWARD, OUT_OF_ORDER = "own", "random", "forward", "out-of-order"
AGENTS = OWN, RANDOM, FORWARD, OUT_OF_ORDER, MIRRORED, EVEN, SILENCED, SILENCED_RANDOM, NIGHT, UNSTEERED
DECOYS = {name: 1 if side == "left" else -1 for name, side in names.DECOYS.items()}  # the side of the dark pillar
REACHES = "reaches-trees"
RIVALS = {
    REACHES: (RANDOM, OUT_OF_ORDER),
    "digs-logs": (RANDOM, OUT_OF_ORDER),
    "earns-more": (RANDOM, FORWARD),
    "climbs": (OUT_OF_ORDER,),
}
# Claim, part: which agent reaches trees sooner than which other.
SOONER = {
    "sight-guides-play": {MIRRORED: (OWN, MIRRORED)},
    "darkness-guides-play": {EVEN: (OWN, EVEN)},
    "tree-units-guide-play": {SILENCED: (OWN, SILENCED), SILENCED_RANDOM: (SILENCED_RANDOM, SILENCED)},
    "daylight-guides-play": {NIGHT: (OWN, NIGHT)},
    "yaw-direction-guides-play": {UNSTEERED: (OWN, UNSTEERED)},
}
DECOY = "turns-to-dark-decoy"
LOOKS = "dark-side", "degrees", "places"
STRAIGHT = 1.0  # degrees; a step turns by 5
STEERED = {"turns-to-nearest-trunk": ("correlation", "given-darkness"), "darker-side-in-play": ("given-trunk",)}
WALKING = ("forward", "jump")
CORRELATION = "correlation"
COIN = 0.5
PARTS_OF_TIME = 25  # of an episode, over which distances are averaged to be drawn
GROUPS = 8  # of equally many steps
NO_EPISODES = "the study names no episodes of this policy"
NO_TRUNKS = "no step has a trunk in front of the agent"


class PlaySettings(NamedTuple):
    """gamma: by which a reward counts less a step later. near: nodes, from which on a trunk is reached. far: nodes, and
    ahead: degrees to either side, within which the nearest trunk counts as one to turn to. steps: the first of an
    episode, whose return is known well enough. looks: the first with decoys, at which is asked where the agent looks.
    """

    gamma: float = 0.99
    near: float = 3.0
    far: float = 20.0
    ahead: float = 36.0
    steps: int = 300
    looks: int = 50


def measure(episodes: Mapping[str, np.ndarray] | None, settings: PlaySettings, *, side: int, level: Level) -> Measured:
    """Tests the claims about episodes; what cannot be measured is missing.

    Args:
      episodes: `{agent}/{what}` `[P, S]` of P places and S steps for each of `AGENTS` that played: distance of the
        nearest trunk in nodes and its direction, NaN where none is known; on_trunk; dug, trunks dug at the step; and
        shaped, the reward. Of the agent itself also forward and jump, pressed or not; turn, its steering; value, NaN
        without one; and darker, mean grey level of the right half less the left's. Of each of `DECOYS` heading alone,
        degrees from where it first looked, positive to the left, perhaps of fewer steps.
      side: 1 where positive steering turns left, -1 where it turns right.
    """
    if episodes is None:
        nothing = missing(NO_EPISODES)
        claims = {claim: dict.fromkeys(rivals, nothing) for claim, rivals in RIVALS.items()}
        claims |= {claim: dict.fromkeys(parts, nothing) for claim, parts in SOONER.items()}
        claims |= {DECOY: dict.fromkeys(LOOKS, nothing)}
        claims |= {claim: dict.fromkeys(parts, nothing) for claim, parts in STEERED.items()}
        claims |= {"walks-in-play": dict.fromkeys(WALKING, nothing), "value-foresees-return": {CORRELATION: nothing}}
        return Measured({"reason": np.array(NO_EPISODES)}, claims)
    played = {agent: _of(episodes, agent) for agent in AGENTS if f"{agent}/distance" in episodes}
    numbers = {agent: by_place(of, settings) for agent, of in played.items()}
    own, followed = played[OWN], discounted(played[OWN]["shaped"], settings.gamma)
    pairs = {claim: {rival: (OWN, rival) for rival in rivals} for claim, rivals in RIVALS.items()}
    estimates = {claim: _against(numbers, claim, parts, level) for claim, parts in pairs.items()}
    estimates |= {claim: _against(numbers, REACHES, parts, level) for claim, parts in SOONER.items()}
    estimates |= {DECOY: _decoys(episodes, settings.looks, level)}
    estimates |= {"walks-in-play": _walking(own, level)}
    estimates |= {"value-foresees-return": {CORRELATION: _foresight(own["value"], followed, settings.steps, level)}}
    estimates |= _steering(own, side, settings, level)
    drawn = _compared(played, numbers, level) | _followed(own["value"], followed, settings.steps, level)
    return Measured({"places": episodes["places"]} | drawn | _turned(own, side, settings, level), estimates)


def by_place(of: Mapping[str, np.ndarray], settings: PlaySettings) -> dict[str, Float[np.ndarray, " place"]]:
    """What each claim of `RIVALS` compares, of one agent, by the claim's name."""
    return {
        REACHES: steps_before(of["distance"] <= settings.near),
        "digs-logs": of["dug"].sum(1).astype(np.float64),
        "earns-more": of["shaped"].sum(1, dtype=np.float64),
        "climbs": of["on_trunk"].mean(1, dtype=np.float64),
    }


def steps_before(reached: Bool[np.ndarray, "place step"]) -> Float[np.ndarray, " place"]:
    """Share of the steps that come before the first that is true, 1 where none is."""
    first = np.argmax(reached, axis=1) / reached.shape[1]
    return np.where(reached.any(1), first, 1.0)


def discounted(reward: Num[np.ndarray, "place step"], gamma: float) -> Float[np.ndarray, "place step"]:
    """The sum of the rewards from each step on, each counting `gamma` times as much as the one before."""
    backwards = np.asarray(reward, np.float64)[:, ::-1]
    return scipy.signal.lfilter([1.0], [1.0, -gamma], backwards, axis=1)[:, ::-1]


def _of(episodes: Mapping[str, np.ndarray], agent: str) -> Arrays:
    start = f"{agent}/"
    return {name.removeprefix(start): array for name, array in episodes.items() if name.startswith(start)}


def _against(numbers: Mapping[str, Arrays], claim: str, parts: Mapping[str, tuple[str, str]], level: Level) -> Parts:
    """By part the first agent's mean over places less the other's; of `reaches-trees` the other way round."""
    sign = -1 if claim == REACHES else 1

    def beyond(*agents: str) -> Estimate:
        if absent := _not_recorded(agents, numbers):
            return absent
        first, other = (numbers[agent][claim] for agent in agents)
        difference = sign * (first - other)
        return intervals.estimate(intervals.weighted_mean(difference), np.arange(len(difference)), level, chance=0.0)

    return {part: beyond(*agents) for part, agents in parts.items()}


def _not_recorded(agents: Iterable[str], known: Container[str]) -> Estimate | None:
    absent = [agent for agent in agents if agent not in known]
    return missing(f"no episodes of the agent {absent[0]!r} were recorded") if absent else None


def looks_to_dark_side(
    headings: Mapping[str, Float[np.ndarray, "place step"]],
) -> tuple[Float[np.ndarray, " place"], Float[np.ndarray, " place"]]:
    """Share of the steps with the look to the dark pillar's side, and the mean degrees; means over both arrangements.

    Args:
      headings: by name of `DECOYS`, degrees from where it first looked, positive to the left; straight on counts half.
    """
    towards = [side * headings[name].astype(np.float64) for name, side in DECOYS.items()]
    looks = [(degrees > STRAIGHT) + COIN * (np.abs(degrees) <= STRAIGHT) for degrees in towards]
    return np.mean([of.mean(1) for of in looks], axis=0), np.mean([degrees.mean(1) for degrees in towards], axis=0)


def _decoys(episodes: Mapping[str, np.ndarray], steps: int, level: Level) -> Parts:
    known = [agent for agent in DECOYS if f"{agent}/heading" in episodes]
    if absent := _not_recorded(DECOYS, known):
        return dict.fromkeys(LOOKS, absent)
    share, degrees = looks_to_dark_side({agent: episodes[f"{agent}/heading"][:, :steps] for agent in DECOYS})
    more = (share > COIN) + COIN * (share == COIN)
    places = np.arange(len(share))

    def often(values: np.ndarray) -> Estimate:
        return intervals.estimate(intervals.weighted_mean(values), places, level, chance=COIN, scale="share")

    angle = intervals.estimate(intervals.weighted_mean(degrees), places, level, chance=0.0)
    return dict(zip(LOOKS, (often(share), angle, often(more)), strict=True))


def _walking(own: Arrays, level: Level) -> Parts:
    def often(name: str) -> Estimate:
        if name not in own:
            return missing(f"the action table has no behaviour {name}")
        share = own[name].mean(1, dtype=np.float64)
        mean = intervals.weighted_mean(share)
        return intervals.estimate(mean, np.arange(len(share)), level, chance=COIN, scale="share")

    return {name: often(name) for name in WALKING}


def _foresight(value: np.ndarray, followed: np.ndarray, steps: int, level: Level) -> Estimate:
    value, followed = value[:, :steps], followed[:, :steps]
    if not (known := np.isfinite(value) & np.isfinite(followed)).any():
        return missing(NO_VALUE)
    return _rank_correlation([value[known], followed[known]], np.nonzero(known)[0], level)


def _in_front(own: Arrays, settings: PlaySettings) -> Bool[np.ndarray, "place step"]:
    return (own["distance"] <= settings.far) & (np.abs(own["direction"]) <= settings.ahead)


def _steering(own: Arrays, side: int, settings: PlaySettings, level: Level) -> dict[str, Parts]:
    ahead = _in_front(own, settings)
    if not ahead.any():
        return {claim: dict.fromkeys(parts, missing(NO_TRUNKS)) for claim, parts in STEERED.items()}
    turn, direction, darker = side * own["turn"][ahead], own["direction"][ahead], own["darker"][ahead]
    places = np.nonzero(ahead)[0]
    return {
        "turns-to-nearest-trunk": {
            CORRELATION: _rank_correlation([turn, direction], places, level),
            "given-darkness": _rank_correlation([turn, direction, darker], places, level),
        },
        "darker-side-in-play": {"given-trunk": _rank_correlation([turn, darker, direction], places, level)},
    }


def _rank_correlation(values: list[np.ndarray], places: np.ndarray, level: Level) -> Estimate:
    """Of the first two, given the others."""
    x, y, *given = map(scipy.stats.rankdata, values)
    statistic = intervals.weighted_partial_correlation(x, y, given)
    return intervals.estimate(statistic, places, level, chance=0.0, scale="correlation")


def _compared(played: Mapping[str, Arrays], numbers: Mapping[str, Arrays], level: Level) -> Arrays:
    """Means over places with their intervals, of every agent: of what is compared, and of the distance over time."""

    def mean(values: np.ndarray) -> tuple[float, float, float]:
        known = np.flatnonzero(np.isfinite(values))
        return intervals.estimate(intervals.weighted_mean(values[known]), known, level).numbers

    arrays: Arrays = {"agents": np.array(list(played))}
    for claim in RIVALS:
        arrays[f"compared/{claim}"] = np.array([mean(of[claim]) for of in numbers.values()])
    for agent, of in played.items():
        parts = np.array_split(of["distance"], min(PARTS_OF_TIME, of["distance"].shape[1]), axis=1)
        arrays[f"distance/{agent}"] = np.array([mean(part.mean(1, dtype=np.float64)) for part in parts])
    return arrays


def _followed(value: np.ndarray, followed: np.ndarray, steps: int, level: Level) -> Arrays:
    """What followed on values, by groups of about equally many steps."""
    return {"followed": _by_groups(value[:, :steps], followed[:, :steps], level)}


def _turned(own: Arrays, side: int, settings: PlaySettings, level: Level) -> Arrays:
    """How the agent turned, by the direction of the nearest trunk and by how much darker the left half was."""
    ahead = _in_front(own, settings)
    turn = np.where(ahead, side * own["turn"], np.nan)
    return {f"turned/{name}": _by_groups(own[name], turn, level) for name in ("direction", "darker")}


def _by_groups(x: np.ndarray, y: np.ndarray, level: Level) -> Float[np.ndarray, "group 4"]:
    """Mean of x, and of y with its interval, of groups of about equally many steps by x; where y is NaN is left out."""
    known = np.isfinite(x) & np.isfinite(y)
    places, x, y = np.nonzero(known)[0], x[known], y[known]
    groups = np.array_split(np.argsort(x, kind="stable"), GROUPS) if len(x) >= GROUPS else []
    rows = [
        (x[own].mean(), *intervals.estimate(intervals.weighted_mean(y[own]), places[own], level).numbers)
        for own in groups
    ]
    return np.array(rows, np.float64).reshape(-1, 4)
