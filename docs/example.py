"""Writes docs/example/ from the demo's built report: its Markdown and figures, to be read without a build."""

import re
import shutil
import sys
from functools import partial
from pathlib import Path

from PIL import Image

from docs.pictures import few_colours
from minetest_interp.io import files

ROOT = Path(__file__).resolve().parents[1]
REPORT, FIGURES, EXAMPLE = ROOT / "report/demo", ROOT / "figures/demo", ROOT / "docs/example"
COLOURS = 24
NOTE = "*This is `report/demo/report.md` as `make` builds it, without the pages that run in a browser.*"
CHART = re.compile(r"(?<=\]\(figures/)([\w-]+)\.svg")  # of which the example has the PNG, in fewer colours
OTHER_PAGE = re.compile(r"\[((?:\\.|[^\\\]])*)\]\(<(?:atlas|frames|episode)\.html[^>]*>\)")

FILM = re.compile(r"!\[[^\]]*\]\(<film\.webp>\)\n\n")


def example(report: str) -> str:
    """A report that stands alone: without its film, links to other pages as text, and a note that says what it is."""
    title, rest = OTHER_PAGE.sub(r"\1", CHART.sub(r"\1.png", FILM.sub("", report))).split("\n", 1)
    return f"{title}\n\n{NOTE}\n{rest}"


def main() -> None:
    if not (REPORT / "report.md").is_file():
        sys.exit(f"error: the example needs the demo's report in {REPORT}; there is none. Run `make` first.")
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    files.write_text(EXAMPLE / "report.md", example((REPORT / "report.md").read_text(encoding="utf-8")))
    for figure in sorted(FIGURES.glob("*.png")):
        with Image.open(figure) as picture:
            content = figure.read_bytes() if picture.mode == "P" else few_colours(picture, count=COLOURS)
        files.write(EXAMPLE / "figures" / figure.name, partial(Path.write_bytes, data=content))


if __name__ == "__main__":
    main()
