"""Looks for failures that the suite does not know, with new seeds: `python -m tests.fuzz.explore --seconds 600`.

Rounds of damaged files (run.py) and of every property test alternate until the time is over. The first failure ends the
search with status 1, and is printed ready to become a test.
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOT

CASES = 2000  # damaged files in a round
PROPERTIES = ("-m", "pytest", "-m", "hypothesis", "--hypothesis-profile", "explore", "--exitfirst", "--quiet")


def damaged_files(seed: int) -> str:
    """A test for each failure that the seed's damaged files cause; empty if none does."""
    with tempfile.TemporaryDirectory() as keep:
        options = ("--cases", str(CASES), "--seed", str(seed), "--keep", keep)
        command = [sys.executable, "-m", "tests.fuzz.run", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            return done.stderr
        failures = json.loads(done.stdout.splitlines()[-1])["failures"]
        tests = (written_as_a_test(place, failure["first"], Path(keep)) for place, failure in failures.items())
        return "\n\n".join(tests)


def written_as_a_test(place: str, first: str, keep: Path) -> str:
    """place: `TARGET: ERROR at FILE:LINE`. first: `case NUMBER: MESSAGE`, whose file lies in `keep`."""
    name, case = place.split(":")[0], first.split(":")[0].removeprefix("case ")
    [file] = keep.rglob(f"{name}-{case}")
    return (
        f"# {place}: {first.split(': ', 1)[1]}\n"
        f"def test_a_damaged_{name}_is_read_or_refused(folder):\n"
        f'    feed(TARGETS["{name}"], folder, {file.read_bytes()!r})'
    )


def properties(seed: int) -> str:
    """What pytest prints of the first property that fails, with the example; empty if none does."""
    command = [sys.executable, *PROPERTIES, "-p", "no:randomly", f"--hypothesis-seed={seed}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return f"{done.stdout}\nAgain: {' '.join(command[1:])}" if done.returncode else ""


def main(seconds: float) -> int:
    """The exit status: 1 if something failed."""
    end = time.monotonic() + seconds
    searches = (damaged_files, properties)
    rounds = 0
    while time.monotonic() < end:
        search, seed = searches[rounds % 2], secrets.randbelow(2**32)
        print(f"{search.__name__.replace('_', ' ')}, seed {seed}", flush=True)
        if found := search(seed):
            print(found)
            return 1
        rounds += 1
    print(f"{rounds} rounds, no failure")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    sys.exit(main(**vars(parser.parse_args())))
