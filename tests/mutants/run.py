"""Would the unit tests notice? `python -m tests.mutants.run --mutants 400 --cores 2`, or `make mutants`.

Small changes of the source, drawn with a fixed seed, are tried one by one in a copy of the tree: the unit tests that
run the changed line are run, until one fails. What is known already is not asked again, but the survivors are. At the
end the tests that failed are run on the unchanged copy, where all must pass. The process that forks for each mutant has
imported the libraries and has not started JAX, whose threads do not survive a fork.
"""

import argparse
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from functools import cache
from itertools import takewhile
from pathlib import Path

from tests.mutants import lines, report, sites
from tests.mutants.sites import ROOT

PACKAGES = ("model", "analysis", "claims", "provenance")
SEED = 1
KEPT = ROOT / ".mutants"
LIBRARIES = ("cv2", "flax.linen", "hypothesis.extra.numpy", "jax.numpy", "jaxtyping", "jsonschema", "matplotlib.pyplot")
LIBRARIES += ("onnx", "optax", "pytest", "rocrate.rocrate", "scipy.ndimage", "scipy.optimize", "scipy.stats")
OPTIONS = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=short")
OPTIONS += ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # hypothesis is a plugin that is imported already
# What XLA compiled for one mutant serves the others, which takes half of the time away.
COMPILED = {"JAX_COMPILATION_CACHE_DIR": str(KEPT / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
COMPILED |= {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
PATIENCE = (60, 5)  # seconds of computing, and times what the tests take; ten times as long by the clock


def sample(n: int) -> list[sites.Mutant]:
    """The first n of all mutants in an order drawn with the seed, so that a longer sample begins with a shorter one."""
    files = (path for name in PACKAGES for path in sorted((ROOT / "src/minetest_interp" / name).rglob("*.py")))
    everything = [mutant for path in files for mutant in sites.mutants(path, str(path.relative_to(ROOT)))]
    random.Random(SEED).shuffle(everything)
    return everything[:n]


@cache
def key(mutant: sites.Mutant) -> str:
    """Of this change in a file of these bytes."""
    source = (ROOT / mutant.path).read_bytes()
    return hashlib.sha256(source + repr(mutant).encode()).hexdigest()[:16]


class Copy:
    """A copy of the tree in which one mutant at a time is tried."""

    def __init__(self, number: int):
        self.root = KEPT / f"tree-{number}"
        shutil.rmtree(self.root, ignore_errors=True)
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        self.child = None

    def begin(self, mutant: sites.Mutant | None, tests: list[str], seconds: float) -> None:
        """Forks; without a mutant the tests are run on the source as it is."""
        if mutant:
            file = self.root / mutant.path
            file.write_bytes(sites.applied(mutant, (ROOT / mutant.path).read_bytes()))
            os.utime(file, (self._stamp(mutant),) * 2)  # else Python may take the compiled original
        self.mutant, self.tests, self.began = mutant, tests, time.monotonic()
        self.until = self.began + 10 * seconds
        self.child = os.fork()
        if not self.child:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds),) * 2)
            self._test(tests)

    @staticmethod
    def _stamp(mutant: sites.Mutant) -> int:
        return int(key(mutant)[:7], 16)

    def _test(self, tests: list[str]) -> None:
        os.setsid()
        output = os.open(self.root / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1), os.dup2(output, 2)
        os.chdir(self.root)
        for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
            del sys.modules[name]
        sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != ROOT]
        os.environ["PYTHONPATH"] = os.pathsep.join(str(self.root / part) for part in ("src", "figures", "."))
        status = 99
        try:
            pytest = importlib.import_module("pytest")
            status = int(pytest.main([*OPTIONS, *tests]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(status)

    def ended(self) -> dict | None:
        """What became of the mutant, once it is known."""
        child, status = os.waitpid(self.child, os.WNOHANG)
        late = time.monotonic() > self.until
        if not child and not late:
            return None
        self.stop()
        output = (self.root / "output").read_text(errors="replace").splitlines()
        failed = [line.split(" ", 1)[1].split(" - ")[0] for line in output if line.startswith(("FAILED ", "ERROR "))]
        took = round(time.monotonic() - self.began, 1)
        code = None if late and not child else os.waitstatus_to_exitcode(status)
        return {"code": code, "by": failed[:1], "seconds": took, "tests": len(self.tests)}

    def stop(self) -> None:
        try:
            os.killpg(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        if self.mutant:
            shutil.copy2(ROOT / self.mutant.path, self.root / self.mutant.path)
        self.child = None


def killed(result: dict) -> bool:
    """A test failed, the module cannot be imported, the process died, or it did not end in time."""
    return result["code"] != 0


def work(jobs, copies: list[Copy], told) -> None:
    """Tries the jobs, of (mutant, tests, seconds), on all copies; `told` gets each mutant with its result."""
    jobs = iter(jobs)
    try:
        running = [copy for copy in copies if _next(copy, jobs)]
        while running:
            time.sleep(0.1)
            for copy in list(running):
                if (result := copy.ended()) is not None:
                    told(copy.mutant, result)
                    if not _next(copy, jobs):
                        running.remove(copy)
    finally:
        for copy in copies:
            if copy.child:
                copy.stop()


def _next(copy: Copy, jobs) -> bool:
    job = next(jobs, None)
    if job is not None:
        copy.begin(*job)
    return job is not None


class Results:
    """What is known of each mutant, kept in a file as soon as it is."""

    def __init__(self, file: Path):
        self.file = file
        self.rows = (
            {row["key"]: row for row in map(json.loads, file.read_text().splitlines())} if file.is_file() else {}
        )

    def of(self, mutant: sites.Mutant) -> dict | None:
        return self.rows.get(key(mutant))

    def keep(self, mutant: sites.Mutant, result: dict) -> None:
        self.rows[key(mutant)] = {"key": key(mutant), **result}
        with self.file.open("a") as file:
            file.write(json.dumps(self.rows[key(mutant)]) + "\n")

    def drop(self, test: str) -> None:
        """Forgets what this test killed."""
        self.rows = {name: row for name, row in self.rows.items() if test not in row["by"]}
        self.file.write_text("".join(json.dumps(row) + "\n" for row in self.rows.values()))


def try_all(drawn: list[sites.Mutant], measured: lines.Tests, known: Results, copies: list[Copy]) -> None:
    """Asks what is not known, and then the survivors again; prints each result, and the time left."""
    survivors = [mutant for mutant in drawn if (row := known.of(mutant)) and not killed(row)]
    asked = [mutant for mutant in drawn if not known.of(mutant)] + survivors
    began, done = time.monotonic(), 0

    def jobs():
        for mutant in asked:
            tests = measured.of(mutant.path, mutant.lines if mutant.inside else None)
            if tests:
                yield mutant, tests, PATIENCE[0] + PATIENCE[1] * sum(measured.seconds[test] for test in tests)
            else:
                told(mutant, {"code": 0, "by": [], "seconds": 0.0, "tests": 0})

    def told(mutant: sites.Mutant, result: dict) -> None:
        nonlocal done
        done += 1
        known.keep(mutant, result)
        rows = [row for other in drawn if (row := known.of(other))]
        left = (time.monotonic() - began) / done * (len(asked) - done) / 60
        word = f"killed by {result['by'] or result['code']}" if killed(result) else "SURVIVED"
        print(
            f"{len(rows)}/{len(drawn)}, {sum(map(killed, rows))} killed, {left:.0f} min left; {result['tests']} tests, "
            f"{result['seconds']} s, {word}: {report.place(mutant)}",
            flush=True,
        )

    work(jobs(), copies, told)


def check(known: Results, copy: Copy) -> None:
    """The tests that killed must pass on the source as it is; what another killed is forgotten."""
    killers = sorted({test for row in known.rows.values() for test in row["by"]}, key=lines.file_of)
    print(f"{len(killers)} tests killed; they are run on the unchanged source", flush=True)

    def told(_, result: dict) -> None:
        assert not killed(result) or result["by"], f"pytest ended with {result['code']}: {copy.root / 'output'}"
        for test in result["by"]:
            print(f"{test} fails without a mutant: what it killed is asked again by the next run", flush=True)
            known.drop(test)

    work([(None, killers, 3600)] if killers else [], [copy], told)


def main(n: int, cores: int) -> None:
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"} | COMPILED
    KEPT.mkdir(exist_ok=True)
    measured = lines.Tests(KEPT / "lines")
    for library in LIBRARIES:
        importlib.import_module(library)
    threads = len(list(Path("/proc/self/task").iterdir()))
    assert threads == 1, f"must have one thread to be forked, has {threads}"
    drawn, known, copies = sample(n), Results(KEPT / "results.jsonl"), [Copy(number) for number in range(cores)]
    try:
        try_all(drawn, measured, known, copies)
        check(known, copies[0])
    finally:
        tried = takewhile(known.of, drawn)  # the first that were drawn; of later ones the quick ones are known first
        print(report.write(drawn, {mutant: known.of(mutant) for mutant in tried}))


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--mutants", type=int, default=400)
    options.add_argument("--cores", type=int, default=1)
    chosen = options.parse_args()
    try:
        main(chosen.mutants, chosen.cores)
    except KeyboardInterrupt:
        sys.exit("interrupted; the next run goes on from here")
