"""The claims about what channels follow: planted channels, and networks and frames of which little can be asked."""

import jax
import numpy as np
import pytest
import yaml

from minetest_interp.analysis import edges, picture_features
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import features, light_and_dark, verdicts
from minetest_interp.claims.features import Shown
from minetest_interp.claims.units import NOT_GREY
from minetest_interp.claims.verdicts import Rule
from minetest_interp.io import files, stores
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.policy import Geometry, Policy, shuffled_weights
from minetest_interp.model.steps import Convolution, Dense, Flatten, Scale
from minetest_interp.stages import features as stage
from tests.conftest import ROOT, random_policy
from tests.kinds import policy_of
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
FRAMES = 24
GREYS = smooth_frames(FRAMES, SMALL.size)
CLUSTERS = np.arange(FRAMES)
LEVEL = Level(least_clusters=5)
CLAIMS = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))["claims"]
OPTIONS = {"shifts": 3, "rotations": 1, "networks": 2, "level": LEVEL}


def verdict(claim: str, part: str, found) -> str:
    """By the rule of the claims file."""
    rule = CLAIMS[claim]["parts"][part]
    return verdicts.judge(found, Rule(found.chance, rule["matters"], direction=rule.get("direction", "above"))).verdict


def with_kernels(kernels: np.ndarray) -> Policy:
    """The first layer's kernels `[C, 8, 8]`, the same for both frames of the stack."""
    policy = random_policy(SMALL)
    params = jax.tree.map(np.array, policy.params)
    params["conv0"]["kernel"][:] = np.moveaxis(kernels, 0, -1)[:, :, None]
    return Policy(SMALL, params)


def test_light_and_dark_are_found_beside_edges_and_only_where_they_are():
    templates, flat = edges.templates(8, 8), np.full((8, 8), 1 / 64)
    planted = with_kernels(np.stack([templates[3], flat, templates[20], -flat, templates[40], 0 * flat]))
    made = light_and_dark.measure(planted, GREYS, CLUSTERS, LEVEL)
    parts = made.estimates[light_and_dark.CLAIM]
    assert made.arrays["light/chosen"].tolist() == [1, 3]
    assert [verdict(light_and_dark.CLAIM, part, parts[part]) for part in ("light", "dark")] == [verdicts.SUPPORTED] * 2
    assert parts["light-correlation"].estimate == pytest.approx(1)
    assert parts["brightness-first"].estimate == pytest.approx(2 / 6)
    only_edges = with_kernels(templates[[3, 9, 20, 26, 40, 44]])
    parts = light_and_dark.measure(only_edges, GREYS, CLUSTERS, LEVEL).estimates[light_and_dark.CLAIM]
    assert [verdict(light_and_dark.CLAIM, part, parts[part]) for part in ("light", "dark")] == [
        verdicts.CONTRADICTED
    ] * 2


def followed(policy: Policy) -> dict[str, np.ndarray]:
    """In plain numpy: of the channels that the even frames choose, what the odd ones say."""
    kernels = np.asarray(policy.params["conv0"]["kernel"], float).sum(2).reshape(64, -1)
    windows = np.lib.stride_tricks.sliding_window_view(GREYS.astype(float), (8, 8), axis=(1, 2))[:, ::4, ::4]
    flat = windows.reshape(FRAMES, -1, 64)
    wanted = np.concatenate([edges.templates(8, 8), np.full((1, 8, 8), 1 / 64)]).reshape(-1, 64).T

    def correlations(frames: np.ndarray) -> np.ndarray:
        seen = flat[frames].reshape(-1, 64)
        return np.corrcoef((seen @ kernels).T, (seen @ wanted).T)[: kernels.shape[1], kernels.shape[1] :]

    before, after = correlations(np.arange(0, FRAMES, 2)), correlations(np.arange(1, FRAMES, 2))
    beyond = {
        name: [sign * of[:, -1] - np.abs(of[:, :-1]).max(1) for of in (before, after)]
        for name, sign in (("light", 1), ("dark", -1))
    }
    return {name: tested[chosen.argmax()] for name, (chosen, tested) in beyond.items()}


def test_light_and_dark_are_compared_with_those_of_networks_of_shuffled_weights():
    policy = random_policy(SMALL, seed=1)
    made = light_and_dark.measure(policy, GREYS, CLUSTERS, LEVEL, networks=3, seed=5)
    parts, own = made.estimates[light_and_dark.CLAIM], followed(policy)
    others = [followed(shuffled_weights(policy, seed=seed)) for seed in (5, 6, 7)]
    for row, name, sign in zip(made.arrays["light/shuffled"], ("light", "dark"), (1, -1), strict=True):
        null = np.array([other[name] for other in others])
        np.testing.assert_allclose(sign * row[:, 0] - row[:, 1], null, atol=1e-6)
        assert parts[name].estimate == pytest.approx(own[name], abs=1e-6)
        beyond = parts[f"{name}-over-shuffled"]
        assert (beyond.estimate, beyond.chance) == (pytest.approx(own[name] - null.mean(), abs=1e-6), 0)
        assert beyond.error**2 == pytest.approx(parts[name].error ** 2 + 4 / 3 * null.var(ddof=1), rel=0.5)


def shown(activation: np.ndarray, shares=None) -> Shown:
    return Shown(CLUSTERS.astype(str), CLUSTERS, GREYS, activation.astype(np.float32), shares or {})


def fields(maps: np.ndarray) -> np.ndarray:
    """The mean of maps over receptive fields of conv1, `[N, h, w]`."""
    network = random_policy(SMALL).architecture
    return picture_features.field_means(maps, network, "conv1").reshape(len(maps), *network.shape("conv1")[:2])


def noise(channels: int) -> np.ndarray:
    height, width, _ = random_policy(SMALL).architecture.shape("conv1")
    return np.random.default_rng(0).standard_normal((FRAMES, height, width, channels))


def test_channels_that_follow_or_invert_brightness_are_told_from_others():
    signs = np.where(np.arange(40) % 4 == 0, -1.0, 1.0)
    bright, policy = fields(GREYS) / GREYS.std(), random_policy(SMALL)
    following = bright[..., None] * signs + 0.2 * noise(40)
    options = {"least": 0.25, "shifts": 3, "seed": 0, "level": LEVEL}
    others = [noise(40), following, 0 * noise(40)]  # the last has no channel that varies
    for activation, expected in ((following, verdicts.SUPPORTED), (noise(40), verdicts.CONTRADICTED)):
        made = features.brightness_followers(policy, "conv1", shown(activation), None, others, **options)
        parts = made.estimates["follows-brightness"]
        assert list(parts) == list(features.PARTS["follows-brightness"])
        assert verdict("follows-brightness", "share", parts["share"]) == expected
        assert parts["over-shuffled"].estimate == parts["share"].estimate - 0.5
        assert parts["over-shuffled"].error == pytest.approx(np.sqrt(3 / 2 * 0.5))  # of shares 0 and 1
        assert parts["shifted"].estimate < 0.5 and parts["labelled"].reason == NO_LABELS
    parts = features.brightness_followers(policy, "conv1", shown(following), None, [following] * 3, **options).estimates
    assert parts["follows-brightness"]["over-shuffled"].interval == (0, 0)
    assert parts["follows-brightness"]["inverted"].estimate == 0.25


def test_what_no_feature_of_the_picture_explains_is_told_from_what_one_does():
    policy, share = random_policy(SMALL), np.roll(GREYS > 128, 1, axis=0).astype(np.float32)
    concept = fields(share)[..., None] + 0.02 * noise(40)
    for activation, shares, expected in (
        (noise(40), {"trunk": share}, verdicts.SUPPORTED),
        (concept, {"trunk": share}, verdicts.CONTRADICTED),
        (concept, {}, verdicts.SUPPORTED),  # the picture alone does not know it
    ):
        made = features.unexplained(policy, "conv1", shown(activation, shares), least=0.25, level=LEVEL)
        parts = made.estimates["uninterpreted"]
        assert list(parts) == list(features.PARTS["uninterpreted"])
        assert verdict("uninterpreted", "share", parts["share"]) == expected
    assert ("share of trunk" in made.arrays["features"]) is False


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_number_of_detectors_is_judged_by_the_claims_file(count):
    share = (GREYS > 150).astype(np.float32)
    share[:, :, 60:] = 0
    activation = 0.01 * noise(6)
    activation[..., :count] += (np.arange(count) * 2 - 1) * -fields(share)[..., None]
    made = features.detectors(
        random_policy(SMALL), "conv1", shown(activation, {"trunk": share}), "trunk", least=0.95, concept_share=0.1,
        level=LEVEL,
    )  # fmt: skip
    parts = made.estimates["one-tree-detector"]
    found = [verdict("one-tree-detector", part, parts[part]) for part in ("at-least-one", "at-most-one")]
    assert parts["at-least-one"].estimate == count
    good, bad = verdicts.SUPPORTED, verdicts.CONTRADICTED
    assert found == [[bad, good], [good, good], [good, bad]][count]
    assert parts["switched-on"].estimate == pytest.approx(min(count, 1) / 6)


@pytest.mark.parametrize("kind", ["residual", "pooled", "a module: colours", "a module: one frame"])
@pytest.mark.parametrize("labels", ["none", "no trunk", "some"])
def test_any_network_says_what_cannot_be_measured(kind, labels, tmp_path):
    policy = policy_of(kind, tmp_path)
    network = policy.architecture
    frames, height, width = network.stack
    colour = kind == "a module: colours"
    generator = np.random.default_rng(0)
    shape = (10, frames, height, width) if colour else (10, height, width)
    original = generator.integers(0, 256, shape).astype(np.float32)
    stacks = {"frames": np.arange(10).astype(str), "original": original} | (
        {"colours": np.array([1])} if colour else {}
    )
    share = (generator.random((10, height, width)) < 0.2) * np.float32(labels == "some")
    labelled = {**stacks, "share": share, "group": np.full(10, ""), "sky/share": 1 - share}
    channels = dict.fromkeys(network.maps[:2], 0)
    made = features.measure(policy, stacks, None if labels == "none" else labelled, channels=channels, **OPTIONS)
    assert {claim: tuple(parts) for claim, parts in made.estimates.items()} == {
        claim: tuple(CLAIMS[claim]["parts"]) for claim in (light_and_dark.CLAIM, *features.PARTS)
    }
    for parts in made.estimates.values():
        for part in parts.values():
            assert (part.estimate is None) == bool(part.reason)
    if colour:
        assert made.estimates[light_and_dark.CLAIM]["light"].reason in (NOT_GREY, light_and_dark.NOT_FIRST)
    store = stores.store_of("evidence/features.npz")
    assert stores.breaches(store, {name: np.asarray(array) for name, array in made.arrays.items()}) == []


def test_the_second_layer_is_that_of_the_claims_or_else_of_the_network():
    policy = random_policy(SMALL)
    assert features.second_layer(policy, {"conv1": 0}) == "conv1"
    assert features.second_layer(policy, {"conv1": 0, "conv2": 0}) == "conv2"


def test_a_network_with_one_layer_of_positions_says_so():
    layers = (
        Layer("conv", (Scale(), Convolution("conv", 5, (4, 4), (2, 2)))),
        Layer("hidden", (Flatten(), Dense("hidden", 7))),
    )
    network = Architecture((2, 84, 84), layers, (Dense("actor", 6),))
    params = {
        name: {key: np.random.default_rng(0).normal(0, 0.4, shape).astype(np.float32) for key, shape in arrays.items()}
        for name, arrays in network.parameters().items()
    }
    stacks = {"frames": CLUSTERS.astype(str), "original": GREYS}
    made = features.measure(Policy(network, params), stacks, None, channels={"conv": 0}, **OPTIONS)
    assert all(part.interval for part in made.estimates[light_and_dark.CLAIM].values())
    for claim in features.PARTS:
        assert {part.reason for part in made.estimates[claim].values()} == {features.NO_SECOND}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_hardly_any_frames_are_said_to_be_few(count):
    policy = random_policy(SMALL)
    stacks = {"frames": np.arange(count).astype(str), "original": GREYS[:count]}
    made = features.measure(policy, stacks, None, channels={"conv0": 0, "conv1": 0}, **OPTIONS)
    assert all(part.interval is None for parts in made.estimates.values() for part in parts.values())


def test_a_dead_layer_says_that_nothing_varies():
    policy = random_policy(SMALL)
    params = jax.tree.map(np.array, policy.params)
    params["conv1"]["kernel"][:] = 0
    stacks = {"frames": CLUSTERS.astype(str), "original": GREYS}
    made = features.measure(Policy(SMALL, params), stacks, None, channels={"conv0": 0, "conv1": 0}, **OPTIONS)
    for claim in ("follows-brightness", "uninterpreted"):
        parts = {part: found for part, found in made.estimates[claim].items() if part != "labelled"}
        assert {part.reason for part in parts.values()} == {features.STILL}


def test_where_nothing_is_passed_on_that_alone_is_missing():
    policy = random_policy(SMALL)
    params = jax.tree.map(np.array, policy.params)
    params["conv1"]["bias"][:] = -1e4
    stacks = {"frames": CLUSTERS.astype(str), "original": GREYS}
    made = features.measure(Policy(SMALL, params), stacks, None, channels={"conv0": 0, "conv1": 0}, **OPTIONS)
    parts = made.estimates["uninterpreted"]
    assert parts["passed-on"].reason == features.STILL and parts["this-network"].estimate is not None


def test_how_well_brightness_tells_a_concept_does_not_depend_on_the_network():
    share = np.zeros((FRAMES, 84, 84), np.float32)
    share[np.random.default_rng(0).random(FRAMES) < 0.5, :, :40] = 1
    stacks = {"frames": CLUSTERS.astype(str), "original": GREYS}
    labelled = stacks | {"share": share, "group": np.full(FRAMES, "")}
    one, other = (
        features.measure(
            random_policy(SMALL, seed=seed), stacks, labelled, channels={"conv0": 0, "conv1": 0}, **OPTIONS
        )
        for seed in (0, 1)
    )
    names = [name for name in one.arrays if name.endswith("auroc/brightness")]
    assert len(names) == 1 and one.arrays[names[0]] == other.arrays[names[0]]
    channels = names[0].replace("brightness", "channels")
    assert (one.arrays[channels] != other.arrays[channels]).any()


def test_the_stage_reads_the_masks_of_every_concept(tmp_path):
    arrays = {"frames": CLUSTERS.astype(str), "original": GREYS, "group": np.full(FRAMES, "")}
    arrays |= {
        f"{name}/{key}": np.full(FRAMES, i) for i, name in enumerate(("trunk", "sky")) for key in ("share", "position")
    }
    files.write_arrays(tmp_path / "labels.npz", **arrays)
    found = stage.read(tmp_path / "labels.npz", "sky")
    assert set(found) == {"frames", "original", "group", "share", "trunk/share"}
    assert found["share"].max() == 1 and found["trunk/share"].max() == 0
    assert stage.read(None, "sky") is None
