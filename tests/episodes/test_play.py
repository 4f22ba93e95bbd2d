"""Playing without the game: actions to keys, sampling, rewards from events, the clock's refusals."""

import json

import numpy as np
import pytest

from minetest_interp.episodes import agents, clock, keys, play
from minetest_interp.io.errors import InputError

FACTORS = {
    "forward": ["-", "forward"],
    "jump": ["-", "jump"],
    "mouse_x": ["left", "-", "right"],
    "mouse_y": ["up", "-", "down"],
}


def test_an_action_is_the_keys_of_its_number():
    levels = agents.levels_of(FACTORS)
    assert len(levels) == 36
    for forward, jump, x, y in np.ndindex(2, 2, 3, 3):
        held = keys.held(levels[18 * forward + 9 * jump + 3 * x + y])
        assert held.keys == {key for key, on in (("w", forward), ("space", jump)) if on}
        assert (held.right, held.down) == (25 * (x - 1), 25 * (y - 1))


def test_an_unknown_level_is_refused():
    with pytest.raises(InputError, match="backward"):
        keys.held({"forward": "backward"})


def test_actions_are_drawn_by_their_probabilities_and_again_with_the_seed():
    logits = np.log(np.array([0.1, 0.6, 0.3]))
    draws = [[agents.sample(logits, random) for _ in range(5000)] for random in map(np.random.default_rng, (4, 4))]
    assert draws[0] == draws[1]
    np.testing.assert_allclose(np.bincount(draws[0]) / 5000, [0.1, 0.6, 0.3], atol=0.03)


def test_always_forward_draws_one_action():
    player = agents.baseline("forward", {"factors": FACTORS})
    logits, value = player.forward(None)
    drawn = agents.sample(logits, np.random.default_rng(0))
    assert player.levels[drawn] == {"forward": "forward", "jump": "-", "mouse_x": "-", "mouse_y": "-"}
    assert np.isnan(value)


def test_the_first_frame_is_repeated_and_the_newest_is_last():
    first, second = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    stack = agents.push(None, first, 4)
    assert stack.shape == (4, 2, 2) and not stack.any()
    np.testing.assert_array_equal(agents.push(stack, second, 4).mean((1, 2)), [0, 0, 0, 1])


def test_rewards_are_the_sum_of_their_events():
    dug = [(1, "default:tree", 0, 0, 0), (1, "default:leaves", 0, 1, 0), (2, "default:aspen_tree", 0, 0, 0)]
    shaped, plain = play.rewards(dug, [(0, "default:tree", 0, 0, 0)], np.array([2.0, 0, np.nan]), np.array([0, 1, 0]))
    np.testing.assert_allclose(plain, [0, 1, 1])
    np.testing.assert_allclose(shaped, [0.03, 0.99, np.nan])


def test_events_belong_to_the_step_before_the_picture_that_shows_them(tmp_path):
    def beat(x):
        return json.dumps({"eye": [x, 1.47, 0], "yaw": np.pi / 2, "pitch": 0, "hp": 20}) + "\n"

    lines = [beat(1), beat(2), json.dumps({"dug": "default:tree", "at": [3, 4, 5]}) + "\n", beat(3)]
    (tmp_path / "log").write_text("".join(lines))
    ends = np.cumsum([len(entry) for entry in lines])
    events = play.read_events(tmp_path / "log", np.array([ends[0], ends[1], ends[1], ends[3]]))
    np.testing.assert_allclose(events.pose[:, 0], [1, 2, 2, 3])
    np.testing.assert_allclose(events.pose[:, 3], 0, atol=1e-9)
    assert events.dug == [(2, "default:tree", 3, 4, 5)]


def test_the_clock_slows_until_it_refuses():
    assert clock.slower(0.4, clock.MOST_BAD) == 0.4
    rate = 0.4
    for _ in range(20):
        if rate == clock.SLOWEST:
            break
        assert clock.slower(rate, 0.03) < rate
        rate = clock.slower(rate, 0.03)
    with pytest.raises(InputError, match="late"):
        clock.slower(rate, 0.03)
