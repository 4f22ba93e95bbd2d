"""The README's commands and examples, run as written."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minetest_interp import study
from minetest_interp.model import checkpoint
from minetest_interp.model.policy import Geometry
from tests.conftest import ROOT, random_policy

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block(words: str) -> str:
    """The one Python example that has these words."""
    [found] = [example for example in blocks("python") if words in example]
    return found


COMMANDS = [
    line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.startswith("snakemake")
]
COMMANDS += [command for command in re.findall(r"`(snakemake --cores 4[^`]*)`", README) if "study=mine" not in command]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_plan_a_build(command, request):
    if "FOLDER" in command:
        command = command.replace("FOLDER", str(request.getfixturevalue("treechop")))
    here = os.environ | {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    done = subprocess.run(
        f"{command} --dry-run --quiet --nolock", shell=True, cwd=ROOT, env=here, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_study_of_ones_own_is_valid(tmp_path):
    (tmp_path / "config").mkdir()
    for folder in ("my-files/frames", "my-labels/frames", "my-labels/masks"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / folder / "one.png")
    shutil.copy(ROOT / "config/claims.yaml", tmp_path / "config")
    (tmp_path / "config/mine.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "my-files/frames/some_frame.png")
    checkpoint.save(tmp_path / "my-files/agent.model", random_policy(Geometry(hidden=8, actions=6)), {})
    loaded = study.load(tmp_path / "config/mine.yaml", ROOT / "workflow/schemas/study.schema.yaml")
    actions = loaded.config["actions"]["factors"]["do"]
    assert checkpoint.load(loaded.checkpoint).policy.geometry.actions == len(actions)


def test_the_library_example_dreams(monkeypatch, capsys):
    if not (ROOT / "results/demo/stacks.npz").is_file():
        pytest.skip("NOT CHECKED: the README's example reads the demo build; run make first")
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(compile(block("dream ="), "README.md", "exec"), names)
    assert names["pictures"].shape == (1, 2, 1, 64, 64)
    assert (names["dream"].scores[-1] > names["dream"].scores[0]).all()


def test_the_library_example_ablates(monkeypatch):
    if not (ROOT / "results/demo/stacks.npz").is_file():
        pytest.skip("NOT CHECKED: the README's example reads the demo build; run make first")
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(compile(block("ablation_effects"), "README.md", "exec"), names)
    assert names["effects"].shape == (40, 64, 5) and sorted(names["ranking"]) == list(range(64))


def test_every_file_that_the_readme_names_is_there():
    for path in re.findall(r"`((?:tests|workflow|config|data|src|figures|benchmarks)/[\w./-]+\.\w+)`", README):
        made_by_the_reader = path == "config/mine.yaml" or path.startswith("figures/demo")
        assert made_by_the_reader or (ROOT / path).exists(), path
