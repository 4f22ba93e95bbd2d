"""The atlas: every unit, its natural frames, and batches that resume."""

import numpy as np
import pytest

from minetest_interp.analysis import factors
from minetest_interp.dreams import atlas, notebook, scores, units
from minetest_interp.dreams.ascent import Method
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks, objectives
from minetest_interp.model.policy import Geometry, Policy, nature, shuffled_weights
from tests.conftest import random_policy
from tests.samples import FORWARD, YAW, smooth_frames

SMALL = Geometry(channels=(4, 6, 5), hidden=32)
FITTED, JUDGED = smooth_frames(10, seed=1), smooth_frames(11, seed=2)
QUICK = Method(steps=3, strength=32.0)


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, gain=100.0)


@pytest.fixture(scope="module")
def plan(small):
    trace = small.run(np.repeat(FITTED[:, None], 4, axis=1))
    directions = factors.leading_directions(trace, count=2, seed=0)
    listed = units.list_units(nature(SMALL), {"yaw": YAW, "forward": FORWARD}, directions)
    assert sorted(map(len, directions.values())) == [1, 2, 2, 2]  # a factor that explains nothing is left out
    return atlas.prepare(small, listed, fitted=FITTED, judged=JUDGED, method=QUICK, batch=6)


def test_every_channel_direction_and_head_is_listed_once(plan):
    names = [unit.name for unit in plan.listed]
    assert len(set(names)) == len(names) == 4 + 6 + 5 + 7 + 1 + 4
    assert {"conv0/3", "conv2/direction 1", "hidden/direction 0", "value", "yaw", "forward reversed"} <= set(names)
    assert sorted(np.concatenate(plan.batches)) == list(range(len(names)))


def test_directions_are_non_negative_units_and_seeded(small):
    trace = small.run(np.repeat(FITTED[:, None], 4, axis=1))
    first, second = (factors.leading_directions(trace, count=2, seed=0) for _ in range(2))
    for layer, rows in first.items():
        assert (rows >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(rows, second[layer])
    with pytest.raises(InputError, match="`count` of directions must be 1 to 4 in layer 'conv0'"):
        factors.leading_directions(trace, count=5, seed=0)


def test_the_best_patches_are_the_strongest_of_their_frames_and_in_their_box(small, plan):
    unit = next(unit for unit in plan.listed if unit.name == "conv1/2")
    nature = plan.natures[plan.listed.index(unit)]
    responses = np.asarray(plan.real.trace.layers["conv1"])[..., 2]
    np.testing.assert_allclose(nature.values, np.sort(responses.max((1, 2)))[::-1][:9], rtol=1e-5)
    field = networks.field(small, "conv1")
    for frame, top, left, value in zip(nature.frames, nature.tops, nature.lefts, nature.values, strict=True):
        patch = JUDGED[frame][None, None, top : top + 20, left : left + 20]
        np.testing.assert_allclose(field(patch).layers["conv1"][0, 0, 0, 2], value, rtol=1e-4, atol=1e-5)
    assert nature.counts.sum() == responses.size
    assert nature.active == pytest.approx((responses > 0).mean())


def test_nothing_outside_the_mask_changes_the_unit_and_the_border_is_outside(small, plan):
    stack = np.repeat(JUDGED[:1, None], 4, axis=1)
    for name in ("conv1/0", "conv2/0", "yaw"):
        unit = next(unit for unit in plan.listed if unit.name == name)
        mask = units.receptive_mask(unit, nature(SMALL))
        assert not mask[60:].any() and not mask[:, 60:].any()
        changed = np.where(mask, stack, 255 - stack)
        np.testing.assert_array_equal(unit.objective(small.run(changed)), unit.objective(small.run(stack)))
        assert (unit.objective(small.run(255 - stack)) != unit.objective(small.run(stack))).all()


def test_dead_saturated_and_constant_units_are_reported(small, tmp_path):
    params = {name: {key: np.array(a) for key, a in layer.items()} for name, layer in small.params.items()}
    params["conv1"]["bias"][:2] = (-1e3, 1e3)
    params["conv1"]["kernel"][..., 2] = 0
    broken = Policy(SMALL, params)
    listed = units.list_units(nature(SMALL), {}, {})[4:7]
    found = atlas.prepare(broken, listed, fitted=FITTED, judged=JUDGED, method=QUICK)
    assert [units.flag(u, nature(SMALL), n) for u, n in zip(listed, found.natures, strict=True)][:2] == [
        "dead",
        "saturated",
    ]
    assert [nature.constant for nature in found.natures] == [False, False, True]
    made = atlas.compute(found, tmp_path, stamp="a")
    assert np.isnan(made["z"][2]) and np.isfinite(made["z"][:2]).all() and np.isfinite(made["pictures"]).all()
    assert list(made["constant"]) == [False, False, True]


def test_conv0_in_closed_form_equals_the_ascent_to_the_same_box(small):
    position = objectives.centre(SMALL, "conv0")
    mean = JUDGED.mean(0)
    for channel in range(4):
        unit = objectives.neuron(SMALL, "conv0", channel=channel, position=position)
        frame = atlas.box_optimum(small, unit, around=mean)
        corner = np.sign(np.asarray(small.params["conv0"]["kernel"])[..., channel].sum(2))
        top, left, side, _ = nature(SMALL).box("conv0", position)
        np.testing.assert_array_equal(frame[top : top + side, left : left + side], 127.5 * (corner + 1))
        network = networks.fast(small, whole=True)
        climbed = notebook.sign_ascent(network, unit, mean[None, None], step=64.0, steps=12)
        np.testing.assert_allclose(climbed.image[0, 0], frame, atol=1e-3)
        assert climbed.scores[-1] == pytest.approx(float(unit(network(frame[None, None]))[0]), rel=1e-5)


def test_resumed_equals_uninterrupted_to_the_byte(plan, tmp_path):
    class Interrupted(Exception):
        pass

    def stop(done):
        nonlocal left
        left -= done
        if left < 0:
            raise Interrupted

    whole = atlas.compute(plan, tmp_path / "whole", stamp="a")
    left = atlas.work(plan) // 2
    with pytest.raises(Interrupted):
        atlas.compute(plan, tmp_path / "parts", stamp="a", progress=stop)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("batch-*.npz")}
    assert 0 < len(kept) < len(plan.batches)
    resumed = atlas.compute(plan, tmp_path / "parts", stamp="a")
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        assert array.tobytes() == resumed[name].tobytes(), name


def test_progress_adds_up_to_the_work_and_a_new_stamp_starts_over(small, tmp_path):
    heads = units.list_units(nature(SMALL), {"yaw": YAW}, {})[-3:]
    plan = atlas.prepare(small, heads, fitted=FITTED, judged=JUDGED, method=QUICK, batch=2)
    done = []
    atlas.compute(plan, tmp_path, stamp="a", progress=done.append)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    atlas.compute(plan, tmp_path, stamp="b")
    assert len(before) == 2 and all(path.stat().st_mtime_ns != when for path, when in before.items())
    assert sum(done) == atlas.work(plan) == 2 * 3 * 2 * QUICK.steps


def test_the_control_keeps_the_numbers_and_loses_their_order(small):
    other = shuffled_weights(small, seed=1)
    for name, layer in small.params.items():
        for key, array in layer.items():
            np.testing.assert_array_equal(np.sort(other.params[name][key].ravel()), np.sort(np.asarray(array).ravel()))
    assert (other.params["conv1"]["kernel"] != small.params["conv1"]["kernel"]).any()
    np.testing.assert_array_equal(
        shuffled_weights(small, seed=1).params["conv1"]["kernel"], other.params["conv1"]["kernel"]
    )


def test_one_step_is_compiled_for_each_kind_of_unit_however_many_batches_there_are(small, tmp_path, compiled):
    frames = smooth_frames(32)
    listed = units.list_units(nature(SMALL._replace(channels=(4, 6, 6))), {"yaw": YAW}, {})
    small = random_policy(SMALL._replace(channels=(4, 6, 6)))
    plan = atlas.prepare(small, listed, fitted=frames[:16], judged=frames[16:], method=QUICK, batch=3)
    compiled.clear()
    atlas.compute(plan, tmp_path, stamp="a")
    assert len(plan.batches) == 6
    assert sorted(compiled) == ["jit(_render)", "jit(_slope)"] + 3 * ["jit(_step)"]


def test_rows_are_in_the_units_order_and_every_score_has_its_control_and_ceiling(plan, tmp_path):
    made = atlas.compute(plan, tmp_path, stamp="a")
    assert list(made["name"]) == [unit.name for unit in plan.listed]
    assert made["pictures"].shape == made["control"].shape == (len(plan.listed), 2, 64, 64)
    for score in ("z", "hf", "fd", "path_middle", "path_last_standardised"):
        assert {score, f"{score}_control", f"{score}_real"} <= made.keys()
    natural = plan.natures[0].scores
    unit = plan.listed[0]
    shown = unit.objective(plan.real.policy.run(np.repeat(made["pictures"][0, :1, None], 4, axis=1)))
    np.testing.assert_allclose(made["z"][0], scores.z_score(shown, natural).mean(), rtol=1e-4)


def test_the_prior_s_frames_must_not_judge(small):
    with pytest.raises(InputError, match="both among the fitted and the judged"):
        atlas.prepare(
            small, units.list_units(nature(SMALL), {}, {}), fitted=FITTED, judged=np.append(JUDGED, FITTED[:1], 0)
        )
    with pytest.raises(InputError, match="64x64"):
        atlas.prepare(small, units.list_units(nature(SMALL), {}, {}), fitted=FITTED[:, :32, :32], judged=JUDGED)
