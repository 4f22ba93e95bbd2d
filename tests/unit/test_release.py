"""What a release refuses, and the order of what it does; the steps themselves have tests of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.provenance.source_tree import Source
from tests.conftest import ROOT
from tests.results.workshop import copy_source
from workflow import release

CLEAN = Source("c" * 40, ("a.py",), ())
STATED = {"CITATION.cff": "1.2.0", "pyproject.toml": "1.2.0"}


def test_a_clean_commit_of_a_new_version_is_ready():
    release.check("1.2.0", STATED, CLEAN, ["v1.1.0", "v1.2.0-old"])


@pytest.mark.parametrize(
    ("version", "stated", "changed", "tags", "said"),
    [
        ("1.2", {}, (), [], "must be three numbers, as 1.2.0; got '1.2'"),
        ("v1.2.0", {}, (), [], "must be three numbers"),
        ("1.2.0", {"pyproject.toml": "1.1.0"}, (), [], "pyproject.toml: `version` must be 1.2.0; got 1.1.0"),
        ("1.2.0", {"CITATION.cff": "1.3.0"}, (), [], "CITATION.cff: `version` must be 1.2.0; got 1.3.0"),
        ("1.2.0", {}, ("b.py", "c.py"), [], "must be a commit; 2 files differ from it, first b.py"),
        ("1.2.0", {}, (), ["v1.2.0"], "the tag of a release must be new; v1.2.0 is there already"),
    ],
)
def test_what_is_not_ready_is_refused(version, stated, changed, tags, said):
    with pytest.raises(InputError, match=said):
        release.check(version, STATED | stated, CLEAN._replace(changed=changed), tags)


def test_it_tags_last_and_checks_each_archive_where_it_was_unpacked(tmp_path):
    steps = list(release.steps("1.2.0", {"demo": None, "treechop": Path("/data")}, tmp_path))
    words = [" ".join(step.words).replace(sys.executable, "python") for step in steps]
    demo, treechop = words[:7], words[7:-1]
    assert demo == [
        "make report STUDY=demo",
        "make verify STUDY=demo",
        "make archive STUDY=demo",
        f"python -m zipfile --extract archive/minetest-interp-1.2.0-demo.zip {tmp_path}/demo",
        "sha256sum --check --strict --quiet SHA256SUMS",
        "env PYTHONPATH=src python -m snakemake --cores all --quiet --config study=smoke",
        "env PYTHONPATH=src python -m minetest_interp.stages.verify --study smoke --expected expected/smoke.json",
    ]
    assert treechop == [
        line.replace("STUDY=demo", "STUDY=treechop DATA=/data").replace("demo", "treechop") for line in demo
    ]
    assert words[-1] == "git tag --annotate v1.2.0 --message Version 1.2.0"
    folders = [ROOT] * 4 + [tmp_path / "demo"] * 3 + [ROOT] * 4 + [tmp_path / "treechop"] * 3 + [ROOT]
    assert [step.folder for step in steps] == folders


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=one", "-c", "user.email=one@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_dry_run_does_nothing_and_says_that_the_published_agent_is_left_out(tmp_path):
    folder = tmp_path / "source"
    copy_source(folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    command = [sys.executable, "-m", "workflow.release", "--version", "0.1.0", "--dry-run"]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": "src"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, *lines, last = done.stdout.splitlines()
    assert first.startswith("The published agent is LEFT OUT") and last.endswith("--message 'Version 0.1.0'")
    assert len(lines) == 7 and "STUDY=treechop" not in done.stdout
    assert not git(folder, "tag") and not git(folder, "status", "--porcelain")
    (folder / "LICENSE").write_text("another")
    refused = subprocess.run(command, cwd=folder, env={"PYTHONPATH": "src"}, capture_output=True, text=True)
    assert refused.returncode == 1 and refused.stderr.startswith("error: a release must be a commit; 1 files differ")
