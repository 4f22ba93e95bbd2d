"""What readers try: pieces stay in their frame, choices keep their rules, and all that is said follows from them."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minetest_interp.analysis import hands_on, probes
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.facts import hands_on as facts
from minetest_interp.pages import hands_on as page
from tests.conftest import ROOT
from tests.unit.test_article import STEERS, small_facts, small_tried

RNG = np.random.default_rng(3)


def frame(*, planes=1, size=16):
    return RNG.integers(0, 256, (planes, size, size)).astype(float)


@pytest.mark.parametrize("planes", [1, 3])
def test_a_piece_covers_its_place_and_nothing_else(planes):
    seen = frame(planes=planes)
    piece = hands_on.Piece(frame(planes=planes)[:, :5, :3], RNG.uniform(size=(5, 3)), 4)
    everywhere = hands_on.at_every_column(seen, piece)
    assert len(everywhere) == 16 - 3 + 1
    for column, painted in enumerate(everywhere):
        expected = seen.copy()
        for row in range(5):
            for i in range(3):
                share = piece.share[row, i]
                under = seen[:, 4 + row, column + i]
                expected[:, 4 + row, column + i] = (1 - share) * under + share * piece.levels[:, row, i]
        np.testing.assert_allclose(painted, expected, atol=1e-3)


def test_bars_are_those_of_the_claims():
    seen, settings = frame(planes=3, size=32), BarSettings(dark=0.25)
    made = hands_on.bars(seen, settings)
    mean = seen.mean((1, 2))
    for name, level in (("dark", 0.75), ("light", 1.25)):
        assert made[name].levels.shape == (3, *settings.place.shape(32, 32)) and (made[name].share == 1).all()
        np.testing.assert_allclose(made[name].levels.mean((1, 2)), np.minimum(level * mean, 255), atol=0.5)
        assert np.ptp(made[name].levels, axis=(1, 2)).max() == 0
    np.testing.assert_allclose(made["rough"].levels.mean((1, 2)), mean, atol=1)
    assert made["rough"].levels.std() > 10


def test_the_cut_out_is_the_compact_piece_nearest_to_the_bar():
    share = np.zeros((4, 16, 16))
    share[0, 2:10, 0:3] = 1  # touches the left side
    share[1, 2:5, 4:8] = 1  # too low
    share[2, 1:11, 4:7] = 1  # 30 pixels
    share[3, 1:13, 4:9] = 1  # 60 pixels
    planes = RNG.uniform(0, 255, (4, 1, 16, 16))
    found = hands_on.cut_out(planes, share, (10, 3))
    assert (found.donor, found.left, found.piece.top) == (2, 4, 1)
    np.testing.assert_array_equal(found.piece.levels, planes[2, :, 1:11, 4:7])
    share[2, 1:11:2, 4:7], share[2, 1:11, 4] = 0, 1  # a comb fills half of its box
    assert hands_on.cut_out(planes, share, (10, 3)).donor == 3
    assert hands_on.cut_out(planes, np.zeros_like(share), (10, 3)) is None


def test_the_stage_is_calm_and_usable():
    planes = np.stack([frame() * contrast for contrast in (1, 0.5, 1, 1)])
    turning, usable = np.array([0.01, 0.02, 0.5, 0.0]), np.array([False, True, True, False])
    assert hands_on.choose_stage(planes, turning, usable) == 1
    assert hands_on.choose_stage(planes, turning + 0.2, usable) == 1  # none is calm: the calmest
    assert (
        hands_on.choose_stage(planes, turning, np.ones(4, bool)) == [0, 1, 3][planes[[0, 1, 3]].std((1, 2, 3)).argmax()]
    )


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.integers(1, 6))
def test_stills_go_from_the_most_left_turn_to_the_most_right(turning, count):
    turning = np.array(turning)
    chosen = hands_on.evenly_turned(turning, count=count)
    assert len(set(chosen)) == len(chosen) == min(count, len(turning))
    assert (np.diff(turning[chosen]) <= 0).all() and turning[chosen[0]] == turning.max()
    if len(chosen) > 1:
        assert turning[chosen[-1]] == turning.min()


@given(st.integers(0, 9))
def test_guesses_are_balanced_usable_and_of_different_clusters(seed):
    rng = np.random.default_rng(seed)
    turning, clusters = rng.uniform(-1, 1, 40), rng.integers(0, 30, 40)
    usable = rng.uniform(size=40) < 0.6
    chosen = hands_on.draw_guesses(turning, clusters, usable, count=10, seed=seed)
    assert usable[chosen].all() and len(set(clusters[chosen])) == len(chosen) <= 10
    assert (turning[chosen] > 0).sum() == (turning[chosen] < 0).sum()
    np.testing.assert_array_equal(chosen, hands_on.draw_guesses(turning, clusters, usable, count=10, seed=seed))


def test_rules_are_counted_on_all_frames_that_could_be_drawn():
    turning, position = RNG.uniform(-1, 1, 60), RNG.uniform(-1, 1, 60)
    rules = {"true": turning, "false": -turning}
    chosen, found = hands_on.guesses(turning, rules, position, np.arange(60), seed=0)
    usable = (np.abs(position) > 0.2) & (np.abs(turning) >= 0.1)
    assert found["number"] == usable.sum() and set(chosen) <= set(np.flatnonzero(usable)) and len(chosen) == 10
    assert found["true/share"] == 1 and found["false/share"] == 0
    np.testing.assert_array_equal(found["turning"], turning[chosen])


def test_a_probe_reads_the_side_of_other_frames_and_says_nothing_near_the_middle():
    position = RNG.uniform(-1, 1, 80)
    features = np.stack([position, RNG.normal(size=80)], axis=1)
    said = hands_on.probe_of_side(features, position, np.arange(80), penalties=probes.PENALTIES)
    off = np.abs(position) > 0.2
    assert np.isnan(said[~off]).all()
    assert (np.sign(said[off]) == -np.sign(position[off])).mean() > 0.95  # positive for left


def test_the_darker_half_is_the_left_one_where_it_is_positive():
    left_dark = np.concatenate([np.zeros((1, 4, 4)), np.full((1, 4, 4), 200)], axis=2)[None]
    assert hands_on.darker_side(left_dark) == [200] and hands_on.darker_side(left_dark[..., ::-1]) == [-200]


@pytest.mark.parametrize(("ends", "side"), [(STEERS("yaw"), 1), ({"yaw": {"plus": {"key": "right"}}}, -1)])
def test_facts_name_sides_whatever_sign_the_steering_has(ends, side):
    stored = small_tried()
    found, reasons = facts.collect(stored, {"steering": "yaw", "behaviours": ends})
    assert reasons == {}
    for row, turned in zip(found["stills"], stored["stills/turning"], strict=True):
        assert row["steering"] == side * turned and row["side"] == ("left" if turned > 0 else "right")
    for row, turned, place in zip(
        found["guess"]["rows"], stored["guess/turning"], stored["guess/position"], strict=True
    ):
        assert row["policy"] == ("left" if turned > 0 else "right")
        assert row["concept"] == ("right" if place > 0 else "left")
    dark = found["try_it"]["rows"][0]
    assert dark["name"] == "dark" and dark["left"]["steering"] == side * stored["try/dark/turning"][0, 0]
    assert dark["right"]["control"] == side * stored["try/dark/turning"][1, -1]
    agree = sum(np.sign(stored["guess/darker"]) == np.sign(stored["guess/turning"]))
    assert found["guess"]["agree"]["darker"] == agree


def test_why_there_is_nothing_to_try_is_said():
    stored = {key: array for key, array in small_tried().items() if key.startswith("stills")}
    found, reasons = facts.collect(
        stored | {"reason": np.array("no labels")}, {"steering": "a", "behaviours": STEERS("a")}
    )
    assert set(found) == {"stills"} and reasons == {"try_it": "no labels", "guess": "no labels"}


@pytest.mark.skipif(shutil.which("node") is None, reason="NOT CHECKED in a browser's language: no `node` on the PATH")
def test_the_page_paints_as_the_build_does():
    stored = small_tried()
    script = (ROOT / "report/hands.js").read_text(encoding="utf-8")
    source = re.search(r"  function painted\(.*?\n  }\n", script, re.DOTALL)[0]
    known = json.loads(page.pictured(stored, small_facts()).study_json)["trial"]["pieces"]
    for name, piece in known.items():
        levels, share = stored[f"try/{name}/levels"], stored[f"try/{name}/share"]
        given_piece = {key: piece[key] for key in ("top", "rows", "columns")}
        given_piece |= {"levels": levels.ravel().tolist(), "share": share.astype(np.float32).ravel().tolist()}
        call = f"painted({stored['try/planes'].ravel().tolist()}, [8, 8], {json.dumps(given_piece)}, 3)"
        ran = subprocess.run(
            ["node", "-e", f"{source} console.log(JSON.stringify([...{call}]))"], capture_output=True, check=True
        )
        expected = hands_on.at_every_column(
            stored["try/planes"], hands_on.Piece(levels, share, int(stored[f"try/{name}/top"]))
        )[3]
        np.testing.assert_allclose(json.loads(ran.stdout), expected.ravel(), atol=1e-3)
