"""What a built study was made from and how: inputs, code, settings, seeds, versions, hosts and times.

All of it was recorded when the jobs ran, or is a digest of what lies there now: the same state gives the same manifest.
"""

import csv
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io import fetch, files
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import job_logs
from minetest_interp.provenance.source_tree import Source
from minetest_interp.study import Study


class FinishedJob(NamedTuple):
    """A finished job. command: what ran, without the redirection to its log. code: digest of the code that it ran.

    outputs: the files and folders that it was to make. log, benchmark: files about it; the second need not exist.
    """

    rule: str
    command: str
    code: str
    outputs: tuple[str, ...]
    log: str
    benchmark: str


def describe(study: Study, source: Source, jobs: Iterable[FinishedJob], *, root: Path) -> dict:
    """The manifest of a built study, ready for JSON.

    Paths are relative to `root`, where source and results lie. Where the study's files lie elsewhere, which says
    nothing to others, DATA stands for their folder, PROBE for that of the labelled frames, and EPISODES for that of the
    episodes.

    Raises:
      InputError: a job left no record, or a file is not as its job wrote it; the first such is named.
    """
    environments: list[dict] = []
    places = _places(study, root)
    rows = [_job(job, environments, places, root) for job in sorted(jobs, key=lambda job: (job.rule, job.log))]
    return {
        "study": study.name,
        "title": study.config["title"],
        "started": min(row["started"] for row in rows),
        "ended": max(row["ended"] for row in rows),
        "source": {"commit": source.commit, "changed": list(source.changed)},
        "environments": environments,
        "inputs": _inputs(study, source, root),
        "seeds": _seeds_of_settings(study.config) | _seeds_of_rules(rows),
        "config": study.config,
        "jobs": rows,
    }


def outputs(manifest: Mapping) -> dict[str, str]:
    """Path to SHA-256 of everything that the study's jobs wrote."""
    return {path: digest for job in manifest["jobs"] for path, digest in job["outputs"].items()}


def _places(study: Study, root: Path) -> dict[str, str]:
    """Folders to what stands for them."""
    given = {"DATA": study.folder, "PROBE": study.labels, "EPISODES": study.episodes}
    outside = {str(f): name for name, f in given.items() if f and not f.resolve().is_relative_to(root.resolve())}
    return {f"{root}/": "", **outside}


def _known(text: object, places: Mapping[str, str]) -> str:
    known = str(text)
    for folder, word in places.items():
        known = known.replace(folder, word)
    return known


def _job(job: FinishedJob, environments: list[dict], places: Mapping[str, str], root: Path) -> dict:
    """One job's row; where it ran is listed once in `environments` and meant by its index."""
    again = "Build the study again with --forceall."
    record = job_logs.read_log(root / job.log) if (root / job.log).is_file() else None
    if not record or not record.run:
        raise InputError(f"{job.log}: must be the log of a job that ended well; its record is missing. {again}")
    read, made = (
        {os.path.normpath(_known(path, places)): digest for path, digest in sorted(part.items())}
        for part in (record.read, record.wrote)
    )
    for path in job.outputs:
        if not any(file == path or file.startswith(f"{path}/") for file in made):
            raise InputError(f"{path}: must be recorded by the job that made it, in {job.log}; it is not. {again}")
    for path, digest in made.items():
        if not (root / path).is_file() or files.sha256(root / path) != digest:
            raise InputError(f"{path}: must be as its job wrote it, SHA-256 {digest}; it is not. {again}")
    ended = datetime.fromisoformat(record.run["ended"])
    place = {key: value for key, value in record.run.items() if key != "ended"}
    seconds, memory = _measured(root / job.benchmark)
    if place not in environments:
        environments.append(place)
    return {
        "rule": job.rule,
        "command": _known(job.command, places),
        "code": job.code,
        "started": (ended - timedelta(seconds=round(seconds or 0))).isoformat(),
        "ended": ended.isoformat(),
        "seconds": seconds,
        "memory_mib": memory,
        "environment": environments.index(place),
        "inputs": read,
        "outputs": made,
    }


def _measured(benchmark: Path) -> tuple[float | None, float | None]:
    """Seconds and the most memory in MiB; None where it was not measured, the second also where a job was too quick."""
    if not benchmark.is_file():
        return None, None
    with benchmark.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    memory = row["max_rss"]
    return float(row["s"]), float(memory) if re.fullmatch(r"[\d.]+", memory) else None


def _inputs(study: Study, source: Source, root: Path) -> list[dict]:
    """The study's files with digests; where each lies in the archive, or else where it was published, if it was."""
    roles = {"checkpoint": (study.folder, files.below(study.checkpoint)), "frame": (study.folder, study.frames)}
    roles["member"] = (study.folder, [file for member in study.series.values() for file in files.below(member)])
    if study.module:
        roles["module"] = (study.module.parent, [study.module])
    if study.answers:
        roles["answers"] = (study.folder, [study.answers])
    if study.labels and "evidence" in study.config:
        roles["label"] = (study.labels, study.labelled)
    if study.episodes:
        asked = study.played.values() if "evidence" in study.config else ()
        roles["episodes"] = (study.episodes, list(dict.fromkeys([*asked, *(study.film or ())])))
    if study.field and "evidence" in study.config:
        roles["field"] = (study.field.parent, [study.field])
    return [
        {
            "role": role,
            "name": os.path.relpath(file, folder),
            "sha256": files.sha256(file),
            "bytes": file.stat().st_size,
            **_place(study, source, file, root),
        }
        for role, (folder, found) in roles.items()
        for file in found
    ]


def _place(study: Study, source: Source, file: Path, root: Path) -> dict[str, str]:
    path = os.path.relpath(file.resolve(), root.resolve())
    name = os.path.relpath(file, study.folder)
    if path in source.files:
        return {"path": path}
    if name in study.checksums and study.repositories:
        return {"url": fetch.address(study.repositories[0], name, study.checksums[name])}
    return {}


def _seeds_of_settings(settings: Mapping, *above: str) -> dict[str, object]:
    """Every `seed` and `seeds` of the settings by its dotted key."""
    found = {}
    for key, value in settings.items():
        if key in ("seed", "seeds"):
            found[".".join((*above, key))] = value
        elif isinstance(value, Mapping):
            found |= _seeds_of_settings(value, *above, key)
    return found


def _seeds_of_rules(rows: Iterable[Mapping]) -> dict[str, object]:
    """The seeds that a rule itself gives its jobs."""
    words = [(row["rule"], shlex.split(row["command"])) for row in rows]
    return {f"rule {rule}": int(line[line.index("--seed") + 1]) for rule, line in words if "--seed" in line}
