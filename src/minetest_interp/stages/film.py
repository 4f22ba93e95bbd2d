"""From the recording of one episode: its film, a sheet of its pictures for the page, and its numbers."""

from functools import partial
from pathlib import Path

from minetest_interp.claims import play
from minetest_interp.cli import command
from minetest_interp.facts import episode
from minetest_interp.facts.hands_on import side_of
from minetest_interp.io import files
from minetest_interp.model import episodes
from minetest_interp.model.actions import action_table
from minetest_interp.pages import film


def run(
    own: Path, seen: Path, pictures: Path, actions: dict, settings: dict, arrays: Path, moving: Path, sheet: Path
) -> None:
    table, steering = action_table(actions["factors"], actions["behaviours"]), actions["steering"]
    recorded = episodes.read(own, sees=True)
    episodes.check_actions(recorded, len(table.labels), own)
    places, steps = recorded["action"].shape
    filmed = episodes.read_film(seen, places=places, steps=steps)
    shown = episode.filmed(recorded, filmed, table, steering, play.PlaySettings(**settings), own)
    taken = film.read_pictures(pictures, steps=len(shown["action"]))
    files.write_arrays(arrays, **shown)
    side = side_of(actions["behaviours"][steering])
    files.write(moving, partial(Path.write_bytes, data=film.moving_picture(taken, shown, side=side)))
    files.write(sheet, partial(Path.write_bytes, data=film.picture_sheet(taken)))


if __name__ == "__main__":
    command(run)
