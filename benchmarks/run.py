"""Everything that is measured, in one run: `make bench [DATA=folder] [PROBE=folder]`.

Writes the table in docs/performance.md, adds a line to benchmarks/history.jsonl, and says what got slower by more than
a tenth since the last run on the same machine. Without the published data only the demo is measured.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import build
import dreams
import evidence

from minetest_interp.provenance import environment

ROOT = Path(__file__).resolve().parent.parent
HISTORY, PAGE = ROOT / "benchmarks/history.jsonl", ROOT / "docs/performance.md"
EVIDENCE_FRAMES = 250, 500, 1000
# Compared with the run before; all are wall seconds.
SECONDS = (
    "demo_build", "treechop_build", "smoke", "demo_core", "ledger", "again_nothing", "again_caption", "again_figure",
    "again_style", "again_threshold", "atlas_seconds", "units_seconds",
)  # fmt: skip


def machine() -> dict[str, str]:
    """What a reader needs to judge the seconds."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"] if platform.system() == "Linux" else platform.platform()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = {name: importlib.metadata.version(name) for name in ("jax", "numpy", "snakemake")}
    return {
        "processor": f"{os.cpu_count()} cores of {environment.processor()}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{system}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def rows(found: dict) -> list[tuple[str, str, str]]:
    """(what, measured, asked) for every figure that was measured."""
    table = [
        ("demo build from a clean tree", "{demo_build:.0f} s, CPU {demo_cpu:.0f} s", "75 s, CPU 120 s"),
        ("treechop build from a clean tree", "{treechop_build:.0f} s", "at most 100 s"),
        ("smoke build from a clean tree", "{smoke:.0f} s", "at most 15 s"),
        ("what the post shows of the demo, from a clean tree", "{demo_core:.0f} s", ""),
        ("all claims about treechop with their figures, from a clean tree", "{ledger:.0f} s", ""),
        ("nothing to do", "{again_nothing:.1f} s", "at most 1.5 s"),
        ("a caption to the new pages", "{again_caption:.1f} s", "at most 6 s"),
        ("a figure's script to the new pages", "{again_figure:.1f} s", "at most 8 s"),
        ("the figures' style to the new pages", "{again_style:.1f} s", "at most 8 s"),
        ("a claim's threshold to the new pages", "{again_threshold:.1f} s", "at most 8 s"),
        ("the notebook's own work", "{notebook:.1f} s", ""),
        ("treechop build of what the post shows, relative to it", "{treechop_over_notebook:.1f}x", "at most 1.5x"),
        ("evidence on {evidence_frames} made-up frames, one core", "{evidence_seconds}", "linear"),
        ("its peak memory", "{evidence_mib} MiB", ""),
        ("`units` on 10,000 made-up frames", "{units_seconds:.0f} s, {units_mib:.0f} MiB", "300 s, 1536 MiB"),
        ("atlas of one policy, {atlas_units} units", "{atlas_seconds:.0f} s, {atlas_peak_mib:.0f} MiB", ""),
        ("conv2 batch at 1x, 2x, 4x the steps", "{linear}", "linear"),
        ("full dream step, relative to the notebook's loop", "{against_notebook:.1f}x", "at least 4.5x"),
        ("the same with one frame shared by the stack", "{shared_frame_against_notebook:.1f}x", "at least 6x"),
        ("share of the matrix-product floor ({peak_gflops:.0f} GFLOP/s)", "{share_of_floor:.0%}", "at least 80%"),
        ("relative to PyTorch, eager or compiled", "{against_torch:.1f}x", "at least 2.4x"),
        ("critic's value in the box, 100 steps over the notebook's 500", "{value_ratio:.1f}x", "at least 9x"),
    ]  # fmt: skip
    filled = []
    for what, measured, asked in table:
        try:
            filled.append((what.format(**found), measured.format(**found), asked))
        except (KeyError, TypeError):  # not measured here
            filled.append((what.partition("{")[0].rstrip(" ,("), "not measured", asked))
    return filled


def slower(found: Mapping, history: Iterable[Mapping]) -> list[str]:
    """What takes over a tenth longer than in the latest run on the same machine, in words."""
    latest = next((run for run in reversed(list(history)) if run["machine"] == found["machine"]), {})
    return [
        f"{name}: {found[name]:.1f} s, was {latest[name]:.1f} s at commit {latest['commit']}"
        for name in SECONDS
        if name in found and name in latest and found[name] > 1.1 * latest[name]
    ]


def growth() -> dict[str, str]:
    """What all measurements take together, and the largest of them, as frames grow in number."""
    costs = [[cost for _, cost in evidence.measure(count)] for count in EVIDENCE_FRAMES]
    return {
        "evidence_frames": ", ".join(map(str, EVIDENCE_FRAMES)),
        "evidence_seconds": " : ".join(f"{sum(cost.seconds for cost in each):.0f}" for each in costs) + " s",
        "evidence_mib": " : ".join(f"{max(cost.mib for cost in each):.0f}" for each in costs),
    }


def main(data: Path | None, probe: Path | None, rounds: int) -> None:
    [(_, units)] = evidence.measure(10_000, ["units"])
    found = build.measure(data, probe) | growth() | {"units_seconds": units.seconds, "units_mib": units.mib}
    if data:
        found |= dreams.measure(data, rounds)
        found["linear"] = " : ".join(f"{seconds:.1f}" for seconds in found["steps_seconds"].values()) + " s"
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found |= {"machine": machine(), "commit": commit.stdout.strip()}
    history = [json.loads(line) for line in HISTORY.read_text().splitlines()] if HISTORY.exists() else []
    print(*slower(found, history), sep="\n")
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")
    lines = ["| figure | measured | asked |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows(found))]
    said = f"Measured in one run at commit {found['commit']} on {'; '.join(found['machine'].values())}:"
    table = "\n".join(["<!-- bench -->", said, "", *lines, "<!-- /bench -->"])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(r"<!-- bench -->.*<!-- /bench -->", lambda _: table, text, flags=re.DOTALL), "utf-8")
    print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--probe", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    main(given.data and given.data.resolve(), given.probe and given.probe.resolve(), given.rounds)
