"""What CONTRIBUTING.md works out is done to a copy of the repository, built and checked."""

import json
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest
import yaml

from tests.conftest import ROOT
from tests.results.workshop import MEASURE, STUDY

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"`([\w./-]+)`, (at the end|a new file|below the line that begins with `(.*?)`):?\n\n```\w+\n(.*?)```", re.DOTALL
)
MOST_FILES = {"A claim, worked": 4, "A panel, worked": 5}


class Step(NamedTuple):
    """A snippet and where it goes. anchor: the beginning of the line above it, empty at the end of the file."""

    file: str
    where: str
    anchor: str
    snippet: str

    def apply(self, text: str) -> str:
        if not self.anchor:
            space = "\n\n" if text and self.file.endswith(".py") else ""  # between functions
            return text + space + self.snippet
        lines = text.splitlines(keepends=True)
        [place] = [i for i, line in enumerate(lines) if line.strip().startswith(self.anchor)]
        return "".join([*lines[: place + 1], self.snippet, *lines[place + 1 :]])


def steps(section: str) -> list[Step]:
    [content] = re.findall(rf"^## {section}\n(.*?)(?=^## )", TEXT, re.DOTALL | re.MULTILINE)
    found = [Step(*groups) for groups in STEP.findall(content)]
    assert len(found) == content.count("```") // 2, "a snippet does not say where it goes"
    return found


@pytest.fixture(scope="module")
def contributed(built, tmp_path_factory):
    """The small study of a repository to which both examples were added, built again."""
    shop = built.copy(tmp_path_factory.mktemp("contributed") / "copy")
    for name in ("__init__.py", "conftest.py", "samples.py", "unit/test_behaviour.py"):
        (shop.folder / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / name, shop.folder / "tests" / name)
    for step in [step for section in MOST_FILES for step in steps(section)]:
        path = shop.folder / step.file
        assert path.exists() == (step.where != "a new file"), step.file
        path.write_text(step.apply(path.read_text(encoding="utf-8") if path.exists() else ""), encoding="utf-8")
    claims = yaml.safe_load((shop.folder / "config/claims.yaml").read_text(encoding="utf-8"))
    (shop.folder / "config/own-claims.yaml").write_text(
        yaml.safe_dump(claims | {"measure": MEASURE}, sort_keys=False), encoding="utf-8"
    )
    shop.write_study(STUDY | {"panels": STUDY["panels"] | {"steering-spread": {}}})
    shop.build()
    return shop


@pytest.mark.parametrize("section", MOST_FILES)
def test_an_addition_touches_few_files(section):
    files = {step.file for step in steps(section)}
    assert 1 < len(files) <= MOST_FILES[section]


def test_the_claim_is_in_the_ledger_and_below_its_figure(contributed):
    ledger = json.loads((contributed.folder / "results/own/ledger.json").read_text(encoding="utf-8"))
    [claim] = [claim for claim in ledger if claim["id"] == "steers-hard"]
    facts = json.loads((contributed.folder / "report/own/facts.json").read_text(encoding="utf-8"))
    sizes = [abs(frame["yaw"]) for frame in facts["frames"]]
    assert claim["estimate"] == pytest.approx(sum(size > 0.5 for size in sizes) / len(sizes))
    assert claim["parts"][1]["estimate"] == pytest.approx(sum(sizes) / len(sizes), rel=1e-5)
    page = (contributed.folder / "report/own/appendix.html").read_text(encoding="utf-8")
    below = page.split('<figure id="behaviour">')[1].split("</section>")[0]
    assert "The yaw is strong on most frames." in below
    assert "The yaw is strong on most frames." in (contributed.folder / "report/own/REPRODUCE.md").read_text("utf-8")


def test_the_panel_is_drawn_and_in_the_report(contributed):
    page = (contributed.folder / "report/own/appendix.html").read_text(encoding="utf-8")
    assert page.count('<figure id="steering-spread">') == 1 and "How often the yaw has which value" in page
    assert (contributed.folder / "figures/own/steering-spread.svg").is_file()
    facts = json.loads((contributed.folder / "report/own/facts.json").read_text(encoding="utf-8"))
    assert facts["panels"]["steering-spread"]["numbers"] == ["behaviours/yaw"] and "yaw" in facts["behaviours"]


def test_the_tests_of_the_examples_pass(contributed):
    files = [step.file for section in MOST_FILES for step in steps(section) if step.file.startswith("tests/")]
    paths = os.pathsep.join(str(contributed.folder / name) for name in ("src", "figures", "."))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "steer_hard or counted_once", *files],
        cwd=contributed.folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
