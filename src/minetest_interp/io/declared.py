"""How arrays of a file are declared, one a line, and how a file's arrays differ from it."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

# What stands for a placeholder in an array's name, as a regular expression; anything for those that are not here.
PLACEHOLDERS = {
    "view": "original|mirrored|unrounded|reordered|masked|masked-mirrored",
    "form": "original|mirrored|masked|masked-mirrored|equalised|inverted|darker|brighter|forward|jump",
    "filter": "gradient|brightness",
    "half": "auroc|first|second",
    "replacement": "zero|mean|patch|resample",
    "contrast": "removed|moved|light|motion",
    "side": "value|left|right",
    "policy": "real|shuffled",
    "score": "(z|hf|fd|agreement|path_(middle|last)(_standardised)?)(_control)?|control_correlation",
    "effect": "steering|trunk",
    "finding": "pointing|mass",
    "target": "side|distance|species|ray",
    "grouping": "kinds|surroundings",
    "edit": "logs|trunk|darker",
    "along": "ray|middle",
    "agent": "own|random|forward|out-of-order|mirrored|even|silenced|silenced-random|night|unsteered",
    "decoys": "decoys-left|decoys-right",
    "held": "forward|jump",
    "to": "direction|darker",
}
TYPES = {"text": "U", "bool": "b1", "int": "i", "uint8": "u1", "float32": "f4", "float64": "f8"}


class Declared(NamedTuple):
    """One array, or all arrays whose names differ in a {placeholder} alone.

    axes: names, outermost first; axes of one name in one file have one length. A {placeholder} in them is that of the
    name. kind: a key of `TYPES`. unit: empty for pure numbers and names.
    """

    name: str
    axes: tuple[str, ...]
    kind: str
    unit: str
    meaning: str

    def axes_of(self, name: str) -> tuple[str, ...] | None:
        """The axes of the array of this name, None if it is not one of these."""
        match = re.fullmatch(
            re.sub(r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{PLACEHOLDERS.get(m[1], '[^/]+')})", re.escape(self.name)),
            name,
        )
        return match and tuple(axis.format(**match.groupdict()) for axis in self.axes)


class Store(NamedTuple):
    """A kind of file. path: below results/<study>/."""

    path: str
    what: str
    arrays: tuple[Declared, ...]

    def declarations(self, name: str) -> list[tuple[Declared, tuple[str, ...]]]:
        """What an array of this name may be, each with its axes."""
        return [(declared, axes) for declared in self.arrays if (axes := declared.axes_of(name)) is not None]


def arrays(table: str) -> tuple[Declared, ...]:
    """Rows of `name | axes | type | unit | meaning`."""
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return tuple(Declared(name, tuple(filter(None, axes.split(", "))), *rest) for name, axes, *rest in rows)


def breaches(store: Store, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """How arrays differ from what their store declares, in words; none where they keep to it.

    A name may begin with CONCEPT/READOUT/. Of the declarations that it matches the first with as many axes counts. An
    axis "..." stands for any number.
    """
    found: list[str] = []
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        start, matches = "", store.declarations(name)
        if not matches and name.count("/") > 1:
            concept, readout, own = name.split("/", 2)
            start, matches = f"{concept}/{readout}/", store.declarations(own)
        if not matches:
            found.append(f"{store.path}: {name} is not declared")
            continue
        declared, axes = next((each for each in matches if len(each[1]) == array.ndim), matches[0])
        if not any(array.dtype.str[1:].startswith(TYPES[kind]) for kind in declared.kind.split()):
            found.append(f"{store.path}: {name} must be {declared.kind}; it is {array.dtype}")
        fixed = axes[: axes.index("...")] if "..." in axes else axes
        if array.ndim < len(fixed) or ("..." not in axes and array.ndim != len(axes)):
            found.append(f"{store.path}: {name} must have the axes [{', '.join(axes)}]; its shape is {array.shape}")
            continue
        for axis, size in zip(fixed, array.shape, strict=False):
            if (known := sizes.setdefault(start + axis, size)) != size:
                found.append(f"{store.path}: axis {axis} of {name} has length {size}, elsewhere {known}")
    return found
