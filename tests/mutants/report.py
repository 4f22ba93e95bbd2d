"""The page docs/mutants.md: what the unit tests noticed, and what they did not."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import yaml

from tests.mutants import sites
from tests.mutants.sites import ROOT, Mutant

PAGE = ROOT / "docs/mutants.md"
JUDGED = ROOT / "tests/mutants/equivalent.yaml"
HEAD = """# What the unit tests notice

A mutant is the source with one small change: another comparison or operator, a number one higher or lower (or twice as
large), a truth or a condition turned round, a result left out. It is killed when a unit test that runs the changed line
fails, or does not end in time. `make mutants` draws mutants of four packages with a fixed seed, tries them in the order
of the draw, so that those before an interruption are a sample too, and writes this page. A mutant is equivalent if no
result can differ; why is said in `tests/mutants/equivalent.yaml`.
"""
TABLE = """| package | mutants | killed | equivalent | survivors | killed, of those not equivalent |
|---|---|---|---|---|---|"""


class Change(NamedTuple):
    """file: below src/minetest_interp. was, becomes: the line, without its indentation."""

    file: str
    line: int
    was: str
    becomes: str


def change(mutant: Mutant) -> Change:
    source = (ROOT / mutant.path).read_bytes()
    line = source[: mutant.start].count(b"\n")
    was, becomes = (text.decode().splitlines()[line].strip() for text in (source, sites.applied(mutant, source)))
    return Change(mutant.path.removeprefix("src/minetest_interp/"), line + 1, was, becomes)


def place(mutant: Mutant) -> str:
    """For one line of a terminal."""
    file, line, was, becomes = change(mutant)
    return f"{file}:{line}: {was} -> {becomes}"


def judged() -> dict[tuple[str, str, str], str]:
    """(file, was, becomes) to why no result can differ."""
    entries = yaml.safe_load(JUDGED.read_text(encoding="utf-8")) if JUDGED.is_file() else []
    return {(entry["file"], entry["was"], entry["becomes"]): entry["why"] for entry in entries or []}


def write(drawn: Sequence[Mutant], results: Mapping[Mutant, Mapping]) -> str:
    """Writes the page. results: of the mutants that were tried. Returns how many those are, and of which commit."""
    reasons = judged()
    changes = {mutant: change(mutant) for mutant in drawn if mutant in results}
    killed = {mutant for mutant in changes if results[mutant]["code"] != 0}
    why = {m: reasons.get((c.file, c.was, c.becomes), "") for m, c in changes.items() if m not in killed}
    rows = []
    for package in (*sorted({c.file.split("/")[0] for c in changes.values()}), "all"):
        of = {m for m, c in changes.items() if package in ("all", c.file.split("/")[0])}
        n, k, e = len(of), len(of & killed), sum(bool(why.get(m)) for m in of)
        rows.append(f"| {package} | {n} | {k} | {e} | {n - k - e} | {100 * k / max(1, n - e):.1f} % |")
    command = ["git", "rev-parse", "--short=10", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    known = f"Commit {commit}: {len(changes)} of {len(drawn)} drawn mutants were tried."
    text = [HEAD, known, "", TABLE, *rows]
    for title, equivalent in (("Survivors", False), ("Equivalent", True)):
        entries = [_entry(changes[m], reason) for m, reason in why.items() if bool(reason) == equivalent]
        text += ["", f"## {title}", "", *(entries or ["None."])]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")
    return known


def _entry(changed: Change, why: str) -> str:
    file, line, was, becomes = changed
    return f"- {file}:{line}: `{was}` becomes `{becomes}`" + (f". {why}" if why else "")
