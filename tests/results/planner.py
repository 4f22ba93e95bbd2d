"""Plans many builds in little time: a process with Snakemake and the code's digests in memory forks for each of them.

Run in a checkout. Reads a line of JSON, `[options, whether code was edited]`, writes one, `[status, standard output]`.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import cv2  # noqa: F401, what the workflow imports is imported once
import jsonschema  # noqa: F401
import snakemake.cli
import snakemake.report


def plan(options: list[str], code_edited: bool) -> tuple[int, str]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, sys.stdout.fileno())
        if code_edited:
            del sys.modules["digests"]
        status = 1
        try:
            sys.argv = ["snakemake", *options]
            snakemake.cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(status)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as output:
        said = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def remember_digests() -> None:
    sys.path.insert(0, "workflow")
    from digests import code_digest

    for stage in Path("src/minetest_interp/stages").glob("*.py"):
        code_digest(f"minetest_interp.stages.{stage.stem}")
    for script in Path("figures").glob("*.py"):
        code_digest(script.stem)


if __name__ == "__main__":
    remember_digests()
    for line in sys.stdin:
        print(json.dumps(plan(*json.loads(line))), flush=True)
