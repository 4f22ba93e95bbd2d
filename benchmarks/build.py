"""Whole builds from a clean tree, and the original notebook's work beside them: `make bench`.

Each command runs in a copy of the tracked files, so nothing made before is reused; wall time as a person waits it.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def copy_of_the_project(folder: Path) -> Path:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def seconds(command: list[str], folder: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begin


def build(study: str, *options: str, target: str = "all") -> float:
    """Wall seconds of one build from nothing on two cores."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(Path(folder))
        command = [sys.executable, "-m", "snakemake", target, "--cores", "2"]
        return seconds([*command, "--config", f"study={study}", *options], project)


def nothing_to_do(study: str, *options: str) -> float:
    """Wall seconds of asking for a build that stands already, in this checkout."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", f"study={study}", *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return seconds(command, ROOT)


def measure(treechop: Path | None, labels: Path | None) -> dict[str, float]:
    """Name to seconds; without the published data only the demo is measured, without labelled frames no ledger."""
    figures = {
        "demo_core": build("demo", target="core"),
        "demo_build": build("demo"),
        "demo_nothing_to_do": nothing_to_do("demo"),
    }
    if treechop:
        with tempfile.TemporaryDirectory() as plots:
            script = str(ROOT / "benchmarks/notebook.py")
            notebook = [seconds([sys.executable, script, str(treechop), plots], ROOT) for _ in range(2)]
        figures["notebook"] = min(notebook)
        figures["treechop_build"] = build("treechop", f"data={treechop}", target="core")
        figures["treechop_over_notebook"] = figures["treechop_build"] / figures["notebook"]
    if treechop and labels:
        figures["ledger"] = build("treechop", f"data={treechop}", f"probe={labels}", target="ledger")
    return figures
