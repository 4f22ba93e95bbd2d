"""From a file for each episode to one for each agent."""

import numpy as np

from minetest_interp.episodes import agents, gather


def test_stacks_at_steps_are_those_that_the_agent_saw():
    frames = np.random.default_rng(0).integers(0, 255, (30, 5, 6)).astype(np.uint8)
    stack, seen = None, []
    for frame in frames:
        stack = agents.push(stack, frame, 4)
        seen.append(stack)
    steps = np.array([0, 1, 2, 3, 17, 29])
    np.testing.assert_array_equal(gather.stacks_at(frames, steps, 4), np.array(seen)[steps])
