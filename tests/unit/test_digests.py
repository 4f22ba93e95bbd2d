"""The digests that make Snakemake see what it would miss."""

import hashlib
import json
import subprocess
import sys

import pytest

import workflow.digests as digests
from tests.conftest import ROOT

STAGES = sorted(path.stem for path in (ROOT / "src/minetest_interp/stages").glob("[a-z]*.py"))
SCRIPTS = sorted(path.stem for path in (ROOT / "figures").glob("[a-z]*.py"))


ENTRIES = [f"minetest_interp.stages.{name}" for name in STAGES] + SCRIPTS
# Other people's modules stay in memory, ours are imported anew for every entry.
IMPORT_EACH = """
import importlib, json, sys
roots, entries = json.loads(sys.argv[1]), sys.argv[2:]
sys.path[:0] = roots
for entry in entries:
    importlib.import_module(entry)
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    ours = {name: file for name, file in files.items() if file.startswith(tuple(roots))}
    print(json.dumps(list(ours.values())))
    for name in ours:
        del sys.modules[name]
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """Entry to the first-party files really imported."""
    roots = json.dumps([str(root) for root in digests.SEARCH])
    command = [sys.executable, "-c", IMPORT_EACH, roots, *ENTRIES]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(zip(ENTRIES, (set(json.loads(line)) for line in output.splitlines()), strict=True))


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_declared_closure_is_every_first_party_module_really_imported(entry, imported):
    """What a job imports only once it runs is seen in tests/results/test_workflow.py."""
    assert imported[entry] == {str(path) for path in digests.closure(entry)}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, `a` importing `b`."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(
        '"""Doc."""\nimport b\n\n\ndef f(x):\n    """Doc."""\n    return b.g(x)  # why\n'
    )
    (tmp_path / "src/b.py").write_text("def g(x):\n    return x + 1\n")
    monkeypatch.setattr(digests, "ROOT", tmp_path)
    monkeypatch.setattr(digests, "SEARCH", (tmp_path / "src",))
    monkeypatch.setattr(digests, "LOCK", tmp_path / "run.lock")
    monkeypatch.setattr(digests, "PARSED", tmp_path / "parsed")
    digests.LOCK.write_text("jax==1.0 \\\n    --hash=sha256:0\n    # via flax\nnumpy==2.0 ; python_version < '4'\n")

    def forget():
        for remembered in (digests._find, digests._read, digests.lock_digest, digests.code_digest):
            remembered.cache_clear()

    def digest():
        forget()
        return digests.code_digest("a")

    yield tmp_path / "src", digest
    forget()


def test_comments_docstrings_and_layout_do_not_count(package):
    folder, digest = package
    before = digest()
    (folder / "a.py").write_text('"""Other."""\nimport b\n\ndef f(x):\n    "Other."\n    return b.g( x )\n')
    assert digest() == before


def test_what_was_parsed_is_kept_and_a_damaged_record_of_it_read_anew(package, monkeypatch):
    folder, digest = package
    first = digest()
    records = sorted(digests.PARSED.iterdir())
    assert len(records) == len(list(folder.iterdir()))
    with monkeypatch.context() as patched:
        patched.setattr(digests, "_parse", None)
        assert digest() == first
    for record, content in zip(records, (b"{", b'{"meaning": 1}'), strict=True):
        record.write_bytes(content)
    assert digest() == first


@pytest.mark.parametrize("module", ["a", "b"])
def test_a_change_of_what_the_code_does_counts_wherever_it_is(package, module):
    folder, digest = package
    before = digest()
    file = folder / f"{module}.py"
    file.write_text(file.read_text().replace("return", "return 2 *"))
    assert digest() != before


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("jax==1.0", "jax==1.1", True),
        ("'4'", "'3.12'", True),
        ("numpy==2.0", "numpy==2.0\nscipy==1.0", True),
        ("via flax", "via optax", False),
        ("sha256:0", "sha256:1", False),
        ("sha256:0\n", "sha256:0 \\\n    --hash=sha256:1\n", False),
    ],
)
def test_a_locked_version_counts_as_code_and_nothing_else_in_the_lock(package, old, new, counts):
    _, digest = package
    before = digest()
    digests.LOCK.write_text(digests.LOCK.read_text().replace(old, new))
    assert (digest() != before) == counts


def test_every_version_of_the_real_lock_counts():
    pins = [line for line in digests.LOCK.read_text().splitlines() if "==" in line.split(";")[0]]
    assert len(pins) > 50 and digests.pins(digests.LOCK.read_text()) == [pin.removesuffix(" \\") for pin in pins]


def test_relative_imports_are_refused(package):
    folder, digest = package
    (folder / "b.py").write_text("from . import c\n")
    with pytest.raises(ValueError, match="must be absolute"):
        digest()


def test_a_files_digest_depends_on_its_bytes_alone(tmp_path):
    digests.file_digest.cache_clear()
    (tmp_path / "x").write_bytes(b"1")
    (tmp_path / "y").write_bytes(b"1")
    assert digests.file_digest(tmp_path / "x") == digests.file_digest(tmp_path / "y") != "absent"
    assert digests.file_digest(tmp_path / "z") == "absent"


def test_a_published_file_counts_by_its_published_digest_before_and_after_it_was_fetched(tmp_path):
    digests.file_digest.cache_clear()
    known = {tmp_path / "x": hashlib.sha256(b"1").hexdigest()}
    before = digests.files_digest([tmp_path / "x"], known)
    (tmp_path / "x").write_bytes(b"1")
    assert digests.files_digest([tmp_path / "x"], known) == before == digests.files_digest([tmp_path / "x"])
