"""The generated pages of docs/ are as `make docs` writes them, and say what the registries say."""

import json
import re

from docs import generate
from tests.conftest import ROOT

TABLES = {path.name: path.read_text(encoding="utf-8") for path in generate.pages()}


def cells(name):
    rows = [line.strip("| ").split(" | ") for line in TABLES[name].splitlines() if line.startswith("| ")]
    return rows[2:]


def test_the_generated_pages_are_up_to_date():
    for path, content in generate.pages().items():
        assert path.read_text(encoding="utf-8") == content, f"{path.name} has changed: run make docs"


def test_every_panel_has_a_row_with_the_script_that_is_there():
    names = re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "figures/panels.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert [row[0] for row in cells("panels.md")] == [f"`{name}`" for name in names]
    for script in re.findall(r"\(\.\./(figures/.*?)\)", TABLES["panels.md"]):
        assert (ROOT / script).is_file()


def test_every_verdict_is_the_expected_one():
    numbers = {
        study: json.loads((ROOT / f"expected/{study}.json").read_text(encoding="utf-8"))["numbers"]
        for study in ("treechop", "demo")
    }
    verdicts = [
        [value[0] for key, value in found.items() if re.fullmatch(r"claims/[^/]*/verdict", key)]
        for found in numbers.values()
    ]
    assert [[row[1], row[3]] for row in cells("verdicts.md")] == [list(pair) for pair in zip(*verdicts, strict=True)]
