"""Playing without the game: actions to keys, sampling, edited pictures, what the mods report, and the clock."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from minetest_interp.capture.game import Lost, reported_pose
from minetest_interp.episodes import agents, keys, play
from minetest_interp.episodes.clock import BEGIN, Clock
from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import action_levels

FACTORS = {
    "forward": ["-", "forward"],
    "jump": ["-", "jump"],
    "mouse_x": ["left", "-", "right"],
    "mouse_y": ["up", "-", "down"],
}


def test_an_action_is_the_keys_of_its_number():
    levels = action_levels(FACTORS)
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
    player = agents.forward({"factors": FACTORS})
    drawn = agents.sample(player.forward(0, None)[0], np.random.default_rng(0))
    assert player.levels[drawn] == {"forward": "forward", "jump": "-", "mouse_x": "-", "mouse_y": "-"}


def test_out_of_order_uses_every_step_of_the_recorded_episode_once():
    logits = np.random.default_rng(0).normal(size=(20, 36))
    player = agents.out_of_order({"factors": FACTORS}, logits, seed=3)
    used = np.array([player.forward(step, None)[0] for step in range(20)])
    assert not np.array_equal(used, logits)
    np.testing.assert_array_equal(np.sort(used, axis=0), np.sort(logits, axis=0))


def test_the_first_frame_is_repeated_and_the_newest_is_last():
    first, second = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    stack = agents.push(None, first, 4)
    assert stack.shape == (4, 2, 2) and not stack.any()
    np.testing.assert_array_equal(agents.push(stack, second, 4).mean((1, 2)), [0, 0, 0, 1])


def test_even_halves_have_the_frames_own_mean():
    stack = np.random.default_rng(0).integers(20, 90, (4, 6, 8)).astype(np.uint8)
    stack[:, :, :4] += 60
    evened = agents.even(stack)
    for half in np.split(evened, 2, axis=2):
        np.testing.assert_allclose(half.mean((1, 2)), stack.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(agents.even(evened), evened, rtol=1e-5)


def _line(**entry) -> str:
    return json.dumps(entry) + "\n"


def test_a_frame_is_reported_once_with_what_was_dug_before_it(tmp_path):
    path = tmp_path / "log"
    path.write_text(_line(time=1.0) + _line(dug="default:tree", at=[1, 2, 3]))
    reports = play.Reports(path)
    assert reports.frame(1.05) == (None, [])
    half = _line(time=1.05, eye=2)
    with path.open("a") as log:
        log.write(half[:7])
    assert reports.frame(1.05) == (None, [])
    with path.open("a") as log:
        log.write(half[7:] + _line(time=1.1, eye=3))
    report, happened = reports.frame(1.05)
    assert report["eye"] == 2
    assert [entry["dug"] for entry in happened] == ["default:tree"]
    assert reports.latest()["eye"] == 3
    with pytest.raises(Lost, match="report"):
        reports.latest()


def test_a_pose_is_feet_and_look_in_the_servers_angles():
    pose = reported_pose({"eye": [1.0, 2.47, 3.0], "yaw": np.pi / 2, "pitch": 0.5})
    np.testing.assert_allclose(pose, [1, 1, 3, 0, np.degrees(0.5)], atol=1e-9)


READS = """
import sys, time
for _ in sys.stdin:
    print(time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW), time.monotonic_ns(), flush=True)
"""


def test_a_program_reads_a_clock_that_stands_still_and_moves_by_what_it_is_told(tmp_path):
    clock = Clock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", READS],
        env=clock.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as program:

        def read() -> list[int]:
            program.stdin.write("\n")
            return [int(word) for word in program.stdout.readline().split()]

        first, again = read(), read()
        assert first[0] == again[0] == BEGIN
        assert again[1] > first[1]  # the other clocks go on
        clock.advance(0.05)
        assert read()[0] == BEGIN + 50_000_000
        with clock:
            began, now = time.monotonic(), read()[0]
            while read()[0] == now:
                assert time.monotonic() < began + 10
            with clock.standing():
                stands = read()[0]
                time.sleep(0.05)
                assert stands == read()[0] > BEGIN + 50_000_000
        stands = read()[0]
        assert stands == read()[0]
        program.stdin.close()
