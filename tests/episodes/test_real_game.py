"""A short episode in the real game."""

import os

import numpy as np
import pytest

from minetest_interp.capture import game
from minetest_interp.episodes import clock, run
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from tests.conftest import ROOT

STEPS = 40


@pytest.mark.skipif(not os.environ.get("TEST_GAME"), reason="NOT CHECKED against the real game: set TEST_GAME=1")
def test_a_short_episode_is_played_and_kept(tmp_path):
    try:
        game.programs()
        clock.library()
    except InputError as error:
        pytest.skip(f"NOT CHECKED against the real game: {error}")
    places = tmp_path / "places.yaml"
    text = (ROOT / "config/episodes/demo.yaml").read_text()
    places.write_text(text.replace("steps: 500", f"steps: {STEPS}").replace("clock: 0.4", "clock: 0.2"))
    options = {"strides": [4, 2, 1], "size": 64}
    run.episodes(
        places,
        "forward",
        ROOT / "data/demo/demo.model",
        options,
        ROOT / "config/minetest-actions.yaml",
        1,
        tmp_path / "kept",
    )
    kept = files.read_arrays(tmp_path / "kept/episode-000.npz")
    assert kept["frames"].shape == (STEPS, 64, 64)
    assert np.mean(kept["late"] | kept["repeated"]) <= clock.MOST_BAD
    walked = np.nansum(np.linalg.norm(np.diff(kept["pose"][:, [0, 2]], axis=0), axis=1))
    assert walked > 0.5
