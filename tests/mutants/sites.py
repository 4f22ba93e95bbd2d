"""Where the source can be changed in one small way, and into what."""

import ast
import bisect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]  # not from conftest, which starts JAX: what JAX runs in cannot be forked
COMPARISONS = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
}
ARITHMETIC = {
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: (r"\*\*", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: (r"\|", "&"),
}
TRUTHS = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
BARE = (ast.Name, ast.Call, ast.Attribute, ast.Subscript)  # conditions that no other operator changes
HEADED = (ast.FunctionDef, ast.ClassDef, ast.If, ast.For, ast.While, ast.With, ast.Try)


class Mutant(NamedTuple):
    """One change. start, stop: the bytes of the file that `new` replaces.

    lines: first and last of the statement. inside: it runs when a function does, not when the module is imported.
    """

    path: str
    start: int
    stop: int
    new: str
    lines: tuple[int, int]
    inside: bool


class _Text:
    """The bytes of a file, and where its nodes lie in them."""

    def __init__(self, source: bytes):
        self.source = source
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def start(self, node) -> int:
        return self.lines[node.lineno - 1] + node.col_offset

    def stop(self, node) -> int:
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def line(self, place: int) -> int:
        return bisect.bisect(self.lines, place)

    def between(self, left, right, token: str) -> tuple[int, int]:
        """The bytes of an operator that stands between two nodes."""
        first = self.stop(left)
        found = re.search(token.encode(), self.source[first : self.start(right)])
        assert found, (left.lineno, token)
        return first + found.start(), first + found.end()


def applied(mutant: Mutant, source: bytes) -> bytes:
    """The file with the change."""
    return source[: mutant.start] + mutant.new.encode() + source[mutant.stop :]


@cache
def mutants(path: Path, name: str) -> tuple[Mutant, ...]:
    """All changes of one file, in the order of its text; `name` is the file's in the tree."""
    text = _Text(path.read_bytes())

    def visit(node, lines, inside) -> Iterator[Mutant]:
        if isinstance(node, ast.stmt):
            lines = None if isinstance(node, HEADED) else (node.lineno, node.end_lineno)
        for (start, stop), new in _changes(node, text):
            yield Mutant(name, start, stop, new, lines or (text.line(start), text.line(stop)), inside)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns") or isinstance(node, ast.JoinedStr):
                continue
            within = inside or (isinstance(node, ast.FunctionDef | ast.Lambda) and field == "body")
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, lines, within)

    return tuple(sorted(set(visit(ast.parse(text.source), None, False))))


def _changes(node, text: _Text) -> Iterator[tuple[tuple[int, int], str]]:
    """The bytes that a change of this very node replaces, and what it puts there."""
    match node:
        case ast.Compare():
            operands = [node.left, *node.comparators]
            for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
                token, others = COMPARISONS[type(operator)]
                yield from ((text.between(left, right, token), new) for new in others)
        case ast.BoolOp():
            token, new = TRUTHS[type(node.op)]
            yield from ((text.between(*pair, token), new) for pair in zip(node.values, node.values[1:], strict=False))
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            token, new = ARITHMETIC[type(node.op)]
            yield text.between(node.left, node.right, token), new
        case ast.AugAssign() if type(node.op) in ARITHMETIC:
            token, new = ARITHMETIC[type(node.op)]
            yield text.between(node.target, node.value, token), new
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            start = text.start(node)
            yield (start, start + (3 if isinstance(node.op, ast.Not) else 1)), ""
        case ast.Constant(value=bool()):
            yield (text.start(node), text.stop(node)), str(not node.value)
        case ast.Constant(value=int()):
            yield from (((text.start(node), text.stop(node)), str(node.value + by)) for by in (1, -1))
        case ast.Constant(value=float()):
            yield (text.start(node), text.stop(node)), str(2 * node.value or 1.0)
        case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant):
            yield (text.start(node.value), text.stop(node.value)), "None"
    conditions = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
    for condition in conditions:
        if isinstance(condition, BARE):
            yield (text.start(condition),) * 2, "not "
