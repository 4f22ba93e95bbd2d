"""The generated pages of docs/ are as `make docs` writes them, and say what the registries say."""

import json
import re
import tomllib

import numpy as np
import pytest
import yaml

from docs import artifact, deposit, example, generate
from minetest_interp.model import checkpoint
from tests.conftest import ROOT

TABLES = {path.name: path.read_text(encoding="utf-8") for path in generate.pages()}


def cells(name):
    rows = [line.strip("| ").split(" | ") for line in TABLES[name].splitlines() if line.startswith("| ")]
    return rows[2:]


def test_the_generated_pages_are_up_to_date():
    for path, content in generate.pages().items():
        assert path.read_text(encoding="utf-8") == content, f"{path.name} has changed: run make docs"


def without_numbers(text):
    """The numbers of a build may differ from one machine to another, its words not."""
    return re.sub(r"[\d.,]*\d", "0", text)


@pytest.mark.parametrize("study", ["demo", "treechop"])
def test_the_manifest_of_a_codecheck_is_what_a_build_makes(study):
    manifest = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf-8"))["manifest"]
    listed = {row["file"] for row in manifest if f"/{study}/" in row["file"]}
    pages = {f"report/{study}/{name}" for name in ("index.html", "facts.json", "REPRODUCE.md")}
    assert pages <= listed and all(row["comment"] for row in manifest)
    if not (ROOT / f"report/{study}/REPRODUCE.md").is_file():
        pytest.skip(f"NOT CHECKED: the files follow from the build of {study}; run make STUDY={study} first")
    figures = {path.relative_to(ROOT).as_posix() for path in (ROOT / "figures" / study).glob("*.png")}
    assert listed == pages | figures and all((ROOT / name).is_file() for name in listed)


def test_the_training_of_the_published_agent_is_that_of_its_checkpoint(treechop):
    args = checkpoint.load(treechop / "ppo_treechop-v0.model", size=64, strides=[4, 2, 1]).args
    assert artifact.TRAINING.items() <= args.items()


def test_the_appendix_for_evaluators_has_the_expected_numbers():
    page = (ROOT / "ARTIFACT.md").read_text(encoding="utf-8")
    numbers = json.loads((ROOT / "expected/treechop.json").read_text(encoding="utf-8"))["numbers"]
    assert f"Of the {numbers['published/total'][0]} numbers" in page and f"{len(numbers):,} of the published" in page
    verdicts = [path for path in numbers if re.fullmatch(r"claims/[^/]*/verdict", path)]
    assert f"Its {len(verdicts)} claims" in page
    for verdict in artifact.VERDICTS:
        assert f"{sum(numbers[path][0] == verdict for path in verdicts)} {verdict}" in page


def test_the_example_is_the_report_that_the_demo_builds():
    if not (example.REPORT / "report.md").is_file():
        pytest.skip(f"NOT CHECKED: {example.EXAMPLE} follows from the demo build; run make first")
    built = (example.REPORT / "report.md").read_text(encoding="utf-8")
    kept = (example.EXAMPLE / "report.md").read_text(encoding="utf-8")
    assert without_numbers(kept) == without_numbers(example.example(built)), "the report has changed: run make example"
    names = [{path.name for path in of.glob("*.png")} for of in (example.FIGURES, example.EXAMPLE / "figures")]
    assert names[0] == names[1]


def test_the_example_stands_alone_and_is_small():
    text = (example.EXAMPLE / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(<?([^<>)#]+)", text)
    beside = [link for link in links if not link.startswith("https://")]
    assert len(beside) > 20 and all((example.EXAMPLE / link).is_file() for link in beside)
    assert sum(path.stat().st_size for path in example.EXAMPLE.rglob("*.*")) < 3e6


def test_links_to_pages_that_are_not_beside_the_example_are_text():
    pages = "[a \\[b\\]](<frames.html#frame/1>), [all](<atlas.html>)"
    report = f"# T\n\n![Film](<film.webp>)\n\nSee {pages} and [here](#there).\n"
    assert example.example(report) == f"# T\n\n{example.NOTE}\n\nSee a \\[b\\], all and [here](#there).\n"


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


def test_every_place_that_cites_the_project_says_the_same_of_it():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    zenodo, codemeta = (json.loads((ROOT / name).read_text("utf-8")) for name in (".zenodo.json", "codemeta.json"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == zenodo["version"] == codemeta["version"] == project["version"]
    assert citation["title"] == zenodo["title"] == codemeta["name"]
    assert citation["abstract"] == zenodo["description"] == codemeta["description"]
    licence = citation["license"]
    assert licence == zenodo["license"] == project["license"]["text"] == codemeta["license"].rpartition("/")[2]
    authors = [[each["name"] for each in of] for of in (citation["authors"], zenodo["creators"], codemeta["author"])]
    assert authors[0] == authors[1] == authors[2]


def test_a_person_is_cited_with_the_family_name_first():
    assert deposit.names([{"family-names": "B", "given-names": "A"}, {"name": "The C"}]) == ["B, A", "The C"]


def test_the_readme_says_of_the_episodes_what_was_recorded():
    words = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    recorded = {agent: np.load(ROOT / f"data/episodes/{agent}.npz") for agent in ("treechop", "random", "forward")}
    own, random, forward = (f"{arrays['shaped'].sum(1).mean():.1f}" for arrays in recorded.values())
    assert f"{own} on average, with random actions {random}, walking straight on {forward}," in words
    places, dug = len(recorded["treechop"]["place"]), recorded["treechop"]["dug"].sum()
    assert f"in {places} episodes" in words and f"it dug {dug} log" in words
