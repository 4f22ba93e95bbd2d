"""Short episodes in the real game."""

import json
import os
import shutil

import numpy as np
import pytest
import yaml

from minetest_interp.capture import game
from minetest_interp.episodes import gather, record
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from tests.conftest import ROOT

STEPS = 60

pytestmark = pytest.mark.skipif(
    not os.environ.get("TEST_GAME"), reason="NOT CHECKED against the real game: set TEST_GAME=1"
)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A folder with short episodes of the demo policy, also before decoys, and of an agent that walks straight on."""
    try:
        game.programs()
    except InputError as error:
        pytest.skip(f"NOT CHECKED against the real game: {error}")
    folder = tmp_path_factory.mktemp("episodes")
    wanted = yaml.safe_load((ROOT / "config/episodes/places.yaml").read_text())
    wanted["places"] |= {"number": 1, "biomes": ["savanna"]}
    (folder / "places.yaml").write_text(json.dumps(wanted | {"steps": STEPS}))
    for agent in ("policy", "forward", "decoys-left"):
        play(folder, agent)
    return folder


def play(folder, agent):
    record.episodes(ROOT / "config/demo.yaml", folder / "places.yaml", agent, folder / "kept")


def test_every_step_has_the_same_time_and_a_picture_of_its_own(played):
    kept = files.read_arrays(played / "kept/demo/savanna-00.npz")
    assert kept["frames"].shape == (STEPS, 64, 64)
    assert kept["logits"].shape == (STEPS, 36)
    assert np.isfinite(kept["pose"]).all() and np.isfinite(kept["shaped"]).all()
    turned = np.abs((np.diff(kept["pose"][:, 3]) + 180) % 360 - 180)
    turns = np.isin(kept["action"] // 3 % 3, (0, 2))[:-1]
    np.testing.assert_allclose(turned[turns], 5.0, atol=0.01)
    np.testing.assert_allclose(turned[~turns], 0.0, atol=0.01)


def test_who_walks_straight_on_goes_four_nodes_a_second(played):
    pose = files.read_arrays(played / "kept/forward/savanna-00.npz")["pose"]
    ways = np.linalg.norm(np.diff(pose[:, [0, 2]], axis=0), axis=1) / 0.05
    assert 3.5 < np.median(ways[20:]) < 4.5


def test_decoys_stand_where_they_were_asked_for(played):
    wanted = yaml.safe_load((played / "places.yaml").read_text())["decoys"]
    kept = files.read_arrays(played / "kept/demo-decoys-left/savanna-00.npz")
    assert len(kept["action"]) == wanted["steps"]
    assert abs(kept["pose"][0, 3] / 90 - round(kept["pose"][0, 3] / 90)) < 1e-3
    assert kept["distance"][0] == pytest.approx(np.hypot(wanted["ahead"], wanted["aside"]), abs=0.01)
    right = np.degrees(np.arctan2(wanted["aside"], wanted["ahead"]))
    assert kept["direction"][0] == pytest.approx(-right, abs=0.1)  # the trunk is the light one
    assert kept["frames"][0][:32].mean(0).argmin() < 32  # the darkest column is the dark pillar's


def test_what_is_there_is_not_played_again(played, capsys):
    path = played / "kept/demo/savanna-00.npz"
    before = path.stat().st_mtime_ns
    play(played, "policy")
    assert path.stat().st_mtime_ns == before
    assert "0 of them new" in capsys.readouterr().out


def test_a_second_run_of_the_same_start_sees_the_same_but_for_the_clouds(played, tmp_path):
    shutil.copytree(played / "kept", tmp_path / "kept", ignore=shutil.ignore_patterns("demo"))
    record.episodes(ROOT / "config/demo.yaml", played / "places.yaml", "policy", tmp_path / "kept")
    first, again = (files.read_arrays(folder / "kept/demo/savanna-00.npz") for folder in (played, tmp_path))
    apart = np.abs(first["frames"][0].astype(int) - again["frames"][0].astype(int))
    assert apart[32:].mean() < 2  # the lower half


def test_one_file_for_each_agent(played, tmp_path):
    gather.gather_episodes(played / "kept", tmp_path)
    demo, forward = (np.load(tmp_path / f"{name}.npz") for name in ("demo", "forward"))
    assert demo["stacks"].shape == (1, 2, 4, 64, 64) and "stacks" not in forward
    assert forward["shaped"].shape == (1, STEPS)
    assert (tmp_path / "demo.webp").stat().st_size > 1000
