"""The checkpoints of a series: their names, and their order."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from minetest_interp.io.errors import InputError
from minetest_interp.model.frames import natural_key


def find(listed: Mapping[str, Sequence[Path]], *, along: str | None = None) -> dict[str, Path]:
    """Name to file of a series' checkpoints, in natural order of the names, or by their numbers `along` something.

    Args:
      listed: for each pattern of the study, the files that it finds.

    Raises:
      InputError: a pattern finds nothing, a name is not fit for a path, two files share a name, or `along` is given and
        a name has no number, or two have the same.
    """
    found: dict[str, Path] = {}
    for pattern, paths in listed.items():
        if not paths:
            raise InputError(
                f"series.checkpoints: {pattern!r} must find a checkpoint in the source folder; it finds none."
            )
        for path in paths:
            if not re.fullmatch(r"\w[\w.-]*", path.stem, re.ASCII):
                raise InputError(
                    f"{path}: a checkpoint of a series must be named with letters, digits, _, . and - only, "
                    "and begin with none of the last two."
                )
            if found.setdefault(path.stem, path) != path:
                raise InputError(
                    f"{path}: each checkpoint of a series must have a name of its own; {found[path.stem]} has it."
                )
    if along is None:
        return {name: found[name] for name in sorted(found, key=natural_key)}
    places: dict[str, int] = {}
    for name in found:
        at = number_in(name)
        if at is None:
            raise InputError(
                f"{found[name]}: must have the number of its {along} in its name. Rename it, or drop `along`."
            )
        if at in places.values():
            raise InputError(f"{found[name]}: two checkpoints must not have the same {along}; {at} comes twice.")
        places[name] = at
    return {name: found[name] for name in sorted(found, key=places.__getitem__)}


def number_in(name: str) -> int | None:
    """The last number in a name: 5000 of `ppo-v0_5000`."""
    numbers = re.findall(r"\d+", name)
    return int(numbers[-1]) if numbers else None
