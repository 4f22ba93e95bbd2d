"""What the workflow's jobs run and read, written down a second time: a study with everything in it, and its jobs."""

import dis
import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from minetest_interp import panels as records
from minetest_interp.model.policy import LAYERS
from tests.conftest import ROOT
from tests.results.workshop import STUDY
from workflow import digests

RECIPE = {
    "kind": "fourier", "steps": 3, "lr": 0.1, "copies": 2, "jitter": 1, "noise": 1, "strength": 2, "form": "penalty",
    "pull": 1, "margin": 1, "frames": "shared", "motion": 1, "decay": 1, "start": "noise",
}  # fmt: skip
METHOD = {"steps": 3, "lr": 0.1, "copies": 2, "jitter": 1, "noise": 1, "strength": 2}
# Every section, and every panel of one checkpoint.
WHOLE = STUDY | {
    "atlas": {"directions": 1, "seeds": [0, 1], "seed": 0, "method": METHOD},
    "recipes": {
        "units": ["conv1/0"], "gallery": ["value"], "seeds": [0, 1], "seed": 0,
        "compared": {"first": RECIPE, "second": {"kind": "pixels"}},
    },
    "panels": STUDY["panels"] | {
        "recipes-gallery": {"control": "first"},
        "recipes": {},
        **{f"atlas-{i}": {"layer": layer} for i, layer in enumerate(LAYERS, start=1)},
        "atlas-heads": {},
    },
    "published": {
        "where": "nowhere", "tolerance": 1,
        "behaviour": [{"figure": "e", "frame": "dark", "view": "original", "yaw": 0.5}],
        "activation_range": [
            {"figure": "g", "frame": "dark", "view": "original", "layer": "conv0", "channel": 0, "min": 0, "max": 1}
        ],
    },
}  # fmt: skip


class Job(NamedTuple):
    """entry: the module that it runs. reads: the jobs whose outputs it reads."""

    entry: str
    reads: tuple[str, ...] = ()


def stage(name: str, *reads: str) -> Job:
    return Job(f"minetest_interp.stages.{name}", reads)


def measurement(name: str) -> str:
    """The job that makes a measurement."""
    return f"measurement {name}"


DREAMS = tuple(f"dream {name}" for name in WHOLE["dreams"])
MEASUREMENTS = {
    "behaviour": ("preprocess", "labels"),
    "units": ("preprocess", "labels"),
    "causal": ("preprocess", "labels", "measurement units"),
    "pairs": ("labels",),
    "dream_controls": (),
    "heads": (),
    "probes": ("labels",),
    "attribution": ("preprocess", "labels"),
    "features": ("preprocess", "labels"),
    "reward": ("labels",),
    "play": ("episodes",),
    "field": ("cells",),
    "circuits": ("preprocess",),
    "darkness": ("labels",),
}
REPEATED = {"behaviour": (), "units": (), "causal": ("units",)}
AGAIN = {"turns": "labels", "on_policy": "episodes"}  # where it is repeated, and what reads the stacks
# Results that panels read, by the beginning of their paths, and the jobs that make them.
MAKERS = {
    "network.json": "describe",
    "alignment.npz": "describe",
    "stacks.npz": "preprocess",
    "pictures.npz": "preprocess",
    "readouts.npz": "readouts",
    "hands_on.npz": "hands_on",
    "intermediates/": "intermediates",
    "gradients/": "gradients {stem}",
    "dreams/": "dream {stem}",
    "atlas.npz": "atlas",
    "recipes.npz": "recipes",
    "ledger.json": "ledger",
    "evidence/": "measurement {stem}",
}


def maker(path: Path) -> str:
    """The job that makes a result."""
    [job] = [job for start, job in MAKERS.items() if str(path).startswith(start)]
    name = job.format(stem=path.stem)
    return measurement(path.stem) if name.startswith("measurement ") else name


def drawing(name: str) -> Job:
    """The job that draws a panel."""
    panel = RECORDS[name]
    settings = panel.settings(WHOLE["panels"][name], dict.fromkeys(panel.given))
    return Job(panel.script, tuple(maker(path) for path in panel.files(Path(), settings)))


RECORDS = records.read(ROOT / "figures/panels.yaml", ROOT / "workflow/schemas/panels.schema.yaml")
PANELS = {f"panel {name}": drawing(name) for name in WHOLE["panels"]}
JOBS = {
    "describe": stage("describe"),
    "export": stage("export"),
    "preprocess": stage("preprocess", "describe"),
    "intermediates": stage("intermediates", "preprocess"),
    "readouts": stage("readouts", "intermediates"),
    "gradients yaw-right": stage("gradients", "preprocess"),
    **dict.fromkeys(DREAMS, stage("dream")),
    "atlas": stage("atlas", "preprocess"),
    "recipes": stage("recipes", "preprocess"),
    "labels": stage("labels", "describe"),
    "episodes": stage("episodes", "describe"),
    "film": stage("film"),
    "cells": stage("cells"),
    "hands_on": stage("hands_on", "preprocess", "readouts", "atlas", "labels"),
    **{measurement(name): stage(name, *reads) for name, reads in MEASUREMENTS.items()},
    **{
        f"measurement {where} {name}": stage(name, stacks, *(f"measurement {where} {other}" for other in reads))
        for where, stacks in AGAIN.items()
        for name, reads in REPEATED.items()
    },
    "ledger": stage(
        "ledger",
        *(measurement(name) for name in MEASUREMENTS),
        *(f"measurement {where} {name}" for where in AGAIN for name in REPEATED),
    ),
    **PANELS,
    "facts": stage(
        "facts", "describe", "preprocess", "intermediates", "readouts", "gradients yaw-right",
        *DREAMS, "atlas", "recipes", "ledger", "hands_on", "film",
        *(measurement(name) for name in ("units", "causal", "attribution", "circuits", "play")),
    ),
    "report": stage("report", "facts", "hands_on", "cells", *PANELS),
    "atlas_page": stage(
        "atlas_page", "preprocess", "atlas", "facts", "labels",
        *(measurement(name) for name in ("units", "causal", "circuits")),
    ),
    "explorer": stage("explorer", "preprocess", "intermediates", "facts"),
    "episode_page": stage("episode_page", "film", "facts"),
    "reproduce": stage("reproduce", "facts", "report", "atlas_page", "explorer", "episode_page", "export", *PANELS),
}  # fmt: skip
PAGES = {"report", "atlas_page", "explorer", "episode_page", "reproduce"}
EVIDENCE = {measurement(name) for name in MEASUREMENTS}
TURNS, ON_POLICY = ({f"measurement {where} {name}" for name in REPEATED} for where in AGAIN)
POLICY = {
    "describe", "export", "intermediates", "gradients yaw-right", *DREAMS, "atlas", "recipes", "atlas_page",
    "explorer", "hands_on", "cells", *EVIDENCE, *TURNS, *ON_POLICY,
}  # fmt: skip
ACTIONS = POLICY - {"intermediates"} | {"readouts", "episodes", "film"}


def measurements(*names: str) -> set[str]:
    return {measurement(name) for name in names} | {
        f"measurement {where} {name}" for where in AGAIN for name in names if name in REPEATED
    }


def panels(*names: str) -> set[str]:
    return {f"panel {name}" for name in names}


def and_after(changed: Iterable[str]) -> set[str]:
    """These jobs and all that read what they write, directly or through others."""
    found = set(changed)
    while more := {name for name, job in JOBS.items() if found & set(job.reads)} - found:
        found |= more
    return found


def imported(entry: str) -> set[Path]:
    """The first-party files that a module imports, found in its bytecode, not as workflow/digests.py does."""
    found: set[Path] = set()
    asked = {entry}
    while asked:
        files = first_party_files(package for name in asked for package in _with_packages(name)) - found
        found |= files
        asked = {name for path in files for name in _imports_of(path)}
    return found


def first_party_files(modules: Iterable[str]) -> set[Path]:
    """The files of those modules that are this project's."""
    paths = [root.joinpath(*module.split(".")) for module in modules for root in digests.SEARCH]
    files = (file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py"))
    return {file for file in files if file.is_file()}


def _with_packages(name: str) -> Iterator[str]:
    return itertools.accumulate(name.split("."), "{}.{}".format)


@functools.cache
def _imports_of(path: Path) -> frozenset[str]:
    """What a file's bytecode imports: modules, and names of them that may be modules too."""
    found, codes = set(), [compile(path.read_bytes(), path, "exec")]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for before, step in itertools.pairwise(dis.get_instructions(code)):
            if step.opname == "IMPORT_NAME":
                found |= {step.argval, *(f"{step.argval}.{name}" for name in before.argval or ())}
    return frozenset(found)


ENTRIES = {entry: imported(entry) for entry in {job.entry for job in JOBS.values()}}
