"""What is called wrong in a study's folders, and what is removed for it."""

from pathlib import Path

import pytest

from minetest_interp.io import files
from minetest_interp.provenance import integrity, job_logs

FOLDERS = integrity.folders("own")
START, MIDDLE, SIDE, END = (
    Path(name)
    for name in ("results/own/a.npz", "results/own/pages/b.js", "figures/own/side.png", "report/own/REPRODUCE.md")
)
FROM = {START: [], MIDDLE: [START], SIDE: [START], END: [MIDDLE]}


def make(path: Path, content: str = "made") -> None:
    """Stands for a job that reads what the path is made from, and writes it with a second file."""
    log = Path("results/own/logs", f"{path.stem}.txt")
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"read {files.sha256(other)}  {other}" for other in FROM[path]]
    for written in (path, path.with_suffix(".too")):
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(f"{content} {written}")
        lines.append(f"{files.sha256(written)}  {written}")
    log.write_text("\n".join(["some words", *lines, ""]))


@pytest.fixture(autouse=True)
def built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in FROM:
        make(path)
    (MIDDLE.parent / integrity.MARK).touch()
    benchmark = FOLDERS.results / "benchmarks/a.tsv"
    benchmark.parent.mkdir()
    benchmark.touch()


def faults() -> dict[Path, str]:
    """Path to kind of what is wrong."""
    return {fault.path: fault.kind for fault in integrity.check(job_logs.jobs(FOLDERS.results), FOLDERS)}


def test_nothing_is_wrong_with_what_was_just_made():
    assert faults() == {}


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda path: path.write_text(f"Made {path}"), "corrupt"),
        (lambda path: path.write_text(path.read_text()[:-1]), "corrupt"),
        (lambda path: path.write_text(""), "corrupt"),
        (lambda path: path.unlink(), "missing"),
    ],
)
@pytest.mark.parametrize("path", list(FROM))
def test_a_spoilt_file_is_named_and_no_other_as_it_was_good_when_others_read_it(path, spoil, kind):
    spoil(path)
    assert faults() == {path: kind}


@pytest.mark.parametrize("name", ["figures/own/deep/x.png", "results/own/.a.npz.part.npz", "report/own/y"])
def test_a_file_that_no_job_wrote_is_foreign(name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).touch()
    assert faults() == {Path(name): "foreign"}


def test_what_was_made_from_other_bytes_than_lie_there_is_out_of_date():
    good = START.read_text()
    START.write_text("spoilt")
    make(MIDDLE)
    assert faults() == {START: "corrupt", MIDDLE: "out of date", MIDDLE.with_suffix(".too"): "out of date"}
    START.write_text(good)
    assert faults().keys() == {MIDDLE, MIDDLE.with_suffix(".too")}
    make(MIDDLE)
    assert faults() == {}


def test_what_a_failed_job_did_not_make_again_is_missing():
    Path("results/own/logs/a.txt").write_text("error: failed\n")
    for path in (START, START.with_suffix(".too")):
        path.unlink()
    assert faults() == {START: "missing"}


def test_a_job_of_an_earlier_state_is_known_by_what_the_end_needs():
    jobs = job_logs.jobs(FOLDERS.results)
    whole = integrity.needed(jobs, [END])
    assert {path for job in whole for path in job.wrote} == {
        file for path in (START, MIDDLE, END) for file in (path, path.with_suffix(".too"))
    }
    left = [(fault.path, fault.kind) for fault in integrity.check(whole, FOLDERS)]
    assert left == [(SIDE, "foreign"), (SIDE.with_suffix(".too"), "foreign")]


def test_what_is_removed_is_what_is_wrong_with_all_that_its_jobs_wrote_and_nothing_else():
    everything = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    foreign = FOLDERS.report / "foreign"
    foreign.touch()
    MIDDLE.unlink()
    SIDE.write_text("spoilt")
    removed = integrity.remove(integrity.check(job_logs.jobs(FOLDERS.results), FOLDERS), FOLDERS)
    assert removed == [SIDE, SIDE.with_suffix(".too"), foreign, MIDDLE.with_suffix(".too")]
    assert not MIDDLE.parent.exists()  # or the workflow would think that the folder is whole
    left = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    assert left == everything - {MIDDLE, MIDDLE.parent / integrity.MARK} - set(removed)
    for path in (MIDDLE, SIDE):
        make(path)
    assert faults() == {}
