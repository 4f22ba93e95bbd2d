"""Plans many builds in little time: a process that has planned one forks for each of them, Snakemake and all in memory.

Run in a checkout. Reads lines of JSON, `[Snakemake's options, whether code was edited]`; the first it only learns from.
Answers each with a line of JSON, `[status, standard output]`.
"""

import json
import os
import sys
import traceback

import snakemake.cli


def snakemake_status(options: list[str]) -> int:
    sys.argv = ["snakemake", *options]
    try:
        snakemake.cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()


def learn(options: list[str]) -> tuple[int, str]:
    spoken, unheard = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(unheard, 1)
    status = snakemake_status(options)
    os.dup2(spoken, 1)
    return status, ""


def plan(options: list[str], code_edited: bool) -> tuple[int, str]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        if code_edited:
            del sys.modules["digests"]
        else:
            sys.modules["digests"].file_digest.cache_clear()
        os._exit(snakemake_status(options))
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as output:
        said = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


if __name__ == "__main__":
    print(json.dumps(learn(json.loads(sys.stdin.readline())[0])), flush=True)
    for line in sys.stdin:
        print(json.dumps(plan(*json.loads(line))), flush=True)
