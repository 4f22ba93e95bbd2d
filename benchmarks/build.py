"""Whole builds from a clean tree, reruns after an edit, and the original notebook's work beside them: `make bench`.

Each command runs in a copy of the tracked files, so nothing made before is reused; wall time as a person waits it.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Edit(NamedTuple):
    """A change of one file: the first `old` in it becomes `new`."""

    file: str
    old: str
    new: str


EDITS = {
    "caption": Edit("report/captions.yaml", "caption: >-\n", "caption: >-\n    Edited.\n"),
    "figure": Edit("figures/mirror.py", "linewidth=0.6", "linewidth=0.7"),
    "style": Edit("figures/style.py", '"#0072B2"', '"#0072B3"'),
    "threshold": Edit("config/claims.yaml", "claimed: 0.9", "claimed: 0.85"),
}


class Took(NamedTuple):
    """Wall seconds, and the seconds that all processes used of processors."""

    wall: float
    cpu: float


def copy_of_the_project(folder: Path) -> Path:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def timed(command: list[str], folder: Path) -> Took:
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(time.perf_counter() - begin, cpu)


def build(project: Path, study: str, *options: str, target: str = "all") -> Took:
    """A build on two cores."""
    command = [sys.executable, "-m", "snakemake", target, "--cores", "2", "--config", f"study={study}", *options]
    return timed(command, project)


def clean_build(study: str, *options: str, target: str = "all") -> Took:
    """A build from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        return build(copy_of_the_project(Path(folder)), study, *options, target=target)


def demo() -> dict[str, float]:
    """The demo built from nothing, then asked for again, then after each of `EDITS`, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(Path(folder))
        whole = build(project, "demo")
        found = {"demo_build": whole.wall, "demo_cpu": whole.cpu, "again_nothing": build(project, "demo").wall}
        for name, edit in EDITS.items():
            text = (project / edit.file).read_text(encoding="utf-8")
            if edit.old not in text:
                raise ValueError(f"{edit.file}: must hold {edit.old!r}, which the edit {name!r} replaces.")
            (project / edit.file).write_text(text.replace(edit.old, edit.new, 1), encoding="utf-8")
            found[f"again_{name}"] = build(project, "demo").wall
    return found


def measure(treechop: Path | None, labels: Path | None) -> dict[str, float]:
    """Name to seconds; without the published data only the demo is measured. labels: instead of treechop's own."""
    figures = {"smoke": clean_build("smoke").wall, "demo_core": clean_build("demo", target="core").wall, **demo()}
    if treechop:
        with tempfile.TemporaryDirectory() as plots:
            script = str(ROOT / "benchmarks/notebook.py")
            notebook = [timed([sys.executable, script, str(treechop), plots], ROOT).wall for _ in range(2)]
        figures["notebook"] = min(notebook)
        figures["treechop_core"] = clean_build("treechop", f"data={treechop}", target="core").wall
        figures["treechop_over_notebook"] = figures["treechop_core"] / figures["notebook"]
        study = "treechop", f"data={treechop}", *([f"probe={labels}"] if labels else [])
        figures["treechop_build"] = clean_build(*study).wall
        figures["ledger"] = clean_build(*study, target="claims").wall
    return figures
