"""What is claimed to cause the steering: estimates on numbers known by hand, and the stage on the demo policy."""

import json

import numpy as np
import pytest
import scipy.stats

from minetest_interp.analysis.intervals import Level, missing
from minetest_interp.analysis.interventions import Effects
from minetest_interp.claims import causal, vectors
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.stages import causal as stage
from tests.conftest import ROOT
from tests.samples import smooth_frames

LEVEL = Level()
NAMED = {"conv0": 21, "conv1": 13, "conv2": 18}


def test_the_detector_s_estimates_on_numbers_known_by_hand():
    generator, n = np.random.default_rng(9), 24
    difference = generator.standard_normal(n)
    noise = generator.uniform(0.9, 1.1, (n, 5))
    change = noise * [0.1, -0.2, 0.3, -0.4, 0.5]
    patch = difference[:, None] * [0.1, 0.2, 0.3, 0.4, 1.0]
    found = {
        "zero": Effects(change, np.abs(change)),
        "mean": Effects(change, 2 * np.abs(change)),
        "patch": Effects(patch, np.abs(patch)),
    }
    gradient = noise * [1, 2, 3, 4, 5]
    options = {"clusters": np.arange(n), "level": LEVEL, "channel": 3}
    shuffled = generator.standard_normal((1, 40)) + 0.5 * generator.standard_normal((n, 40))
    shuffled[::2, 7] = 0  # on half of the frames it does not push, where the named channel does
    on, off = (causal.detector_estimates(found, gradient, shuffled, difference, sign=s, **options) for s in (1, -1))
    assert on["gradient"].estimate == pytest.approx(gradient[:, 3].mean()) == pytest.approx(-off["gradient"].estimate)
    assert on["ablation-rank"].estimate == 1 / 4 and on["ablation-rank"].interval is None
    assert (on["pushes"].estimate, off["pushes"].estimate, on["pushes"].chance) == (1, 0, 0.5)
    half = causal.detector_estimates(
        found, gradient * (np.arange(n) % 2)[:, None], shuffled, difference, sign=1, **options
    )
    assert half["pushes"].estimate == 0.75  # a gradient of zero pushes neither way
    others = np.delete(shuffled, 7, axis=1) > 0
    shares = others.mean(0)
    assert on["over-shuffled"].estimate == pytest.approx(1 - shares.mean())
    assert off["over-shuffled"].estimate == pytest.approx(shares.mean() - 1)
    # Each channel keeps to its sign, so that one that always does is nothing special.
    assert on["over-shuffled"].interval[0] < 0 < on["pushes"].interval[0] - 0.5
    error = others.mean(1).var(ddof=1) / n + 40 / 39 * shares.var(ddof=1)
    assert on["over-shuffled"].error ** 2 == pytest.approx(error)
    lonely = causal.detector_estimates(found, gradient, 0 * shuffled, difference, sign=1, **options)
    assert lonely["over-shuffled"].reason == causal.NO_OTHERS
    unknown = causal.detector_estimates(found, gradient, shuffled, difference, sign=missing("unknown"), **options)
    assert [unknown[part].reason for part in ("pushes", "over-shuffled", "gradient")] == ["unknown"] * 3
    assert unknown["ablation-zero"] == on["ablation-zero"]
    assert on["ablation-zero"].estimate == pytest.approx(-change[:, 3].mean())
    assert on["ablation-zero"].chance == pytest.approx(change[:, 2].mean())
    assert on["ablation-mean"].estimate == pytest.approx(2 * on["ablation-zero"].estimate)
    assert on["ablation-resample"].estimate is None and "near-duplicates" in on["ablation-resample"].reason
    assert (on["patch"].estimate, on["patch"].chance) == (pytest.approx(0.4), pytest.approx(0.4))
    still = causal.detector_estimates(found, gradient, shuffled, 0 * difference, sign=1, **options)
    assert (still["patch"].estimate, still["patch"].chance) == (None, None)


def test_the_rank_correlation_is_spearman_s_within_layers():
    generator = np.random.default_rng(10)
    strength, effect = map(list, generator.random((2, 2, 12)))
    alone = causal.rank_correlation_estimate(strength[:1], effect[:1], LEVEL)
    assert alone.estimate == pytest.approx(scipy.stats.spearmanr(strength[0], effect[0]).statistic)
    both = causal.rank_correlation_estimate(strength, effect, LEVEL)
    assert (both.n, both.chance) == (24, 0) and both.interval is not None
    # A layer's scale, which depends on its width and depth, does not matter.
    scaled = causal.rank_correlation_estimate([strength[0], strength[1] ** 3], [effect[0], 100 + effect[1]], LEVEL)
    assert scaled == both
    unknown = [np.append(strength[0], np.nan), strength[1]]
    assert causal.rank_correlation_estimate(unknown, [np.append(effect[0], 9.0), effect[1]], LEVEL) == both


def test_layers_of_other_sizes_are_ranked_around_the_same_middle():
    random = np.random.default_rng(3)
    strength, effect = ([random.random(size) for size in (1, 3, 40)] for _ in range(2))

    def ranks(layers):
        return np.concatenate([(np.argsort(np.argsort(of)) - (len(of) - 1) / 2) / len(of) for of in layers])

    found = causal.rank_correlation_estimate(strength, effect, LEVEL)
    assert found.estimate == pytest.approx(np.corrcoef(ranks(strength), ranks(effect))[0, 1])


def test_what_activity_explains_is_no_relation_and_what_it_does_not_is_found():
    generator = np.random.default_rng(11)
    active, own = generator.random((2, 2, 64))
    by_activity = [list(active + 0.3 * generator.random((2, 64))) for _ in "xy"]
    given = [list(active)]
    raw, partial = (causal.rank_correlation_estimate(*by_activity, LEVEL, given=each) for each in ((), given))
    assert raw.interval[0] > 0.5 and partial.interval[0] < 0 < partial.interval[1]
    related = causal.rank_correlation_estimate(list(active + own), list(active + own**3), LEVEL, given=given)
    assert related.interval[0] > 0.3
    # In plain numpy: ranks within layers, and what least squares leave of them.
    ranks = [np.concatenate([scipy.stats.rankdata(layer) for layer in rows]) for rows in (*by_activity, active)]
    design = np.stack([np.ones(128), ranks[2]], 1)
    left = [row - design @ np.linalg.lstsq(design, row)[0] for row in ranks[:2]]
    assert partial.estimate == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-9)


@pytest.mark.parametrize(
    ("held_in", "expected"),
    [([0.7, 0.6, 0.8], 1), ([0.3, 0.2, 0.4], -1), ([0.6, 0.49, 0.7], None), ([0.9, np.nan, np.nan], None)],
)
def test_the_expected_sign_is_known_only_where_the_first_half_tells_it(held_in, expected):
    found = causal.expected_sign({"conv2/held_in": np.array(held_in)}, "conv2", 3, reason=None)
    assert found == expected if expected else "conv2/3 is switched on or off" in found.reason
    assert (
        "no trunks" in causal.expected_sign({"conv2/held_in": np.array(held_in)}, "conv2", 3, reason="no trunks").reason
    )
    assert causal.expected_sign({}, "conv2", 3, reason=None).reason == causal.NO_UNITS


def test_slopes_are_those_of_the_vector_less_those_of_random_directions_whose_spread_the_error_holds():
    strengths, generator = np.array([-2, 0.5, 1]), np.random.default_rng(12)
    drawn = generator.standard_normal((6, 15))
    np.testing.assert_allclose(vectors.slopes(drawn[..., None] * strengths, strengths.tolist()), drawn)
    turning = dict(zip(("trunk", "brightness", "orthogonal", "regressed"), drawn, strict=False))
    turning |= {"random": drawn[3:], "random_orthogonal": drawn[2:]}
    found = vectors.slope_estimates(turning, np.arange(15), LEVEL, cosine=0.5)
    single = drawn[0] - drawn[3:].mean(0)
    assert found["slope"].estimate == pytest.approx(single.mean())
    spread = 4 / 3 * drawn[3:].mean(1).var(ddof=1) + single.var(ddof=1) / 15
    assert found["slope"].error == pytest.approx(np.sqrt(spread))
    assert found["beyond-brightness"].estimate == pytest.approx((drawn[2] - drawn[2:].mean(0)).mean())
    assert found["brightness"].estimate == pytest.approx(drawn[1].mean()) and found["cosine"].estimate == 0.5
    unknown = vectors.slope_estimates(turning, np.arange(15), LEVEL, reason="all alike")
    assert unknown["slope"] == found["slope"] and unknown["beyond-brightness"].reason == "all alike"
    assert tuple(found) == tuple(unknown) == vectors.PARTS


def run_stage(folder, **options):
    """The stage on frames of the demo study, few donors."""
    names = [f"frame {i}" for i in range(12)]
    greys = smooth_frames(12, seed=2)
    files.write_arrays(folder / "stacks.npz", frames=names, original=greys, mirrored=greys[:, :, ::-1])
    actions = {
        "factors": {"forward": ["-", "f"], "jump": ["-", "j"], "x": ["l", "-", "r"], "y": ["u", "-", "d"]},
        "behaviours": {"jump": {"plus": {"jump": "j"}}, "yaw": {"plus": {"x": "l"}, "minus": {"x": "r"}}},
        "steering": "yaw",
    }
    stage.run(
        **{
            "checkpoint_path": ROOT / "data/demo/demo.model",
            "policy": {"size": 64},
            "actions": actions,
            "stacks": folder / "stacks.npz",
            "settings": {"donors": 1, "directions": 2, "strengths": [-1, 1], "seed": 0},
            "interval": LEVEL._asdict(),
            "similarity": 0.9,
            "named": NAMED,
            "about": [["trunk", "yaw", 1]],
            "arrays": folder / "causal.npz",
            "estimates": folder / "causal.json",
        }
        | options
    )
    return files.read_arrays(folder / "causal.npz"), json.loads((folder / "causal.json").read_text())


def test_the_stage_says_what_is_missing_and_keeps_what_others_can_recompute(tmp_path):
    kept, estimates = run_stage(tmp_path)
    assert kept["quantities"].tolist() == ["jump", "yaw", "value"]
    for layer in NAMED:
        np.testing.assert_allclose(kept[f"zero/{layer}/steering"].mean(0), kept[f"zero/{layer}/size"][:, 1], rtol=1e-5)
        low, high = kept[f"zero/{layer}/interval"].T
    size = kept["zero/conv2/size"][:, 1]
    steers = estimates["tree-detector-steers"]
    assert steers["ablation-rank"]["estimate"] == (size > size[18]).sum() / 63
    assert steers["ablation-zero"]["estimate"] == pytest.approx(size[18], rel=1e-5)
    assert low[1] < size[18] < high[1]
    assert steers["patch"]["estimate"] == pytest.approx(kept["patch/conv2/share"][18], rel=1e-5)
    for claim, part in (
        ("trunk-units-steer", "given-activity"),
        ("steering-vector", "slope"),
        ("steering-vector", "cosine"),
        ("tree-detector-steers", "pushes"),
    ):
        assert "no labelled frames" in estimates[claim][part]["reason"]
    with pytest.raises(InputError, match="conv1 must be 0 to 63; got 64"):
        run_stage(tmp_path, named={"conv0": 0, "conv1": 64, "conv2": 0})


def test_the_stage_turns_round_with_its_side_and_with_units_that_trunks_switch_off(tmp_path):
    greys = smooth_frames(24, seed=3)
    position = np.where(np.arange(24) // 2 % 2, 0.5, -0.5)
    labels = {
        "frames": np.arange(24).astype(str),
        "original": greys,
        "trunk/position": position,
        "group": np.full(24, ""),
    }
    files.write_arrays(tmp_path / "labels.npz", **labels)
    before, after = np.random.default_rng(0).random((2, 2, 64)) / 2  # below .5: switched off
    units = {f"{layer}/auroc": before[i] for i, layer in enumerate(("conv1", "conv2"))}
    units |= {"layers": np.array(["conv1", "conv2"]), "conv2/held_in": np.array([0.3, 0.2, 0.4])}
    units |= {f"{layer}/rectified": after[i] for i, layer in enumerate(("conv1", "conv2"))}
    files.write_arrays(tmp_path / "units.npz", **units)
    _, without = run_stage(tmp_path, labels=tmp_path / "labels.npz")
    kept, off = run_stage(
        tmp_path, labels=tmp_path / "labels.npz", units=tmp_path / "units.npz", about=[["trunk", "yaw", -1]]
    )
    slopes = [found["steering-vector"]["slope"]["estimate"] for found in (without, off)]
    assert slopes[0] == pytest.approx(-slopes[1]) and slopes[0] != 0
    pushes = off["tree-detector-steers"]["gradient"]["estimate"]
    assert pushes == pytest.approx(-kept["gradient/conv2/sides"][:, 18].mean()) and pushes != 0
    assert "no channel could be compared" in without["tree-detector-steers"]["gradient"]["reason"]
    effect = [kept[f"zero/{layer}/steering"].mean(0) for layer in ("conv1", "conv2")]
    given = [[kept[f"activity/{layer}"][i] for layer in ("conv1", "conv2")] for i in (0, 1)]
    for part, auroc, active in (
        ("given-activity", after, given),
        ("rank-correlation", after, ()),
        ("before-relu", before, ()),
    ):
        expected = causal.rank_correlation_estimate(list(0.5 - auroc), effect, LEVEL, given=active)
        assert off["trunk-units-steer"][part]["estimate"] == pytest.approx(expected.estimate)
        assert off["trunk-units-steer"][part]["interval"] == pytest.approx(expected.interval)
    assert kept["dose/frames"].tolist() == [str(i) for i in range(1, 24, 2)]
    assert kept["dose/random"].shape == (2, 2, 3) and kept["dose/interval"].shape == (2, 3, 2)
    down, up = (kept["dose/change"] - kept["dose/random"].mean(0))[:, 1]
    assert slopes[1] == pytest.approx(-(up - down) / 2, rel=1e-5)
