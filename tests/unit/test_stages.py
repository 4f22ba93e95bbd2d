"""A stage's command line is its function's signature."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from minetest_interp import files, records
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


def write_and_read(folder: Path, fail: int = 0) -> None:
    """Stands for a stage whose files are read again, cleared away and written twice."""
    print("50 % of the work")
    for text in ("first", "second"):
        files.write_text(folder / "a name, with  spaces é.txt", text)
        files.write_arrays(folder / "deep/b.npz", x=[text])
        files.write_text(folder / "scratch.txt", text)
    (folder / "scratch.txt").unlink()
    (folder / "deep/b.npz").write_bytes(b"spoilt after it was written")
    if fail:
        raise InputError("failed")


def test_a_log_says_what_a_job_wrote_as_sha256sum_reads_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "WRITTEN", {})
    command(write_and_read, ["--folder", "results/own"])
    log = tmp_path / "results/own/logs/deep/one.txt"
    log.parent.mkdir(parents=True)
    log.write_text(capsys.readouterr().out)
    recorded = records.read(Path("results/own"))
    spaced, arrays = Path("results/own/a name, with  spaces é.txt"), Path("results/own/deep/b.npz")
    assert set(recorded) == {spaced, arrays}
    assert recorded[spaced] == hashlib.sha256(b"second").hexdigest()
    checked = subprocess.run(["sha256sum", "--check", log], capture_output=True, text=True)
    assert f"{spaced}: OK\n{arrays}: FAILED\n" == checked.stdout and checked.returncode == 1


def test_a_job_that_fails_records_nothing(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command(write_and_read, ["--folder", str(tmp_path), "--fail", "1"])
    assert capsys.readouterr().out == "50 % of the work\n"
