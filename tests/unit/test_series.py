"""Checkpoints side by side: their names and order, and numbers that can be had another way."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from minetest_interp.analysis import stats
from minetest_interp.claims import series
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, checkpoint_names
from minetest_interp.model.description import describe
from minetest_interp.model.policy import Geometry, nature
from minetest_interp.stages import run_stages, same_shape
from tests.conftest import random_policy

LAYERS = ("pool0", "torso.conv")


def named(*names, pattern="*"):
    return {pattern: [Path("run") / f"{name}.model" for name in names]}


@given(st.lists(st.integers(0, 10**9), min_size=1, unique=True), st.randoms())
def test_members_along_training_stand_in_the_order_of_their_numbers(steps, random):
    names = [f"ppo-v0_{step}" for step in steps]
    random.shuffle(names)
    found = checkpoint_names.find(named(*names), along="step")
    assert [checkpoint_names.number_in(name) for name in found] == sorted(steps)
    assert all(file.stem == name for name, file in found.items())


def test_without_a_number_to_go_by_members_stand_in_natural_order():
    assert list(checkpoint_names.find(named("seed10", "seed2", "final"))) == ["final", "seed2", "seed10"]


def test_a_file_that_two_patterns_find_is_one_member():
    assert list(checkpoint_names.find(named("a", "b") | named("b", pattern="b.model"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("listed", "along", "message"),
    [
        (named(pattern="run/*.model"), None, "'run/\\*.model' must find a checkpoint in the source folder"),
        (named("a b"), None, r"run/a b.model: .* letters, digits, _, \. and - only"),
        (
            named("a") | {"seeds/*": [Path("seeds/a.model")]},
            None,
            "seeds/a.model: .* name of its own; run/a.model has it",
        ),
        (named("final", "1"), "step", "run/final.model: must have the number of its step in its name"),
        (named("a-1", "b-01"), "step", "must not have the same step; 1 comes twice"),
    ],
)
def test_names_that_cannot_be_told_apart_or_ordered_are_refused(listed, along, message):
    with pytest.raises(InputError, match=message):
        checkpoint_names.find(listed, along=along)


def ledger(verdict, estimate):
    part = {"what": "w", "direction": "above", "claimed": 0.5, "chance": 0.0, "estimate": estimate, "interval": None}
    return [{"id": i, "statement": i, "unit": None, "verdict": verdict, "parts": [part]} for i in ("first", "second")]


def test_each_claim_has_every_members_verdict_in_their_order():
    told = {"a": ledger("partly", 0.1), "b": ledger("supported", 0.9), "c": ledger("supported", None)}
    rows = series.claims(told)
    assert [row["id"] for row in rows] == ["first", "second"]
    for row in rows:
        assert row["verdicts"] == ["partly", "supported", "supported"] and row["changes"] == 1
        assert row["estimates"] == [0.1, 0.9, None] and row["chances"] == [0.0] * 3 and row["claimed"] == [0.5] * 3


def test_correlations_are_those_of_scipy_and_nan_where_a_row_does_not_vary():
    rows = np.random.default_rng(0).normal(size=(4, 9))
    rows[2] = 7
    with warnings.catch_warnings(), np.errstate(all="raise"):
        found = stats.correlations(rows)
    for i in (0, 1, 3):
        for j in (0, 1, 3):
            assert found[i, j] == pytest.approx(scipy.stats.pearsonr(rows[i], rows[j]).statistic)
    assert np.isnan(found[2]).all() and np.isnan(found[:, 2]).all()


def test_each_member_is_like_the_last_one_or_on_average_like_the_others():
    similarity = np.array([[1, 0.5, 0.1], [0.5, 1, 0.3], [0.1, 0.3, 1]])
    assert series.similarity_to_others(similarity, ordered=True).tolist() == [0.1, 0.3, 1]
    assert series.similarity_to_others(similarity, ordered=False) == pytest.approx([0.3, 0.4, 0.2])
    similarity[1] = similarity[:, 1] = np.nan
    assert series.similarity_to_others(similarity, ordered=False) == pytest.approx([0.1, np.nan, 0.1], nan_ok=True)
    assert np.isnan(series.similarity_to_others(np.ones((1, 1)), ordered=False)).all()


def measured(seed):
    generator = np.random.default_rng(seed)
    units = {"layers": np.array(LAYERS)} | {f"{layer}/auroc": generator.uniform(0, 1, 7) for layer in LAYERS}
    causal = {f"zero/{layer}/steering": generator.uniform(0, 1, (5, 7)) for layer in LAYERS}
    return units, causal


def test_units_are_compared_by_the_ranks_of_their_channels():
    units, causal = zip(*map(measured, range(3)), strict=True)
    kept = series.units(units, causal)
    for layer in LAYERS:
        assert kept[f"{layer}/trunk"][1] == pytest.approx(units[1][f"{layer}/auroc"] - 0.5)
        assert kept[f"{layer}/steering"][2] == pytest.approx(causal[2][f"zero/{layer}/steering"].mean(0))
        expected = scipy.stats.spearmanr(*(kept[f"{layer}/steering"][i] for i in (0, 2))).statistic
        assert kept[f"{layer}/steering/similarity"][0, 2] == pytest.approx(expected)
    without = series.units([{"layers": np.array(LAYERS)}, *units[1:]], causal)
    assert set(without) == {f"{layer}/steering{end}" for layer in LAYERS for end in ("", "/similarity")}


def test_behaviours_are_summed_up_over_the_frames_and_the_value_is_one_of_them():
    rng = np.random.default_rng(1)
    measured_on = [{"original/yaw": rng.normal(size=21), "original/value": rng.normal(size=21)} for _ in range(2)]
    kept = series.behaviours(measured_on, "yaw")
    assert set(kept) == {"quantiles/yaw", "quantiles/value", "similarity"}
    assert kept["quantiles/yaw"][1].tolist() == np.sort(measured_on[1]["original/yaw"])[[1, 10, 19]].tolist()
    expected = np.corrcoef(measured_on[0]["original/yaw"], measured_on[1]["original/yaw"])
    assert kept["similarity"] == pytest.approx(expected)


def test_a_chain_runs_each_stage_with_its_own_options(tmp_path):
    small = random_policy(Geometry(hidden=8, actions=6))
    checkpoint.save(tmp_path / "a.model", small, {})
    files.write_json(tmp_path / "network.json", describe(small.architecture))
    paths = {"checkpoint-path": str(tmp_path / "a.model"), "network": str(tmp_path / "network.json")}
    words = paths | {"policy": '{"size": 64}'}
    run_stages.run([["same_shape", words], ["same_shape", words]])
    files.write_json(tmp_path / "network.json", describe(nature(small.geometry._replace(hidden=9))))
    with pytest.raises(
        SystemExit,
        match=r"^error: .*a.model: must have the shape of hidden of the study's own checkpoint, \[9\]; got \[8\]",
    ):
        run_stages.run([["same_shape", words]])


def test_any_other_shape_is_told_by_its_name(tmp_path):
    own = Geometry(hidden=8, actions=6)
    checkpoint.save(tmp_path / "a.model", random_policy(own), {})
    for change, named in (
        ({"frames": 2}, "frames"),
        ({"channels": (1, 2, 3)}, "shape of conv0"),
        ({"actions": 7}, "outputs of the actor"),
        ({"size": 84}, "height"),
        ({"strides": (4, 2, 2), "size": 72}, "height"),
    ):
        files.write_json(tmp_path / "network.json", describe(nature(own._replace(**change))))
        with pytest.raises(InputError, match=f"must have the {named} of the study's own"):
            same_shape.run(tmp_path / "a.model", {"size": 64}, tmp_path / "network.json")
