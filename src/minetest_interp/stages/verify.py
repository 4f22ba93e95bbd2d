"""Verify a built study: every file against the digest recorded when it was made, every number against what is expected.

Ends with status 1 if anything is wrong.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from minetest_interp.cli import command
from minetest_interp.facts import expected as expectations
from minetest_interp.facts import reviewer
from minetest_interp.facts.expected import DIFFERS, EQUAL, NOT_MEASURED, WITHIN, Comparison
from minetest_interp.io import files
from minetest_interp.provenance import environment, integrity, job_logs
from minetest_interp.provenance.integrity import KINDS, Fault

MOST_ROWS = 20


def run(study: str, expected: Path, remove: bool = False) -> None:
    began, console = time.monotonic(), Console(highlight=False, soft_wrap=True)
    folders = integrity.folders(study)
    end, facts = folders.report / "REPRODUCE.md", folders.report / "facts.json"
    known = job_logs.jobs(folders.results)
    whole = integrity.needed(known, [end])
    faults = integrity.check(whole or known, folders)
    _print_files(console, folders, whole or known, faults)
    if not whole:
        console.print(f"The study is not built to its end: no job says that it wrote {end}. Build it first.")
    wrong = bool(faults) or not whole
    if remove and faults:
        removed = integrity.remove(faults, folders)
        console.print(f"Removed {len(removed)} files. The next build makes them again: make STUDY={study}")
    elif faults:
        console.print(f"To have them removed, and made again by the next build: make verify STUDY={study} REMOVE=1")
    if not expected.is_file():
        console.print(f"No numbers are expected of this study: there is no {expected}.")
    elif any(fault.path == facts for fault in faults) or not facts.is_file():
        console.print("The numbers are not compared: facts.json is not as it was written.")
        wrong = True
    else:
        compared = expectations.compare(files.read_json(expected), files.read_json(facts))
        wrong |= _print_numbers(console, compared)
    console.print(f"{'NOT verified' if wrong else 'Verified'}: {study}, in {time.monotonic() - began:.1f} s.")
    if wrong:
        sys.exit(1)


def _print_files(
    console: Console, folders: integrity.Folders, jobs: Sequence[job_logs.Job], faults: Sequence[Fault]
) -> None:
    bad = Counter((folder, fault.kind) for fault in faults for folder in folders if folder in fault.path.parents)
    recorded = {path: digest for job in jobs for path, digest in job.wrote.items()}
    table = Table(title="Files, by the digests recorded when they were made", box=box.SIMPLE, title_justify="left")
    for heading in ("folder", "recorded", "good", *KINDS):
        table.add_column(heading, justify="left" if heading == "folder" else "right")
    for folder in folders:
        inside = sum(folder in path.parents for path in recorded)
        counts = [bad[folder, kind] for kind in KINDS]
        good = inside - sum(bad[folder, kind] for kind in ("corrupt", "missing", "out of date"))
        table.add_row(str(folder), str(inside), str(good), *map(str, counts))
    console.print(table)
    for fault in faults:
        console.print(f"{fault.kind}: {fault.path}: {fault.detail}.", markup=False)


def _print_numbers(console: Console, compared: Sequence[Comparison]) -> bool:
    """Prints where the numbers stand, and gives whether any is wrong."""
    states = (EQUAL, WITHIN, DIFFERS, NOT_MEASURED)
    table = Table(title="Numbers, by what is expected of every machine", box=box.SIMPLE, title_justify="left")
    for heading in ("part of facts.json", "numbers", *states):
        table.add_column(heading, justify="left" if heading.startswith("part") else "right")
    for part in dict.fromkeys(row.path.partition("/")[0] for row in compared):
        rows = expectations.about(compared, [part])
        counts = expectations.count_states(rows)
        table.add_row(part, str(len(rows)), *(str(counts[state]) for state in states))
    console.print(table)
    for line in within_tolerance(compared):
        console.print(line, markup=False)
    differing = [row for row in compared if row.state == DIFFERS]
    for row in differing[:MOST_ROWS]:
        console.print(f"differs: {row.path}: {_said(row)}.", markup=False)
    if len(differing) > MOST_ROWS:
        console.print(f"... and {len(differing) - MOST_ROWS} more.")
    counts = expectations.count_states(compared)
    if differing:
        console.print(f"NOT reproduced: {counts[DIFFERS]} of {len(compared)} numbers differ from the expected ones.")
    else:
        blind = (
            f" {counts[NOT_MEASURED]} need labelled frames (probe=) and were not measured."
            if counts[NOT_MEASURED]
            else ""
        )
        console.print(
            f"Reproduced: {reviewer.in_words(compared, None)} numbers, {counts[EQUAL]} to the last digit.{blind}"
        )
    return bool(differing)


def within_tolerance(compared: Sequence[Comparison]) -> list[str]:
    """How many numbers of each kind moved and how far, in words; nothing where all are equal to the last digit."""
    lines = []
    for name, kind in expectations.KINDS.items():
        of_kind = [row for row in compared if row.kind == name]
        moved = [row for row in of_kind if row.state == WITHIN]
        if moved:
            farthest = max(moved, key=lambda row: row.share)
            lines.append(
                f"Within tolerance: {len(moved)} of {len(of_kind)} {name} numbers, {farthest.path} farthest, by "
                f"{farthest.share:.2g} of what it may. {kind.why}"
            )
    return [*lines, f"They are compared on {environment.host()}."] if lines else []


def _said(row: Comparison) -> str:
    here = "nothing" if row.here is None else row.here.value
    if row.expected is None:
        return f"{here} is not expected"
    return f"must be {row.expected.value} within {row.expected.within:g} ({row.expected.kind}); got {here}"


if __name__ == "__main__":
    command(run, record=False)
