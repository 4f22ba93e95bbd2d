"""How the steering's drive and the value come about: by channel, by path, and by factor of the layers with ReLUs."""

from collections.abc import Mapping

import numpy as np

from minetest_interp.analysis import circuits, intervals
from minetest_interp.analysis.circuits import Contributions, FactorAttribution, Flow, LinearReadouts
from minetest_interp.analysis.intervals import Level
from minetest_interp.analysis.stats import correlation
from minetest_interp.claims import paths as kept_paths
from minetest_interp.claims.measured import Arrays, Measured
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.policy import Policy


def measure(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    *,
    steering: str,
    factors: int = 4,
    exemplars: int = 6,
    paths: int = 12,
    frames: int = 128,
    draws: int = 100,
    networks: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Takes two readouts apart, the steering's drive and the critic's value, and tests whether few channels suffice.

    The array `reason` says why a network's readouts cannot be taken apart; the test needs no such network.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]` or stacks `[N, T, S, S]`.
      steering: the name of the steering behaviour. factors: of each layer, K. exemplars: frames for each factor, E.
      paths: for each readout, P. frames, draws, networks: of `paths.measure`. seed: of the factors and of these.
    """
    kept = kept_paths.measure(
        policy,
        table,
        stacks,
        steering=steering,
        frames=frames,
        draws=draws,
        networks=networks,
        seed=seed,
        similarity=similarity,
        level=level,
    )
    if reason := circuits.why_not_exact(policy.architecture):
        return Measured({"reason": np.array(reason)} | kept.arrays, kept.estimates)
    apart = _apart(policy, table, stacks, steering, factors, exemplars, paths, seed)
    return Measured(apart | kept.arrays, kept.estimates)


def _apart(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    steering: str,
    factors: int,
    exemplars: int,
    paths: int,
    seed: int,
) -> Arrays:
    """The steering's drive and the value by channel, path and factor."""
    greys, network = stacks["original"], policy.architecture
    taken = {f"{steering} drive": circuits.behaviour_drive(policy, table.behaviours[steering])}
    taken |= {"value": circuits.value_readout(policy)} if "critic" in policy.params else {}
    readouts = circuits.join(list(taken.values()))
    arrays = {"frames": stacks["frames"], "readouts": np.array(list(taken))}
    arrays |= _channels(circuits.contributions(policy, readouts, greys))
    arrays |= _paths(circuits.path_flow(policy, greys), circuits.static_flow(policy), readouts, count=paths)
    directions = circuits.layer_factors(policy, greys, count=factors, seed=seed)
    for layer, attribution in circuits.attribute(policy, readouts, directions, greys).items():
        of_layer = {"factors": directions[layer]}
        of_layer |= factor_places(network, layer, attribution, exemplars=exemplars)
        arrays |= {f"{layer}/{name}": array for name, array in of_layer.items()}
    return arrays


def _channels(contributions: Contributions) -> Arrays:
    """By readout and channel, the biases last, `[R, C + 1]`; and the readouts of each frame, `[N, R]`."""
    parts = np.concatenate([contributions.channels, contributions.biases[..., None]], -1)
    return {
        "channels/mean": parts.mean(0),
        "channels/strength": np.abs(parts).mean(0),
        "channels/variance_share": _variance_shares(parts, contributions.readouts),
        "values": contributions.readouts,
    }


def _paths(flow: Flow, static: np.ndarray, readouts: LinearReadouts, *, count: int) -> Arrays:
    """The strongest (channel, hidden unit) of each readout, `[R, count]`, and how the static weights foretell them all.

    share: of the strength of all paths, what these have. flow: what the channel adds to the hidden unit, mean over
    frames; weight: the hidden unit's in the readout.
    """
    by_readout = []
    for weights in np.asarray(readouts.weights):
        strength = flow.strength * np.abs(weights)
        top = circuits.strongest_paths(strength, count=count)
        cells = tuple(top.T)
        by_readout.append(
            {
                "units": top,
                "strength": strength[cells],
                "flow": flow.mean[cells],
                "weight": weights[top[:, 1]],
                "share": strength[cells].sum() / (strength.sum() or 1.0),  # none where no path carries anything
                "static_correlation": correlation(np.asarray(static * weights, float), flow.mean * weights),
            }
        )
    return {f"paths/{name}": np.array([paths[name] for paths in by_readout]) for name in by_readout[0]}


def factor_places(network: Architecture, layer: str, attribution: FactorAttribution, *, exemplars: int) -> Arrays:
    """The frames and places that show each factor most, `[K, E]`, and what it adds to the readouts.

    boxes: (top, left, height, width) in pixels of what these places see, the whole picture in a layer without places.
    attribution, variance_share: `[R, K + 1]`, the residual last.
    """
    frames = np.argsort(-attribution.peaks, axis=0, kind="stable")[:exemplars].T
    places = np.take_along_axis(attribution.places, frames.T, 0).T
    rows, columns = np.divmod(places, network.shape(layer)[1] if layer in network.maps else 1)
    seen = [network.box(layer, place) if layer in network.maps else (0, 0, *network.stack[1:])
            for place in zip(rows.ravel().tolist(), columns.ravel().tolist(), strict=True)]  # fmt: skip
    return {
        "exemplars": frames,
        "positions": np.stack([rows, columns], -1),
        "boxes": np.array(seen, int).reshape(*places.shape, 4),
        "attribution": np.abs(attribution.parts).mean(0),
        "variance_share": _variance_shares(attribution.parts, attribution.parts.sum(-1)),
    }


def _variance_shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """By readout: `[N, R, K]` in `[N, R]` to `[R, K]`."""
    return np.array([circuits.variance_shares(parts[:, r], wholes[:, r]) for r in range(wholes.shape[1])])
