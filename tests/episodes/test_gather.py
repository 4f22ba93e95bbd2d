"""From a file for each episode to one for each agent."""

import numpy as np
import pytest

from minetest_interp.episodes import agents, gather, places
from minetest_interp.io import files
from minetest_interp.io.errors import InputError


def test_stacks_at_steps_are_those_that_the_agent_saw():
    frames = np.random.default_rng(0).integers(0, 255, (30, 5, 6)).astype(np.uint8)
    stack, seen = None, []
    for frame in frames:
        stack = agents.push(stack, frame, 4)
        seen.append(stack)
    steps = np.array([0, 1, 2, 3, 17, 29])
    np.testing.assert_array_equal(gather.stacks_at(frames, steps, 4), np.array(seen)[steps])


def test_an_episode_that_does_not_say_how_long_its_stacks_are_is_refused(tmp_path):
    files.write_json(tmp_path / places.LIST, {"places": [["here", [0, 0, 0, 0, 0]]]})
    files.write_arrays(tmp_path / "demo/here.npz", frames=np.zeros((2, 5, 6), np.uint8))
    with pytest.raises(InputError, match="here.npz: must have the array 'stack'"):
        gather.gather_episodes(tmp_path, tmp_path / "kept")
