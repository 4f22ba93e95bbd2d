"""What a network's trace says of it, on small functions whose answer is plain."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from minetest_interp.model import traced
from minetest_interp.model.steps import Convolution, Extent, Pool, Residual


def trace(function, shape=(1, 3, 33, 28)):
    """The jaxpr of a function of a stack, its stack and its result."""
    jaxpr = jax.make_jaxpr(function)(jax.ShapeDtypeStruct(shape, jnp.float32)).jaxpr
    return jaxpr, jaxpr.invars[0], jaxpr.outvars[0]


def last(x):
    return jnp.moveaxis(x, 1, -1)


def module(made):
    """A module with fixed parameters, of pictures with channels last."""
    variables = made.init(jax.random.key(0), np.zeros((1, 33, 28, 3), np.float32))
    return lambda x: made.apply(variables, last(x))


SEEN = {
    "a function": (lambda x: nn.silu(nn.relu(last(x) / 255)) ** 2, [(1, 1, 0), (1, 1, 0)]),
    "a convolution": (module(nn.Conv(2, (5, 3), (2, 3), padding="VALID")), [(5, 2, 0), (3, 3, 0)]),
    "with padding": (module(nn.Conv(2, (4, 3), (2, 1), padding="SAME")), [(4, 2, -1), (3, 1, -1)]),
    "with holes": (module(nn.Conv(2, (3, 3), kernel_dilation=2, padding="VALID")), [(5, 1, 0), (5, 1, 0)]),
    "groups": (module(nn.Conv(3, (3, 3), feature_group_count=3, padding="VALID")), [(3, 1, 0), (3, 1, 0)]),
    "the largest": (lambda x: nn.max_pool(last(x), (3, 2), (2, 2)), [(3, 2, 0), (2, 2, 0)]),
    "the mean": (lambda x: nn.avg_pool(last(x), (3, 3), (2, 2), padding="SAME"), [(3, 2, -1), (3, 2, 0)]),
    "two windows": (
        nn.Sequential([nn.Conv(2, (3, 3), 2, padding="VALID"), nn.relu, nn.Conv(2, (3, 3), 2, padding="VALID")]),
        [(7, 4, 0), (7, 4, 0)],
    ),
    "a branch": (lambda x: last(x) + nn.max_pool(last(x), (3, 5), padding="SAME"), [(3, 1, -1), (5, 1, -2)]),
    "normalisation of channels": (module(nn.LayerNorm()), [(1, 1, 0), (1, 1, 0)]),
    "normalisation of pictures": (module(nn.LayerNorm(reduction_axes=(1, 2, 3))), None),
    "a sum over the picture": (lambda x: last(x) - last(x).mean((1, 2), keepdims=True), None),
    "branches of two strides": (lambda x: last(x)[:, ::2] + nn.max_pool(last(x), (1, 1), (2, 1)), None),
    "a scan": (lambda x: jax.lax.scan(lambda s, row: (s + row, s), x[:, :, 0], jnp.moveaxis(x, 2, 0))[1], None),
}


@pytest.mark.parametrize("kind", SEEN)
def test_positions_see_what_their_gradient_says(kind):
    function, expected = SEEN[kind]
    function = module(function) if isinstance(function, nn.Module) else function
    jaxpr, stack, result = trace(function)
    sight = traced.sights(stack, jaxpr)[result]
    if expected is None:
        assert sight is None
        return
    assert [side.axis for side in sight] == [1, 2]
    assert [side.seen for side in sight] == [Extent(*each) for each in expected]
    x = np.random.default_rng(0).uniform(1, 2, (1, 3, 33, 28)).astype(np.float32)
    index = [n // 2 for n in traced.shape_of(result)[1:3]]
    gradient = np.abs(jax.jacobian(lambda x: function(x)[(0, *index)])(x)).max((0, 1, 2))
    for axis, side in enumerate(sight):
        touched = np.flatnonzero(gradient.any(1 - axis))
        first = side.seen.start + side.seen.stride * index[axis]
        assert first <= touched.min() and touched.max() < first + side.seen.size


def test_what_stands_between():
    jaxpr, stack, result = trace(lambda x: (lambda y: jnp.tanh(y) + jnp.sin(y))(x * 2))
    doubled, tanh, sine, _ = (step.outvars[0] for step in jaxpr.eqns)
    assert traced.is_between(stack, doubled, [result], jaxpr)
    assert not traced.is_between(stack, tanh, [result], jaxpr) and not traced.is_between(stack, sine, [result], jaxpr)
    assert traced.is_between(stack, sine, [sine], jaxpr)
    assert not traced.is_between(tanh, doubled, [sine], jaxpr)


@pytest.mark.parametrize(("name", "function"), [("relu", nn.relu), ("tanh", nn.tanh), ("silu", nn.silu)])
def test_functions_go_by_their_names(name, function):
    jaxpr, _, _ = trace(lambda x: jnp.sin(function(x * 2)))
    first, second = jaxpr.eqns[0].outvars[0], jaxpr.eqns[1].outvars[0]
    assert traced.function_after(first, jaxpr) == traced.function_before(second, jaxpr) == name
    assert traced.function_before(first, jaxpr) is traced.function_after(second, jaxpr) is None
    jaxpr, _, _ = trace(lambda x: (lambda y: function(y) + y)(x * 2))
    assert traced.function_after(jaxpr.eqns[0].outvars[0], jaxpr) is None


def test_what_only_has_a_functions_name_is_another():
    @jax.jit
    def tanh(x):
        return 1.7159 * jnp.tanh(x)

    @jax.custom_jvp
    def leaky(x):
        return nn.relu(x - 1)

    leaky.defjvps(lambda slope, _, x: slope)

    @jax.jit
    def silu(x, y):
        return x * y

    for function in (tanh, leaky, lambda x: silu(x, x)):
        jaxpr, _, result = trace(function)
        assert traced.function_before(result, jaxpr) is None


def test_windows_are_listed_in_order_and_those_with_a_way_around_are_residual():
    class Block(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.max_pool(nn.Conv(4, (5, 3), (2, 1), padding="VALID")(x), (3, 3), (2, 2), padding="SAME")
            return nn.avg_pool(x + nn.Conv(4, (3, 3))(nn.relu(x)), (2, 2), (2, 2))

    jaxpr, stack, result = trace(module(Block()))
    assert traced.windows(stack, result, jaxpr) == (
        Convolution("", 4, (5, 3), (2, 1), "VALID"),
        Pool((3, 3), (2, 2), "SAME"),
        Residual((Convolution("", 4, (3, 3), (1, 1), "SAME"),)),
        Pool((2, 2), (2, 2), "VALID", mean=True),
    )
