"""What each job wrote, with digests: said at its end, kept in its log, read back from there.

A line of a record is `SHA-256  path`, as `sha256sum --check` reads it; paths are as the job was given them, which in a
build is relative to the working folder. A job that failed leaves none.
"""

import re
from pathlib import Path

from minetest_interp import files

LINE = re.compile(r"^([0-9a-f]{64})  (.+)$", re.MULTILINE)


def say() -> None:
    """Prints the record of what this process wrote and did not clear away."""
    for path, digest in files.WRITTEN.items():
        if path.is_file():
            print(f"{digest}  {path}")


def logs(results: Path) -> list[Path]:
    """The logs of a study's jobs, in a fixed order."""
    return sorted((results / "logs").rglob("*.txt"))


def read(results: Path) -> dict[Path, str]:
    """Path to SHA-256 of everything that the jobs of a study recorded, in the order of their logs."""
    return {path: digest for log in logs(results) for path, digest in read_log(log).items()}


def read_log(log: Path) -> dict[Path, str]:
    """Path to SHA-256 of what one job recorded; empty where it failed or has not ended."""
    return {Path(path): digest for digest, path in LINE.findall(log.read_text(encoding="utf-8", errors="replace"))}
