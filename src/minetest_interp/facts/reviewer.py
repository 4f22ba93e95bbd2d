"""What a reviewer asks of each claim and figure: which command makes it, at what cost, and is it reproduced."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from minetest_interp.claims.verdicts import PARTLY, SUPPORTED
from minetest_interp.facts import expected
from minetest_interp.facts.expected import DIFFERS, KINDS, NOT_MEASURED, Comparison
from minetest_interp.provenance import integrity
from minetest_interp.provenance.job_logs import Job


class Cost(NamedTuple):
    """minutes: of all jobs, one after the other. gigabytes: memory of the largest. None where nothing was measured."""

    minutes: float | None
    gigabytes: float | None


def review(facts: Mapping, comparisons: Sequence[Comparison] | None, jobs: Sequence[Job], figures: Path) -> dict:
    """What the reviewer's table says.

    Args:
      comparisons: of the facts with what is expected, None where nothing is.
      jobs: of the study, with their records.
      figures: the folder of the study's panels.

    Returns:
      figures: one row a panel, with name, command, cost from nothing, bytes of its files and `numbers`, in words how
      many are as expected. claims: the ledger's rows, each with the row of its figure (None without) and its own
      `numbers`. unsupported: those that the data neither support nor partly support. cost: of everything. numbers,
      states, kinds: of all comparisons.
    """
    rows = {name: _figure(name, panel, comparisons, jobs, figures) for name, panel in facts["panels"].items()}
    claims = [
        {**claim, "row": rows.get(claim["figure"]), "numbers": in_words(comparisons, [f"claims/{claim['id']}"])}
        for claim in facts.get("claims", [])
    ]
    return {
        "figures": list(rows.values()),
        "claims": claims,
        "unsupported": [claim for claim in claims if claim["verdict"] not in (SUPPORTED, PARTLY)],
        "cost": cost(jobs),
        "numbers": in_words(comparisons, None),
        "states": expected.count_states(comparisons or []),
        "kinds": _kinds(comparisons or []),
    }


def cost(jobs: Iterable[Job]) -> Cost:
    """What the jobs took when they last ran, by Snakemake's benchmark files, which lie as their logs do."""
    measured = [row for job in jobs for row in _benchmark(job)]
    if not measured:
        return Cost(None, None)
    return Cost(sum(seconds for seconds, _ in measured) / 60, max(megabytes for _, megabytes in measured) / 1000)


def in_words(comparisons: Sequence[Comparison] | None, places: Sequence[str] | None) -> str:
    """How many numbers below the places in the facts are as expected; all of them for None. A dash without any."""
    if comparisons is None:
        return "–"
    found = list(comparisons) if places is None else expected.about(comparisons, places)
    if not found:
        return "none"
    states = expected.count_states(found)
    good = len(found) - states[DIFFERS] - states[NOT_MEASURED]
    differ, blind = (f", {states[state]} {word}" if states[state] else "" for state, word in
                     ((DIFFERS, "differ"), (NOT_MEASURED, "not measured")))  # fmt: skip
    return f"{good} of {len(found)}{differ}{blind}"


def _figure(
    name: str, panel: Mapping, comparisons: Sequence[Comparison] | None, jobs: Sequence[Job], folder: Path
) -> dict:
    files = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    return {
        "name": name,
        "file": panel["file"],
        "command": panel["command"],
        "cost": cost(integrity.needed(jobs, files)),
        "bytes": sum(file.stat().st_size for file in files),
        "numbers": in_words(comparisons, panel["numbers"]),
    }


def _benchmark(job: Job) -> Iterable[tuple[float, float]]:
    """Seconds and megabytes of a job; nothing where it was not measured."""
    parts = ["benchmarks" if part == "logs" else part for part in job.log.parts]
    file = Path(*parts).with_suffix(".tsv")
    if file.is_file():
        with file.open(newline="") as table:
            for row in csv.DictReader(table, delimiter="\t"):
                # A job may end before its memory is first looked at.
                yield float(row["s"]), float(row["max_rss"]) if row["max_rss"] not in ("-", "NA") else 0.0


def _kinds(comparisons: Sequence[Comparison]) -> list[dict]:
    used = [row.kind for row in comparisons]
    return [{"name": name, **kind._asdict(), "count": used.count(name)} for name, kind in KINDS.items() if name in used]
