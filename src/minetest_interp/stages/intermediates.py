"""Run the policy on every view of every frame and keep what each layer computed."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files, layout
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, frames, intermediates


def run(checkpoint_path: Path, policy: dict, stacks: Path, results: Path) -> None:
    loaded = checkpoint.load(checkpoint_path, **policy).policy
    stored = files.read_arrays(stacks)
    for view in frames.VIEWS:
        computed = intermediates.compute(loaded, frames.as_stacks(stored[view], loaded.architecture.frames))
        for name, activations in computed.items():
            finite = np.isfinite(activations).reshape(len(activations), -1).all(1)
            if not finite.all():
                frame = stored["frames"][finite.argmin()]
                raise InputError(
                    f"{checkpoint_path}: every layer must be finite on every frame; {name} is not on {view} frame "
                    f"{str(frame)!r}. Its parameters are too large; check the training run that saved it."
                )
        files.write_arrays(layout.intermediates(results, view), frames=stored["frames"], **computed)


if __name__ == "__main__":
    command(run)
