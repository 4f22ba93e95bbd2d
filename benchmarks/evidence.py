"""What the evidence costs as frames grow in number: seconds and peak memory of each of its stages.

The frames are made up: noise with the spectrum of natural images, a trunk-like bar in each.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from minetest_interp import files

ROOT = Path(__file__).resolve().parent.parent
SIZE = 64  # pixels
ROOMS = {  # of the claims and explanations that read frames, and what each reads
    "behaviour": ("stacks", "labels"),
    "units": ("stacks", "labels"),
    "causal": ("stacks", "labels", "units"),
    "attribution": ("stacks",),
    "circuits": ("stacks",),
}
SIDED, NAMING = ("behaviour", "causal"), ("units", "causal")


def measure(*counts: int) -> dict[str, dict[int, tuple[float, float]]]:
    """Room to, for each number of frames, wall seconds and peak MiB of its stage on the demo policy."""
    found: dict = {room: {} for room in ROOMS}
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            inputs = {name: Path(folder) / f"{name}.npz" for name in ("stacks", "labels", "units")}
            made_up = frames(count)
            files.write_arrays(inputs["stacks"], **{name: made_up[name] for name in ("frames", "original", "mirrored")})
            files.write_arrays(inputs["labels"], **made_up)
            for room, reads in ROOMS.items():
                found[room][count] = _run(room, {name: inputs[name] for name in reads}, Path(folder))
    return found


def frames(count: int, *, seed: int = 0) -> dict[str, np.ndarray]:
    """A labelled set as the evidence reads it, of `count` frames that are nobody's near-duplicates."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None]) + 1 / SIZE
    original = np.empty((count, SIZE, SIZE), np.float32)
    for grey in original:
        noise = np.fft.irfft2(np.fft.rfft2(generator.standard_normal((SIZE, SIZE))) / frequency, s=(SIZE, SIZE))
        grey[:] = np.clip(128 + 40 * noise / noise.std(), 0, 255)
    left = generator.integers(0, SIZE - 8, count)
    trunk = (np.arange(SIZE) >= left[:, None]) & (np.arange(SIZE) < left[:, None] + 8)
    trunk = np.repeat(trunk[:, None], SIZE, axis=1).astype(np.float32)
    original *= 1 - trunk / 2
    none = np.full(count, "")
    return {
        "frames": np.char.add("frame ", np.arange(count).astype(str)),
        "original": original,
        "mirrored": original[:, :, ::-1],
        "trunk": trunk,
        "position": (left + 4) / (SIZE / 2) - 1,
        "group": none,
        "role": none,
    }


def _run(room: str, inputs: dict[str, Path], folder: Path) -> tuple[float, float]:
    study = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    measured = yaml.safe_load((ROOT / "config/claims.yaml").read_text())["measure"]
    options = {
        "checkpoint-path": ROOT / "data/demo/demo.model",
        "policy": {"strides": study["policy"]["strides"]},
        "actions": yaml.safe_load((ROOT / "config/minetest-actions.yaml").read_text()),
        **inputs,
        "arrays": folder / f"{room}.npz",
    }
    if room in measured:
        options["settings"] = measured[room]
    if room != "circuits":
        options |= {key: measured[key] for key in ("interval", "similarity")}
    if room != "attribution" and room != "circuits":
        options["estimates"] = folder / f"{room}.json"
    if room in SIDED:
        options["side"] = 1
    if room in NAMING:
        options["named"] = study["evidence"]["named"]
    if room == "behaviour":
        options["night"] = []
    words = [
        word
        for name, value in options.items()
        for word in (f"--{name}", str(value) if isinstance(value, Path) else json.dumps(value))
    ]
    command = [sys.executable, "-m", f"minetest_interp.stages.evidence_{room}", *words]
    began = time.perf_counter()
    stage = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    _, status, used = os.wait4(stage.pid, 0)
    if status:
        raise RuntimeError(f"{room} failed on {inputs}")
    return time.perf_counter() - began, used.ru_maxrss / 1024


if __name__ == "__main__":
    for name, costs in measure(*map(int, sys.argv[1:])).items():
        print(name, *(f"{count}: {seconds:.1f} s {mib:.0f} MiB" for count, (seconds, mib) in costs.items()), sep="  ")
