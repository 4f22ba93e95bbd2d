"""Command lines made from functions: an option for each parameter, a record of the job at the end."""

import argparse
import json
import sys
from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from minetest_interp.io import files
from minetest_interp.io.errors import InputError, reported_in_one_line
from minetest_interp.provenance import job_logs

LIMIT_BYTES = 2**24


def read_settings(word: str) -> Any:
    """The settings that a word of a command line gives: JSON, or @FILE for a file of it.

    Raises:
      InputError: the file cannot be read.
    """
    if word.startswith("@"):
        advice = "Build the study again."
        word = files.read_text(Path(word[1:]), what="a file of settings", limit=LIMIT_BYTES, advice=advice)
    return json.loads(word)


def _settings_option(word: str) -> Any:
    try:
        return read_settings(word)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


READ: dict[object, dict[str, Any]] = {kind: {"type": kind} for kind in (str, int, float, Path)} | {
    dict: {"type": _settings_option},
    dict | None: {"type": _settings_option},
    list: {"type": _settings_option},
    list[Path]: {"type": Path, "nargs": "*"},
    int | None: {"type": int},
    Path | None: {"type": Path},
    bool: {"action": "store_true"},
}


def command(run: Callable, *, argv: list[str] | None = None, record: bool = True) -> None:
    """Runs `run` with one command-line option for each of its parameters, read as the parameter is annotated.

    A `dict` or `list` is given as JSON or as @FILE, `list[Path]` as any number of paths, `bool` by its name alone. An
    option is required unless `run` has a default for it. With `record` it ends by saying what was read and written,
    with digests (see `job_logs`). An `InputError` or Ctrl-C is reported in one line and ends the process with status 1.
    """
    parser = argparse.ArgumentParser(description=sys.modules[run.__module__].__doc__)
    for name, parameter in signature(run).parameters.items():
        option: dict[str, Any] = (
            {"required": True} if parameter.default is Parameter.empty else {"default": parameter.default}
        )
        parser.add_argument(f"--{name.replace('_', '-')}", **(READ[parameter.annotation] | option))
    options = vars(parser.parse_args(argv))
    with reported_in_one_line():
        run(**options)
        if record:
            job_logs.say()
