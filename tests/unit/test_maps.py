"""Maps held against labelled frames: which are drawn, what is compared, and what cannot be."""

import numpy as np
import pytest

from minetest_interp.analysis import attribution
from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import maps
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable, Behaviour
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
TABLE = ActionTable(
    tuple("abcdef"),
    {
        "go": Behaviour(np.arange(6) % 2 == 0, np.zeros(6, bool)),
        "turn": Behaviour(np.arange(6) < 2, np.arange(6) > 3),
    },
)
COUNT = 14
GREYS = smooth_frames(COUNT, 84)
SHARE = np.zeros((COUNT, 84, 84), np.float32)
for i in range(COUNT - 1):  # the last shows nothing
    SHARE[i, 10 : 20 + i, 5 * i : 5 * i + 12] = 1
    SHARE[i, 40:44] = 0.4  # less than half a pixel
LABELLED = {
    "frames": np.array([f"frame {i}" for i in range(COUNT)]),
    "original": GREYS,
    "share": SHARE,
    "group": np.array(["a", "a", "a", *[""] * (COUNT - 3)]),
}
SETTINGS = {"steps": 2, "samples": 2, "noise": 25.5, "patch": 42, "patch_stride": 42}
DRAWN = {"frames": 2, "seed": 0, "similarity": 0.99}


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, seed=3, gain=50.0)


def measure(policy, labelled=LABELLED, **options):
    given = {
        "steering": "turn",
        "settings": SETTINGS,
        "bootstrap": Bootstrap(resamples=99),
        "similarity": 0.99,
        "size": 4,
    }
    return maps.measure(policy, TABLE, labelled, **given | options)


def test_one_frame_of_each_cluster_is_drawn_and_none_without_the_concept():
    drawn = maps.draw(LABELLED, masks=60, **DRAWN)
    assert len(drawn.frames) == COUNT - 3 and LABELLED["frames"][-1] not in drawn.frames
    assert len({"frame 0", "frame 1", "frame 2"} & set(drawn.frames)) == 1
    few = maps.draw(LABELLED, masks=4, **DRAWN)
    assert len(few.frames) == 4 and few.mean.shape == (2, 84, 84)
    np.testing.assert_allclose(few.mean, np.repeat(GREYS.mean(0)[None], 2, 0), rtol=1e-6)
    again = maps.draw(LABELLED, masks=4, **DRAWN)
    np.testing.assert_array_equal(few.frames, again.frames)
    assert maps.draw(LABELLED, masks=4, **DRAWN | {"seed": 5}).frames.tolist() != few.frames.tolist()
    for name, inside in zip(drawn.frames, drawn.inside, strict=True):
        np.testing.assert_array_equal(inside, SHARE[int(name.split()[1])] == 1)


def test_the_scores_are_those_of_each_method_s_own_maps(small):
    found = measure(small).arrays
    drawn = maps.draw(LABELLED, masks=60, **DRAWN)
    stack, read = as_stacks(drawn.original, 2), small.architecture.reads
    objective = objectives.behaviour_probability(TABLE.behaviours["turn"])
    readouts = attribution.Readouts(maps.fast(small), (objective,))
    methods = attribution.methods(drawn.mean, read=read, seed=0, **SETTINGS)
    for m, method in enumerate(methods.values()):
        strength = np.abs(method.attribute(readouts, stack)[:, 0].sum(1))[:, : read[0], : read[1]]
        for i, inside in enumerate(drawn.inside[:, : read[0], : read[1]]):
            assert found["masks/mass/own"][i, m] == pytest.approx(
                strength[i][inside].sum() / strength[i].sum(), abs=1e-4
            )
    others = [
        found[f"masks/{name}/own"].mean(0) - found[f"masks/{name}/others"].mean(0) for name in ("pointing", "mass")
    ]
    for name, difference in zip(("pointing", "mass"), others, strict=True):
        np.testing.assert_allclose(found[f"masks/{name}/above_others"][0], difference, atol=1e-9)
    scores = attribution.run(readouts, stack)[:, 0]
    assert found["masks/shown/frame"] == drawn.frames[np.abs(scores).argmax()]
    assert found["masks/shown/score"] == pytest.approx(scores[np.abs(scores).argmax()], abs=1e-5)


def test_the_claim_is_about_the_method_that_was_fixed(small):
    found = measure(small)
    place = list(attribution.methods(np.zeros((2, 84, 84)), read=(84, 84), seed=0, **SETTINGS)).index(maps.JUDGED)
    parts = found.estimates[maps.CLAIM]
    assert tuple(parts) == maps.PARTS and parts["pointing"].clusters == parts["mass"].n == COUNT - 3
    for name in ("pointing", "mass"):
        estimate, low, high = found.arrays[f"masks/{name}/above_others"][:, place]
        assert parts[name].estimate == estimate and parts[name].interval == (low, high) and parts[name].chance == 0
        assert parts[f"{name}-share"].estimate == pytest.approx(found.arrays[f"masks/{name}/own"][:, place].mean())
        assert parts[f"{name}-share"].estimate - parts[f"{name}-share"].chance == pytest.approx(estimate)


def test_few_frames_take_the_step_of_many(small):
    few = {name: array[:5] for name, array in LABELLED.items()}
    one, other = (measure(small, few, size=size).arrays["masks/mass/own"] for size in (3, 8))
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("labelled", "reason"),
    [
        (None, "no labelled frames"),
        (LABELLED | {"share": 0 * SHARE}, "no pixel of its class in 14 masks"),
        (LABELLED | {"share": 0.4 * SHARE}, "no pixel of its class"),
        (LABELLED | {"group": np.repeat("a", COUNT)}, "near-duplicates"),
    ],
)
def test_what_cannot_be_measured_says_why(small, labelled, reason):
    found = measure(small, labelled)
    assert reason in str(found.arrays["masks/reason"])
    assert all(reason in part.reason for part in found.estimates[maps.CLAIM].values())
