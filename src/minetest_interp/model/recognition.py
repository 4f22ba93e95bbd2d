"""A traced network as the steps of which it is made, where all of them are known."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from minetest_interp.model import traced
from minetest_interp.model.steps import PADDINGS, Apply, Convolution, Dense, Flatten, Pool, Residual, Scale, Step

CHANNELS_LAST = (0, 2, 3, 1)  # the order of axes that moves channels there from the second place
LAYOUT = lax.ConvDimensionNumbers((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))  # of Flax's convolutions
ONE_BY_ONE = {"lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "feature_group_count": 1, "batch_group_count": 1}
MATRIX_PRODUCT = (((1,), (0,)), ((), ()))


class UnknownStepError(Exception):
    """A network does something that is none of the steps in `steps`."""


class Recogniser(NamedTuple):
    """jaxpr: of a network. paths: of its parameters, parts joined by slashes.

    Steps with parameters are named by the path of their submodule, its parts joined by dots.
    """

    jaxpr: Jaxpr
    paths: Mapping[Var, str]

    def scale(self, stack: Var) -> tuple[Scale, Var]:
        """How a stack becomes the first step's input, and that input.

        Raises:
          UnknownStepError: otherwise than by a division and by moving channels to the end.
        """
        divisor, moved, x = 1.0, False, stack
        while not moved or self._uses(x)[0].primitive.name in ("div", "mul"):
            step = self._only_use(x)
            match step.primitive.name, step.invars[1:]:
                case "div", [Literal(val=number)]:
                    divisor *= float(number)
                case "mul", [Literal(val=number)]:
                    divisor /= float(number)
                case "transpose", [] if not moved and step.params["permutation"] == CHANNELS_LAST:
                    moved = True
                case _:
                    raise UnknownStepError
            x = step.outvars[0]
        return Scale(divisor), x

    def steps(self, before: Var, after: Var) -> tuple[Step, ...]:
        """The steps from one variable to another.

        Raises:
          UnknownStepError: one is of another kind, or there is more than one way, but for sums.
        """
        within, found, x = traced.needs(self.jaxpr, [after], without=before), list[Step](), before
        while x is not after:
            users = [step for step in self._uses(x) if not within.isdisjoint(step.outvars)]
            sums = [step for step in users if step.primitive.name == "add"]
            if len(users) == 2 and len(sums) == 1:
                [inside] = [each for each in sums[0].invars if each is not x]
                found.append(Residual(self.steps(x, _variable(inside))))
                x = sums[0].outvars[0]
            elif len(users) == 1:
                step, x = self._step(users[0], x)
                found += [] if step is None else [step]
            else:
                raise UnknownStepError
        return tuple(found)

    def _step(self, step: JaxprEqn, x: Var) -> tuple[Step | None, Var]:
        """A step and what it makes; None for one that only takes an axis of one number away."""
        made, params, given = step.outvars[0], step.params, traced.shape_of(x)
        shape = traced.shape_of(made)
        if function := traced.function_of(step):
            return Apply(function), made
        match step.primitive.name:
            case "max" if isinstance(step.invars[1], Literal) and step.invars[1].val == 0:
                return Apply("relu"), made
            case "conv_general_dilated" if all(params[key] == value for key, value in ONE_BY_ONE.items()):
                name, made = self._biased(step, made)
                rows, columns, *_ = traced.shape_of(step.invars[1])
                if params["dimension_numbers"] == LAYOUT:
                    padding = _padding(given[1:3], (rows, columns), params["window_strides"], params["padding"])
                    return Convolution(name, shape[3], (rows, columns), params["window_strides"], padding), made
            case "dot_general" if _plain(params["dimension_numbers"]) == MATRIX_PRODUCT and len(given) == 2:
                name, made = self._biased(step, made)
                return Dense(name, shape[1]), made
            case "reduce_window_max" | "reduce_window_sum" as kind if len(given) == 4:
                size, strides, padding = (params[k][1:3] for k in ("window_dimensions", "window_strides", "padding"))
                mean = kind == "reduce_window_sum"
                made = self._divided(made, math.prod(size)) if mean else made
                return Pool(size, strides, _padding(given[1:3], size, strides, padding), mean), made
            case "reshape" if len(given) == 4 and shape == (given[0], math.prod(given[1:])):
                return Flatten(), made
            case "reshape" | "squeeze" if given == (*shape, 1):
                return None, made
        raise UnknownStepError

    def _biased(self, step: JaxprEqn, product: Var) -> tuple[str, Var]:
        """The name of a step with a kernel, and its product with the bias added."""
        submodule, _, kernel = self.paths.get(_variable(step.invars[1]), "").rpartition("/")
        added = self._only_use(product)
        [bias] = [each for each in added.invars if each is not product] or [product]
        made = next((each for each in self.jaxpr.eqns if bias in each.outvars), None)
        source = made.invars[0] if made and made.primitive.name in ("reshape", "broadcast_in_dim") else bias
        known = self.paths.get(_variable(source)) == f"{submodule}/bias"
        if added.primitive.name != "add" or kernel != "kernel" or not submodule or not known:
            raise UnknownStepError
        return submodule.replace("/", "."), added.outvars[0]

    def _divided(self, total: Var, count: int) -> Var:
        step = self._only_use(total)
        match step.primitive.name, step.invars[1:]:
            case "div", [Literal(val=number)] if number == count:
                return step.outvars[0]
        raise UnknownStepError

    def _only_use(self, variable: Var) -> JaxprEqn:
        users = self._uses(variable)
        if len(users) != 1:
            raise UnknownStepError
        return users[0]

    def _uses(self, variable: Var) -> list[JaxprEqn]:
        return [step for step in self.jaxpr.eqns if variable in step.invars]


def _variable(argument: Var | Literal) -> Var:
    if not isinstance(argument, Var):
        raise UnknownStepError
    return argument


def _padding(given: Any, size: Any, strides: Any, pads: Any) -> str:
    for padding in PADDINGS:
        if list(map(tuple, lax.padtype_to_pads(given, size, strides, padding))) == list(map(tuple, pads)):
            return padding
    raise UnknownStepError


def _plain(numbers: Any) -> tuple:
    return tuple(tuple(tuple(axes) for axes in each) for each in numbers)
