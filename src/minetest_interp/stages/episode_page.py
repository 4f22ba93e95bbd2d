"""Render the page of an episode, and the script beside it with the frames that the policy saw."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.pages import episode, film


def run(arrays: Path, pictures: Path, sheet: Path, facts: Path, templates: Path, html: Path, frames: Path) -> None:
    shown, content = files.read_arrays(arrays), files.read_json(facts)
    size, filmed = (content["network"]["height"], content["network"]["width"]), shown["frames"].shape[1:]
    if filmed != size:
        raise InputError(
            f"{arrays}: frames must be {size}, as the policy sees them; got {filmed}. Check `episodes.own`."
        )
    taken = film.read_pictures(pictures, steps=len(shown["action"]))
    files.write_text(frames, episode.frames_script(np.asarray(shown["frames"])))
    files.write_text(html, episode.render(content, shown, taken, sheet.name, templates))


if __name__ == "__main__":
    command(run)
