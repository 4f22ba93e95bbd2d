"""A change is of one place, and a sample is the same every time."""

import ast

import pytest

from tests.mutants import lines, run, sites
from tests.mutants.sites import ROOT


def becomes(tmp_path, text):
    """What each of a text's mutants is."""
    file = tmp_path / "module.py"
    file.write_text(text, encoding="utf-8")
    return [sites.applied(mutant, file.read_bytes()).decode() for mutant in sites.mutants(file, file.name)]


@pytest.mark.parametrize(
    ("text", "mutants"),
    [
        ("a < b", ["a <= b", "a >= b"]),
        ("'π' not  in b", ["'π' in b"]),
        ("(a) and (b)", ["(a) or (b)"]),
        ("a ** b", ["a * b"]),
        ("a -= 0.5", ["a += 0.5", "a -= 1.0"]),
        ("f(1)", ["f(0)", "f(2)"]),
        ("x = not True", ["x =  True", "x = not False"]),
        ("[a for a in b if a]", ["[a for a in b if not a]"]),
        ("def f(a: 3) -> 4:\n    return (a)", ["def f(a: 3) -> 4:\n    return (None)"]),
        ("f'{1 + 1}'", []),
    ],
)
def test_each_kind_of_change(tmp_path, text, mutants):
    assert becomes(tmp_path, text) == mutants


def test_every_mutant_of_a_module_means_something_else():
    path = ROOT / "src/minetest_interp/analysis/stats.py"
    source = path.read_bytes()
    meant = [ast.dump(ast.parse(sites.applied(mutant, source))) for mutant in sites.mutants(path, path.name)]
    assert len({*meant, ast.dump(ast.parse(source))}) == len(meant) + 1 > 20


def test_a_longer_sample_begins_with_a_shorter_one():
    assert run.sample(40)[:30] == run.sample(30) and len({mutant.path for mutant in run.sample(30)}) > 10


def test_a_batch_of_tests_that_was_interrupted_is_measured_anew(tmp_path, monkeypatch):
    batch = lines.Batch(tmp_path / "batch")
    batch.folder.mkdir()
    (batch.folder / "data").write_text("half of it")
    monkeypatch.setattr(lines.subprocess, "run", lambda *_, **__: None)
    assert batch.files() == {}
    batch.measure({"tests/unit/test_one.py": "its digest"})
    assert batch.files() == {"tests/unit/test_one.py": "its digest"}
    assert [path.name for path in batch.folder.iterdir()] == ["files.json"]
