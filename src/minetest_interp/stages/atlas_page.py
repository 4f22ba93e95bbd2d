"""Render a study's atlas as a page of its own."""

from pathlib import Path

from minetest_interp import atlas_page, files
from minetest_interp.stages import command


def run(atlas: Path, stacks: Path, facts: Path, templates: Path, html: Path) -> None:
    page = atlas_page.render(files.read_json(facts), files.read_arrays(atlas), files.read_arrays(stacks), templates)
    files.write_text(html, page)


if __name__ == "__main__":
    command(run, atlas=Path, stacks=Path, facts=Path, templates=Path, html=Path)
