"""What a traced network says of its variables: what they depend on, which functions they pass, what positions see."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from minetest_interp.model.steps import FUNCTIONS, Convolution, Extent, Pool, Residual, Shape, Step

# Each number of the result depends on those at its own place.
ELEMENTWISE = {
    "abs", "add", "add_any", "clamp", "convert_element_type", "copy", "div", "erf", "exp", "integer_pow", "log",
    "log1p", "logistic", "max", "min", "mul", "neg", "pow", "rsqrt", "select_n", "sqrt", "square", "stop_gradient",
    "sub", "tanh",
}  # fmt: skip
POOLS = {"reduce_window_max": False, "reduce_window_sum": True}  # whether they are means
REDUCTIONS = {"reduce_max", "reduce_min", "reduce_sum"}
CALLS = {"checkpoint", "closed_call", "custom_jvp_call", "custom_vjp_call", "jit"}


class Slide(NamedTuple):
    """A window that slides along an axis, and the axis of the result. padding: positions before and after."""

    axis: int
    size: int
    stride: int
    padding: tuple[int, int]


class Side(NamedTuple):
    """What positions along an axis of a variable see of the stack, along rows or along columns."""

    axis: int
    seen: Extent


Sight = tuple[Side, Side] | None  # by rows and by columns; None where a position may see all of the stack


def shape_of(variable: Var | Literal) -> Shape:
    known: Any = variable.aval  # an array's
    return known.shape


def needs(jaxpr: Jaxpr, outputs: Sequence[Var], *, without: Var | None = None) -> set[Var]:
    """All that outputs are computed from; `without` counts as given."""
    found = set(outputs) - {without}
    for step in reversed(jaxpr.eqns):
        if not found.isdisjoint(step.outvars):
            found |= {variable for variable in step.invars if isinstance(variable, Var)} - {without}
    return found


def is_between(stack: Var, variable: Var, outputs: Sequence[Var], jaxpr: Jaxpr) -> bool:
    """Whether the outputs depend on the stack, and through the variable alone."""
    return stack in needs(jaxpr, outputs) and stack not in needs(jaxpr, outputs, without=variable)


def function_of(step: JaxprEqn) -> str | None:
    """The function of `steps.FUNCTIONS` that a step is; None for another, whatever its name."""
    step = _innermost(step)
    name = step.params.get("name", step.primitive.name)
    if name not in FUNCTIONS or not isinstance(step.invars[0], Var):
        return None
    [*_, known] = jax.make_jaxpr(FUNCTIONS[name])(
        jax.ShapeDtypeStruct(shape_of(step.invars[0]), jnp.float32)
    ).jaxpr.eqns
    known = _innermost(known)
    same = known.primitive is step.primitive and str(known.params.get("jaxpr")) == str(step.params.get("jaxpr"))
    return name if same else None


def function_before(variable: Var, jaxpr: Jaxpr) -> str | None:
    """The function of `steps.FUNCTIONS` that gave a variable; None for another step."""
    return next((function_of(step) for step in jaxpr.eqns if variable in step.outvars), None)


def function_after(variable: Var, jaxpr: Jaxpr) -> str | None:
    """The function that everything else has a variable through; None if there is none."""
    found = {function_of(step) for step in jaxpr.eqns if variable in step.invars}
    return found.pop() if len(found) == 1 else None


def windows(before: Var, after: Var, jaxpr: Jaxpr) -> tuple[Step, ...]:
    """The convolutions and pools through which one variable is computed from another, in order.

    They have no names. Those that something goes around are residual.
    """
    inside, found = needs(jaxpr, [after], without=before), []
    for step in jaxpr.eqns:
        if not inside.isdisjoint(step.outvars) and (window := _window(step)):
            alone = is_between(before, step.outvars[0], [after], jaxpr)
            found.append(window if alone else Residual((window,)))
    return tuple(found)


def sights(stack: Var, jaxpr: Jaxpr) -> dict[Var, Sight]:
    """What each variable that depends on the stack `[B, T, H, W]` sees of it."""
    return _follow(jaxpr, {stack: (Side(2, Extent()), Side(3, Extent()))})


def _innermost(step: JaxprEqn) -> JaxprEqn:
    """What a function with a derivative of its own does, where that is one step."""
    while step.primitive.name == "custom_jvp_call" and len(step.params["call_jaxpr"].eqns) == 1:
        [step] = step.params["call_jaxpr"].eqns
    return step


def _follow(jaxpr: Jaxpr, found: dict[Var, Sight]) -> dict[Var, Sight]:
    for step in jaxpr.eqns:
        given = {each: found[each] for each in step.invars if isinstance(each, Var) and each in found}
        if given:
            found |= dict.fromkeys(step.outvars, _through(step, given))
    return found


def _through(step: JaxprEqn, given: Mapping[Var, Sight]) -> Sight:
    """What a step's result sees, from what its arguments do."""
    if step.primitive.name in CALLS:
        called: Any = step.params.get("call_jaxpr", step.params.get("jaxpr"))
        inner = getattr(called, "jaxpr", called)
        pairs = zip(inner.invars, step.invars, strict=True)
        inside = {own: given[outer] for own, outer in pairs if isinstance(outer, Var) and outer in given}
        return _follow(inner, inside).get(inner.outvars[0]) if len(inner.outvars) == 1 else None
    known = [sight for sight in given.values() if sight]
    if len(known) < len(given):
        return None
    rows, columns = (
        _joined([_moved(side, variable, step) for side, variable in zip(sides, given, strict=True)])
        for sides in zip(*known, strict=True)
    )
    return None if rows is None or columns is None else (rows, columns)


def _joined(sides: Sequence[Side | None]) -> Side | None:
    joined, *others = sides
    for other in others:
        if joined is None or other is None or (other.axis, other.seen.stride) != (joined.axis, joined.seen.stride):
            return None
        joined = Side(joined.axis, joined.seen.joined(other.seen))
    return joined


def _moved(side: Side, variable: Var, step: JaxprEqn) -> Side | None:
    """A side of an argument as one of the step's result; None where its positions are mixed, or it is not known."""
    axis, params, before, after = side.axis, step.params, shape_of(variable), shape_of(step.outvars[0])
    match step.primitive.name:
        case name if name in ELEMENTWISE:
            return side if before[axis] == after[axis] else None
        case "transpose":
            return side._replace(axis=params["permutation"].index(axis))
        case "broadcast_in_dim":
            place = params["broadcast_dimensions"][axis]
            return side._replace(axis=place) if before[axis] == after[place] else None
        case name if name in REDUCTIONS:
            gone = params["axes"]
            return None if axis in gone else side._replace(axis=axis - sum(each < axis for each in gone))
        case _ if variable is step.invars[0] and axis in (slides := _slides(step)):
            slide = slides[axis]
            return Side(slide.axis, side.seen.through(slide.size, slide.stride, slide.padding[0]))
    return None


def _window(step: JaxprEqn) -> Convolution | Pool | None:
    if not (slides := _slides(step)):
        return None
    rows, columns = (slides[axis] for axis in sorted(slides))
    size, strides = (rows.size, columns.size), (rows.stride, columns.stride)
    padding = "SAME" if any(rows.padding + columns.padding) else "VALID"
    if step.primitive.name in POOLS:
        return Pool(size, strides, padding, POOLS[step.primitive.name])
    features = shape_of(step.outvars[0])[step.params["dimension_numbers"].out_spec[1]]
    return Convolution("", features, size, strides, padding)


def _slides(step: JaxprEqn) -> dict[int, Slide]:
    """The windows of a convolution or a pool by the axis along which they slide, of the two with positions."""
    params = step.params
    if step.primitive.name in POOLS and len(params["padding"]) == 4 and set(params["base_dilation"]) == {1}:
        sizes, strides, padding = (params[key] for key in ("window_dimensions", "window_strides", "padding"))
        return {axis: Slide(axis, sizes[axis], strides[axis], padding[axis]) for axis in (1, 2)}
    if step.primitive.name == "conv_general_dilated" and set(params["lhs_dilation"]) == {1}:
        layout, kernel = params["dimension_numbers"], shape_of(step.invars[1])
        sizes = [kernel[axis] for axis in layout.rhs_spec[2:]]
        rows = zip(sizes, params["rhs_dilation"], params["window_strides"], params["padding"], strict=True)
        places = zip(layout.lhs_spec[2:], layout.out_spec[2:], rows, strict=True)
        return {axis: Slide(place, 1 + (n - 1) * apart, *row) for axis, place, (n, apart, *row) in places}
    return {}
