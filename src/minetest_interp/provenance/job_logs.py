"""What each job read and wrote, with digests: said at its end, kept in its log, read back from there.

A file that was written is a line `SHA-256  path`, as `sha256sum --check` reads it; one that was read has the word
`read` before that. Paths are as the job was given them, which in a build is relative to the working folder. One line of
JSON says when the job ended and where it ran. A job that failed leaves no record.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io import files
from minetest_interp.provenance import environment

LINE = re.compile(r"^(read )?([0-9a-f]{64})  (.+)$", re.MULTILINE)
RUN = re.compile(r'^\{"ended": .+\}$', re.MULTILINE)


class Job(NamedTuple):
    """log: of the job. read, wrote: path to SHA-256, as it was then.

    run: `ended` in UTC, and where (see `environment.describe`); None where there is no record.
    """

    log: Path
    read: dict[Path, str]
    wrote: dict[Path, str]
    run: dict | None = None


def say() -> None:
    """Prints the record of this process: when and where; what it read of others, wrote and did not clear away."""
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    print(json.dumps({"ended": ended, **environment.describe()}))
    for path, digest in files.READ.items():
        if path not in files.WRITTEN:
            print(f"read {digest}  {path}")
    for path, digest in files.WRITTEN.items():
        if path.is_file():
            print(f"{digest}  {path}")


def jobs(results: Path) -> list[Job]:
    """The jobs of a study that left a record, the latest last."""
    logs = sorted((results / "logs").rglob("*.txt"), key=lambda log: (log.stat().st_mtime_ns, log))
    return [job for job in map(read_log, logs) if job.wrote]


def read(results: Path) -> dict[Path, str]:
    """Path to SHA-256 of everything that the jobs of a study wrote; the latest job counts."""
    return {path: digest for job in jobs(results) for path, digest in job.wrote.items()}


def read_log(log: Path) -> Job:
    """The record in one job's log."""
    text = log.read_text(encoding="utf-8", errors="replace")
    said = RUN.findall(text)
    job = Job(log, {}, {}, json.loads(said[-1]) if said else None)
    for word, digest, path in LINE.findall(text):
        (job.read if word else job.wrote)[Path(path)] = digest
    return job
