"""The container and the continuous integration install the same packages, of one day."""

import re
import subprocess

from minetest_interp.provenance import source_tree
from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
RUN = (ROOT / ".ci/run").read_text(encoding="utf-8")
LISTED = "grep -v '^#' {}requirements/debian.txt"
INSTALL = "apt-get install"


def packages() -> list[str]:
    """What the command of both prints."""
    command = ["bash", "-c", LISTED.format("")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_both_install_the_listed_packages_and_no_others():
    assert f"packages=$({LISTED.format('')})" in RUN and "$packages" in RUN
    assert "COPY requirements/debian.txt /tmp/debian.txt" in DOCKERFILE
    assert "grep -v '^#' /tmp/debian.txt | xargs apt-get install" in DOCKERFILE
    assert RUN.count(INSTALL) == DOCKERFILE.count(INSTALL) == 1


def test_each_package_is_listed_once_by_its_name_alone():
    listed = packages()
    assert len(set(listed)) == len(listed) > 10
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in listed)


def test_what_the_pages_and_tests_ask_for_is_listed():
    asked = set(re.search(r"packages `(.*?)`", (ROOT / "docs/capture.md").read_text(encoding="utf-8"))[1].split())
    asked |= set(re.search(r"apt-get install ([a-z -]+)", (ROOT / "tests/results/slurm.py").read_text())[1].split())
    assert asked | {"chromium-headless-shell", "nodejs", "libxtst6", "git", "make", "python3-venv"} <= set(packages())


def test_the_base_image_and_the_packages_are_of_the_same_day():
    [base] = re.findall(r"^FROM debian:bookworm-(\d{8})-slim$", DOCKERFILE, re.MULTILINE)
    [snapshot] = re.findall(r"^ARG SNAPSHOT=(\d{8})T000000Z$", DOCKERFILE, re.MULTILINE)
    assert base == snapshot
    assert DOCKERFILE.count("http") == DOCKERFILE.count("http://snapshot.debian.org/") + DOCKERFILE.count("http.server")


def left_out(path: str) -> bool:
    """Whether Docker leaves a file out: the last line that matches it, or a folder of it, counts."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if not line.startswith("#") and re.fullmatch(f"{pattern}(/.*)?", path):
            out = not line.startswith("!")
    return out


def test_the_image_gets_every_file_of_the_source_and_nothing_that_git_ignores():
    assert [name for name in source_tree.read(ROOT).files if left_out(name)] == []
    ignored = [line for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines() if line]
    for line in ignored:
        assert left_out(f"{line.strip('/').replace('*', 'demo')}/file.txt"), line
    assert left_out("src/minetest_interp/__pycache__/study.pyc")
