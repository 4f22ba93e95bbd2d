"""A person's Python file: run as it is, and the Flax module in it called so that each submodule's output is seen.

Parameters go by their paths in the module, parts joined by slashes; submodules by theirs, joined by dots.
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import flax.linen
import jax
from flax import traverse_util
from jax import Array

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.arrays import AnyArray

LIMIT_BYTES = 2**20
PROGRAM = "minetest_interp_own_network"  # the name under which a file is imported

Watch = Callable[[str, Any], Any]  # a submodule's name and its output, to what the rest of the module is given
Call = Callable[[Mapping[str, AnyArray], Array, Watch], Any]  # parameters by path, and input, to what a module returns


def load_class(file: Path, name: str) -> type:
    """Runs a file, with everything that it does when it is imported, and gives the Flax module `name` in it.

    Raises:
      InputError: it cannot be read, or has no such class.
    """
    from flax import nnx  # takes a fifth of a second, and few need it

    source = files.read_bytes(file, what="a Python file", limit=LIMIT_BYTES, advice="Check `policy.module`.")
    program = ModuleType(PROGRAM)
    sys.modules[PROGRAM] = program  # where dataclasses look their types up
    exec(compile(source, str(file), "exec"), vars(program))
    kinds = flax.linen.Module | nnx.Module
    known = [key for key, it in vars(program).items() if isinstance(it, type) and issubclass(it, kinds)]
    if name not in known:
        raise InputError(
            f"{file}: `policy.class` must be the name of a flax.linen.Module or flax.nnx.Module in this file, one of "
            f"{', '.join(known) or 'none'}; got {name!r}."
        )
    return vars(program)[name]


@contextmanager
def reported(file: Path) -> Iterator[None]:
    """What goes wrong in a file, as an `InputError` that names it and the line of it."""
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        place = f"{file}, line {lines[-1]}" if lines else f"{file}"
        raise InputError(f"{place}: {type(error).__name__}: {' '.join(str(error).split())}") from error


def watched_call(kind: type, arguments: Mapping[str, Any], given: Any, file: Path) -> tuple[Call, dict[str, Any]]:
    """A function that calls a module of this class, and the shapes of its parameters by path.

    Args:
      arguments: of its constructor. given: shape and type of its input.

    Raises:
      InputError: it has variables that are no parameters.
    """
    return (_linen if issubclass(kind, flax.linen.Module) else _nnx)(kind, arguments, given, file)


def _linen(kind: type, arguments: Mapping[str, Any], given: Any, file: Path) -> tuple[Call, dict[str, Any]]:
    module = kind(**arguments)
    variables = jax.eval_shape(module.init, jax.random.key(0), given)
    _check_variables(set(variables) - {"params"}, file)

    def call(arrays: Mapping[str, AnyArray], x: Array, watch: Watch) -> Any:
        def intercept(following: Callable, args: tuple, kwargs: dict, context: Any) -> Any:
            output = following(*args, **kwargs)
            path = context.module.path
            return watch(".".join(path), output) if path and context.method_name == "__call__" else output

        with flax.linen.intercept_methods(intercept):
            return module.apply({"params": traverse_util.unflatten_dict(arrays, sep="/")}, x)

    return call, traverse_util.flatten_dict(variables.get("params", {}), sep="/")


def _nnx(kind: type, arguments: Mapping[str, Any], given: Any, file: Path) -> tuple[Call, dict[str, Any]]:
    from flax import nnx

    model = nnx.eval_shape(lambda: kind(**arguments, rngs=nnx.Rngs(0)))
    graph, *states = nnx.split(model, nnx.Param, nnx.RngState, ...)
    params, random, others = states
    _check_variables({type(variable).__name__ for _, variable in nnx.to_flat_state(others)}, file)
    variables = {"/".join(map(str, path)): (path, variable) for path, variable in nnx.to_flat_state(params)}

    def call(arrays: Mapping[str, AnyArray], x: Array, watch: Watch) -> Any:
        filled = [(path, variable.replace(arrays[name])) for name, (path, variable) in variables.items()]
        model = nnx.merge(graph, nnx.from_flat_state(filled), random)
        with _watched({path: part for path, part in nnx.iter_modules(model) if path}, watch):
            return model(x)

    return call, {name: variable.get_value() for name, (_, variable) in variables.items()}


def _check_variables(others: set[str], file: Path) -> None:
    if others:
        raise InputError(
            f"{file}: the module must have parameters alone; it has {', '.join(sorted(others))} as well. Give its "
            "constructor `arguments` with which it needs none."
        )


@contextmanager
def _watched(submodules: Mapping[tuple, Any], watch: Watch) -> Iterator[None]:
    """Passes the output of each submodule of an nnx module, by path, through `watch`, as its classes call them."""
    parts = {id(part): ".".join(map(str, path)) for path, part in submodules.items()}
    kinds: set[Any] = {type(part) for part in submodules.values() if callable(part)}

    def replacement(kind: Any) -> Callable:
        original = kind.__call__

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            output = original(self, *args, **kwargs)
            return watch(parts[id(self)], output) if type(self) is kind and id(self) in parts else output

        return call

    own = {kind: vars(kind).get("__call__") for kind in kinds}
    replaced = {kind: replacement(kind) for kind in kinds}
    try:
        for kind, call in replaced.items():
            kind.__call__ = call
        yield
    finally:
        for kind, original in own.items():
            if original is None:
                del kind.__call__
            else:
                kind.__call__ = original
