"""A network of one's own: a Flax module in a person's Python file, linen or nnx, whose submodules are its layers.

The file is run as it is, with everything that it does when it is imported. A submodule is a layer where all outputs
depend on the stack through its activation alone, so that a run may start there; one inside a residual branch, or of a
head, is none. An activation is `[batch, row, column, channel]` or `[batch, channel]`, a stack float32 `[B, T, H, W]`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import Jaxpr, Var, get_opaque_trace_state
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model import programs, traced
from minetest_interp.model.architecture import INPUT, Architecture, Edit, Layer, Trace
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.families.family import Read
from minetest_interp.model.programs import Call, Watch
from minetest_interp.model.recognition import Recogniser, UnknownStepError
from minetest_interp.model.steps import Apply, Dense, Extent, Parameters, Part, Shape
from minetest_interp.model.traced import Sight

LAYOUTS = ("NCHW", "NHWC")
ROLES = (("actor", "critic"), ("critic", "actor"), ("actor",), ("q",))  # what a module's outputs may be, in order
TREES = {"network": "1/0/params", "actor": "1/1/params", "critic": "1/2/params"}  # in CleanRL's files
RESERVED = (INPUT, "frames", "head", "logits", "q", "value")  # no layer's names, since they stand beside these
TRIED = 3  # items in the batch with which a module is looked at


@dataclass(frozen=True, kw_only=True)
class ModuleNetwork(Architecture):
    """An architecture whose layers are the submodules through which every run passes, and whose heads are its outputs.

    layout, scale: of the module's input, and what pixels are divided by for it. call: the module. arrays: the paths of
    its parameters, parts joined by slashes, and their shapes.
    """

    layout: str
    scale: float
    call: Call
    arrays: tuple[tuple[str, Shape], ...]

    def parameters(self) -> dict[str, dict[str, Shape]]:
        """The shapes of all arrays that the network needs, by the path of their submodule and their own name."""
        needed: dict[str, dict[str, Shape]] = {}
        for path, shape in self.arrays:
            submodule, name = _place(path)
            needed.setdefault(submodule, {})[name] = shape
        return needed

    def run(self, params: Parameters, activation: Float[AnyArray, "batch ..."], start: str, edit: Edit) -> Trace:
        """Runs on from the activation of `start`, passing each layer's activation through `edit`.

        What lies before `start` is run on black pictures. Nothing depends on it, so compiled code leaves it out.
        """
        passed = self.targets[self.targets.index(start) :]
        layers: dict[str, Array] = {}

        def watch(name: str, output: Any) -> Any:
            if name in passed:
                given = activation if name == start else output
                output = layers[name] = edit(name, jnp.asarray(given, jnp.float32))
            return output

        stack = watch(INPUT, jnp.zeros((len(activation), *self.stack)))
        arrays = {path: params[submodule][name] for path, _ in self.arrays for submodule, name in [_place(path)]}
        returned = self.call(arrays, _as_input(stack, self.layout, self.scale), watch)
        heads = _by_role(returned, tuple(head.name for head in self.heads))
        found = {name: jnp.asarray(output, jnp.float32) for name, output in heads.items()}
        last, q = layers[passed[-1]], found.get("q")
        value = q.max(-1) if q is not None else found["critic"].reshape(-1) if "critic" in found else None
        return Trace(found.get("actor", jnp.zeros((len(last), 0))), value, last.reshape(len(last), -1), layers, q)


def load(
    file: Path,
    name: str,
    *,
    frames: int,
    size: tuple[int, int],
    arguments: Mapping[str, Any] = MappingProxyType({}),
    layout: str = LAYOUTS[0],
    scale: float = 1.0,
    outputs: Sequence[str] = ROLES[0],
) -> Read:
    """Runs a person's file, and finds the layers of the class `name` in it, a Flax module.

    A network that is made of known steps alone is returned as these, which compute the same.

    Args:
      frames, size: of the stacks that it takes; height and width in pixels. arguments: of its constructor; an nnx
        module is given `rngs` as well. layout: NCHW calls it with `[B, T, H, W]`, NHWC with `[B, H, W, T]`. scale: what
        pixels are divided by for it. outputs: what it returns, in order, or the keys of the map that it returns.

    Raises:
      InputError: the file raises an exception, or there is no such class, or it returns something else or has no layer.
    """
    roles, stack = tuple(outputs), (frames, *size)
    if roles not in ROLES or layout not in LAYOUTS:
        known = "; ".join(", ".join(each) for each in ROLES)
        raise InputError(
            f"{file}: `policy.outputs` must be one of {known}, and `policy.layout` one of {', '.join(LAYOUTS)}; got "
            f"{', '.join(roles)} and {layout}."
        )
    stacks = jax.ShapeDtypeStruct((TRIED, *stack), jnp.float32)
    with programs.reported(file):
        given = jax.eval_shape(lambda stacks: _as_input(stacks, layout, scale), stacks)
        call, arrays = programs.watched_call(programs.load_class(file, name), arguments, given, file)

        def run(arrays: dict, stacks: Array, watch: Watch) -> list:
            returned = call(arrays, _as_input(stacks, layout, scale), watch)
            return _checked(returned, roles, f"{file}: {name}")

        found = _trace(run, arrays, stacks)
    if not found.layers:
        raise InputError(
            f"{file}: {name} must have a submodule through which alone its outputs depend on the stack, one that is "
            "called once and returns [B, H, W, C] or [B, C]; it has none."
        )
    if read := _recognise(found, stack, roles):
        return read
    widths = [(traced.shape_of(output)[1:] or (1,))[0] for output in found.outputs]
    heads = tuple(map(Dense, roles, widths))
    named = tuple((path, array.shape) for path, array in arrays.items())
    network = ModuleNetwork(stack, _parts(found), heads, layout=layout, scale=scale, call=call, arrays=named)
    return Read(network, {submodule: submodule.replace(".", "/") for submodule in network.parameters()})


def find_names(read: Read, stored: Iterable[str]) -> dict[str, str]:
    """For each name in a network's parameters, its path in a checkpoint with these arrays.

    The module's tree may lie below another path, such as `params`. Where there are three trees, as CleanRL saves them,
    they are those of the submodules `network`, `actor` and `critic`.

    Args:
      read: the network, with paths in its module.
    """
    if any(path.startswith("1/0/") for path in stored):
        split = {name: path.partition("/") for name, path in read.names.items()}
        return {name: f"{TREES.get(tree, tree)}/{rest}".rstrip("/") for name, (tree, _, rest) in split.items()}
    needed = read.architecture.parameters()
    arrays = [f"{read.names[name]}/{key}".lstrip("/") for name, shapes in needed.items() for key in shapes]
    above = Counter(path.removesuffix(own) for path in stored for own in arrays if f"/{path}".endswith(f"/{own}"))
    [(root, _)] = above.most_common(1) or [("", 0)]
    return {name: f"{root}{path}".rstrip("/") for name, path in read.names.items()}


def _place(path: str) -> tuple[str, str]:
    """The submodule of an array, parts of its path joined by dots, and the array's name in it."""
    submodule, _, name = path.rpartition("/")
    return submodule.replace("/", "."), name


def _as_input(stack: Array, layout: str, scale: float) -> Array:
    return (jnp.moveaxis(stack, 1, -1) if layout == "NHWC" else stack) / scale


def _by_role(returned: Any, roles: tuple[str, ...]) -> dict[str, Any]:
    """What a module returned: one array, several, or a map of them. A distribution over actions has its `logits`."""
    if isinstance(returned, Mapping):
        found = {role: returned[role] for role in roles}
    else:
        found = dict(zip(roles, returned if isinstance(returned, tuple | list) else (returned,), strict=True))
    return {role: getattr(output, "logits", output) for role, output in found.items()}


def _checked(returned: Any, roles: tuple[str, ...], what: str) -> list[Array]:
    names = list(returned) if isinstance(returned, Mapping) else roles
    count = len(returned) if isinstance(returned, Mapping | tuple | list) else 1
    if count != len(roles) or set(names) != set(roles):
        got = f"a map of {', '.join(map(str, names))}" if isinstance(returned, Mapping) else f"{count}"
        raise InputError(
            f"{what} must return {len(roles)} outputs: {', '.join(roles)}; got {got}. See `policy.outputs`."
        )
    for role, output in _by_role(returned, roles).items():
        shape = getattr(output, "shape", None)
        fits = shape in ((TRIED,), (TRIED, 1)) if role == "critic" else shape and len(shape) == 2 and shape[0] == TRIED
        if not fits:
            wanted = "[B] or [B, 1]" if role == "critic" else "[B, actions]"
            got = type(output).__name__ if shape is None else f"{list(shape)} for {TRIED} items"
            raise InputError(f"{what} must return {role} as an array {wanted}; got {got}. See `policy.outputs`.")
    return list(_by_role(returned, roles).values())


class Traced(NamedTuple):
    """jaxpr: of a module's parameters, by path, and of stacks. layers: the names of its layers, in order."""

    jaxpr: Jaxpr
    paths: dict[Var, str]
    stack: Var
    layers: dict[Var, str]
    outputs: list[Var]


def _trace(run: Callable, arrays: dict, stacks: Any) -> Traced:
    names: list[str] = []

    def called(arrays: dict, stacks: Array) -> tuple[list, list]:
        outermost, calls = get_opaque_trace_state(), []

        def watch(name: str, output: Any) -> Any:
            # What is computed within jit or remat is not to be had outside of it.
            calls.append((name, output if get_opaque_trace_state() == outermost else None))
            return output

        outputs = run(arrays, stacks, watch)
        often = Counter(name for name, _ in calls)
        kept = {name: output for name, output in calls if often[name] == 1 and _is_activation(output)}
        names[:] = kept
        return outputs, list(kept.values())

    jaxpr = jax.make_jaxpr(called)(arrays, stacks).jaxpr
    count, [*parameters, stack] = len(jaxpr.outvars) - len(names), jaxpr.invars
    outputs: Any = jaxpr.outvars[:count]
    layers: dict[Var, str] = {}
    for name, variable in zip(names, jaxpr.outvars[count:], strict=True):
        new = isinstance(variable, Var) and variable not in (*outputs, *jaxpr.invars, *layers)
        if new and name not in RESERVED and traced.is_between(stack, variable, outputs, jaxpr):
            layers[variable] = name
    return Traced(jaxpr, dict(zip(parameters, sorted(arrays), strict=True)), stack, layers, outputs)


def _recognise(found: Traced, stack: tuple[int, int, int], roles: tuple[str, ...]) -> Read | None:
    """The network as known steps, with the paths of their parameters in the module; None where some are not known."""
    recogniser = Recogniser(found.jaxpr, found.paths)
    try:
        scale, x = recogniser.scale(found.stack)
        layers = list[Layer]()
        for variable, name in found.layers.items():
            layers.append(Layer(name, (*([] if layers else [scale]), *recogniser.steps(x, variable))))
            x = variable
        ends = [recogniser.steps(x, output) for output in found.outputs]
    except UnknownStepError:
        return None
    dense = [steps[-1] for steps in ends if steps and isinstance(steps[-1], Dense)]
    if len(dense) < len(ends) or len({steps[:-1] for steps in ends}) > 1:
        return None
    heads = tuple(Dense(role, head.features) for role, head in zip(roles, dense, strict=True))
    network = Architecture(stack, tuple(layers), heads, last=ends[0][:-1])
    own = {role: head.name for role, head in zip(roles, dense, strict=True)}
    names = {name: own.get(name, name).replace(".", "/") for name in network.parameters()}
    used = {f"{names[name]}/{key}" for name, shapes in network.parameters().items() for key in shapes}
    return Read(network, names) if used == set(found.paths.values()) else None


def _parts(found: Traced) -> tuple[Layer, ...]:
    """The layers of a network that is not made of known steps alone."""
    seen, before = traced.sights(found.stack, found.jaxpr), found.stack
    layers: list[Layer] = []
    for variable, name in found.layers.items():
        shape = traced.shape_of(variable)[1:]
        field = _field(shape, seen[variable], found.stack)
        part = Part(shape, field, traced.windows(before, variable, found.jaxpr))
        first = traced.function_after(before, found.jaxpr) if layers else None
        last = traced.function_before(variable, found.jaxpr)
        layers.append(Layer(name, (*_applied(first), part, *_applied(last))))
        before = variable
    return tuple(layers)


def _applied(function: str | None) -> tuple[Apply, ...]:
    return (Apply(function),) if function else ()


def _field(shape: Shape, sight: Sight, stack: Var) -> tuple[Extent, Extent] | None:
    """What a position of a layer sees along rows and columns; all of them where it is not known."""
    if len(shape) < 3:
        return None
    if sight is None or [side.axis for side in sight] != [1, 2]:
        rows, columns = traced.shape_of(stack)[2:]
        return Extent(rows, 0), Extent(columns, 0)
    return sight[0].seen, sight[1].seen


def _is_activation(output: Any) -> bool:
    if not isinstance(output, Array) or output.ndim not in (2, 4):
        return False
    return output.shape[0] == TRIED and jnp.issubdtype(output.dtype, jnp.floating)
