"""Rules of this code base that no reviewer should have to remember."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import tomllib
from collections import defaultdict

import numpy as np
import pytest
import yaml
from importlinter.cli import lint_imports
from jaxtyping import TypeCheckError

import minetest_interp
from minetest_interp.analysis import stats
from minetest_interp.model import labels
from minetest_interp.provenance import environment, source_tree
from tests.conftest import ROOT

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(minetest_interp.__path__, "minetest_interp.")
    if ".stages" not in module.name
]
PUBLIC = [
    function
    for module in MODULES
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
]
PROSE = (
    "src/",
    "workflow/",
    "figures/",
    "report/",
    "benchmarks/",
    "docs/",
    "config/",
    "Snakefile",
    "Makefile",
    "README.md",
    "CONTRIBUTING.md",
    "ARTIFACT.md",
)
PRIVATE = re.compile(
    r"(?<![a-z])(rooms?|houses?|told|alike|(?<!YMid )meets?|hangs? on|gives? leave|behind (?:its|the|their) ReLU)"
    r"(?![a-z])",
    re.IGNORECASE,  # "xMidYMid meet" is SVG
)
# What each does is said by its module: `frames.read`, `checkpoint.load`.
VERBS = {
    "measure",
    "work",
    "compare",
    "compute",
    "describe",
    "find",
    "load",
    "read",
    "remove",
    "render",
    "run",
    "write",
}

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, str]:
    """Package to version; where a lock has one version for each range of Python, the first, for the oldest."""
    found = re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(reversed(found))


@pytest.mark.parametrize("function", PUBLIC, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_options_are_keyword_only_and_public_functions_documented(function):
    options = [p for p in inspect.signature(function).parameters.values() if p.default is not p.empty]
    assert all(p.kind is p.KEYWORD_ONLY for p in options), f"put `*` before the options of {function.__name__}"
    assert function.__doc__ or len(inspect.getsource(function).splitlines()) <= 3, f"say what {function.__name__} gives"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_the_library_knows_neither_the_workflow_nor_how_figures_are_drawn(module):
    code = inspect.getsource(module)
    assert not re.search(r"^\s*(import|from) (snakemake|matplotlib)", code, re.MULTILINE)


def test_locks_pin_every_package_with_a_hash_and_name_no_address():
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text()
        assert "://" not in text and "--index" not in text
        entries = re.split(r"\n(?=\S)", text)
        assert all("--hash=sha256:" in entry for entry in entries if re.match(r"[a-z]", entry))


def test_the_test_lock_extends_the_lock_and_both_cover_the_declared_dependencies():
    run, test, slurm = (pins(f"requirements/{part}.lock") for part in ("run", "test", "slurm"))
    assert run.items() <= test.items()
    assert all(run.get(name, version) == version for name, version in slurm.items())
    assert set(PYPROJECT["project"]["dependencies"]) <= set(run)
    lines = (ROOT / "requirements/run.in").read_text().splitlines()
    asked = {line.partition("#")[0].strip() for line in lines}
    assert set(PYPROJECT["project"]["dependencies"]) | {"snakemake", "flit_core"} == asked
    assert set(environment.PACKAGES) <= set(run)


def test_conda_users_get_the_locked_versions():
    """The environment takes its packages from the lock itself, on a Python that the project supports."""
    wanted = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert wanted[-1] == {"pip": ["-r requirements/run.lock"]}
    python = next(entry for entry in wanted if isinstance(entry, str) and entry.startswith("python="))
    oldest = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, python.removeprefix("python=").split("."))) >= tuple(map(int, oldest.split(".")))


def test_an_older_python_is_told_so(tmp_path):
    """The Makefile's check, run by a stand-in that reports version 3.10."""
    (tmp_path / "python").write_text(
        "#!/bin/sh\nexec python3 -c 'import sys; sys.version_info = (3, 10); exec(sys.argv[1])' \"$2\"\n"
    )
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "requirements").mkdir()
    for needed in ("requirements/run.lock", "pyproject.toml"):
        (tmp_path / needed).touch()
    command = ["make", "-C", str(tmp_path), "-f", str(ROOT / "Makefile"), f"PYTHON={tmp_path / 'python'}"]
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode != 0 and "error: Python must be 3.11 or newer" in failed.stderr
    assert not (tmp_path / ".venv").exists()


def test_no_file_of_the_source_is_large_and_demo_and_episodes_are_at_most_twelve_megabytes_each():
    sizes = {name: (ROOT / name).stat().st_size for name in source_tree.read(ROOT).files}
    assert max(sizes.values()) <= 3_000_000
    for folder in ("data/demo", "data/episodes"):
        assert sum(size for name, size in sizes.items() if name.startswith(folder)) <= 12_000_000


def test_imports_point_down_only():
    """The layers are contracts in pyproject.toml."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == 0


def test_tests_check_the_axes_of_arrays():
    with pytest.raises(TypeCheckError, match="parameter 'direction'"):
        stats.cosine_similarity(np.ones((2, 3)), np.ones(4))
    with pytest.raises(TypeCheckError, match="parameter 'mask'"):
        labels.horizontal_centre(np.zeros((4, 4)))


def sources(folder: str = "src/minetest_interp") -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / folder).rglob("*.py"))}


def test_modules_have_at_most_350_lines_and_functions_of_stages_at_most_40():
    long = {name for name, text in sources().items() if text.count("\n") > 350}
    for name, text in sources("src/minetest_interp/stages").items():
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        long |= {f"{name}:{node.name}" for node in functions if node.end_lineno - node.lineno >= 40}
    assert not long


def test_a_public_name_has_one_meaning():
    """Verbs such as `read` mean what their module is about; every other public name is defined once."""
    defined = defaultdict(list)
    for name, text in sources().items():
        if "/stages/" not in name:
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    defined[node.name].append(name)
    twice = {name for name, modules in defined.items() if len(modules) > 1}
    assert not twice - VERBS


def test_the_prose_is_plain_english():
    """In names, comments, messages and documents."""
    names = [name for name in source_tree.read(ROOT).files if name.startswith(PROSE)]
    texts = {name: (ROOT / name).read_text() for name in names if not name.endswith(".png")}
    found = {f"{name}: {match[0].lower()}" for name, text in texts.items() for match in PRIVATE.finditer(text)}
    assert not found
