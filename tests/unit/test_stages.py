"""A stage's command line is its function's signature."""

from pathlib import Path

import pytest

from minetest_interp.errors import InputError
from minetest_interp.stages import command

seen = []


def run(
    folder: Path, settings: dict, names: list, several: list[Path], share: float, maybe: Path | None = None
) -> None:
    seen.append((folder, settings, names, several, share, maybe))
    if share < 0:
        raise InputError("share: must be positive; got less. Raise it.")


GIVEN = ["--folder", "a b", "--settings", '{"x": 1}', "--names", '["é"]', "--several", "c", "d", "--share", "0.5"]


def test_every_parameter_is_read_as_it_is_annotated():
    command(run, GIVEN)
    assert seen.pop() == (Path("a b"), {"x": 1}, ["é"], [Path("c"), Path("d")], 0.5, None)
    command(run, [*GIVEN, "--maybe", "e"])
    assert seen.pop()[-1] == Path("e")


def test_what_has_no_default_must_be_given(capsys):
    with pytest.raises(SystemExit):
        command(run, GIVEN[2:])
    assert "required: --folder" in capsys.readouterr().err


def test_a_users_mistake_is_one_line():
    with pytest.raises(SystemExit, match=r"^error: share: must be positive; got less. Raise it.$"):
        command(run, [*GIVEN[:-1], "-1"])
