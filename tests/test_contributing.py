"""What CONTRIBUTING.md and config/README.md say is so, and the hooks need nothing but the locked tools."""

import re

import numpy as np
import pytest
import yaml

from minetest_interp.model.policy import Geometry
from tests.conftest import ROOT, random_policy
from tests.test_conventions import pins

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_worked_objective_is_certain_between_its_bounds_and_its_dream_grows_doubtful():
    [example] = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "class Certainty" in block]
    names: dict = {"__name__": "worked"}
    exec(compile(example, "CONTRIBUTING.md", "exec", dont_inherit=True), names)
    policy = random_policy(Geometry(1, 64, (4, 4, 4), (8, 4, 3), (4, 2, 1), 16, 6), gain=1000.0)
    dream = names["dream_of_doubt"](policy, 20)
    assert (np.asarray(dream.scores) >= 0).all() and (np.asarray(dream.scores) <= np.log(6) + 1e-6).all()
    assert dream.scores[-1] > dream.scores[0] + 0.1


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "config/README.md"])
def test_every_file_that_is_named_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|workflow|config|src|figures|report|data)/[\w./-]*[\w-])/?`", text)
    assert named
    new = re.findall(r"`([\w./-]+)`, a new file", text)
    assert [path for path in named if not (path in new or "NAME" in path or (ROOT / path).exists())] == []


def test_the_hooks_run_locked_tools_and_fetch_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    commands = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks[0]["hooks"]}
    tools = {"import-linter" if command == "lint-imports" else command for command in commands}
    assert tools <= pins("requirements/test.lock").keys() and "pre-commit" in pins("requirements/test.lock")
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"unsupported"}


def test_jobs_under_conda_get_the_python_and_the_lock_of_everyone_else():
    used = yaml.safe_load((ROOT / "workflow/envs/software.yaml").read_text())["dependencies"]
    offered = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert used == [entry for entry in offered if entry in ("python=3.11", "pip")]
    assert "--require-hashes -r requirements/run.lock" in (ROOT / "workflow/envs/software.post-deploy.sh").read_text()
