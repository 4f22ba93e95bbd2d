"""Which tests run which lines, measured in batches of test files, which an interruption leaves standing."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from coverage import CoverageData

from tests.mutants.sites import ROOT

BATCH = 12  # test files in one process
SHARED = ("tests/*.py", "src/**/*.py", "figures/*.py")  # after a change of these every batch is measured again


def digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def file_of(test: str) -> str:
    return test.split("::")[0]


class Batch:
    """A folder: coverage's data, the seconds of each test, and the digests of the files that it was measured with."""

    def __init__(self, folder: Path):
        self.folder = folder

    def files(self) -> dict[str, str]:
        done = self.folder / "files.json"
        return json.loads(done.read_text()) if done.is_file() else {}

    def measure(self, files: dict[str, str]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)  # of one that was interrupted
        self.folder.mkdir(parents=True)
        wanted = {"COVERAGE_FILE": str(self.folder / "data"), "MUTANTS_SECONDS": str(self.folder / "seconds.json")}
        options = ("-p", "tests.mutants.contexts", "-p", "no:randomly", "-q")
        for command in (("run", "-m", "pytest", *options, *files), ("combine", "--quiet")):
            subprocess.run([sys.executable, "-m", "coverage", *command], cwd=ROOT, env=os.environ | wanted, check=True)
        (self.folder / "files.json").write_text(json.dumps(files))


class Tests:
    """The unit tests by the lines that they run. seconds: of each test, by its name in pytest."""

    def __init__(self, folder: Path):
        shared = digest(*(path for pattern in SHARED for path in sorted(ROOT.glob(pattern))))
        wanted = {str(path.relative_to(ROOT)): digest(path) for path in sorted(ROOT.glob("tests/unit/test_*.py"))}
        self.batches = [batch for path in sorted(folder.glob(f"{shared[:12]}-*")) if (batch := Batch(path)).files()]
        missing = [name for name in wanted if all(wanted[name] != b.files().get(name) for b in self.batches)]
        for first in range(0, len(missing), BATCH):
            names = missing[first : first + BATCH]
            print(f"{first} of {len(missing)} test files measured; next: {', '.join(names)}", flush=True)
            batch = Batch(folder / f"{shared[:12]}-{digest(*(ROOT / name for name in names))[:12]}")
            batch.measure({name: wanted[name] for name in names})
            self.batches.append(batch)
        self.wanted = wanted
        self.seconds = {}
        for batch in self.batches:
            seconds = json.loads((batch.folder / "seconds.json").read_text())
            self.seconds |= {test: took for test, took in seconds.items() if self._holds(batch, test)}
        self.by_line = {}

    def _holds(self, batch: Batch, test: str) -> bool:
        name = file_of(test)
        return name in self.wanted and batch.files().get(name) == self.wanted[name]

    def of(self, path: str, lines: tuple[int, int] | None) -> list[str]:
        """The tests that run a line from the first to the last, or any of the file; quick files and tests first."""
        if path not in self.by_line:
            self.by_line[path] = self._read(path)
        found = self.by_line[path]
        wanted = found if lines is None else range(lines[0], lines[1] + 1)
        tests = set().union(*(found.get(line, ()) for line in wanted))
        total = defaultdict(float)
        for test in tests:
            total[file_of(test)] += self.seconds[test]
        return sorted(tests, key=lambda test: (total[file_of(test)], file_of(test), self.seconds[test], test))

    def _read(self, path: str) -> dict[int, set[str]]:
        found = defaultdict(set)
        for batch in self.batches:
            data = CoverageData(str(batch.folder / "data"))
            data.read()
            held = {test for test in data.measured_contexts() if test in self.seconds and self._holds(batch, test)}
            for line, tests in data.contexts_by_lineno(str(ROOT / path)).items():
                found[line] |= held & set(tests)
        return found
