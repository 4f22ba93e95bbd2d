"""Take the steering drive and the value apart: by channel of conv2, by path, and by factor of every layer."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import circuits
from minetest_interp.analysis.stats import correlation
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent
from minetest_interp.model.networks import CONVOLUTIONS
from minetest_interp.model.policy import Geometry, Policy


def run(checkpoint_path: Path, policy: dict, actions: dict, stacks: Path, settings: dict, arrays: Path) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    steering = actions["steering"]
    stored = files.read_arrays(stacks, "frames", "original")
    greys = stored["original"]
    readouts = circuits.join([circuits.drive(loaded, table.behaviours[steering]), circuits.value(loaded)])
    files.write_arrays(
        arrays,
        frames=stored["frames"],
        readouts=np.array([f"{steering} drive", "value"]),
        **_channels(circuits.contributions(loaded, readouts, greys)),
        **_paths(circuits.flow(loaded, greys), circuits.static_flow(loaded), readouts, count=settings.pop("paths")),
        **_factors(loaded, readouts, greys, **settings),
    )


def _channels(found: circuits.Contributions) -> dict[str, np.ndarray]:
    """By readout and channel, the biases last, `[R, C + 1]`; and the readouts of each frame, `[N, R]`."""
    parts = np.concatenate([found.channels, found.biases[..., None]], -1)
    return {
        "channels/mean": parts.mean(0),
        "channels/strength": np.abs(parts).mean(0),
        "channels/variance_share": _variance_shares(parts, found.readouts),
        "values": found.readouts,
    }


def _paths(
    flow: circuits.Flow, static: np.ndarray, readouts: circuits.Readouts, *, count: int
) -> dict[str, np.ndarray]:
    """The strongest (channel, hidden unit) of each readout, `[R, count]`, and how the static weights foretell them all.

    share: of the strength of all paths, what these have. flow: what the channel adds to the hidden unit, mean over
    frames; weight: the hidden unit's in the readout.
    """
    by_readout = []
    for weights in np.asarray(readouts.weights):
        strength = flow.strength * np.abs(weights)
        top = circuits.strongest(strength, count=count)
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
    return {f"paths/{name}": np.array([found[name] for found in by_readout]) for name in by_readout[0]}


def _factors(
    policy: Policy, readouts: circuits.Readouts, greys: np.ndarray, *, factors: int, exemplars: int, seed: int
) -> dict[str, np.ndarray]:
    """By layer: its K factors, the frames and places that show each most, `[K, E]`, and what it adds to the readouts.

    attribution, variance_share: `[R, K + 1]`, the residual last.
    """
    directions = circuits.layer_factors(policy, greys, count=factors, seed=seed)
    arrays: dict[str, np.ndarray] = {}
    for layer, found in circuits.attribute(policy, readouts, directions, greys).items():
        frames = np.argsort(-found.peaks, axis=0, kind="stable")[:exemplars].T
        rows, columns, boxes = _places(policy.geometry, layer, np.take_along_axis(found.places, frames.T, 0).T)
        arrays |= {
            f"{layer}/factors": directions[layer],
            f"{layer}/exemplars": frames,
            f"{layer}/positions": np.stack([rows, columns], -1),
            f"{layer}/boxes": boxes,
            f"{layer}/attribution": np.abs(found.parts).mean(0),
            f"{layer}/variance_share": _variance_shares(found.parts, found.parts.sum(-1)),
        }
    return arrays


def _places(geometry: Geometry, layer: str, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


if __name__ == "__main__":
    command(run)
