"""The real game without a screen of yours: started, asked for pictures and nodes, changed, and ended.

Written for Minetest 5.6 as Debian 12 packages it. On Luanti 5.10 and newer the program is called luanti, its packages
bring no game (install minetest_game as content), Lua's `minetest` is an alias of `core`, settings have other defaults
(compare `settings.SETTINGS`), and an element of the screen may be new (compare asks.look of the server's mod).
"""

import fcntl
import json
import math
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType

import numpy as np

from minetest_interp.capture.checks import same_pose
from minetest_interp.capture.screen import Screen
from minetest_interp.capture.settings import SETTINGS
from minetest_interp.capture.types import EYE_HEIGHT, Look, Node, Pose, Survey, Voxels
from minetest_interp.io import files
from minetest_interp.io.errors import InputError

MODS = Path(__file__).with_name("mods")
PROGRAMS = ("minetest", "luanti")
INSTALL = "apt-get install --no-install-recommends minetest minetest-data xvfb libgl1-mesa-dri"
CALM_PICTURES, CALM_SECONDS = 3, 0.3  # a picture at rest is equal in so many looks in a row, for so long
# After a change of time the sky's colours go 2 % of the way a frame, in the end too slowly to be seen in the picture;
# within a second, though, where there is nothing else to draw.
DUSK_FRAMES = 500
# The client draws relative to an origin in steps of 200 nodes that it leaves only when it must; its choice, and with it
# the last bit of every coordinate, depends on the way that it came. From this far corner one way leads to each place.
NOWHERE = Pose(-20000.5, 1000.0, -20000.5, 0.0, 89.0)
ASIDE = 15.0  # nodes above a pose, where little is in view; the server tells changes within 30 nodes one by one
WHOLE_TURN = 0, 90, 180, 270  # degrees; a picture is 102 wide


class Lost(Exception):
    """The client or its screen has ended, or answers no more."""


class Unsettled(Exception):
    """The picture did not come to rest, or the client's camera not to the pose."""


def programs() -> tuple[str, str]:
    """Paths of the game and of Xvfb.

    Raises:
      InputError: one of them, or the game's data, is not installed.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/games", "/usr/local/games"))
    game = next(filter(None, (shutil.which(name, path=path) for name in PROGRAMS)), None)
    screen = shutil.which("Xvfb", path=path)
    if not game or not screen:
        missing = "Xvfb" if game else "Minetest"
        raise InputError(f"{missing} must be installed; there is none. Install it: {INSTALL}")
    known = subprocess.run([game, "--gameid", "list"], capture_output=True, text=True, check=False)
    if "minetest" not in f"{known.stdout} {known.stderr}".split():
        raise InputError(f"the game's data (minetest_game) must be installed; {game} has none. Install it: {INSTALL}")
    return game, screen


def copy_world(saved: Path, target: Path) -> None:
    """Copies a saved world without what the game would run, its mods, and without links, which may lead anywhere."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in ("worldmods", "game") or (Path(folder) / name).is_symlink()}

    shutil.copytree(saved, target, ignore=left_out)


def reported_pose(beat: Mapping) -> Pose:
    """Feet and look of the client's report; its yaw and pitch are counted otherwise, see `camera`."""
    x, y, z = beat["eye"]
    return Pose(x, y - EYE_HEIGHT, z, math.degrees(beat["yaw"]) - 90, math.degrees(beat["pitch"]))


class Game:
    """A running client with a server of its own, as a context manager; everything it started ends with it.

    Args:
      folder: of this game's world, settings and logs; made if missing. A world that is in it already is played on.
      seed: of a new world. world: folder of a saved one, of which `folder` gets a copy.
      settings: in place of the capture's. variables: of the client's environment. mod: folder of a second one of the
        server.

    Raises (all methods):
      Lost: start a new Game in the same folder; its world has lost nothing but nodes that were not saved yet.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 0,
        world: Path | None = None,
        settings: Mapping[str, object] = MappingProxyType({}),
        variables: Mapping[str, str] = MappingProxyType({}),
        mod: Path | None = None,
    ):
        self.folder, self.world = folder.absolute(), folder.absolute() / "world"
        self._seed, self._saved = seed, world
        self._settings: dict = {**SETTINGS, **settings}
        self._variables, self._mod = variables, mod
        self._requests = 0
        self._timeofday: float | None = None
        self._running: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "Game":
        with ExitStack() as stack:
            self._prepare()
            stack.callback(self._end)
            self._start()
            stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._end()

    def survey(self, *, extent: int = 2000, step: int = 40) -> Survey:
        """Places on dry, low ground on a grid of `step` nodes, up to `extent` from the world's centre."""
        found = self.ask("survey", extent=extent, step=step, patience=300)["found"]
        return Survey(
            np.array([place[:3] for place in found], float).reshape(-1, 3), tuple(place[3] for place in found)
        )

    def generate(self, lowest: Sequence[int], highest: Sequence[int]) -> None:
        """Makes the map's nodes between two corners, both included, wherever they are not there yet."""
        if self.ask("emerge", lowest=lowest, highest=highest, patience=300)["failed"]:
            raise Lost(f"the game could not make the map around {lowest}; see {self.folder}.")

    def drawtypes(self) -> dict[str, dict]:
        """All registered nodes: name to {"drawtype": ..., "groups": {group: rating}}."""
        return self.ask("drawtypes")["found"]

    def dump(self, lowest: Sequence[int], highest: Sequence[int]) -> Voxels:
        """The nodes between two corners, both included; what was never generated is called "ignore"."""
        answer = self.ask("dump", lowest=lowest, highest=highest, patience=300)
        content, length = np.fromfile(self.world / "capture-voxels.bin", "<u2").reshape(-1, 2).T
        numbers = np.array([int(number) for number in answer["names"]])
        order = np.argsort(numbers)
        shape = [high - low + 1 for low, high in zip(lowest, highest, strict=True)]
        compact = np.repeat(np.searchsorted(numbers[order], content).astype(np.uint16), length)
        names = tuple(np.array(list(answer["names"].values()))[order].tolist())
        return Voxels((lowest[0], lowest[1], lowest[2]), names, np.ascontiguousarray(compact.reshape(shape[::-1]).T))

    def look(
        self, pose: Pose, timeofday: float, *, hud: bool = False, changes: Sequence[Node] = (), patience: float = 20.0
    ) -> Look:
        """Takes the player to a pose and gives the picture once it is at rest.

        Between the looks that find it equal the client has drawn new frames, and its camera has reported the pose.

        Args:
          changes: nodes near the pose that are placed for this picture, after which the old ones come back; nothing
            falls or decays meanwhile.

        Raises:
          Unsettled: not within `patience` seconds, or the client did not get the changes.
        """
        # The server takes a step with every frame that is drawn, and a few nodes a step.
        aside = pose._replace(y=pose.y + ASIDE, pitch=NOWHERE.pitch)
        try:
            if changes:
                self._turn(aside, timeofday, hud=hud)
                if not self.ask("place", nodes=list(changes))["come"]:
                    raise Unsettled(f"the client did not get the {len(changes)} nodes that were placed")
            self._leave(timeofday, hud=hud)
            self._turn(pose, timeofday, hud=hud)
            return self._rest(pose, patience)
        finally:
            if changes:
                self._turn(aside, timeofday, hud=hud)
                if not self.ask("restore")["come"]:
                    raise Lost("the client did not get back the nodes that had been replaced.")

    def warm(self, pose: Pose, timeofday: float, *, least: float = 0.004, patience: float = 60.0) -> float:
        """Turns around at a pose until a whole turn changes less than `least` of the pixels: all is loaded and drawn.

        Returns seconds. A place at which something moves is left after `patience` seconds all the same.
        """
        began = time.monotonic()
        last: np.ndarray | None = None
        while time.monotonic() < began + patience:
            seen = []
            for yaw in WHOLE_TURN:
                with suppress(Unsettled):
                    seen.append(self.look(pose._replace(yaw=yaw), timeofday, patience=4).picture)
            turn = np.array(seen)
            if last is not None and last.shape == turn.shape and (last != turn).any(-1).mean() < least:
                break
            last = turn
        return time.monotonic() - began

    def _leave(self, timeofday: float, *, hud: bool) -> None:
        self._turn(NOWHERE, timeofday, hud=hud)
        self.ask("beat", frames=1 if timeofday == self._timeofday else DUSK_FRAMES, timeofday=timeofday)
        self._timeofday = timeofday
        deadline = time.monotonic() + 10
        while not same_pose(self._pose(), NOWHERE):
            if time.monotonic() > deadline:
                raise Unsettled("the camera did not leave its last place")

    def _turn(self, pose: Pose, timeofday: float, *, hud: bool) -> None:
        angles = {"yaw": math.radians(pose.yaw), "pitch": -math.radians(pose.pitch)}
        self.ask("look", feet=pose[:3], timeofday=timeofday, hud=hud, **angles)

    def _rest(self, pose: Pose, patience: float) -> Look:
        began = time.monotonic()
        last, equal, since, reported = None, 0, began, self._pose()
        while (now := time.monotonic()) < began + patience:
            picture = self.picture()
            if same_pose(reported, pose) and last is not None and np.array_equal(picture, last):
                equal += 1
            else:
                last, equal, since = picture, 1, now
            reported = self._pose()  # after the picture: what it shows is not older
            if equal >= CALM_PICTURES and now - since > CALM_SECONDS and same_pose(reported, pose):
                return Look(picture, reported, now - began)
        if not same_pose(reported, pose):
            raise Unsettled(f"the camera stayed at {reported} instead of {pose}")
        raise Unsettled(f"the picture did not come to rest within {patience:.0f} s")

    def _pose(self) -> Pose:
        """Where the client's camera is, after it has drawn another frame."""
        return reported_pose(self.ask("beat", frames=1))

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{self.folder}: no other game may run in this folder; one does. Wait for it.") from None
        if self._saved and not self.world.exists():
            beside = self.folder / ".world.part"
            shutil.rmtree(beside, ignore_errors=True)
            copy_world(self._saved, beside)
            beside.rename(self.world)
        for side, target in (("server", self.world / "worldmods"), ("client", self.folder / ".minetest/clientmods")):
            shutil.copytree(MODS / side, target / "capture", dirs_exist_ok=True)
        if self._mod:
            shutil.copytree(self._mod, self.world / "worldmods" / self._mod.name, dirs_exist_ok=True)
        files.write_text(self.folder / ".minetest/clientmods/mods.conf", "load_mod_capture = true\n")
        if not (self.world / "world.mt").exists():
            backends = "".join(f"{kind}backend = sqlite3\n" for kind in ("", "player_", "auth_", "mod_storage_"))
            files.write_text(self.world / "world.mt", f"gameid = minetest\n{backends}")
        settings = {**self._settings, "fixed_map_seed": self._seed}
        lines = [f"{name} = {str(value).lower()}" for name, value in settings.items()]
        files.write_text(self.folder / "minetest.conf", "\n".join(lines) + "\n")
        for left in ("capture-request.json", "capture-answer.json"):
            (self.world / left).unlink(missing_ok=True)

    def _start(self) -> None:
        game, xvfb = programs()
        number, written = os.pipe()
        screen = [
            xvfb,
            "-displayfd",
            str(written),
            "-screen",
            "0",
            f"{self._settings['screen_w']}x{self._settings['screen_h']}x24",
            "-fbdir",
            str(self.folder),
        ]
        with os.fdopen(number) as pipe:
            try:
                self._run("screen", [*screen, "-noreset", "-nolisten", "tcp"], pass_fds=[written])
            finally:
                os.close(written)
            answers, _, _ = select.select([pipe], [], [], 30)
            display = pipe.readline().strip() if answers else ""
        if not display:
            raise Lost(f"Xvfb did not start; see {self.folder / 'screen.log'}.")
        environment = {
            "HOME": str(self.folder),
            "DISPLAY": f":{display}",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "GALLIUM_DRIVER": "llvmpipe",
            **self._variables,
        }
        options = ["--config", self.folder / "minetest.conf", "--world", self.world, "--gameid", "minetest", "--go"]
        options += ["--logfile", self.folder / "minetest.log"]
        self._run("client", [game, *map(str, options)], env={**os.environ, **environment})
        self.ask("beat", frames=1, patience=120)
        self.display = f":{display}"
        self._screen = Screen(self.folder, self._settings["screen_w"], self._settings["screen_h"])

    def _run(self, name: str, command: list[str], **options) -> None:
        # Its own session, so that Ctrl-C reaches it through `_end` only; setpriv, so that it does not outlive a kill.
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "TERM", *command]
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **options
            )

    def _end(self) -> None:
        for name in ("client", "screen"):  # the client saves its world, for which it needs its screen
            if process := self._running.pop(name, None):
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._lock.close()

    def check_alive(self) -> None:
        """Raises Lost if something that was started has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Lost(f"the {name} ended (code {process.returncode}); see {self.folder}.")

    def picture(self) -> np.ndarray:
        """What the screen shows now, RGB, uint8 `[height, width, 3]`."""
        return self._screen.grab()

    def ask(self, what: str, *, patience: float = 60.0, **arguments) -> dict:
        """The server mod's answer to a request."""
        self._requests += 1
        request = {"id": self._requests, "ask": what, **arguments}
        files.write_text(self.world / "capture-request.json", json.dumps(request))
        answered = self.world / "capture-answer.json"
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError):
                answer = files.read_json(answered)
                if answer["id"] == self._requests:
                    if "error" in answer:
                        raise RuntimeError(f"the server's mod failed: {answer['error']}")
                    return answer
            self.check_alive()
            time.sleep(0.002)
        raise Lost(f"no answer to {what!r} within {patience:.0f} s; see {self.folder}.")
