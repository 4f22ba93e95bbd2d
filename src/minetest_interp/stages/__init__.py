"""Thin command lines over the package: paths and settings in, files out. Nothing here knows the workflow."""

import argparse
import os
import sys
from collections.abc import Callable

from minetest_interp.errors import InputError

# XLA sizes its thread pool by NPROC, once, when jax is first imported; the workflow tells a job's threads in
# OMP_NUM_THREADS. Results are defined on the CPU, whatever else the machine has.
if threads := os.environ.get("OMP_NUM_THREADS"):
    os.environ.setdefault("NPROC", threads)
os.environ.setdefault("JAX_PLATFORMS", "cpu")


def command(run: Callable, argv: list[str] | None = None, **types: Callable | list[Callable]) -> None:
    """Runs `run` with one required option per keyword; `[Path]` stands for one or more values.

    An `InputError` is printed in one line and ends the process with status 1.
    """
    parser = argparse.ArgumentParser(description=sys.modules[run.__module__].__doc__)
    for name, kind in types.items():
        several = {"nargs": "+", "type": kind[0]} if isinstance(kind, list) else {"type": kind}
        parser.add_argument(f"--{name.replace('_', '-')}", required=True, **several)
    try:
        run(**vars(parser.parse_args(argv)))
    except InputError as error:
        sys.exit(f"error: {error}")
