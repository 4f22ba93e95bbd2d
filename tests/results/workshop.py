"""A copy of the project in which tests may change everything, and a small study to build there."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from minetest_interp.io import files
from minetest_interp.model import checkpoint
from minetest_interp.model.policy import Geometry
from minetest_interp.provenance import source_tree
from tests import played
from tests.conftest import ROOT, random_policy

# Two frames of 84x84 and six actions: nothing here has the Minetester sizes.
GEOMETRY = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
NAMES = ("frame 10", "frame 2", "<b onmouseover=alert(1)>é", "it's {x} $y_1$", "dark")
YAW = {"kind": "behaviour_probability", "behaviour": "yaw"}
STUDY = {
    "title": "A study of <one's> own",
    "summary": "Random weights and random frames.",
    "source": {"folder": "../own files", "attribution": "-made-by-a-test"},
    "policy": {"checkpoint": "my policy.model", "size": 84},
    "frames": {"files": "*.png", "night": ["dark"]},
    "actions": {
        "factors": {"do": ["-", "left", "right", "up", "down", "go"]},
        "behaviours": {
            "yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}},
            "climb": {"plus": {"do": "up"}, "minus": {"do": "down"}},
        },
        "steering": "yaw",
    },
    "dreams": {
        "value": {"objective": {"kind": "value"}, "steps": 3, "seed": 1},
        "yaw-left": {"objective": YAW, "steps": 3, "seed": 1},
        "yaw-right": {"objective": {**YAW, "sign": -1}, "steps": 3, "seed": 1},
    },
    "labels": {"folder": "../own labels", "frames": "pictures/*.png", "concepts": {"trunk": 2}},
    "field": {"folder": "../own episodes", "file": "field.npz"},
    "episodes": {"folder": "../own episodes", **{agent: f"{agent}.npz" for agent in played.AGENTS}},
    "evidence": {"claims": "own-claims.yaml", "named": {"conv0": 5, "conv1": 4, "conv2": 3}},
    "gradients": {"yaw-right": {**YAW, "sign": -1}},
    "panels": {
        "a-dream-value": {"dream": "value"},
        "b-dream-yaw": {"left": "yaw-left", "right": "yaw-right"},
        "c-alignment": {},
        "d-views": {"frame": NAMES[2]},
        "e-mirror-day": {"frame": NAMES[3]},
        "f-mirror-night": {"frame": "dark"},
        "g-channel": {"layer": "conv0", "frame": "frame 2", "channel": 5},
        "h-channel": {"layer": "conv1", "frame": "frame 2", "channel": 4, "view": "mirrored"},
        "i-channel": {"layer": "conv2", "frame": "frame 2", "channel": 3, "view": "unrounded"},
        "j-channel-gradient": {
            "layer": "conv2",
            "frame": "frame 2",
            "channel": 0,
            "view": "mirrored",
            "gradient": "yaw-right",
        },
        "k-network": {},
        "frames": {},
        "ledger": {},
        "behaviour": {},
        "units": {},
        "causal": {},
        "attribution": {},
        "circuits": {},
        "dream-controls": {},
        "pairs": {},
        "probes": {},
        "darkness": {},
        "maps": {},
        "paths": {},
        "features": {},
        "reward": {},
        "play": {},
        "field": {},
    },
}
# The same claims, measured in no time.
MEASURE = {
    "interval": {"confidence": 0.95, "least_clusters": 3},
    "similarity": 0.9,
    "units": {"trunk_share": 0.1, "shifts": 19, "false_discovery": 0.05, "named": 2, "seed": 0},
    "causal": {"donors": 1, "directions": 2, "strengths": [-1, 1], "networks": 2, "seed": 0},
    "pairs": {"networks": 2, "seed": 0},
    "attribution": {
        "steps": 2, "samples": 2, "noise": 25.5, "patch": 28, "patch_stride": 28, "removals": 3, "radius": 5.1,
        "draws": 2, "frames": 2, "masks": 4, "seed": 0,
    },
    "circuits": {"factors": 2, "exemplars": 2, "paths": 3, "frames": 8, "draws": 2, "networks": 2, "seed": 0},
    "dream_controls": {"seeds": 3, "value_steps": 2, "yaw_steps": 2, "lr": 1000, "least_lag": 6, "most_lag": 24},
    "heads": {"permutations": 99, "seed": 0},
    "features": {
        "explained": 0.25, "detects": 0.7, "concept_share": 0.1, "shifts": 2, "rotations": 1, "penalty": 0.1,
        "networks": 2, "seed": 0,
    },
    "probes": {"penalties": [0.1, 10], "shuffles": 2, "networks": 1, "least_group": 2, "seed": 0},
    "darkness": {
        "doses": [0, 0.5, 1], "dark": 0.5, "width": 0.125, "widths": [0.0625, 0.25], "bottom": 0.75, "offset": 0.5,
        "offsets": [0.5], "contrast": 0.5, "gain": 4, "donors": 1, "sigma": 0.05, "seed": 0,
    },
    "reward": {"middle": 0.5, "gamma": 2},
    "play": {"gamma": 0.9, "near": 3, "far": 20, "ahead": 36, "steps": 50, "looks": 40},
}  # fmt: skip

TIMED = {"REPRODUCE.md", "reproduce.html"}


def mask(seed: int) -> Image.Image:
    """Class 2 is the trunk."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 3, (5, 9), dtype=np.uint8)).resize((90, 50), 0)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (50, 90, 3), dtype=np.uint8))


# Rules with more than one job, each told from the others by the name of its output.
MANY = ("dream", "gradients", "measurement", "panel")


def rows(summary: str) -> list[tuple[str, dict]]:
    """What a `snakemake --summary` says of each output, with its job: the rule, and what tells it from others."""
    found = csv.DictReader(io.StringIO(summary), delimiter="\t")
    return [(_job(row["rule"], Path(row["output_file"])), row) for row in found]


def _job(rule: str, output: Path) -> str:
    if rule == "measurement_again":
        return f"measurement {output.parent.name} {output.stem}"
    return f"{rule} {output.stem}" if rule in MANY else rule


def jobs(summary: str, plan: str = "") -> set[str]:
    """The jobs of a summary with this plan, all if none is given."""
    return {job for job, row in rows(summary) if plan in row["plan"]}


def copy_source(folder: Path, *, without: tuple[str, ...] = ()) -> None:
    """The files of the working tree, but for those whose paths begin with one of `without`."""
    for name in source_tree.read(ROOT).files:
        if not name.startswith(without):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def made(folder: Path, study: str) -> set[str]:
    """Paths of everything that a build in `folder` makes, but for its logs, timings and settings.

    While it runs, a folder may be removed, which `os.walk` allows and `rglob` does not.
    """
    walks = (os.walk(folder / top / study) for top in ("results", "figures", "report"))
    found = (Path(parent, name) for walk in walks for parent, _, names in walk for name in names)
    kept = (p for p in found if p.is_file() and not {"logs", "benchmarks", "settings"} & set(p.parts))
    return {str(p.relative_to(folder)) for p in kept}


def outputs(folder: Path, study: str) -> dict[str, str]:
    """Path to SHA-256 of everything that a build in `folder` makes, but for what says how long it took."""
    names = sorted(name for name in made(folder, study) if Path(name).name not in TIMED)
    return {name: files.sha256(folder / name) for name in names}


class Workshop:
    """A checkout of the working tree in `folder`, holding the study `own`."""

    def __init__(self, folder: Path, study: dict = STUDY):
        self.folder = folder
        self.files, self.labels, self.episodes = (folder / f"own {what}" for what in ("files", "labels", "episodes"))
        if folder.exists():  # a copy
            return
        copy_source(folder, without=("data/", "tests/"))
        self.files.mkdir()
        self.episodes.mkdir()
        for name in ("pictures", "masks"):
            (self.labels / name).mkdir(parents=True)
        for seed, name in enumerate(NAMES):
            picture(seed).save(self.files / f"{name}.png")
            picture(seed + 50).save(self.labels / f"pictures/{name}.png")
            mask(seed).save(self.labels / f"masks/{name}.png")
        policy = random_policy(GEOMETRY, seed=5, gain=50.0)
        checkpoint.save(self.files / "my policy.model", policy, {"seed": 5})
        played.write_all(self.episodes, GEOMETRY.actions, policy)
        played.write_field(self.episodes / "field.npz", policy)
        claims = yaml.safe_load((folder / "config/claims.yaml").read_text()) | {"measure": MEASURE}
        (folder / "config/own-claims.yaml").write_text(yaml.safe_dump(claims, sort_keys=False))
        self.write_study(study)

    def copy(self, folder: Path) -> "Workshop":
        """The same with everything that was built, dates and all."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workshop(folder)

    def write_study(self, config: dict) -> None:
        (self.folder / "config/own.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def command(self, *options: str, study: str = "own") -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *options, "--config", f"study={study}"]

    def run(self, *options: str, study: str = "own", **settings) -> subprocess.CompletedProcess:
        """Args: settings: of `subprocess.run`."""
        command = self.command(*options, study=study)
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **settings)

    def build(self, *options: str, **settings) -> str:
        done = self.run(*options, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def counted(self, target: str) -> Counter:
        """How many jobs of each rule the next build would run."""
        output = self.build(target, "--dry-run", "--quiet", "reason")
        if "Nothing to be done" in output:
            return Counter()
        table = output[output.rindex("Job stats:") :]
        jobs = Counter({name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)})
        assert jobs.pop("total") == sum(jobs.values())
        del jobs["all"]
        return jobs

    def planned(self) -> set[str]:
        """The jobs that the next build would run."""
        return jobs(self.summary(), "update pending")

    def summary(self, **settings) -> str:
        """Of each output whether it is up to date, as Snakemake tells it."""
        done = self.run("--summary", **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def made(self) -> set[str]:
        return made(self.folder, "own")

    def outputs(self) -> dict[str, str]:
        return outputs(self.folder, "own")

    def verify(self, *options: str) -> subprocess.CompletedProcess:
        """`make verify` of the study, without make."""
        command = [sys.executable, "-m", "minetest_interp.stages.verify", "--study", "own"]
        command += ["--expected", "expected/own.json", *options]
        here = os.environ | {"PYTHONPATH": str(self.folder / "src"), "COLUMNS": "100"}
        return subprocess.run(command, cwd=self.folder, env=here, capture_output=True, text=True)


def replace_keeping_an_older_date(path: Path, content: bytes) -> None:
    """What `cp -p` and `tar x` do."""
    path.write_bytes(content)
    os.utime(path, (10**9, 10**9))
