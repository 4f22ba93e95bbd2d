"""Recorded answers: what the policy gave for some stacks where it was trained, against what it gives here.

They are an npz of `stacks` `[N, T, H, W]`, 0 to 255, and what was answered to them: any of `logits` `[N, A]`, `value`
`[N]` or `[N, 1]` and `q` `[N, A]`, and layers by their names here.
"""

import io
import zipfile
from pathlib import Path

import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import intermediates
from minetest_interp.model.policy import Policy

TOLERANCE = 1e-4  # of an output's largest number, or of 1 where that is smaller
LIMIT_BYTES = 2**28
STACKS = ("stacks", "stack", "frames")  # what people call them


def compare(policy: Policy, path: Path) -> None:
    """Runs the policy on the stacks of a file of recorded answers.

    Raises:
      InputError: the file is not one, or an answer differs: the first that does, from the stack on, and by how much.
    """
    network = policy.architecture
    recorded = _read(path)
    name = next((name for name in STACKS if name in recorded), None)
    known = [*network.targets[1:], *network.outputs]
    unknown = sorted(recorded.keys() - {name, *known})
    if name is None or unknown or len(recorded) < 2:
        raise InputError(
            f"{path}: must have `stacks` and what was answered to them, of {', '.join(known)}; got "
            f"{', '.join(sorted(recorded)) or 'nothing'}. Check `policy.check`."
        )
    stacks = recorded[name]
    if stacks.shape[1:] != network.stack or not len(stacks):
        raise InputError(f"{path}: {name} must be [N, {str(network.stack)[1:-1]}]; got {list(stacks.shape)}.")
    given = intermediates.compute(policy, stacks)
    for name in (name for name in known if name in recorded):
        _check(name, recorded[name], given[name], path)


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz of bounded size, float32."""
    data = files.read_bytes(path, what="an npz", limit=LIMIT_BYTES, advice="Check `policy.check`.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > LIMIT_BYTES:
                raise ValueError(f"more than {LIMIT_BYTES} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name].astype(np.float32) for name in stored.files}
    except Exception as error:  # hostile bytes raise nearly anything in here
        raise InputError(f"{path}: must be an npz of arrays of numbers; {error}. Write it by numpy.savez.") from None


def _check(name: str, recorded: np.ndarray, given: np.ndarray, path: Path) -> None:
    if recorded.size != given.size or len(recorded) != len(given):
        raise InputError(f"{path}: {name} must have the shape {list(given.shape)}; got {list(recorded.shape)}.")
    apart = float(np.abs(recorded.reshape(given.shape) - given).max())
    if not apart <= TOLERANCE * max(1.0, float(np.abs(recorded).max())):
        raise InputError(
            f"{path}: the policy must answer as it did where it was trained; {name} differs by {apart:.3g}, where its "
            f"largest number is {np.abs(recorded).max():.3g}. Check `activation`, `scale`, `padding`, `strides` and "
            "`size` under `policy`, and the order of frames in the stacks."
        )
