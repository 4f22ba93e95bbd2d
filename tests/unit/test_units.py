"""What a claim about a layer's channel says is what the arrays of all channels hold for it."""

import numpy as np
import pytest

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import units
from minetest_interp.io.errors import InputError
from minetest_interp.model.labels import NO_LABELS
from tests.conftest import random_policy
from tests.unit.test_measure import CHANNELS, LABELLED, SMALL, STACKS, TRUNK


@pytest.fixture(scope="module")
def made():
    policy = random_policy(SMALL, seed=3, gain=50.0)
    options = {"channels": CHANNELS, "shifts": 9, "shuffles": 9, "similarity": 0.999, "level": Level(least_clusters=3)}
    return units.measure(policy, STACKS, LABELLED | {"group": np.full(len(TRUNK), "")}, **options)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_the_parts_of_a_detector_are_its_channel_of_the_arrays(made, layer):
    own, parts, channel = made.arrays, made.estimates[f"tree-detector-{layer}"], CHANNELS[layer]
    second, brightness = own[f"{layer}/second"], own[f"{layer}/brightness/second"]
    assert parts["auroc"].estimate == pytest.approx(second[channel])
    assert parts["over-brightness"].estimate == pytest.approx(second[channel] - brightness)
    assert parts["iou"].chance == pytest.approx(own[f"{layer}/iou_chance"][channel])
    assert parts["q-value"].estimate == own[f"{layer}/q"][channel]
    others = np.delete(second, channel)
    assert parts["rank"].estimate == pytest.approx((others > second[channel]).mean(), abs=0.5 / len(others))


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_places_with_trunk_and_without_are_those_of_the_second_half(made, layer):
    half = intervals.cluster_halves(made.arrays["labelled/clusters"])[1]
    height, width, _ = SMALL.shape(layer)
    counts = made.arrays[f"{layer}/counts"]
    assert (counts[:, 0] > counts[:, 1]).all() and counts[:, 0].sum() <= half.sum() * height * width
    assert (counts[0, 0], counts[1, 0]) == (made.arrays[f"{layer}/positives"], made.arrays[f"{layer}/negatives"])
    assert (counts[:, 1] == counts[:, 2]).all() and (counts[:, 1] <= half.sum()).all()  # no frame is like another
    assert counts[0, 1] == half.sum()  # a trunk stands in all of them


def test_an_edge_detector_s_response_is_that_of_its_channel_beside_those_of_shuffled_kernels(made):
    parts, arrays, channel = made.estimates["edge-detector"], made.arrays, CHANNELS["conv0"]
    gradient, shuffled = arrays["conv0/gradient/second"], arrays["conv0/shuffled"]
    assert parts["response"].estimate == pytest.approx(gradient[channel])
    assert parts["response"].chance == pytest.approx(shuffled.mean()) and shuffled.shape == (9,)
    assert parts["over-shuffled"].estimate == pytest.approx(np.arctanh(gradient[channel]) - np.arctanh(shuffled).mean())
    over = gradient[channel] - arrays["conv0/brightness/second"][channel]
    assert parts["over-brightness"].estimate == pytest.approx(over)


@pytest.mark.parametrize(
    ("layers", "claims"), [(("conv0",), {"edge-detector"}), (("conv1",), {"edge-detector", "tree-detector-conv1"})]
)
def test_claims_are_about_the_layers_that_are_named(layers, claims):
    channels = {layer: CHANNELS[layer] for layer in layers}
    options = {"shifts": 1, "shuffles": 2, "similarity": 0.999, "level": Level(least_clusters=3)}
    found = units.measure(random_policy(SMALL), STACKS, None, channels=channels, **options).estimates
    assert found.keys() == claims
    reasons = {claim: {part.reason for part in parts.values()} for claim, parts in found.items()}
    assert (units.NOT_FIRST in reasons["edge-detector"]) == ("conv0" not in layers)
    assert reasons.get("tree-detector-conv1", {NO_LABELS}) == {NO_LABELS}


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"conv1": 0, "conv0": 0}, "in the network's order: conv0, conv1, conv2; got conv1, conv0"),
        ({"hidden": 0}, "layers with positions"),
        ({"conv2": SMALL.channels[2]}, "for conv2 must be 0 to 3; got 4"),
    ],
)
def test_channels_that_the_network_has_not_are_refused(channels, message):
    with pytest.raises(InputError, match=message):
        units.measure(random_policy(SMALL), STACKS, None, channels=channels)
