"""Captures labelled frames of the real game: pictures, masks and depths of all that a shot list asks for.

Needs Minetest, its game and Xvfb (Debian: minetest minetest-data xvfb libgl1-mesa-dri) and starts a client without a
screen. A run that was interrupted goes on where it stopped; a client that dies is started again.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from minetest_interp.capture import checks, march, shots
from minetest_interp.capture.game import Game, Lost, Unsettled
from minetest_interp.capture.march import Scene
from minetest_interp.capture.output import Folder
from minetest_interp.capture.shots import ShotList, Site
from minetest_interp.capture.types import Look, Shot
from minetest_interp.io.errors import InputError

UNSETTLED = "never settled"
NOON = 0.5  # time of day at which most can be seen
CHUNK, FIRST = 80, -32  # nodes; the map is made in cubes of this side, of which one begins at this coordinate
BELOW, ABOVE = 30, 100  # nodes of the map that are made below and above a site's feet, at least
MARGIN = 2  # nodes beyond the viewing range
ROUNDS = 2  # how often a shot is tried
RESTARTS = 3  # in a row without a new frame


def capture(shot_list: Path, output: Path) -> None:
    """Takes the frames of a shot list that `output` does not hold yet, and writes its tables.

    Raises:
      InputError: something is not installed, the list is wrong, `output` was begun with another one, or the client
        does not stay alive.
    """
    wanted = shots.read(shot_list)
    world = {"world": Path(wanted.world["folder"])} if "folder" in wanted.world else {"seed": wanted.world["seed"]}
    total = sum(shots.frames_of(wanted, number) for number in range(wanted.sites["number"]))
    folder = Folder(output, wanted)
    before, began = len(folder.done()), time.monotonic()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=total, completed=before)
        deaths, had = 0, before
        while not _complete(folder, wanted):
            try:
                with Game(output / "game", **world) as game:
                    _visit_all(game, wanted, folder, lambda **news: progress.update(task, **news))
                break
            except Lost as lost:
                have = len(folder.done())
                deaths, had = (0 if have > had else deaths + 1), have
                if deaths > RESTARTS:
                    raise InputError(f"the game must stay alive; {lost} Tried {deaths} times.") from lost
                progress.console.print(f"starting the game again: {lost}")
        folder.finish()
    have, took = len(folder.done()), time.monotonic() - began
    print(f"{output}: {have} of {total} frames, {have - before} of them new in {took:.0f} s")


def _complete(folder: Folder, wanted: ShotList) -> bool:
    done = folder.done()
    plans = [folder.plan(number) for number in range(wanted.sites["number"])]
    return all(plan and all(shot.name in done for shot in plan[1]) for plan in plans)


def _visit_all(game: Game, wanted: ShotList, folder: Folder, tell) -> None:
    drawtypes = game.drawtypes()
    places: list[list[Site]] = []
    number_of_sites = wanted.sites["number"]
    for number in range(number_of_sites):
        tell(description=f"site {number + 1} of {number_of_sites}")
        if (kept := folder.plan(number)) is None:
            places = places or shots.sites(wanted, game.survey())
            site, planned, shown = _choose(game, wanted, places[number], drawtypes)
            folder.keep_plan(site, planned)
        else:
            (site, planned), shown = kept, None
        done = folder.done()
        if missing := [shot for shot in planned if shot.name not in done]:
            shown = shown or _scene(game, wanted, site, drawtypes)
            _visit(game, missing, shown, site, folder, tell)


def _choose(game: Game, wanted: ShotList, places: list[Site], drawtypes: dict) -> tuple[Site, list[Shot], Scene]:
    """The first of some places that has all that is wanted of a site, else the one that has most of it."""
    best: tuple[Site, list[Shot], Scene] | None = None
    for site in places:
        shown = _scene(game, wanted, site, drawtypes)
        planned = shots.plan(wanted, site, shown)
        if best is None or len(planned) > len(best[1]):
            best = site, planned, shown
        if len(planned) >= shots.frames_of(wanted, site.number):
            break
    assert best is not None  # there is a first place, or `sites` refuses the world
    return best


def _scene(game: Game, wanted: ShotList, site: Site, drawtypes: dict) -> Scene:
    """All nodes that can be seen from where a site's player may stand."""
    x, y, z = site.centre
    reach = wanted.sites["radius"] + march.VIEWING_RANGE + MARGIN
    bottom = FIRST + (y - BELOW - FIRST) // CHUNK * CHUNK
    top = FIRST + (y + ABOVE - FIRST) // CHUNK * CHUNK + CHUNK - 1
    lowest, highest = (
        [int(value) for value in corner] for corner in ((x - reach, bottom, z - reach), (x + reach, top, z + reach))
    )
    game.generate(lowest, highest)
    return march.scene(game.dump(lowest, highest), drawtypes)


def _visit(game: Game, missing: list[Shot], shown: Scene, site: Site, folder: Folder, tell) -> None:
    game.warm(missing[0].pose._replace(pitch=0), NOON)
    # The client draws the next frame while this one's mask is marched and written.
    with ThreadPoolExecutor(1) as labelling:
        for _ in range(ROUNDS):
            results = []
            for shot in missing:
                try:
                    look = game.look(shot.pose, shot.timeofday, hud=shot.hud, changes=shot.changes)
                except Unsettled:
                    folder.reject(shot, UNSETTLED)
                else:
                    results.append(labelling.submit(_label, shot, look, shown, site, folder))
                tell(completed=len(folder.done()))
            kept = {result.result() for result in results}
            missing = [shot for shot in missing if shot.name not in kept]
    tell(completed=len(folder.done()))


def _label(shot: Shot, look: Look, shown: Scene, site: Site, folder: Folder) -> str | None:
    """Keeps or rejects a frame; the name of one that was kept."""
    shown = march.changed(shown, shot.changes)
    rendered = march.render(shown, shot.pose)
    if reason := checks.reason_to_reject(look.picture, rendered, look.pose, shot):
        folder.reject(shot, reason)
        return None
    folder.save(shot, look, rendered, shown, biome=site.biome)
    return shot.name
