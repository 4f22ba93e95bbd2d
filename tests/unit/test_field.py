"""A field of the world: claims are those of plain loops, and a file that is none is refused in a line."""

import matplotlib as mpl
import numpy as np
import pytest
import scipy

import field as panel
import style
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import field
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, intermediates
from minetest_interp.model import field as recorded
from minetest_interp.model.actions import action_table, behaviours_of
from minetest_interp.stages import cells as cells_stage
from minetest_interp.stages import field as stage
from tests.conftest import random_policy
from tests.played import columns
from tests.unit.test_measure import ACTIONS, SMALL

BEARINGS = np.array([30, 15, 0, -15, -30], np.float32)
LEVEL = Level(0.95, 3)
STACK = random_policy(SMALL).architecture.stack


def answered(seed=0, **answers):
    cells, random = columns(BEARINGS), np.random.default_rng(seed)
    drawn = {name: random.normal(size=len(cells["map"])) for name in ("turn", "value")}
    drawn["stacks"] = random.integers(0, 256, (len(cells["map"]), *STACK), np.uint8)
    return cells | drawn | answers


def estimates(cells, side=1):
    return field.measure(cells, side=side, level=LEVEL).estimates


def test_estimates_are_means_of_rank_correlations_in_plain_loops():
    cells, expected = answered(), {"day": [], "night": [], "stone": [], "ahead": []}
    for first in range(0, 50, 5):
        own = slice(first, first + 5)
        found = scipy.stats.spearmanr(cells["turn"][own], BEARINGS).statistic
        part = "stone" if cells["kind"][first] == "stone" else "day" if cells["time"][first] == 0.5 else "night"
        expected[part].append(found)
        if part == "day":
            expected["ahead"].append(scipy.stats.spearmanr(cells["value"][own], -np.abs(BEARINGS)).statistic)
    found = estimates(cells)
    for part in ("day", "night", "stone"):
        assert found[field.TURNS][part].estimate == pytest.approx(np.mean(expected[part]))
        assert found[field.TURNS][part].clusters == len(expected[part])
    assert found[field.VALUES]["day"].estimate == pytest.approx(np.mean(expected["ahead"]))
    error = np.std(expected["day"], ddof=1) / np.sqrt(len(expected["day"]))
    assert found[field.TURNS]["day"].error == pytest.approx(error)


def test_a_mirrored_field_has_the_same_estimates():
    cells = answered()
    mirrored = cells | {"bearing": -cells["bearing"], "turn": -cells["turn"]}
    assert estimates(mirrored) == estimates(cells)
    assert estimates(cells | {"turn": -cells["turn"]}, side=-1) == estimates(cells)


def test_a_policy_that_does_the_opposite_is_as_far_on_the_other_side_of_chance():
    cells = answered()
    usual, other = estimates(cells), estimates(cells | {"turn": -cells["turn"], "value": -cells["value"]})
    for claim, parts in usual.items():
        for part, found in parts.items():
            assert other[claim][part].estimate - found.chance == pytest.approx(found.chance - found.estimate), part


def test_a_policy_that_turns_to_the_trunk_or_away_has_the_extremes():
    cells = columns(BEARINGS)
    found = estimates(answered(turn=cells["bearing"] / 90, value=-np.abs(cells["bearing"])))
    assert all(part.estimate == pytest.approx(1) for parts in found.values() for part in parts.values())
    assert estimates(answered(turn=-cells["bearing"]))[field.TURNS]["day"].estimate == pytest.approx(-1)
    still = estimates(answered(turn=np.zeros(len(cells["map"]))))
    assert still[field.TURNS]["day"].estimate == 0


def test_the_map_counts_in_no_sweep():
    cells = answered()
    changed = cells | {"turn": np.where(cells["map"], 9, cells["turn"])}
    assert estimates(changed) == estimates(cells)
    assert (field.sweeps(cells) == np.where(cells["map"], -1, np.arange(len(cells["map"])) // 5)).all()


def test_a_field_without_a_tree_says_so():
    cells = answered()
    found = estimates({name: values[cells["kind"] == "stone"] for name, values in cells.items()})
    assert found[field.TURNS]["stone"].estimate is not None
    assert {found[field.TURNS][part].reason for part in ("day", "night")} == {field.NO_SWEEPS}


def test_without_a_field_or_a_value_the_reason_is_said():
    nothing = field.measure(None, side=1, level=LEVEL)
    assert {part.reason for parts in nothing.estimates.values() for part in parts.values()} == {field.NO_FIELD}
    found = estimates(answered(value=np.full(len(columns(BEARINGS)["map"]), np.nan)))
    assert found[field.VALUES]["day"].estimate is None and found[field.TURNS]["day"].estimate is not None
    assert {name: set(parts) for name, parts in nothing.estimates.items()} == {
        name: set(parts) for name, parts in found.items()
    }


def write(path, **changes):
    cells = columns(BEARINGS)
    stacks = np.random.default_rng(0).integers(0, 256, (len(cells["map"]), *STACK), np.uint8)
    arrays = cells | {"stacks": stacks} | changes
    np.savez_compressed(path, **{name: array for name, array in arrays.items() if array is not None})
    return arrays


def test_stages_ask_the_policy_in_every_cell(tmp_path):
    policy = random_policy(SMALL, seed=3, gain=50.0)
    checkpoint.save(tmp_path / "policy.model", policy, {})
    arrays = write(tmp_path / "field.npz")
    given = {"checkpoint_path": tmp_path / "policy.model", "policy": {"size": SMALL.size}, "actions": ACTIONS}
    cells_stage.run(**given, recorded=tmp_path / "field.npz", cells=tmp_path / "cells.npz")
    cells = files.read_arrays(tmp_path / "cells.npz")
    answers = intermediates.compute(policy, arrays["stacks"].astype(np.float32))
    table = action_table(ACTIONS["factors"], ACTIONS["behaviours"])
    np.testing.assert_array_equal(cells["turn"], behaviours_of(answers, table)[ACTIONS["steering"]])
    np.testing.assert_array_equal(cells["value"], np.ravel(answers["value"]))
    written = {"arrays": tmp_path / "field-measured.npz", "estimates": tmp_path / "field.json"}
    stage.run(**given, interval=LEVEL._asdict(), side=1, cells=tmp_path / "cells.npz", **written)
    expected = estimates(cells)[field.TURNS]["day"].estimate
    assert files.read_json(tmp_path / "field.json")[field.TURNS]["day"]["estimate"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bearing": None}, "must have the array 'bearing'"),
        ({"stacks": np.zeros((54, 2, 3), np.uint8)}, "stacks must be uint8"),
        ({"stacks": np.zeros((54, *STACK), np.float32)}, "stacks must be uint8"),
        ({"stacks": np.zeros((0, *STACK), np.uint8)}, "stacks must be uint8"),
        ({"leaves": np.ones(54)}, "leaves must be booleans [54]"),
        ({"kind": np.full(53, "apple")}, "kind must be text [54]"),
        ({"distance": np.full(54, np.nan)}, "distance must be finite"),
    ],
)
def test_a_file_that_is_no_field_is_refused_in_a_line(tmp_path, changes, said):
    write(tmp_path / "field.npz", **changes)
    with pytest.raises(InputError) as refused:
        recorded.read(tmp_path / "field.npz", seen=STACK)
    assert said in str(refused.value) and "field.npz" in str(refused.value) and "\n" not in str(refused.value)


def drawn(tmp_path, cells):
    files.write_arrays(tmp_path / "evidence/field.npz", **field.measure(cells, side=1, level=LEVEL).arrays)
    with mpl.rc_context(style.panel()):
        figure = panel.draw(**panel.load(tmp_path, behaviour="$odd"))
        figure.draw_without_rendering()
    return figure


def test_the_panel_draws_every_sweep_with_left_on_the_left(tmp_path):
    cells = answered()
    frames, (distance, kind, ground, around, *_) = np.split(drawn(tmp_path, cells).axes, [5])
    for ax, stack in zip(frames, cells["stacks"], strict=False):  # the base's bearings go from left to right
        np.testing.assert_array_equal(ax.images[0].get_array(), stack[-1])
    counts = [sum(len(line.get_xdata()) == 5 for line in ax.lines) for ax in (distance, kind, ground)]
    assert counts == [6, 6, 2]  # the base, twice, in each; of the kinds one is bare
    assert all(ax.xaxis.get_inverted() for ax in (distance, kind, ground)) and not around.xaxis.get_inverted()
    np.testing.assert_array_equal(np.sort(distance.lines[0].get_ydata()), np.sort(cells["turn"][:5]))
    on_map = np.flatnonzero(cells["map"])
    to_the_left = cells["bearing"][on_map] > 0
    x, y = around.collections[0].get_offsets().T
    assert ((x > 0) == to_the_left).all() and (y < 0).all()  # where the trunk is on the left, the agent is right of it
    np.testing.assert_allclose(np.hypot(x, y), 5)


def test_the_panel_says_that_there_is_no_map(tmp_path):
    cells = answered()
    without = {name: array[~cells["map"]] for name, array in cells.items()}
    assert "no map" in drawn(tmp_path, without).axes[8].texts[0].get_text()
