"""Modules that are made of known steps become these, compute the same, and what is of no known kind stays a module."""

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from minetest_interp.model import checkpoint, onnx_export
from minetest_interp.model.modules import ModuleNetwork
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Pool, Residual, Scale

BODY = """
import flax.linen as nn
import jax
import jax.numpy as jnp


class Network(nn.Module):
    @nn.compact
    def __call__(self, x):
        {body}
        return nn.Dense(3, name="actor")(x), nn.Dense(1, name="critic")(x).squeeze(-1)
"""
PICTURE = "x = x.transpose(0, 2, 3, 1)"
FLAT = "x.reshape(len(x), -1)"
KNOWN = {
    "pools": (
        f"{PICTURE} * 0.5; x = nn.max_pool(nn.Conv(4, (3, 5), (1, 2), name='one')(x), (3, 3), (2, 2), padding='SAME'); "
        f"x = nn.relu(nn.avg_pool(x, (2, 2), (2, 2))); x = nn.silu(nn.Dense(5, name='two')({FLAT}))",
        {
            "one": (Scale(2.0), Convolution("one", 4, (3, 5), (1, 2), "SAME")),
            "two": (Pool((3, 3), (2, 2), "SAME"), Pool((2, 2), (2, 2), mean=True), Apply(), Flatten(), Dense("two", 5)),
        },
        (Apply("silu"),),
    ),
    "a maximum with zero": (
        f"{PICTURE} / 255 / 2; x = nn.Conv(4, (3, 3), padding='VALID', name='one')(x); x = jnp.maximum({FLAT}, 0)",
        {"one": (Scale(510.0), Convolution("one", 4, (3, 3), (1, 1), "VALID"))},
        (Flatten(), Apply()),
    ),
    "a sum over a branch": (
        "x = nn.Conv(4, (3, 3), name='one')(jnp.moveaxis(x, 1, -1)); "
        "x = x + nn.Conv(4, (3, 3), name='two')(nn.tanh(x)); "
        f"x = nn.Dense(6, name='three')({FLAT})",
        {
            "one": (Scale(1.0), Convolution("one", 4, (3, 3), (1, 1), "SAME")),
            "three": (
                Residual((Apply("tanh"), Convolution("two", 4, (3, 3), (1, 1), "SAME"))), Flatten(), Dense("three", 6),
            ),
        },
        (),
    ),
    "shared weights": (
        f"{PICTURE}; c = nn.Conv(4, (3, 3), name='one'); x = nn.Dense(5, name='two')(c(c(x)).reshape(len(x), -1))",
        {"two": (Scale(1.0), *2 * (Convolution("one", 4, (3, 3), (1, 1), "SAME"),), Flatten(), Dense("two", 5))},
        (),
    ),
}  # fmt: skip
UNKNOWN = {
    "no bias": f"{PICTURE}; x = nn.Conv(4, (3, 3), use_bias=False)(x); x = {FLAT}",
    "groups": f"{PICTURE}; x = nn.Conv(4, (3, 3), feature_group_count=2)(x); x = {FLAT}",
    "holes": f"{PICTURE}; x = nn.Conv(4, (3, 3), kernel_dilation=2)(x); x = {FLAT}",
    "another padding": f"{PICTURE}; x = nn.Conv(4, (3, 3), padding=3)(x); x = {FLAT}",
    "another function": f"{PICTURE}; x = nn.gelu(nn.Conv(4, (3, 3))(x)); x = {FLAT}",
    "grey levels less their mean": f"{PICTURE} - 128; x = nn.Conv(4, (3, 3))(x); x = {FLAT}",
    "no convolution of pictures": f"x = nn.Dense(5)({FLAT})",
    "a mean over positions": f"{PICTURE}; x = nn.Conv(4, (3, 3))(x).mean((1, 2))",
    "a product": f"{PICTURE}; x = nn.Conv(4, (3, 3))(x); x = {FLAT}; x = x * jax.nn.sigmoid(x)",
    "twice itself": f"{PICTURE}; x = nn.Conv(4, (3, 3))(x); x = x + x; x = {FLAT}",
    "a normalisation": f"{PICTURE}; x = nn.LayerNorm()(nn.Conv(4, (3, 3))(x)); x = {FLAT}",
    "heads of their own": f"x = nn.Dense(5)({FLAT}); return nn.Dense(2)(nn.relu(x)), nn.Dense(1)(nn.tanh(x))",
    "a layer with a head's name": f"{PICTURE}; x = nn.Conv(4, (3, 3), name='actor')(x).reshape(len(x), -1); "
    "return nn.Dense(3)(x), nn.Dense(1)(x)",
    "a head of two layers": f"{PICTURE}; x = nn.Dense(5)({FLAT}); return nn.Dense(2)(nn.Dense(4)(x)), nn.Dense(1)(x)",
}


def load(body, tmp_path):
    """A policy, and what its module itself returns."""
    program, stack = BODY.replace("{body}", body.replace("; ", "\n        ")), np.zeros((1, 4, 12, 14), np.float32)
    (tmp_path / "agent.py").write_text(program)
    names: dict = {}
    exec(program, names)
    module = names["Network"]()
    drawn = module.init(jax.random.key(0), stack)
    params = jax.tree.map(lambda array: array + 0.01 * np.arange(array.size).reshape(array.shape) / array.size, drawn)
    (tmp_path / "agent.model").write_bytes(flax.serialization.to_bytes(params))
    settings = {"module": tmp_path / "agent.py", "class": "Network", "size": [12, 14], "frames": 4}
    policy = checkpoint.load(tmp_path / "agent.model", **settings).policy
    return policy, lambda stacks: module.apply(params, stacks)


def same(policy, own):
    stacks = np.random.default_rng(0).uniform(0, 255, (3, 4, 12, 14)).astype(np.float32)
    trace, (logits, value) = jax.jit(policy.run)(stacks), own(jnp.asarray(stacks))
    for found, expected in ((trace.logits, logits), (trace.value, value.reshape(-1))):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    return trace


@pytest.mark.parametrize("kind", KNOWN)
def test_known_steps_are_found_and_compute_what_the_module_does(kind, tmp_path):
    body, layers, last = KNOWN[kind]
    policy, own = load(body, tmp_path)
    network = policy.architecture
    assert not isinstance(network, ModuleNetwork)
    assert {layer.name: layer.steps for layer in network.layers} == layers
    assert network.last == last and network.heads == (Dense("actor", 3), Dense("critic", 1))
    whole = same(policy, own)
    for name in layers:
        again = policy.run(whole.layers[name], start=name)
        np.testing.assert_allclose(again.logits, whole.logits, rtol=1e-5, atol=1e-5)
    onnx_export.to_bytes(onnx_export.build(policy, {}))


@pytest.mark.parametrize("kind", UNKNOWN)
def test_others_stay_the_module(kind, tmp_path):
    policy, own = load(UNKNOWN[kind], tmp_path)
    assert isinstance(policy.architecture, ModuleNetwork)
    same(policy, own)
