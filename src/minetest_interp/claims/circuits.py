"""How the steering's drive and the value come about: by channel of conv2, by path, and by factor of every layer."""

from collections.abc import Mapping

import numpy as np

from minetest_interp.analysis import circuits
from minetest_interp.analysis.circuits import Contributions, FactorAttribution, Flow, LinearReadouts
from minetest_interp.analysis.stats import correlation, highest
from minetest_interp.claims.measured import Arrays, Measured
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.networks import CONVOLUTIONS
from minetest_interp.model.policy import Geometry, Policy


def measure(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    *,
    steering: str,
    factors: int = 4,
    exemplars: int = 6,
    paths: int = 12,
    seed: int = 0,
) -> Measured:
    """Takes two readouts apart, the steering's drive and the value; no claim rests on it.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]`.
      steering: the name of the steering behaviour. factors: of each layer, K. exemplars: frames for each factor, E.
      paths: for each readout, P. seed: of the factors.
    """
    greys = stacks["original"]
    readouts = circuits.join(
        [circuits.behaviour_drive(policy, table.behaviours[steering]), circuits.value_readout(policy)]
    )
    arrays = {"frames": stacks["frames"], "readouts": np.array([f"{steering} drive", "value"])}
    arrays |= _channels(circuits.contributions(policy, readouts, greys))
    arrays |= _paths(circuits.channel_flow(policy, greys), circuits.static_flow(policy), readouts, count=paths)
    directions = circuits.layer_factors(policy, greys, count=factors, seed=seed)
    for layer, attribution in circuits.attribute(policy, readouts, directions, greys).items():
        of_layer = {"factors": directions[layer]}
        of_layer |= _layer_factors(policy.geometry, layer, attribution, exemplars=exemplars)
        arrays |= {f"{layer}/{name}": array for name, array in of_layer.items()}
    return Measured(arrays, {})


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
                "share": strength[cells].sum() / strength.sum(),
                "static_correlation": correlation(static * weights, flow.mean * weights),
            }
        )
    return {f"paths/{name}": np.array([paths[name] for paths in by_readout]) for name in by_readout[0]}


def _layer_factors(geometry: Geometry, layer: str, attribution: FactorAttribution, *, exemplars: int) -> Arrays:
    """The frames and places that show each factor most, `[K, E]`, and what it adds to the readouts.

    attribution, variance_share: `[R, K + 1]`, the residual last.
    """
    frames = np.stack([highest(peaks, count=exemplars) for peaks in attribution.peaks.T])
    places = np.take_along_axis(attribution.places, frames.T, 0).T
    rows, columns, boxes = receptive_fields(geometry, layer, places)
    return {
        "exemplars": frames,
        "positions": np.stack([rows, columns], -1),
        "boxes": boxes,
        "attribution": np.abs(attribution.parts).mean(0),
        "variance_share": _variance_shares(attribution.parts, attribution.parts.sum(-1)),
    }


def receptive_fields(geometry: Geometry, layer: str, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and receptive fields (top, left, size) in pixels of positions counted row by row."""
    side, (field, stride) = 1, (geometry.size, 0)
    if layer in CONVOLUTIONS:
        i = CONVOLUTIONS.index(layer)
        side, (field, stride) = geometry.sides[i], geometry.receptive_fields[i]
    rows, columns = np.divmod(places, side)
    return rows, columns, np.stack([rows * stride, columns * stride, np.full_like(rows, field)], -1)


def _variance_shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """By readout: `[N, R, K]` in `[N, R]` to `[R, K]`."""
    return np.array([circuits.variance_shares(parts[:, r], wholes[:, r]) for r in range(wholes.shape[1])])
