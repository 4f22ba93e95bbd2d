"""What every measurement gives, and what the measurements have in common."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Estimate
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.policy import Policy

NO_VALUE = "this policy has no critic"

Arrays = dict[str, np.ndarray]
Parts = dict[str, Estimate]


class Measured(NamedTuple):
    """arrays: by name, as `docs/results.md` lists them.

    estimates: by claim and part.
    """

    arrays: Arrays
    estimates: dict[str, Parts]


def write(measured: Measured, arrays: Path, estimates: Path) -> None:
    """Stores what was measured: arrays as .npz, estimates as JSON."""
    files.write_arrays(arrays, **measured.arrays)
    files.write_json(estimates, intervals.to_json(measured.estimates))


def measure_each(about: Sequence[Sequence], measure: Callable[[str, str, int], Measured]) -> Measured:
    """What is measured for each (concept, readout, the readout's side) that claims are about.

    Names of arrays and of estimates begin with `prefix`; there is none for the first, the study's own.
    """
    arrays: Arrays = {}
    estimates: dict[str, Parts] = {}
    for i, (concept, readout, side) in enumerate(about):
        start, made = prefix(concept, readout) if i else "", measure(concept, readout, side)
        arrays |= {start + name: array for name, array in made.arrays.items()}
        estimates |= {start + name: parts for name, parts in made.estimates.items()}
    return Measured(arrays, estimates)


def prefix(concept: str, readout: str) -> str:
    return f"{concept}/{readout}/"


def read_labels(path: Path | None, concept: str, *names: str) -> Arrays | None:
    """Arrays of the labelled frames; `share` and `position` are those of the concept. None without labelled frames."""
    if path is None:
        return None
    stored = {name: f"{concept}/{name}" if name in ("share", "position") else name for name in names}
    found = files.read_arrays(path, *stored.values())
    return {name: found[key] for name, key in stored.items()}


def check_channels(policy: Policy, channels: Mapping[str, int]) -> None:
    """Checks the channels that the claims name, layer to number.

    Raises:
      InputError: one is not of a layer with positions, they are not in the network's order, or a layer has no such
        channel.
    """
    network = policy.architecture
    if list(channels) != [layer for layer in network.maps if layer in channels]:
        raise InputError(
            f"`evidence.named` must have layers with positions, in the network's order: {', '.join(network.maps)}; got "
            f"{', '.join(channels)}."
        )
    for layer, channel in channels.items():
        last = network.shape(layer)[-1] - 1
        if not 0 <= channel <= last:
            raise InputError(f"the channel that `evidence.named` gives for {layer} must be 0 to {last}; got {channel}.")
