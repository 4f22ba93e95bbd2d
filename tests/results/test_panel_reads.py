"""A panel's script reads the results that its record declares, and no others."""

import importlib
import json
import shutil
from pathlib import Path

import pytest

from tests.results.graph import RECORDS
from tests.results.workshop import STUDY

OF_FACTS = ("file", "rule", "command", "numbers")  # what the facts say of a panel beside its settings


@pytest.mark.parametrize("name", STUDY["panels"])
def test_a_panel_is_drawn_from_the_results_that_its_record_declares(built, tmp_path, name):
    facts = json.loads((built.folder / "report/own/facts.json").read_text(encoding="utf-8"))
    settings = {key: value for key, value in facts["panels"][name].items() if key not in OF_FACTS}
    for file in RECORDS[name].files(Path(), settings):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(built.folder / "results/own" / file, tmp_path / file)
    files = {"png": f"{name}.png", "svg": f"{name}.svg", "phone": f"phone/{name}.webp"}
    importlib.import_module(RECORDS[name].script).main(
        ["--results", str(tmp_path), "--params", json.dumps(settings)]
        + [word for kind, file in files.items() for word in (f"--{kind}", str(tmp_path / file))]
    )
    for file in files.values():
        assert (tmp_path / file).read_bytes() == (built.folder / f"figures/own/{file}").read_bytes()
