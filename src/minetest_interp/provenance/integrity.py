"""Whether what lies in a study's folders is what its jobs wrote, by the digests that they recorded (see `job_logs`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io import files
from minetest_interp.provenance.job_logs import Job

# The workflow keeps logs, timings and settings beside the results, and marks the folders that it made as a whole.
BESIDE = ("logs", "benchmarks", "settings")
MARK = ".snakemake_timestamp"


class Folders(NamedTuple):
    """The folders that hold all outputs of a study, and nothing else."""

    results: Path
    figures: Path
    report: Path


class Fault(NamedTuple):
    """path: of the file. kind: one of `KINDS`. detail: what is wrong, in words. job: that wrote it, None if foreign."""

    path: Path
    kind: str
    detail: str
    job: Job | None


KINDS = ("corrupt", "missing", "out of date", "foreign")


def folders(study: str) -> Folders:
    """A study's folders below the working folder."""
    return Folders(*(Path(folder) / study for folder in Folders._fields))


def needed(jobs: Sequence[Job], ends: Iterable[Path]) -> list[Job]:
    """The jobs that the files `ends` come from, directly or through others, in the order of `jobs`."""
    writer = _writer(jobs)
    waiting, found = [path for path in ends if path in writer], set()
    while waiting:
        job = writer[waiting.pop()]
        if job.log not in found:
            found.add(job.log)
            waiting += [path for path in job.read if path in writer]
    return [job for job in jobs if job.log in found]


def check(jobs: Sequence[Job], folders: Folders) -> list[Fault]:
    """Everything that is wrong in a study's folders, by path.

    corrupt: the bytes are not those that were written. missing: written or read by a job, and not there. out of date:
    its job read other bytes than the file that lies there now was written with. foreign: no job wrote it.

    Args:
      jobs: of the study's present state; what others wrote is foreign.
    """
    writer = _writer(jobs)
    faults = [fault for job in jobs for fault in _faults(job, writer, folders)]
    inside = {path for folder in folders for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
    beside = {folders.results / name for name in BESIDE}
    foreign = sorted(path for path in inside - writer.keys() if path.name != MARK and beside.isdisjoint(path.parents))
    faults += [Fault(path, "foreign", "no job of this study wrote it", None) for path in foreign]
    return sorted({fault.path: fault for fault in faults}.values())


def remove(faults: Iterable[Fault], folders: Folders) -> list[Path]:
    """Removes faulty files, with all else that their jobs wrote: a job is run again as a whole or not at all.

    Returns:
      what was removed.
    """
    doomed = {fault.path for fault in faults} | {path for fault in faults if fault.job for path in fault.job.wrote}
    removed = sorted(path for path in doomed if path.is_file() or path.is_symlink())
    for path in removed:
        path.unlink()
    for top in folders:
        # A folder that a job makes as a whole is made again only where it is gone.
        for folder in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
            left = {path.name for path in folder.iterdir()}
            if left <= {MARK}:
                (folder / MARK).unlink(missing_ok=True)
                folder.rmdir()
    return removed


def _writer(jobs: Sequence[Job]) -> dict[Path, Job]:
    return {path: job for job in jobs for path in job.wrote}


def _faults(job: Job, writer: dict[Path, Job], folders: Folders) -> Iterable[Fault]:
    stale = [path for path, digest in job.read.items() if path in writer and writer[path].wrote[path] != digest]
    for path, digest in job.wrote.items():
        if writer[path] is not job:
            continue
        if not path.is_file():
            yield Fault(path, "missing", "it was written, and is gone", job)
        elif files.sha256(path) != digest:
            size = path.stat().st_size
            yield Fault(path, "corrupt", f"its {size:,} bytes are not those that were written", job)
        elif stale:
            yield Fault(path, "out of date", f"made from another version of {stale[0]}", job)
    for path in job.read:
        if path not in writer and any(folder in path.parents for folder in folders) and not path.is_file():
            yield Fault(path, "missing", f"read for {next(iter(job.wrote))}, and not made again", None)
