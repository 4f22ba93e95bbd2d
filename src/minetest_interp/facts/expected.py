"""The numbers of a study's facts as they are expected on any machine, each within a tolerance that its kind sets.

A kind says why its numbers may differ and by how much; no number has a tolerance of its own making. A *path* leads to a
number in the facts, through names where a list's entries have them: `claims/yaw-mirror/parts/flips/estimate`.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from minetest_interp.claims.verdicts import UNKNOWN


class Kind(NamedTuple):
    """A number may differ by `absolute` + `relative` times what is expected; `cases` is a number of cases of its n."""

    absolute: float
    relative: float
    cases: int
    why: str


KINDS = {
    "exact": Kind(0, 0, 0, "Counts, and verdicts in words: the same everywhere."),
    "float32": Kind(
        1e-5, 1e-4, 0, "One pass through the network: processors add float32 numbers in different orders and widths."
    ),
    "share": Kind(1e-9, 0, 1, "A share of cases: one case may lie so near its threshold that rounding decides it."),
    "statistic": Kind(
        1e-3, 1e-3, 0, "Ranks, bounds and permutation p-values: rounding may swap cases that nearly tie."
    ),
    "ascent": Kind(1e-3, 1e-2, 0, "The notebook's plain ascent: rounding grows slowly over hundreds of steps."),
    "optimised": Kind(
        0.05, 0.1, 0, "Means over dreams by Adam, which divides by small gradients: rounding grows from step to step."
    ),
}

# The first pattern that a path matches says its kind; None leaves a number out.
RULES = (
    # Settings, not results; and single dreams, of the atlas, the recipes and the heads, which are each machine's own.
    (r"(panels|training|definitions|source)/|dreams/.*/(steps|seed|lr|sign)$", None),
    (r"recipes/compared/.*/units/|atlas/rows/|head_dreams/", None),
    (r".*/tells$", None),  # a whole number that follows from an interval
    (r".*/(claimed|matters)$", "exact"),
    (r".*/(positive|sign_changes|flips|clipped)$|guess/share/", "share"),
    (r"dreams/.*/first$", "float32"),
    (r"(atlas|recipes)/.*/(ceiling|real)$|claims/|evidence/|series/", "statistic"),
    (r"dreams/", "ascent"),
    (r"(atlas|recipes)/", "optimised"),
    (r"", "float32"),
)
EQUAL, WITHIN, DIFFERS, NOT_MEASURED = STATES = ("equal", "within tolerance", "differs", "not measured")


class Number(NamedTuple):
    """value: a number, or a verdict in words. within: how far another may be from it."""

    value: float | str
    kind: str
    within: float


class Comparison(NamedTuple):
    """path: of the number. expected, here: None where there is none. state: one of `STATES`."""

    path: str
    expected: Number | None
    here: Number | None
    state: str

    @property
    def kind(self) -> str:
        """Of the expected number; of the one that was found where none is expected."""
        return next(number.kind for number in (self.expected, self.here) if number)

    @property
    def share(self) -> float:
        """How far it moved, as a share of the tolerance; infinite where words or counts differ."""
        if self.state == EQUAL:
            return 0.0
        values = [number.value for number in (self.expected, self.here) if number and not isinstance(number.value, str)]
        if self.expected is None or len(values) < 2 or not self.expected.within:
            return math.inf
        return abs(float(values[0]) - float(values[1])) / self.expected.within


def numbers(facts: Mapping) -> dict[str, Number]:
    """Path to number of everything in the facts that another machine should find too."""
    return dict(_walk(facts, "", {"n": facts["pictures"]["count"]}))


def to_text(facts: Mapping) -> str:
    """JSON of what is expected: the kinds with their reasons, and a line `[value, kind, tolerance]` for each number."""
    kinds = {name: kind._asdict() for name, kind in KINDS.items()}
    head = {"study": facts["study"], "checkpoint": facts["checkpoint"]["sha256"], "labelled": _labelled(facts)}
    parts = [f"{_json(name)}: {_json(value)}" for name, value in head.items()]
    for name, rows in (("kinds", kinds), ("numbers", numbers(facts))):
        lines = ",\n".join(f"  {_json(key)}: {_json(value)}" for key, value in rows.items())
        parts.append(f'"{name}": {{\n{lines}\n }}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def compare(expected: Mapping, facts: Mapping) -> list[Comparison]:
    """Each expected number beside that of the facts, and the facts' numbers that are not expected.

    Numbers that rest on labelled frames are not measured, rather than different, where the facts had none.

    Args:
      expected: the content of what `to_text` wrote.
    """
    wanted = {path: Number(*entry) for path, entry in expected["numbers"].items()}
    here, blind = numbers(facts), bool(expected["labelled"]) and not _labelled(facts)
    return [
        Comparison(path, wanted.get(path), here.get(path), _state(wanted.get(path), here.get(path), blind))
        for path in {**wanted, **here}
    ]


def about(comparisons: Sequence[Comparison], prefixes: Sequence[str]) -> list[Comparison]:
    """Those whose path is one of `prefixes` or lies below it."""
    return [row for row in comparisons if any(f"{row.path}/".startswith(f"{prefix}/") for prefix in prefixes)]


def count_states(comparisons: Sequence[Comparison]) -> dict[str, int]:
    return {state: sum(row.state == state for row in comparisons) for state in STATES}


def _state(wanted: Number | None, here: Number | None, blind: bool) -> str:
    if wanted and here and wanted.value == here.value:
        return EQUAL
    if blind and (wanted is None or here is None or here.value == UNKNOWN):
        return NOT_MEASURED
    if wanted is None or here is None or isinstance(wanted.value, str) or isinstance(here.value, str):
        return DIFFERS
    return WITHIN if abs(wanted.value - here.value) <= wanted.within else DIFFERS


def _labelled(facts: Mapping) -> int:
    """Frames with labels that the facts rest on."""
    return facts.get("evidence", {}).get("labelled", 0)


def _walk(content: Any, path: str, around: Mapping) -> Iterator[tuple[str, Number]]:
    """Every number and verdict below `path`; `around` has n, unit and measurement of the nearest map that says them."""
    if isinstance(content, Mapping):
        around = {**around, **{key: content[key] for key in ("n", "unit", "measurement") if key in content}}
        entries = list(content.items())
    elif isinstance(content, list):
        entries = [(_name(entry, i), entry) for i, entry in enumerate(content)]
    else:
        entries = []
        verdict = isinstance(content, str) and path.endswith("/verdict")
        number = isinstance(content, int | float) and not isinstance(content, bool)
        if (verdict or number) and (kind := _kind(path, content, around)):
            yield path, Number(content, kind, _tolerance(KINDS[kind], content, around["n"]))
    for name, entry in entries:
        yield from _walk(entry, f"{path}/{name}" if path else str(name), around)


def _name(entry: object, index: int) -> str:
    return str(entry.get("id", entry.get("name", index)) if isinstance(entry, Mapping) else index)


def _kind(path: str, value: float | str, around: Mapping) -> str | None:
    kind = next(kind for pattern, kind in RULES if re.match(pattern, path))
    if kind and isinstance(value, str | int):
        return "exact"
    if path.startswith(("claims/", "series/claims/")) and around.get("unit") == "share":
        return "share"
    return "ascent" if around.get("measurement") == "dream_controls" else kind


def _tolerance(kind: Kind, value: float | str, n: int) -> float:
    if isinstance(value, str):
        return 0.0
    # Three digits say as much of a tolerance as there is to say.
    return float(f"{kind.absolute + kind.relative * abs(value) + kind.cases / max(n, 1):.3g}")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
