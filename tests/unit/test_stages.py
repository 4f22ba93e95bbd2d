"""A stage's command line is its function's signature."""

import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import job_logs

seen = []


def run(
    folder: Path, settings: dict, names: list, several: list[Path], share: float, maybe: Path | None = None
) -> None:
    seen.append((folder, settings, names, several, share, maybe))
    if share < 0:
        raise InputError("share: must be positive; got less. Raise it.")


GIVEN = ["--folder", "a b", "--settings", '{"x": 1}', "--names", '["é"]', "--several", "c", "d", "--share", "0.5"]


def test_every_parameter_is_read_as_it_is_annotated():
    command(run, argv=GIVEN)
    assert seen.pop() == (Path("a b"), {"x": 1}, ["é"], [Path("c"), Path("d")], 0.5, None)
    command(run, argv=[*GIVEN, "--maybe", "e"])
    assert seen.pop()[-1] == Path("e")


def test_what_has_no_default_must_be_given(capsys):
    with pytest.raises(SystemExit):
        command(run, argv=GIVEN[2:])
    assert "required: --folder" in capsys.readouterr().err


def test_a_users_mistake_is_one_line():
    with pytest.raises(SystemExit, match=r"^error: share: must be positive; got less. Raise it.$"):
        command(run, argv=[*GIVEN[:-1], "-1"])


def write_and_read(folder: Path, fail: int = 0) -> None:
    """Stands for a stage whose files are read again, cleared away and written twice."""
    print("50 % of the work", *files.read_arrays(Path("other.npz"))["x"])
    for text in ("first", "second"):
        files.write_text(folder / "a name, with  spaces é.txt", text)
        files.write_arrays(folder / "deep/b.npz", x=[text])
        files.write_text(folder / "scratch.txt", text)
    files.read_arrays(folder / "deep/b.npz")
    (folder / "scratch.txt").unlink()
    (folder / "deep/b.npz").write_bytes(b"spoilt after it was written")
    if fail:
        raise InputError("failed")


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A working folder in which nothing has been recorded, with a file to read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "READ", {})
    monkeypatch.setattr(files, "WRITTEN", {})
    np.savez("other.npz", x=["done"])


def test_a_log_says_what_a_job_wrote_as_sha256sum_reads_it(bench, capsys):
    command(write_and_read, argv=["--folder", "results/own"])
    log = Path("results/own/logs/deep/one.txt")
    log.parent.mkdir(parents=True)
    log.write_text(capsys.readouterr().out)
    spaced, arrays = Path("results/own/a name, with  spaces é.txt"), Path("results/own/deep/b.npz")
    [job] = job_logs.jobs(Path("results/own"))
    assert job.read == {Path("other.npz"): files.sha256(Path("other.npz"))}
    assert job.wrote == job_logs.read(Path("results/own"))
    assert job.wrote.keys() == {spaced, arrays}
    assert job.wrote[spaced] == hashlib.sha256(b"second").hexdigest()
    checked = subprocess.run(["sha256sum", "--check", log], capture_output=True, text=True)
    assert checked.stdout == f"{spaced}: OK\n{arrays}: FAILED\n" and checked.returncode == 1


def test_a_job_that_fails_records_nothing(bench, capsys):
    with pytest.raises(SystemExit):
        command(write_and_read, argv=["--folder", "results/own", "--fail", "1"])
    assert capsys.readouterr().out == "50 % of the work done\n"


def test_of_two_records_of_a_file_the_later_counts(tmp_path):
    for name, digest, when in (("new", "a" * 64, 200), ("old", "b" * 64, 100)):
        log = tmp_path / f"logs/{name}.txt"
        log.parent.mkdir(exist_ok=True)
        log.write_text(f"{digest}  results/x.npz\n")
        os.utime(log, (when, when))
    assert job_logs.read(tmp_path) == {Path("results/x.npz"): "a" * 64}
