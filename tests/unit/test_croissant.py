"""The description of the captures for machines is true of every file and cell, and so is the datasheet's table."""

import csv
import fnmatch
import hashlib
import json
import re
from collections import Counter

import pytest

from docs import croissant
from tests.conftest import ROOT

DATA = ROOT / "data"
DESCRIBED = json.loads((DATA / "croissant.json").read_text(encoding="utf-8"))
PARTS = {part["@id"]: part for part in DESCRIBED["distribution"]}
SETS = {part["@id"]: part for part in DESCRIBED["recordSet"]}
READ = {"sc:Text": str, "sc:Integer": int, "sc:Float": float}
FOLDERS = [captures.folder for captures in croissant.CAPTURES]


def rows(folder: str) -> list[dict[str, str]]:
    with (DATA / folder / "frames.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_picture_and_table_is_in_exactly_one_part():
    patterns = [part.get("includes", part.get("contentUrl")) for part in PARTS.values()]
    described = {".csv", ".jpg", ".png", *croissant.EPISODES}
    names = [path.relative_to(DATA).as_posix() for path in DATA.rglob("*.*") if path.suffix in described]
    matches = Counter(name for name in names for pattern in patterns if fnmatch.fnmatch(name, pattern))
    assert len(names) > 2000 and set(matches.values()) == {1} and set(matches) == set(names)


def test_tables_and_episodes_have_the_digests_that_are_stated():
    stated = [part for part in PARTS.values() if part["@type"] == "cr:FileObject"]
    assert sum(part["encodingFormat"] == "text/csv" for part in stated) == len(FOLDERS)
    for part in stated:
        assert hashlib.sha256((DATA / part["contentUrl"]).read_bytes()).hexdigest() == part["sha256"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_cell_has_the_type_of_its_column(folder):
    fields = {part["source"]["extract"]["column"]: part["dataType"] for part in SETS[f"{folder}/rows"]["field"]}
    found = rows(folder)
    assert list(found[0]) == list(fields)
    for row in found:
        for column, cell in row.items():
            assert cell == "" or READ[fields[column]](cell) is not None
    assert len({row["name"] for row in found}) == len(found)


def test_pictures_are_found_by_the_names_in_the_table():
    for captures in croissant.CAPTURES:
        names = {row["name"] for row in rows(captures.folder)}
        for folder in captures.pictures:
            name, _ = SETS[f"{captures.folder}/{folder}/records"]["field"]
            pattern = name["source"]["transform"]["regex"]
            found = {re.match(pattern, p.name)[1] for p in (DATA / captures.folder / folder).iterdir()}
            assert found <= names and (folder == "depth" or found == names)


def test_every_reference_is_to_something_that_is_described():
    known = set(PARTS) | set(SETS) | {field["@id"] for part in SETS.values() for field in part["field"]}
    text = json.dumps({key: value for key, value in DESCRIBED.items() if key != "@context"})
    assert set(re.findall(r'\{"@id": "([^"]*)"\}', text)) <= known


KINDS = {
    "": "single ones",
    "day": "of day and night",
    "no trunk": "of a trunk taken away",
    "moved trunk": "of a trunk moved",
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_datasheet_counts_the_frames(folder):
    [line] = re.findall(
        rf"^\| `data/{folder}` \| (.*?) \|", (ROOT / "docs/datasheet.md").read_text("utf-8"), re.MULTILINE
    )
    found = rows(folder)
    roles = Counter(row["role"] for row in found)
    assert line.startswith(f"{len(found)}: ")
    for role, words in KINDS.items():
        stated = re.search(rf"(\d+)(?: pairs)? {words}", line)
        assert (int(stated[1]) if stated else 0) == roles[role], words
    turns = re.search(r"(\d+) turns of four", line)
    assert (int(turns[1]) if turns else 0) == roles["turn 3"]
