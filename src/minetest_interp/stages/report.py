"""Render the report from its facts: its pages, Markdown, a Hugo page bundle, and the figures that they share."""

import os
import shutil
from functools import partial
from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.facts.hands_on import side_of
from minetest_interp.io import files
from minetest_interp.pages import article, field, hands_on, pictures


def run(facts: Path, tried: Path, templates: Path, panels: Path, output: Path, cells: Path | None = None) -> None:
    content = files.read_json(facts)
    figures = {name: pictures.read_figure(panels / f"{name}.png") for name in content["panels"]}
    phones = {name: pictures.read_figure(panels / f"phone/{name}.webp", kind="WEBP") for name in figures}
    for name, picture in phones.items():
        files.write(output / f"figures/phone/{name}.webp", partial(Path.write_bytes, data=picture.content))
    for panel in content["panels"].values():
        file = output / panel["file"]
        files.write(file, partial(shutil.copyfile, files.read(panels / file.name)))
        files.write(output / "hugo" / panel["file"], partial(put_again, file))
    shown = hands_on.pictured(files.read_arrays(tried), content)
    side = side_of(content["definitions"][content["steering"]])
    moved = field.slider(files.read_arrays(cells), side=side) if cells is not None else None
    for name, page in article.render_html(content, templates, figures, phones, shown, field=moved).items():
        files.write_text(output / name, page)
    files.write_text(output / "report.md", article.render_markdown(content, templates))
    files.write_text(output / "hugo/index.md", article.render_hugo(content, templates))


def put_again(file: Path, other: Path) -> None:
    """The same file under another name, so that it takes no more disk space; a copy where the disk has no links."""
    try:
        os.link(file, other)
    except OSError:
        shutil.copyfile(file, other)


if __name__ == "__main__":
    command(run)
