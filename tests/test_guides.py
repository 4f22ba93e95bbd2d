"""The commands and examples of the README and of docs/, run as written; every link and file that they name is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import flax.serialization
import jax
import numpy as np
import pytest
import yaml
from PIL import Image

from minetest_interp import study
from minetest_interp.model import checkpoint
from minetest_interp.model.policy import Geometry
from tests.conftest import ROOT, random_policy, whole_builds

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "ARTIFACT.md",
        ROOT / "config/README.md",
        *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "example"),  # a build's words
    )
}
TEXT = "\n".join(PAGES.values())
# Written by the reader, or by a build.
MADE = (
    "config/mine.yaml", "figures/steering_spread", "tests/unit/test_figure_steering_spread",
    "figures/demo", "figures/own", "results/", "report/demo", "report/mine", "report/pong", "report/treechop",
)  # fmt: skip


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def commands() -> list[str]:
    """The builds that pages name: lines of shell blocks, and code in the text."""
    shell = [block for page in PAGES for block in blocks(page, "sh")]
    lines = [line.split("#")[0].strip() for block in shell for line in block.splitlines()]
    inline = re.findall(r"`(snakemake [^`]*)`", TEXT)
    found = [command for command in dict.fromkeys([*lines, *inline]) if command.startswith("snakemake --cores 4")]
    return [command for command in found if not re.search(r"study=(mine|own)|STUDY|NAME|PATH", command)]


def built() -> None:
    if not (ROOT / "results/demo/stacks.npz").is_file():
        pytest.skip("NOT CHECKED: this example reads the demo build; run make first")


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 150


@pytest.mark.parametrize("command", commands())
def test_commands_plan_a_build(command, request):
    if "FOLDER" in command:
        command = command.replace("FOLDER", str(request.getfixturevalue("treechop")))
    here = os.environ | {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    done = subprocess.run(
        f"{command} --dry-run --quiet --nolock", shell=True, cwd=ROOT, env=here, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_make_target_is_one():
    named = set(re.findall(r"^make ([a-z][\w-]*)", TEXT, re.MULTILINE)) | set(re.findall(r"`make ([a-z][\w-]*)", TEXT))
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named and named <= targets


@pytest.mark.parametrize(("page", "place"), [("README.md", 0), ("docs/own-policy.md", 1)])
def test_the_study_of_ones_own_is_valid(page, place, tmp_path):
    (tmp_path / "config").mkdir()
    for folder in ("my-files/frames", "my-labels/frames", "my-labels/masks"):
        (tmp_path / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / folder / "one.png")
    shutil.copy(ROOT / "config/claims.yaml", tmp_path / "config")
    (tmp_path / "config/mine.yaml").write_text(blocks(page, "yaml")[place], encoding="utf-8")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "my-files/frames/some_frame.png")
    checkpoint.save(tmp_path / "my-files/agent.model", random_policy(Geometry(hidden=8, actions=6)), {})
    loaded = study.load(tmp_path / "config/mine.yaml", ROOT / "workflow/schemas/study.schema.yaml")
    actions = loaded.actions["factors"]["do"]
    assert checkpoint.load(loaded.checkpoint, size=64).policy.geometry.actions == len(actions)


@whole_builds
def test_the_walk_through_pong_ends_with_its_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = "docs/own-policy.md"
    exec(compile(blocks(page, "python")[0], page, "exec"), {})
    study = blocks(page, "yaml")[0]
    assert len(study.splitlines()) == 10
    Path("pong.yaml").write_text(study, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2", "--config",
         "study=pong.yaml"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = Path("report/pong/appendix.html").read_text(encoding="utf-8")
    assert "block2_1" in report and "the study names no behaviour that should change sign in a mirror" in report
    assert Path("results/pong/policy.onnx").stat().st_size > 10**6


def after_the_example(page, monkeypatch):
    """The variables that the page's example leaves, run where its reader would."""
    built()
    monkeypatch.chdir(ROOT)
    names: dict = {}
    [example] = blocks(page, "python")
    exec(compile(example, page, "exec"), names)
    return names


def test_the_example_of_dreams_ascends(monkeypatch):
    names = after_the_example("docs/dreams.md", monkeypatch)
    assert names["pictures"].shape == (1, 2, 1, 64, 64)
    assert (names["dream"].scores[-1] > names["dream"].scores[0]).all()


def test_the_example_of_another_policy_names_its_layers(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    example = blocks("docs/own-policy.md", "python")[-1]
    exec(compile(example, "docs/own-policy.md", "exec"), {})
    assert capsys.readouterr().out.strip() == re.search(r"print\(.*\)  # (.*)", example).group(1)


def test_the_example_of_a_network_of_ones_own_is_studied(tmp_path):
    """Its layers are those that the page names."""
    [program] = [block for block in blocks("docs/own-policy.md", "python") if "nn.Module" in block]
    (tmp_path / "agent.py").write_text(program, encoding="utf-8")
    [study_of_it] = [block for block in blocks("docs/own-policy.md", "yaml") if "module" in block]
    settings = yaml.safe_load(study_of_it)["policy"]
    names: dict = {}
    exec(compile(program, "docs/own-policy.md", "exec"), names)
    stack = np.zeros((1, settings["frames"], settings["size"], settings["size"]), np.float32)
    params = names["Network"](**settings["arguments"]).init(jax.random.key(0), stack)["params"]
    path = tmp_path / settings.pop("checkpoint")
    path.write_bytes(flax.serialization.to_bytes({"params": params}))  # as the page exports it
    loaded = checkpoint.load(path, **settings | {"module": tmp_path / settings["module"]}).policy
    _, *layers = loaded.architecture.targets
    assert f"the layers {' and '.join(f'`{layer}`' for layer in layers)}." in PAGES["docs/own-policy.md"]
    assert loaded.run(stack).logits.shape == (1, 6)


def test_the_example_of_claims_ablates(monkeypatch):
    names = after_the_example("docs/claims.md", monkeypatch)
    assert names["effects"].shape == (40, 64, 5) and sorted(names["ranking"]) == list(range(64))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_every_file_that_is_named_is_there(page):
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", PAGES[page]):
        assert re.match(r"https?://|<", target) or (folder / target).exists(), target
    named = re.findall(r"`((?:tests|workflow|config|data|src|figures|report|benchmarks|docs)/[\w./-]*\w)`", PAGES[page])
    for path in named:
        made = path.startswith(MADE) or re.search("NAME|STUDY", path)
        assert made or (ROOT / path).exists(), path


def test_every_term_of_the_glossary_is_used():
    """In the pages, or in the words of the report."""
    words = TEXT + "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "report").glob("*.*"))
    terms = re.findall(r"^\| ([a-z ]+) \|", PAGES["docs/glossary.md"], re.MULTILINE)
    terms.remove("term")
    assert len(terms) > 30
    assert [term for term in terms if len(re.findall(rf"\b{term}", words, re.IGNORECASE)) < 2] == []
