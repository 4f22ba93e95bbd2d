"""What the evidence costs as frames grow in number: seconds and peak memory of each of its stages.

The frames are made up: noise with the spectrum of natural images, a trunk-like bar in each.
`python benchmarks/evidence.py 500 1000` makes every measurement; with `--measurement units`, that one.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from minetest_interp.io import files

ROOT = Path(__file__).resolve().parent.parent
SIZE = 64  # pixels
MEASUREMENTS = {  # of the claims and explanations that read frames, and what each reads
    "behaviour": ("stacks", "labels"),
    "units": ("stacks", "labels"),
    "causal": ("stacks", "labels", "units"),
    "attribution": ("stacks", "labels"),
    "circuits": ("stacks",),
    "features": ("stacks", "labels"),
    "probes": ("labels",),
    "darkness": ("labels",),
    "reward": ("labels",),
}
NAMING = ("units", "causal", "features", "probes")


class Cost(NamedTuple):
    """Of one stage on the demo policy: wall seconds, and peak memory in MiB."""

    seconds: float
    mib: float


def measure(count: int, names: Iterable[str] = MEASUREMENTS) -> Iterator[tuple[str, Cost]]:
    """Each measurement and its cost on `count` frames, as it is found."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = {name: Path(folder) / f"{name}.npz" for name in ("stacks", "labels", "units")}
        # Linux counts the peak of the process that starts a stage as the stage's own; so frames are made in another.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            other.submit(write_frames, count, inputs["stacks"], inputs["labels"]).result()
        for measurement in names:
            if "units" in MEASUREMENTS[measurement] and not inputs["units"].exists():
                _run("units", {name: inputs[name] for name in MEASUREMENTS["units"]}, Path(folder))
            yield (
                measurement,
                _run(measurement, {name: inputs[name] for name in MEASUREMENTS[measurement]}, Path(folder)),
            )


def write_frames(count: int, stacks: Path, labels: Path) -> None:
    """What the measurements read, of `count` frames."""
    made_up = frames(count)
    files.write_arrays(stacks, **{name: made_up[name] for name in ("frames", "original", "mirrored")})
    files.write_arrays(labels, **made_up)


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
        "trunk/share": trunk,
        "trunk/position": (left + 4) / (SIZE / 2) - 1,
        "leaves/share": np.roll(trunk, 16, axis=2),
        "group": none,
        "role": none,
        "light": np.where(np.arange(count) % 2, "night", "midday"),
        "species": np.where(np.arange(count) % 3, "pine", "apple"),
        "biome": np.where(np.arange(count) % 3, "forest", "shore"),
        "distance": generator.uniform(1, 16, count),
        "ray_trunks": generator.integers(0, 3, count).astype(np.float64),
        "hud": np.zeros(count),
    }


def _run(name: str, inputs: dict[str, Path], folder: Path) -> Cost:
    study = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
    measured = yaml.safe_load((ROOT / "config/claims.yaml").read_text())["measure"]
    options = {
        "checkpoint-path": ROOT / "data/demo/demo.model",
        "policy": {"size": study["policy"]["size"]},
        "actions": yaml.safe_load((ROOT / "config/minetest-actions.yaml").read_text()),
        **inputs,
        "arrays": folder / f"{name}.npz",
        "estimates": folder / f"{name}.json",
        "about": [["trunk", "yaw", 1]],
        **{key: measured[key] for key in ("interval", "similarity")},
    }
    if name in measured:
        options["settings"] = measured[name]
    if name in NAMING:
        options["named"] = study["evidence"]["named"]
    if name == "behaviour":
        options["night"] = []
    words = [
        word
        for option, value in options.items()
        for word in (f"--{option}", str(value) if isinstance(value, Path) else json.dumps(value))
    ]
    command = [sys.executable, "-m", f"minetest_interp.stages.{name}", *words]
    began = time.perf_counter()
    one_thread = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    stage = subprocess.Popen(command, env=one_thread, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(stage.pid, 0)
    if status:
        raise RuntimeError(f"{name} failed on {inputs}")
    return Cost(time.perf_counter() - began, used.ru_maxrss / 1024)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", type=int, nargs="+", help="how many frames")
    parser.add_argument("--measurement", choices=MEASUREMENTS, action="append")
    given = parser.parse_args()
    for count in given.counts:
        for name, cost in measure(count, given.measurement or MEASUREMENTS):
            print(f"{name}, {count} frames: {cost.seconds:.1f} s, {cost.mib:.0f} MiB", flush=True)
