"""Holds arrays against what `stores` declares of them, and makes `docs/results.md` of the declarations.

`python -m minetest_interp.io.results` prints the page.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from minetest_interp.io.stores import PLACEHOLDERS, STORES, TYPES, Store


def breaches(store: Store, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """How arrays differ from what their store declares, in words; none where they keep to it.

    The first declaration that a name matches counts. An axis "..." stands for any number of axes.
    """
    found: list[str] = []
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        matches = ((declared, axes) for declared in store.arrays if (axes := declared.axes_of(name)) is not None)
        declared, axes = next(matches, (None, ()))
        if declared is None:
            found.append(f"{store.path}: {name} is not declared")
            continue
        if not any(array.dtype.str[1:].startswith(TYPES[kind]) for kind in declared.kind.split()):
            found.append(f"{store.path}: {name} must be {declared.kind}; it is {array.dtype}")
        fixed = axes[: axes.index("...")] if "..." in axes else axes
        if array.ndim < len(fixed) or ("..." not in axes and array.ndim != len(axes)):
            found.append(f"{store.path}: {name} must have the axes [{', '.join(axes)}]; its shape is {array.shape}")
            continue
        for axis, size in zip(fixed, array.shape, strict=False):
            if sizes.setdefault(axis, size) != size:
                found.append(f"{store.path}: axis {axis} of {name} has length {size}, elsewhere {sizes[axis]}")
    return found


def store_of(path: str) -> Store | None:
    """The store that a file below results/<study>/ is of; the same measurement of real stacks, or of a view, is one."""
    path = path.replace("evidence/turns/", "evidence/")
    for store in STORES:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(store.path))
        pattern = pattern.replace("intermediates/", "intermediates/(?:[^/]+/)?")
        if re.fullmatch(pattern, path):
            return store
    return None


def to_markdown(stores: Iterable[Store] = STORES) -> str:
    """`docs/results.md`."""
    lines = [
        "# The arrays in a study's results",
        "",
        "Files of arrays below `results/<study>/`, read by `numpy.load`. This page is made by",
        "`python -m minetest_interp.io.results > docs/results.md`, and a test checks every array of a built study",
        "against it. `evidence/turns/` holds `behaviour.npz`, `units.npz` and `causal.npz` of real stacks.",
        "",
        "A name in braces stands for one of these:",
        "",
        *(f"- `{{{name}}}`: {pattern.replace('|', ', ')}" for name, pattern in PLACEHOLDERS.items() if name != "score"),
        "",
        "## Scores",
        "",
        "`z`, the objective in natural standard deviations; `hf`, share of energy in high frequencies; `fd`, Fréchet",
        "distance of conv1 to natural frames; `path_...`, rank correlation of a layer's channels with those on the",
        "best real frames, raw and standardised; `agreement`, correlation between seeds; `control_correlation`, with",
        "the control.",
    ]
    for store in stores:
        lines += ["", f"## `{store.path}`", "", store.what, "", "| array | axes | type | unit | meaning |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        for name, axes, kind, unit, meaning in store.arrays:
            shape = f"[{', '.join(axes)}]" if axes else "–"
            lines.append(f"| `{name}` | {shape} | {kind.replace(' ', ' or ')} | {unit} | {meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(to_markdown(), end="")
