"""What the evidence costs as frames grow in number: seconds and peak memory of each of its stages.

The frames are made up: noise with the spectrum of natural images, a trunk-like bar in each.
`PYTHONPATH=src python benchmarks/evidence.py 500 1000` measures every stage; with `--room units`, that one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from minetest_interp.io import files

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


class Cost(NamedTuple):
    """Of one stage on the demo policy: wall seconds, and peak memory in MiB."""

    seconds: float
    mib: float


def measure(count: int, rooms: Iterable[str] = ROOMS) -> Iterator[tuple[str, Cost]]:
    """Each room and what its stage costs on `count` frames, as it is found."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = {name: Path(folder) / f"{name}.npz" for name in ("stacks", "labels", "units")}
        made_up = frames(count)
        files.write_arrays(inputs["stacks"], **{name: made_up[name] for name in ("frames", "original", "mirrored")})
        files.write_arrays(inputs["labels"], **made_up)
        for room in rooms:
            if "units" in ROOMS[room] and not inputs["units"].exists():
                _run("units", {name: inputs[name] for name in ROOMS["units"]}, Path(folder))
            yield room, _run(room, {name: inputs[name] for name in ROOMS[room]}, Path(folder))


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


def _run(room: str, inputs: dict[str, Path], folder: Path) -> Cost:
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
    command = [sys.executable, "-m", f"minetest_interp.stages.{room}", *words]
    began = time.perf_counter()
    one_thread = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    stage = subprocess.Popen(command, env=one_thread, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(stage.pid, 0)
    if status:
        raise RuntimeError(f"{room} failed on {inputs}")
    return Cost(time.perf_counter() - began, used.ru_maxrss / 1024)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", type=int, nargs="+", help="how many frames")
    parser.add_argument("--room", choices=ROOMS, action="append")
    given = parser.parse_args()
    for count in given.counts:
        for name, cost in measure(count, given.room or ROOMS):
            print(f"{name}, {count} frames: {cost.seconds:.1f} s, {cost.mib:.0f} MiB", flush=True)
