"""The digests that make Snakemake see what it would miss."""

import subprocess
import sys

import pytest

import workflow.digests as digests
from tests.conftest import ROOT

STAGES = sorted(path.stem for path in (ROOT / "src/minetest_interp/stages").glob("[a-z]*.py"))
SCRIPTS = sorted(path.stem for path in (ROOT / "figures").glob("[a-z]*.py"))


@pytest.mark.parametrize("entry", [f"minetest_interp.stages.{name}" for name in STAGES] + SCRIPTS)
def test_the_declared_closure_contains_every_first_party_module_really_imported(entry):
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'src')!r}, {str(ROOT / 'figures')!r}]; import {entry}; "
        "print(*(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)), sep='\\n')"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    inside = (str(ROOT / "src"), str(ROOT / "figures"))
    imported = {path for path in output.splitlines() if path.startswith(inside)}
    declared = {str(path) for path in digests.closure(entry)}
    assert imported and imported <= declared


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package of two modules, `a` importing `b`."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(
        '"""Doc."""\nimport b\n\n\ndef f(x):\n    """Doc."""\n    return b.g(x)  # why\n'
    )
    (tmp_path / "src/b.py").write_text("def g(x):\n    return x + 1\n")
    monkeypatch.setattr(digests, "ROOT", tmp_path)
    monkeypatch.setattr(digests, "SEARCH", (tmp_path / "src",))

    def digest():
        digests._parse.cache_clear()
        digests.code_digest.cache_clear()
        return digests.code_digest("a")

    yield tmp_path / "src", digest
    digests._parse.cache_clear()
    digests.code_digest.cache_clear()


def test_comments_docstrings_and_layout_do_not_count(house):
    folder, digest = house
    before = digest()
    (folder / "a.py").write_text('"""Other."""\nimport b\n\ndef f(x):\n    "Other."\n    return b.g( x )\n')
    assert digest() == before


@pytest.mark.parametrize("module", ["a", "b"])
def test_a_change_of_what_the_code_does_counts_wherever_it_is(house, module):
    folder, digest = house
    before = digest()
    file = folder / f"{module}.py"
    file.write_text(file.read_text().replace("return", "return 2 *"))
    assert digest() != before


def test_relative_imports_are_refused(house):
    folder, digest = house
    (folder / "b.py").write_text("from . import c\n")
    with pytest.raises(ValueError, match="must be absolute"):
        digest()


def test_a_files_digest_depends_on_its_bytes_alone(tmp_path):
    digests.file_digest.cache_clear()
    (tmp_path / "x").write_bytes(b"1")
    (tmp_path / "y").write_bytes(b"1")
    assert digests.file_digest(tmp_path / "x") == digests.file_digest(tmp_path / "y") != "absent"
    assert digests.file_digest(tmp_path / "z") == "absent"
