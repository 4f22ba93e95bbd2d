"""Digests that go into `params:`, so that a change of code or of a file's content reruns what depends on it.

Snakemake sees neither imported modules nor files replaced by older ones; these digests do.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEARCH = (ROOT / "src", ROOT / "figures")


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _find(module: str) -> list[Path]:
    """The file of a first-party module and the `__init__` of each package above it; none for other people's."""
    parts = module.split(".")
    for root in SEARCH:
        for file in (root.joinpath(*parts).with_suffix(".py"), root.joinpath(*parts, "__init__.py")):
            if file.is_file():
                parents = (root.joinpath(*parts[:i], "__init__.py") for i in range(1, len(parts)))
                return [file, *(parent for parent in parents if parent.is_file())]
    return []


def _imports(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("first-party imports must be absolute, so that the code digest finds them")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def closure(*entries: str) -> set[Path]:
    """Every first-party file that the entry modules import, directly or through others."""
    found, waiting = set(), [file for entry in entries for file in _find(entry)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += [path for module in _imports(_parse(file)) for path in _find(module)]
    return found


def _without_docstrings(tree: ast.Module) -> str:
    class Strip(ast.NodeTransformer):
        def visit(self, node):
            self.generic_visit(node)
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if documented and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            return node

    return ast.dump(Strip().visit(ast.parse(ast.unparse(tree))))


@cache
def code_digest(*entries: str) -> str:
    """Digest of what the entry modules' closure does; comments, docstrings and layout do not count."""
    digest = hashlib.sha256()
    for file in sorted(closure(*entries)):
        digest.update(f"{file.relative_to(ROOT)}\n{_without_docstrings(_parse(file))}\n".encode())
    return digest.hexdigest()[:16]


@cache
def file_digest(path: Path) -> str:
    """SHA-256 of a file; "absent" before it has been fetched."""
    if not path.is_file():
        return "absent"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """One digest for the names and contents of several files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]
