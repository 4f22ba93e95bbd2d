"""The claims on probes: what is planted in features is decoded, what is not is not, and silent labels say so."""

import numpy as np
import pytest

from minetest_interp.analysis import probes as fitting
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import groups, probes
from minetest_interp.claims.probes import DISTANCE, RAY, SIDE, SIDE_PARTS, SPECIES, Decoded, ProbeTarget
from minetest_interp.model.actions import action_table
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy
from tests.kinds import policy_of
from tests.samples import smooth_frames

PENALTIES = (0.1, 1, 10)
LEVEL = Level()
COUNT = 120
CLUSTERS = np.arange(COUNT) // 2
SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
TABLE = action_table(
    {"do": ["-", "left", "right", "up", "down", "go"]}, {"yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}}}
)


def target(values, classes=()) -> ProbeTarget:
    return ProbeTarget(np.arange(len(values)), CLUSTERS[: len(values)], np.asarray(values), classes)


def decoded(features, asked: ProbeTarget, rival=None, shuffles: int = 20) -> Decoded:
    """As of a network with one layer."""
    orders = fitting.shuffled_labels(asked.clusters, count=shuffles, seed=0)
    noise = np.random.default_rng(9).normal(size=(len(features), 16))
    steps = {"brightness": noise if rival is None else rival, "layer": features}
    real = {step: probes.decode(each, asked, orders, penalties=PENALTIES) for step, each in steps.items()}
    return Decoded(real, {"layer": [probes.decode(noise, asked, orders[:0], penalties=PENALTIES)]})


def parts_of(features, values, **options):
    asked = target(values, ("left", "right"))
    others = dict.fromkeys((DISTANCE, SPECIES, RAY), "not asked")
    return probes.side_parts({SIDE: (asked, decoded(features, asked, **options))}, others, "layer", LEVEL)


def sides(generator) -> np.ndarray:
    return generator.integers(0, 2, COUNT // 2).repeat(2)


def test_a_side_that_is_planted_in_a_layer_is_told_beyond_every_rival():
    generator = np.random.default_rng(0)
    values = sides(generator)
    features = generator.normal(size=(COUNT, 5, 5, 8))
    features[:, 2] += values[:, None, None]
    parts = parts_of(features, values)
    for part in ("over-brightness", "over-weights", "over-labels"):
        assert parts[part].interval[0] > 0, part
    assert parts["accuracy"].estimate > 0.8 and parts["accuracy"].clusters == COUNT // 2
    assert parts["distance"].reason == "not asked" and tuple(parts) == SIDE_PARTS


def test_a_layer_that_holds_no_more_than_brightness_is_not_beyond_it():
    generator = np.random.default_rng(1)
    values = sides(generator)
    rival = generator.normal(size=(COUNT, 16))
    rival[:, 3] += 4 * values
    parts = parts_of(rival @ generator.normal(size=(16, 40)), values, rival=rival)
    assert parts["accuracy"].interval[0] > 0.7 and parts["brightness"].interval[0] > 0.7
    assert parts["over-brightness"].at(0.9)[0] > -0.1 and parts["over-brightness"].at(0.9)[1] < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_told_of_what_is_not_there(seed):
    generator = np.random.default_rng(seed)
    low, high = parts_of(generator.normal(size=(COUNT, 200)), sides(generator))["accuracy"].interval
    assert low < 0.5 < high


def test_numbers_are_told_by_the_share_of_variance_that_is_explained_on_the_other_half():
    generator = np.random.default_rng(2)
    values = generator.normal(size=COUNT)
    features = np.stack([values + generator.normal(0, 0.5, COUNT), generator.normal(size=COUNT)], 1)
    read = decoded(features, target(values)).real["layer"]
    halves = fitting.both_ways(features, CLUSTERS)
    found = fitting.predict(halves, values[:, None], penalties=PENALTIES)[:, 0]
    found = fitting.within_known(found, values, CLUSTERS)
    base = fitting.means_before(values, CLUSTERS)
    wanted = 1 - ((values - found) ** 2).sum() / ((values - base) ** 2).sum()
    assert read.score()(np.ones(COUNT)) == pytest.approx(wanted, rel=1e-9) and 0.6 < wanted < 0.95
    assert max(read.score(row)(np.ones(COUNT)) for row in range(1, 21)) < 0.2


LABELLED = {
    "frames": np.arange(COUNT).astype(str),
    "position": np.tile([-0.5, 0.1, 0.5, np.nan], COUNT // 4),
    "species": np.tile(["pine", "pine", "apple", "", "", "oak"], COUNT // 6),
    "distance": np.tile([2.0, 3, np.nan], COUNT // 3),
    "ray_trunks": np.tile([0.0, 2, np.nan, 1], COUNT // 4),
}


def test_targets_are_what_the_labels_say():
    clusters = np.arange(COUNT) // 7
    found, unknown = probes.targets(LABELLED, clusters, concept="trunk")
    assert not unknown
    assert found[SIDE].frames.tolist() == [i for i in range(COUNT) if i % 4 in (0, 2)]
    np.testing.assert_array_equal(found[SIDE].values, np.arange(COUNT // 2) % 2)  # 1 is the right side
    np.testing.assert_allclose(np.expm1(found[DISTANCE].values), np.tile([2, 3], COUNT // 3))
    decoded = [found[SPECIES].classes[i] for i in found[SPECIES].values]
    assert decoded == LABELLED["species"][found[SPECIES].frames].tolist() and "" not in decoded
    np.testing.assert_array_equal(found[RAY].values, np.tile([0, 1, 1], COUNT // 4))


def test_a_species_that_one_half_lacks_is_not_asked_about():
    species = np.where(np.arange(COUNT) % 6 < 3, "pine", "apple").astype("U9")
    species[:2] = "sequoia"
    found, _ = probes.targets(LABELLED | {"species": species}, CLUSTERS, concept="trunk")
    assert found[SPECIES].classes == ("apple", "pine") and 0 not in found[SPECIES].frames


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"position": np.full(COUNT, np.nan)}, SIDE, "no pixel of its class"),
        ({"position": np.full(COUNT, 0.6)}, SIDE, "must have the trunk on the left and on the right"),
        ({"distance": np.full(COUNT, np.nan)}, DISTANCE, "the labels give no distances"),
        ({"distance": np.full(COUNT, 3.0)}, DISTANCE, "trunks at several distances"),
        ({"species": np.full(COUNT, "")}, SPECIES, "the labels name no species"),
        ({"species": np.full(COUNT, "pine")}, SPECIES, "the same two species or more"),
        ({"ray_trunks": np.full(COUNT, np.nan)}, RAY, "do not say what the view ray crosses"),
        ({"ray_trunks": np.zeros(COUNT)}, RAY, "some with a trunk on the view ray and some without"),
    ],
)
def test_silent_labels_say_why_nothing_is_known(change, name, reason):
    found, unknown = probes.targets(LABELLED | change, np.arange(COUNT) // 7, concept="trunk")
    assert reason in unknown[name] and name not in found and len(found) == 3


def test_without_labels_or_with_hardly_any_everything_is_missing():
    policy, options = random_policy(SMALL, seed=3), {"channels": {"conv1": 0, "conv2": 1}, "steering": "yaw"}
    few = {
        "original": smooth_frames(1, 84),
        "group": np.array([""]),
        "biome": np.array([""]),
        **{name: array[:1] for name, array in LABELLED.items()},
    }
    for labelled in (None, few):
        measured = probes.measure(policy, TABLE, labelled, **options)
        found = [one for parts in measured.estimates.values() for one in parts.values()]
        assert len(found) == len(SIDE_PARTS) + 2 and all(one.estimate is None and one.reason for one in found)
        assert (labelled is None) == all(one.reason == NO_LABELS for one in found)


def draw(generator, correlations, size: int = 25):
    """Turning, position, names and clusters of groups with these correlations; a cluster has one to three frames."""
    turning, position, names, clusters = [], [], [], []
    for i, r in enumerate(correlations):
        one, other = generator.normal(size=(2, size))
        times = generator.integers(1, 4, size)
        turning.append(np.repeat(r * one + np.sqrt(1 - r**2) * other, times))
        position.append(np.repeat(-one, times))
        names.append(np.full(times.sum(), f"group {i}"))
        clusters.append(np.repeat(np.arange(size) + i * size, times))
    return [np.concatenate(each) for each in (turning, position, names, clusters)]


def test_correlations_of_groups_are_their_own():
    turning, position, names, clusters = draw(np.random.default_rng(0), (0.2, -0.5, 0.9))
    found = groups.by_group(turning, position, np.where(names == "group 1", "", names), clusters, LEVEL)
    assert list(found) == ["group 0", "group 2"]
    for name, one in found.items():
        own = names == name
        assert one.estimate == pytest.approx(np.corrcoef(turning[own], -position[own])[0, 1], rel=1e-9)
        assert (one.n, one.clusters) == (own.sum(), 25)
    assert groups.least(list(found.values())) == found["group 0"]


@pytest.mark.parametrize("correlations", [(0.1, 0.1, 0.1, 0.1), (0.1, 0.9, 0.9), (0.5, 0.5)])
def test_the_least_of_groups_errs_against_the_claim(correlations):
    generator, above, below = np.random.default_rng(5), 0, 0
    for _ in range(100):
        low, high = groups.least(list(groups.by_group(*draw(generator, correlations), LEVEL).values())).interval
        above, below = above + (low > min(correlations)), below + (high < min(correlations))
    for times, rate in ((above, 0.025), (below, 0.025 * len(correlations))):
        assert times / 100 <= rate + 3 * np.sqrt(rate / 100)


def test_a_group_without_an_interval_leaves_the_least_unknown():
    turning, position, names, clusters = draw(np.random.default_rng(1), (0.9, 0.8))
    turning[names == "group 1"] = 0.3
    found = groups.least(list(groups.by_group(turning, position, names, clusters, LEVEL).values()))
    assert found.estimate is None and found.interval is None


def test_fewer_than_two_groups_are_not_compared():
    count = 24
    labelled = {
        "frames": np.arange(count).astype(str),
        "original": smooth_frames(count, 84),
        "position": np.linspace(-1, 1, count),
        "species": np.full(count, "pine"),
        "biome": np.repeat(["shore", "savanna"], count // 2),
    }
    options = {"steering": "yaw", "side": 1, "least_group": 12, "level": LEVEL}
    policy = random_policy(SMALL, seed=3, gain=50.0)
    for species, reason in (("pine", "fewer than two groups by species (of 1)"), ("", "the labels name no species")):
        said = labelled | {"species": np.full(count, species)}
        measured = groups.measure(policy, TABLE, said, np.arange(count), **options)
        kinds, surroundings = measured.estimates["species"].values()
        assert kinds.estimate is None and kinds.reason.startswith(reason)
        assert surroundings.interval[0] == measured.arrays["surroundings/interval"].min()


def test_brightness_is_that_of_all_colours_whatever_their_order(tmp_path):
    policy = policy_of("a module: colours", tmp_path)
    pictures = np.random.default_rng(0).uniform(0, 255, (12, *policy.architecture.stack)).astype(np.float32)
    asked = {"ramp": ProbeTarget(np.arange(12), np.arange(12), np.arange(12.0))}

    def read(pictures) -> dict:
        options = {"penalties": PENALTIES, "shuffles": 2, "networks": 0, "seed": 0}
        return probes.decode_all(policy, pictures, asked, **options)["ramp"].real

    usual, other = read(pictures), read(pictures[:, ::-1])
    np.testing.assert_allclose(usual["brightness"].gained, other["brightness"].gained, rtol=1e-4, atol=1e-4)
