"""Laws of every kind of network at its layers: runs, edits, gradients and receptive fields at all, dreams at some."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from minetest_interp.analysis import interventions
from minetest_interp.dreams import notebook
from minetest_interp.model import objectives
from minetest_interp.model.architecture import Architecture, Layer, Trace
from minetest_interp.model.description import describe
from minetest_interp.model.policy import layer_gradients
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Normalise, Scale
from tests.kinds import KINDS, MODULES, policy_of
from tests.networks import close


@pytest.fixture(scope="module", params=(*KINDS, *MODULES))
def policy(request, tmp_path_factory):
    yield policy_of(request.param, tmp_path_factory.mktemp("kind"))
    jax.clear_caches()


@pytest.fixture(scope="module")
def stacks(policy):
    shape = policy.architecture.shape("input")
    return np.random.default_rng(0).integers(0, 256, (2, *shape)).astype(np.float32)


@pytest.fixture(scope="module")
def whole(policy, stacks) -> Trace:
    return jax.jit(policy.run)(stacks)


@pytest.fixture(scope="module")
def gradients(policy, stacks) -> dict[str, jax.Array]:
    return jax.jit(lambda x: layer_gradients(policy, total, x))(stacks)[1]


@pytest.fixture(scope="module")
def different(policy) -> list[str]:
    """Of the layers that are made by steps of the same kinds, the last: an ascent is compiled for each in a second."""
    found = {tuple(type(step) for step in layer.steps): layer.name for layer in policy.architecture.layers}
    return list(found.values())


def outputs(trace: Trace) -> jax.Array:
    """All that the network puts out, `[B, outputs]`."""
    found = [trace.logits, trace.q, None if trace.value is None else trace.value.reshape(len(trace.value), -1)]
    return jnp.concatenate([values for values in found if values is not None and values.size], axis=1)


@Partial
def total(trace: Trace) -> jax.Array:
    return outputs(trace).sum(1)


def test_a_run_may_start_at_any_layer_and_an_edit_is_seen_by_all_that_follow(policy, stacks, whole):
    names = list(policy.architecture.targets)
    for name in names:
        again = policy.run(whole.layers[name], start=name)
        close(outputs(again), outputs(whole))
        assert list(again.layers) == names[names.index(name) :]
        silenced = policy.run(stacks, edit=lambda at, x, name=name: 0 * x if at == name else x)
        from_nothing = policy.run(0 * whole.layers[name], start=name)
        close(outputs(silenced), outputs(from_nothing))


def test_one_backward_pass_gives_the_gradient_at_every_layer(policy, whole, gradients):
    assert set(gradients) == {*policy.architecture.targets}
    for name, gradient in gradients.items():
        own = jax.jit(jax.grad(lambda x, name=name: total(policy.run(x, start=name)).sum()))(whole.layers[name])
        assert np.linalg.norm(own) > 0
        # Rounding may switch a unit whose activation is nearly zero.
        assert np.linalg.norm(gradient - own) <= 0.02 * np.linalg.norm(own)


def test_a_position_sees_no_pixel_outside_its_field(policy, stacks):
    """And both ends of the field, where they lie inside the picture."""
    network = policy.architecture
    for name in network.targets[1:]:
        extents, shape = network.extent(name), network.shape(name)
        assert (extents is None) == (len(shape) == 1)
        if extents is None:
            continue
        index = tuple(n // 2 for n in shape[:2])

        def one(stack, name=name, index=index):
            return policy.run(stack).layers[name][(0, *index)].sum()

        seen = np.abs(np.asarray(jax.jit(jax.grad(one))(stacks[:1]))[0]).sum(0) > 0
        for axis, (extent, place) in enumerate(zip(extents, index, strict=True)):
            first = extent.start + extent.stride * place
            touched = np.flatnonzero(seen.any(1 - axis))
            low, high = max(0, first), min(seen.shape[axis], first + extent.size) - 1
            assert low <= touched.min() and touched.max() <= high
            if not any(type(step).__name__ == "Pool" for layer in network.layers for step in layer.steps):
                assert (touched.min(), touched.max()) == (low, high)


def test_a_unit_of_a_layer_can_be_read_off_a_run_and_an_ascent_begins_there_and_stays_in_the_box(
    policy, stacks, different, whole
):
    network = policy.architecture
    for name in different:
        asked = objectives.neuron(network, name, channel=3)
        activation = whole.layers[name][0]
        middle = objectives.centre(network, name) if activation.ndim == 3 else ()
        close(asked(whole)[0], activation[(*middle, 3)])
        dream = notebook.deep_dream(policy, asked, stacks[:1], lr=1.0, steps=2)
        close(dream.scores[0], activation[(*middle, 3)])
        assert dream.image.min() >= 0 and dream.image.max() <= 255


def test_a_dream_at_a_layer_stays_within_what_its_function_lets_through(policy, stacks, different, whole):
    for name in ("input", *different):
        low, high = policy.architecture.bounds(name)
        assert low <= whole.layers[name].min() and whole.layers[name].max() <= high
        dream = notebook.deep_dream(policy, total, stacks[:1], target=name, lr=-1e6, steps=1)
        assert low <= dream.image.min() and dream.image.max() <= high


def test_what_silencing_a_channel_does_is_the_difference_of_two_runs(policy, stacks):
    greys, layer = stacks[:, 0], policy.architecture.maps[-1]
    units = np.eye(policy.architecture.shape(layer)[-1])[[0, 2]]
    stills = np.repeat(greys[:, None], policy.architecture.frames, axis=1)
    effects = interventions.ablation_effects(policy, [total], layer, greys, units=units)
    whole = total(policy.run(stills))
    for effect, channel in zip(effects[..., 0].T, (0, 2), strict=True):
        without = policy.run(stills, edit=lambda at, x, c=channel: x.at[..., c].set(0) if at == layer else x)
        size = max(1, np.abs(outputs(without)).max())
        np.testing.assert_allclose(effect, total(without) - whole, rtol=1e-3, atol=1e-5 * size)


def test_the_rows_and_columns_that_are_read_are_those_with_a_gradient(policy, gradients):
    gradient = np.abs(gradients["input"]).max((0, 1))
    rows, columns = describe(policy.architecture)["reads"]
    assert not gradient[rows:].any() and not gradient[:, columns:].any()
    assert gradient[rows - 1].any() and gradient[:, columns - 1].any()


def test_a_layer_is_passed_through_what_follows_it_at_once():
    layers = (
        Layer("first", (Scale(), Convolution("first", 3, (4, 4), (2, 2)))),
        Layer("second", (Apply("tanh"), Convolution("second", 4, (3, 3), (1, 1)))),
        Layer("third", (Normalise("norm"), Apply("silu"), Flatten(), Dense("third", 5))),
    )
    network = Architecture((1, 16, 16), layers, (Dense("actor", 6),), last=(Apply(),))
    assert [network.passed_through(layer) for layer in ("first", "second", "third")] == ["tanh", None, "relu"]
    assert replace(network, last=()).passed_through("third") is None
