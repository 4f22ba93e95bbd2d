"""References from a file of BibTeX: of its language only entries with one field a line, and values in braces."""

import re
from pathlib import Path

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

ENTRY = re.compile(r"@(\w+)\{(\w+),\s*\n(.*?)\n\}", re.DOTALL)
FIELD = re.compile(r"\s*(\w+) = \{(.*)\},?\s*")
NEEDED = ("author", "title", "venue", "year", "use")
LIMIT_BYTES = 2**20
NAMED = 3  # authors; of more the first is named


def read_references(path: Path) -> list[dict[str, str]]:
    """The entries in the order of the file: key, authors in words, title, venue, year, use, and url, empty without one.

    Raises:
      InputError: something in the file is no entry, or an entry lacks a field.
    """
    text = files.read_text(path, what="the references", limit=LIMIT_BYTES, advice="Restore it.")
    text = re.sub(r"^%.*$", "", text, flags=re.MULTILINE)
    if rest := ENTRY.sub("", text).strip():
        raise InputError(f"{path}: must have entries alone, a field a line; got {rest.splitlines()[0]!r}. Mend it.")
    return [_entry(path, key, body) for _, key, body in ENTRY.findall(text)]


def _entry(path: Path, key: str, body: str) -> dict[str, str]:
    lines = [FIELD.fullmatch(line) for line in body.splitlines()]
    found = {line[1]: line[2] for line in lines if line}
    missing = [name for name in NEEDED if name not in found]
    if missing or None in lines:
        wrong = f"`{missing[0]}`" if missing else "a line that is no field"
        raise InputError(f"{path}: {key}: must have {', '.join(NEEDED)}, a field a line; look at {wrong}.")
    return {"key": key, "url": "", **found, "authors": _authors(found["author"])}


def _authors(written: str) -> str:
    """Family names: Fel et al.; Lee and Seung; Olah, Mordvintsev and Schubert."""
    names = [name.split(",")[0] for name in written.split(" and ")]
    if len(names) > NAMED or names[-1] == "others":
        return f"{names[0]} et al."
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
