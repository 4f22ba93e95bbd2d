"""Render the report from its facts, as a page and as Markdown."""

from pathlib import Path

from minetest_interp import files, report
from minetest_interp.stages import command


def run(facts: Path, templates: Path, figures: Path, html: Path, markdown: Path) -> None:
    content = files.read_json(facts)
    files.write_text(html, report.render_html(content, templates, figures))
    files.write_text(markdown, report.render_markdown(content, templates))


if __name__ == "__main__":
    command(run, facts=Path, templates=Path, figures=Path, html=Path, markdown=Path)
