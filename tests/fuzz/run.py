"""Feeds bombs and damaged files to every reader under guard: `python -m tests.fuzz.run --cases 20000 --seed 0`.

The process may take 1 GiB more than it has when the feeding begins, and do what `guard` allows. Prints one line of
JSON: by target how many files were taken and refused; bombs that were taken; failures by place, each with its first
case, whose file is kept.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

from PIL import Image

from tests.conftest import ROOT
from tests.fuzz.bombs import bombs
from tests.fuzz.guard import guard
from tests.fuzz.targets import TARGETS, feed, prepare

MEMORY_BYTES = 2**30


def peak_bytes() -> int:
    """The most memory that was resident at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(error: BaseException) -> str:
    """Where in the project's code an error arose."""
    places = [(Path(frame.f_code.co_filename), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [(path, line) for path, line in places if path.is_relative_to(ROOT) and path.name != "run.py"]
    path, line = (own or places)[-1]
    return f"{path.name}:{line}"


def main(cases: int, seed: int, only: list[str], keep: Path) -> dict:
    """Cases, refusals and slowest case by target."""
    home = Path(tempfile.mkdtemp(prefix="fuzz-", dir=keep))
    folder = home / "study"
    prepare(folder)
    Image.init()
    for name in only:
        for example in TARGETS[name].examples():
            assert feed(TARGETS[name], folder, example) or name == "mask", f"{name}: a valid file was refused"
    pages, resident = int(Path("/proc/self/statm").read_text().split()[0]), peak_bytes()
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    guard(home)
    told, failures = {}, {}
    lit = [name for name, (target, data) in bombs().items() if target in only and feed(TARGETS[target], folder, data)]
    whole = sum(TARGETS[name].share for name in only)
    for name in only:
        target, counts, slowest, began = TARGETS[name], Counter(), 0.0, time.monotonic()
        examples = target.examples()
        for case in range(round(cases * target.share / whole)):
            data = target.mutate(Random(f"{seed}/{name}/{case}"), examples)
            start = time.monotonic()
            try:
                counts["taken" if feed(target, folder, data) else "refused"] += 1
            except BaseException as error:
                (home / f"{name}-{case}").write_bytes(data)
                found = failures.setdefault(f"{name}: {type(error).__name__} at {_place(error)}", Counter())
                found[f"case {case}: {str(error)[:150]!r}"] += 1
            slowest = max(slowest, time.monotonic() - start)
        told[name] = {**counts, "slowest_s": round(slowest, 3), "took_s": round(time.monotonic() - began, 2)}
    first = {place: {"cases": len(found), "first": next(iter(found))} for place, found in failures.items()}
    return {"targets": told, "failures": first, "bombs_taken": lit, "grown_bytes": peak_bytes() - resident}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="where damaged files are put")
    print(json.dumps(main(**vars(parser.parse_args()))))
    sys.stdout.flush()
