"""`data/croissant.json`: the committed captures and recordings in the terms of MLCommons Croissant 1.0, JSON-LD."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from minetest_interp.capture.output import COLUMNS
from minetest_interp.io import files

ROOT = Path(__file__).resolve().parent.parent
TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    **{term: f"cr:{term}" for term in TERMS},
    "conformsTo": "dct:conformsTo",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
TEXTS = ("name", "site", "biome", "species", "light", "group", "role")
WHOLE = ("hud", "has_trunk", "shift_right", "shift_down", "ray_trunks")


class Captures(NamedTuple):
    """A folder of captures in data/, with a table `frames.csv`. pictures: its folders of images to what they show."""

    folder: str
    what: str
    pictures: Mapping[str, str]


CLASSES = "one of the classes 0 sky, 1 trunk, 2 leaves, 3 ground, 5 water, 6 apple for each pixel"
DEPTH = "2 x distance in nodes for each pixel, 255 where nothing is hit"
SIZES = "RGB, 512x300, those of pairs and turns 256x150"
CAPTURES = (
    Captures("demo", "Frames of the demo study.", {"frames": SIZES, "masks": CLASSES, "depth": DEPTH}),
    Captures(
        "demo/training",
        "Frames that the demo policy was trained on.",
        {"grey": "grey levels, 256x150", "masks": CLASSES, "depth": DEPTH},
    ),
    Captures(
        "labelled", "Frames that both studies' claims are tested on.", {"frames": "RGB, 320x188", "masks": CLASSES}
    ),
)
EPISODES = {
    ".npz": ("application/octet-stream", "Whole episodes of one agent, NumPy arrays by place and step."),
    ".webp": ("image/webp", "A film of one of these episodes, every second picture."),
}
FIELD = {".npz": ("application/octet-stream", "One tree of the game from places around it, NumPy arrays by cell.")}


def describe(citation: Mapping, captures: Sequence[Captures] = CAPTURES) -> dict:
    """The metadata of captures and episodes.

    Args:
      citation: content of CITATION.cff.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "minetest-interp-captures",
        "description": "Labelled frames of the game Minetest: pictures, a class and a distance for each pixel, and a "
        "table of pose, light, surroundings and the nearest trunk; whole episodes of agents in it; and a field of one "
        "tree. docs/datasheet.md, docs/episodes.md and docs/capture.md say how they came about.",
        "version": citation["version"],
        "license": "https://creativecommons.org/licenses/by-sa/3.0/",
        "creator": [{"@type": "sc:Organization", "name": author["name"]} for author in citation["authors"]],
        "citeAs": f"{citation['authors'][0]['name']}: {citation['title']}, version {citation['version']}",
        "keywords": citation["keywords"],
        "isLiveDataset": False,
        "distribution": [part for each in captures for part in distribution(each)]
        + recorded_files("episodes", EPISODES)
        + recorded_files("field", FIELD),
        "recordSet": [part for each in captures for part in record_sets(each)],
    }


def distribution(captures: Captures) -> list[dict]:
    """The table of a folder, by its digest, and its pictures, by a pattern."""
    table = f"{captures.folder}/frames.csv"
    parts = [
        {
            "@type": "cr:FileObject",
            "@id": table,
            "name": table,
            "description": f"{captures.what} One row a frame.",
            "contentUrl": table,
            "encodingFormat": "text/csv",
            "sha256": files.sha256(ROOT / "data" / table),
        }
    ]
    for folder, what in captures.pictures.items():
        path = f"{captures.folder}/{folder}"
        suffix = next((ROOT / "data" / path).iterdir()).suffix
        parts.append(
            {
                "@type": "cr:FileSet",
                "@id": path,
                "name": path,
                "description": f"{captures.what} {what[0].upper()}{what[1:]}.",
                "encodingFormat": {".jpg": "image/jpeg", ".png": "image/png"}[suffix],
                "includes": f"{path}/*{suffix}",
            }
        )
    return parts


def recorded_files(folder: str, kinds: Mapping[str, tuple[str, str]]) -> list[dict]:
    """The files of a folder of `data`, by their digests, with format and description by their ending."""
    return [
        {
            "@type": "cr:FileObject",
            "@id": f"{folder}/{path.name}",
            "name": f"{folder}/{path.name}",
            "description": kinds[path.suffix][1],
            "contentUrl": f"{folder}/{path.name}",
            "encodingFormat": kinds[path.suffix][0],
            "sha256": files.sha256(path),
        }
        for path in sorted((ROOT / "data" / folder).iterdir())
        if path.suffix in kinds
    ]


def record_sets(captures: Captures) -> list[dict]:
    """What can be read: the rows of the table, and the pictures by name."""
    table = f"{captures.folder}/frames.csv"
    with (ROOT / "data" / table).open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    rows = [
        field(
            f"{captures.folder}/rows",
            column,
            kind(column),
            COLUMNS[column],
            {"fileObject": {"@id": table}},
            {"column": column},
        )
        for column in columns
    ]
    sets = [record_set(f"{captures.folder}/rows", captures.what, rows)]
    for folder, what in captures.pictures.items():
        path, inside = f"{captures.folder}/{folder}", {"fileSet": {"@id": f"{captures.folder}/{folder}"}}
        name = field(f"{path}/records", "name", "sc:Text", COLUMNS["name"], inside, {"fileProperty": "filename"})
        name["source"]["transform"] = {"regex": r"^([^.]*)"}
        name["references"] = {"field": {"@id": f"{captures.folder}/rows/name"}}
        picture = field(f"{path}/records", "picture", "sc:ImageObject", what, inside, {"fileProperty": "content"})
        sets.append(record_set(f"{path}/records", captures.what, [name, picture]))
    return sets


def record_set(identifier: str, what: str, fields: Sequence[Mapping]) -> dict:
    key = {"@id": f"{identifier}/name"}
    return {
        "@type": "cr:RecordSet",
        "@id": identifier,
        "name": identifier,
        "description": what,
        "key": key,
        "field": fields,
    }


def field(of: str, name: str, kind: str, what: str, inside: Mapping, extract: Mapping) -> dict:
    """A column of a record set."""
    return {
        "@type": "cr:Field",
        "@id": f"{of}/{name}",
        "name": f"{of}/{name}",
        "description": what or "as the one before",
        "dataType": kind,
        "source": {**inside, "extract": extract},
    }


def kind(column: str) -> str:
    """The type of a column's cells."""
    return "sc:Text" if column in TEXTS else "sc:Integer" if column in WHOLE else "sc:Float"
