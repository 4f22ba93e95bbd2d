"""The real game: what is captured is what was asked for, again and again, whatever dies in between."""

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from minetest_interp.capture import camera, game, run
from minetest_interp.capture.game import Game
from minetest_interp.capture.types import HEIGHT, WIDTH, Node, Pose
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames
from tests.conftest import ROOT

LIST = {
    "seed": 1,
    "world": {"seed": 7101},
    "sites": {"number": 1, "biomes": ["savanna"], "apart": 250, "radius": 24},
    "trunk": {"species": ["acacia"], "distance": [1.5, 8], "positions": ["left", "right"], "share": 0.002},
    "pitch": [-20, 10],
    "daytimes": [0.5],
    "hud": False,
    "frames": {
        "single": {"number": 4, "without_trunk": 0.25},
        "trunk-removed": {"number": 1},
        "turn": {"number": 1, "step": 5.0},
    },
}


@pytest.fixture(scope="session")
def installed() -> None:
    if not os.environ.get("TEST_GAME"):
        pytest.skip("NOT CHECKED against the real game, which takes two minutes: set TEST_GAME=1")
    try:
        game.programs()
    except InputError as error:
        pytest.skip(f"NOT CHECKED against the real game: {error}")


@pytest.fixture(scope="session")
def captured(installed, tmp_path_factory) -> Path:
    """A folder with the frames of `LIST`; the client was killed once, right after it had put a trunk back."""
    folder = tmp_path_factory.mktemp("captures") / "first"
    list_file = folder.with_suffix(".yaml")
    list_file.write_text(yaml.safe_dump(LIST))

    def kill_the_client() -> None:
        while not list((folder / "records").glob("*-trunk-removed-*-no-trunk.json")):
            time.sleep(0.01)
        own = [p for p in Path("/proc").glob("[0-9]*") if str(folder).encode() in _read(p / "cmdline")]
        clients = [p for p in own if b"--gameid" in _read(p / "cmdline")]
        os.kill(int(clients[0].name), signal.SIGKILL)

    killer = threading.Thread(target=kill_the_client, daemon=True)
    killer.start()
    run.capture(list_file, folder)
    killer.join(1)
    assert not killer.is_alive()
    return folder


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _table(folder: Path) -> list[dict]:
    with (folder / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_without_the_game_the_packages_are_named(monkeypatch):
    monkeypatch.setattr(game.shutil, "which", lambda name, path=None: None)
    with pytest.raises(InputError, match="minetest-data"):
        game.programs()


def test_a_killed_client_costs_no_frame(captured):
    names = [row["name"] for row in _table(captured)]
    assert len(names) == len(set(names)) == 4 + 2 + 4
    assert sorted(path.stem for path in (captured / "frames").glob("*.png")) == sorted(names)


def test_nothing_that_was_started_is_left(captured):
    assert not [p for p in Path("/proc").glob("[0-9]*") if str(captured).encode() in _read(p / "cmdline")]


def test_masks_lie_on_the_pictures(captured):
    """One in ten may look shifted: in a view of nothing but ground the strongest steps are a texture's own."""
    shifts = [(row["shift_right"], row["shift_down"]) for row in _table(captured) if row["shift_right"]]
    assert len(shifts) >= 9
    assert np.mean([shift == ("0", "0") for shift in shifts]) >= 0.88


def test_frames_are_the_same_when_taken_again_from_the_saved_world(captured):
    """Masks to the last byte, pictures on average to less than a level: a block far away may be lit otherwise, where it
    was drawn before its neighbour had come."""
    again = captured.with_name("again")
    list_file = again.with_suffix(".yaml")
    list_file.write_text(yaml.safe_dump({**LIST, "world": {"folder": str(captured / "game" / "world")}}))
    run.capture(list_file, again)
    for name in (row["name"] for row in _table(captured)):
        first, second = (frames.read(folder / f"frames/{name}.png").astype(int) for folder in (captured, again))
        assert np.abs(first - second).mean() < 1, name
        assert files.sha256(captured / f"masks/{name}.png") == files.sha256(again / f"masks/{name}.png"), name


def test_a_finished_folder_starts_no_game(captured, monkeypatch):
    monkeypatch.setattr(run, "Game", None)
    run.capture(captured.with_suffix(".yaml"), captured)


def test_the_trunk_is_gone_from_picture_and_mask_alike(captured):
    rows = {row["role"]: row for row in _table(captured) if row["group"].startswith("00-trunk-removed")}
    before, after = (frames.read(captured / f"frames/{rows[role]['name']}.png") for role in ("trunk", "no trunk"))
    masks = [frames.read(captured / f"masks/{rows[role]['name']}.png")[..., 0] for role in ("trunk", "no trunk")]
    gone = (masks[0] == 1) & (masks[1] != 1)
    changed = (before != after).any(-1)
    assert gone.mean() > 0.002
    assert changed[gone].mean() > 0.9


def test_stopping_ends_the_client_and_going_on_completes(installed, tmp_path):
    folder, list_file = tmp_path / "stopped", tmp_path / "list.yaml"
    list_file.write_text(yaml.safe_dump({**LIST, "frames": {"single": {"number": 2, "without_trunk": 0.0}}}))
    command = [sys.executable, "-m", "minetest_interp.capture", "--shot-list", str(list_file), "--output", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not (folder / "records").is_dir() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error: interrupted." in told and "Traceback" not in told
    assert not [p for p in Path("/proc").glob("[0-9]*") if str(folder).encode() in _read(p / "cmdline")]
    run.capture(list_file, folder)
    assert len(_table(folder)) == 2


def test_what_was_placed_is_seen_and_a_killed_game_mends_its_world(installed, tmp_path):
    pose, wall = (
        Pose(0.1, 60.5, 0.2, 0.0, 37.0),
        [Node(x, y, 4, "default:tree") for x in range(-3, 4) for y in (64, 65, 66)],
    )
    corners = (-32, 48, -32), (31, 79, 31)  # up to where the player goes aside
    with Game(tmp_path, seed=7101) as played:
        played.generate(*corners)
        empty = played.dump(*corners)
        look = played.look(pose, 0.5, changes=wall)
        middle = look.picture[HEIGHT // 2, WIDTH // 2].astype(int)
        assert middle[2] < 90  # bark, not sky
        assert np.abs(look.picture.astype(int) - played.look(pose, 0.5).picture).max() > 50
        played.ask("place", nodes=wall)
        assert "default:tree" in played.dump(*corners).names
        os.kill(played._running["client"].pid, signal.SIGKILL)
        with pytest.raises(game.Lost, match="client"):
            played.look(pose, 0.5)
    with Game(tmp_path, seed=7101) as played:
        after = played.dump(*corners)
    assert after.names == empty.names
    np.testing.assert_array_equal(after.content, empty.content)


def test_the_eye_is_where_the_camera_model_puts_it(installed, tmp_path):
    """A single node straight ahead in an empty sky covers the pixels onto which its corners project."""
    pose, node = Pose(0.2, 60.5, -0.3, 30.0, 12.0), Node(-3, 64, 6, "default:tree")
    with Game(tmp_path, seed=7101) as played:
        played.generate((-32, 48, -32), (31, 79, 31))
        with_node, without = (played.look(pose, 0.5, changes=c).picture for c in ([node], []))
    rows, columns = np.nonzero((with_node != without).any(-1))
    corners = np.array(node[:3]) + np.array(list(np.ndindex(2, 2, 2))) - 0.5
    across, down = camera.project(pose, corners, width=WIDTH, height=HEIGHT).T
    expected = [(across + 1) * WIDTH / 2, (down + 1) * HEIGHT / 2]
    found = [columns, rows]
    for pixels, edges in zip(found, expected, strict=True):
        np.testing.assert_allclose([pixels.min(), pixels.max() + 1], [edges.min(), edges.max()], atol=1.5)
