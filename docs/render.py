"""Run the tutorials and write them as Markdown, with what they print and draw: `make tutorials`.

A tutorial is a notebook in jupytext's percent format. Code that draws shows its figures below it.
"""

import contextlib
import io
import os
from pathlib import Path

import jupytext
import matplotlib
import matplotlib.pyplot as plt

from minetest_interp.io import files

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.py"))
OUTPUT = "```text\n"  # begins what a cell printed


def render(tutorial: Path) -> str:
    """The tutorial as Markdown; figures are written beside it, as NAME-1.png and so on."""
    parts, names, figures = [], {"__name__": "__main__"}, 0
    for cell in jupytext.read(tutorial, fmt="py:percent").cells:
        parts.append(cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
        if cell.cell_type == "markdown":
            continue
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(cell.source, tutorial.name, "exec"), names)
        if printed.getvalue():
            parts.append(f"{OUTPUT}{printed.getvalue()}```")
        for number in plt.get_fignums():
            figures += 1
            picture = tutorial.with_name(f"{tutorial.stem}-{figures}.png")
            figure = plt.figure(number)
            files.write(
                picture, lambda beside, figure=figure: figure.savefig(beside, dpi=120, metadata={"Software": None})
            )
            plt.close(number)
            parts.append(f"![What the cell above draws]({picture.name})")
    return "\n\n".join(parts) + "\n"


def source(markdown: str) -> list[str]:
    """Prose and code of a rendered tutorial, without what it printed and drew."""
    blocks = markdown.split("\n\n")
    return [block.strip() for block in blocks if not block.startswith((OUTPUT, "!["))]


if __name__ == "__main__":
    matplotlib.use("agg")
    os.chdir(ROOT)
    for tutorial in TUTORIALS:
        files.write_text(tutorial.with_suffix(".md"), render(tutorial))
