"""What the ledgers of two halves of the labelled frames say beside that of all, as a table in Markdown."""

from collections.abc import Mapping
from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.pages.text import quantity

HEAD = ("claim", "all sites", "", "first half", "", "second half", "")

WORDS = """# {title}

The labelled frames in two halves that share no site. Of {total} claims that rest on them, both halves give {same} the
same verdict.

"""


def run(title: str, ledgers: list[Path], output: Path) -> None:
    whole, *halves = (files.read_json(path) for path in ledgers)
    found = [{row["id"]: row for row in half} for half in halves]
    rows = [[row, *(half[row["id"]] for half in found)] for row in whole if rests_on_labels(row, found[0])]
    cells = [[row[0]["statement"], *(cell for one in row for cell in verdict_and_number(one))] for row in rows]
    same = sum(row[1]["verdict"] == row[2]["verdict"] for row in rows)
    table = "".join(f"| {' | '.join(line)} |\n" for line in (HEAD, ["---"] * len(HEAD), *cells))
    text = WORDS.format(title=title, total=len(rows), same=same) + table
    files.write_text(output, text)


def rests_on_labels(row: Mapping, half: Mapping[str, Mapping]) -> bool:
    """Whether any part of a claim changes with the labelled frames."""
    return row["id"] in half and half[row["id"]]["parts"] != row["parts"]


def verdict_and_number(row: Mapping) -> list[str]:
    low, high = (quantity(bound, row["unit"]) for bound in row["interval"] or (None, None))
    return [row["verdict"], quantity(row["estimate"], row["unit"]) + (f" ({low} to {high})" if row["interval"] else "")]


if __name__ == "__main__":
    command(run)
