"""YAML files that people write: read as plain data, of bounded size, and held against a schema.

Plain data are mappings with text as keys, lists, text, finite numbers, booleans and nothing. An alias may repeat a
part, but not so often that the whole would grow beyond `LIMIT`.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jsonschema
import yaml

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

LIMIT = 2**18  # bytes of a file; characters of its content with every alias written out
DEEPEST = 50
LARGEST = 2**53  # integers beyond are not the same number in every language
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def read(path: Path, *, advice: str) -> dict:
    """The mapping that a YAML file holds.

    Args:
      advice: what to do where there is no such file.

    Raises:
      InputError: no file, too large, not YAML, or something else than a mapping of plain data.
    """
    text = files.read_text(path, what="a YAML file", limit=LIMIT, advice=advice)
    try:
        _check_depth(text)
        loader = yaml.CSafeLoader(text)
        node = loader.get_single_node() or yaml.ScalarNode("tag:yaml.org,2002:null", "")
        if _written_out(node, {}) > LIMIT:
            raise yaml.YAMLError(f"its aliases, written out, must come to at most {LIMIT} characters")
        content = loader.construct_document(node)
    except Exception as error:  # text that looks like a date or a number, but is none, raises nearly anything
        place = " ".join(str(error).split())
        raise InputError(f"{path}: must be a YAML file; {place}. Mend it there.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: must be a YAML mapping; got {type(content).__name__}.")
    _check_plain(content, path, ())
    return content


class Schema(NamedTuple):
    """A JSON schema and the name of its file. An object's `renamed` maps its former keys to those of today."""

    name: str
    content: Mapping


@cache
def schema(path: Path) -> Schema:
    """The schema that a file of the repository holds."""
    return Schema(path.name, yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def validate(content: Mapping, schema: Schema, path: Path) -> None:
    """Compares what was read from `path` with a schema.

    Raises:
      InputError: it does not fit; names the deepest key that is wrong, with today's name of one that was renamed and
        the likely name of any other that is unknown: the one spelt nearest, or the only one that is lacking.
    """
    error = jsonschema.exceptions.best_match(VALIDATOR(schema.content).iter_errors(content))
    if error is None:
        return
    key = ".".join(map(str, error.absolute_path)) or "the top level"
    message = error.message if len(error.message) < 300 else error.message[:300] + " ..."
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        lacking = [name for name in error.schema.get("required", []) if name not in error.instance]
        likely = difflib.get_close_matches(unknown, known, n=1) or (lacking if len(lacking) == 1 else [])
        message = f"unknown key {unknown!r}"
        if unknown in error.schema.get("renamed", {}):
            message += f", which is called {error.schema['renamed'][unknown]!r} now; rename it"
        else:
            message += f"; did you mean {likely[0]!r}?" if likely else f"; known are {known}"
    raise InputError(f"{path}: at {key}: {message}. The schema is {schema.name}.")


def _check_depth(text: str) -> None:
    """PyYAML's own parser takes minutes over a tower of brackets, and libyaml's loader climbs it on the C stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"its parts must lie at most {DEEPEST} deep in one another")


def _written_out(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Characters and nodes of a tree in which every alias is replaced by what it stands for."""
    size = known.get(id(node), 0)
    if size is None:
        raise yaml.YAMLError("a part must not contain itself")
    if size == 0:
        known[id(node)] = None
        children = node.value if isinstance(node.value, list) else []
        pairs = ((child,) if isinstance(child, yaml.Node) else child for child in children)
        size = 1 + sum(_written_out(child, known) for pair in pairs for child in pair)
        size += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        known[id(node)] = size
    return size


def _check_plain(content: object, path: Path, place: tuple[str, ...]) -> None:
    where = f"{path}: at {'.'.join(place) or 'the top level'}:"
    if isinstance(content, dict):
        for key, value in content.items():
            if not isinstance(key, str):
                raise InputError(f"{where} a key must be text; got {key!r}. Put it in quotes.")
            _check_plain(key, path, place)
            _check_plain(value, path, (*place, key))
    elif isinstance(content, list):
        for i, value in enumerate(content):
            _check_plain(value, path, (*place, str(i)))
    elif isinstance(content, str):
        if found := UNPRINTABLE.search(content):
            raise InputError(f"{where} text must have no control characters; got {found[0]!r}. Take it out.")
    elif isinstance(content, int):
        if abs(content) > LARGEST:
            raise InputError(f"{where} an integer must be at most {LARGEST}; got one of {content.bit_length()} bits.")
    elif isinstance(content, float):
        if not math.isfinite(content):
            raise InputError(f"{where} a number must be finite; got {content}.")
    elif content is not None:
        raise InputError(
            f"{where} must be text, a number, a list or a mapping; got {type(content).__name__}. Quote it."
        )


def _unique_items(validator, wanted: bool, instance: object, schema: Mapping) -> Iterator[jsonschema.ValidationError]:
    if wanted and isinstance(instance, list):
        items = [json.dumps(item, sort_keys=True) for item in instance]
        if len(set(items)) < len(items):
            yield jsonschema.ValidationError(f"{instance!r} has non-unique elements")


# JSON Schema takes 3.0 for an integer, which Python does not, and is slow to tell long lists' elements apart.
VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"uniqueItems": _unique_items},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)
