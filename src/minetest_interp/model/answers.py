"""Recorded answers: what the policy gave for some stacks where it was trained, against what it gives here.

They are an npz of `stacks` `[N, T, H, W]`, 0 to 255, and what was answered to them: any of `logits` `[N, A]`, `value`
`[N]` or `[N, 1]` and `q` `[N, A]`, and layers by their names here.
"""

from pathlib import Path

import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import intermediates
from minetest_interp.model.policy import Policy

TOLERANCE = 1e-4  # of an output's largest number, or of 1 where that is smaller
HALF = 1e-3  # likewise, of what may have been kept in half precision
LIMIT_BYTES = 2**28
STACKS = ("stacks", "stack", "frames")  # what people call them


def compare(policy: Policy, path: Path) -> None:
    """Runs the policy on the stacks of a file of recorded answers.

    Raises:
      InputError: the file is not one, or an answer differs: the first that does, from the stack on, and by how much.
    """
    network = policy.architecture
    read = files.read_npz(path, limit=LIMIT_BYTES, advice="Check `policy.check`.")
    if words := [name for name, array in read.items() if array.dtype.kind not in "biuf"]:
        raise InputError(f"{path}: must be arrays of numbers; {words[0]} is {read[words[0]].dtype}. Write numbers.")
    recorded = {name: array.astype(np.float32) for name, array in read.items()}
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


def check_logits(policy: Policy, stacks: np.ndarray, logits: np.ndarray, path: Path) -> None:
    """Runs the policy on stacks `[..., T, H, W]` that somebody recorded and compares its logits `[..., A]` with theirs.

    Raises:
      InputError: the policy has no logits or reads other stacks, or an answer is another policy's.
    """
    network, advice = policy.architecture, "Check `episodes.own`, or record them again."
    if "logits" not in network.outputs or stacks.shape[-3:] != network.stack:
        raise InputError(
            f"{path}: the episodes must be of a policy that has logits and reads {list(network.stack)}; this one gives "
            f"{', '.join(network.outputs)}, and what was recorded is {list(stacks.shape[-3:])}. {advice}"
        )
    given = intermediates.compute(policy, stacks.reshape(-1, *network.stack).astype(np.float32))["logits"]
    recorded = logits.reshape(given.shape)
    apart = float(np.abs(recorded - given).max())
    if not apart <= HALF * max(1.0, float(np.abs(recorded).max())):
        raise InputError(
            f"{path}: the episodes must be this policy's; its logits differ from those kept by {apart:.3g}. {advice}"
        )


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
