"""Digests that go into `params:`, so that a change of code or of a file's content reruns what depends on it.

Snakemake sees neither imported modules nor files replaced by older ones; these digests do.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SEARCH = (ROOT / "src", ROOT / "figures")
LOCK = ROOT / "requirements/run.lock"


class Module(NamedTuple):
    """imports: the first-party files that it imports itself. meaning: its syntax tree without docstrings, as text."""

    imports: frozenset[Path]
    meaning: str


@cache
def _find(module: str) -> tuple[Path, ...]:
    """The file of a first-party module and the `__init__` of each package above it; none for other people's."""
    parts = module.split(".")
    for root in SEARCH:
        for file in (root.joinpath(*parts).with_suffix(".py"), root.joinpath(*parts, "__init__.py")):
            if file.is_file():
                parents = (root.joinpath(*parts[:i], "__init__.py") for i in range(1, len(parts)))
                return (file, *(parent for parent in parents if parent.is_file()))
    return ()


@cache
def _read(file: Path) -> Module:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports = frozenset(path for name in _imports(tree) for path in _find(name))
    _strip_docstrings(tree)
    return Module(imports, ast.dump(tree))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("first-party imports must be absolute, so that the code digest finds them")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]


def closure(*entries: str) -> set[Path]:
    """Every first-party file that the entry modules import, directly or through others."""
    found, waiting = set(), [file for entry in entries for file in _find(entry)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _read(file).imports
    return found


def pins(lock: str) -> list[str]:
    """The versions that a lock states, without the hashes of their wheels and what needs them."""
    return re.findall(r"^[^\s#].*?(?=\s*\\?$)", lock, re.MULTILINE)


@cache
def lock_digest() -> str:
    return hashlib.sha256("\n".join(sorted(pins(LOCK.read_text(encoding="utf-8")))).encode()).hexdigest()


@cache
def code_digest(*entries: str) -> str:
    """Digest of what the entry modules' closure does, and of the libraries that it may call.

    Comments, docstrings and layout do not count.
    """
    digest = hashlib.sha256(lock_digest().encode())
    for file in sorted(closure(*entries)):
        digest.update(f"{file.relative_to(ROOT)}\n{_read(file).meaning}\n".encode())
    return digest.hexdigest()[:16]


@cache
def file_digest(path: Path) -> str:
    """SHA-256 of a file; "absent" before it has been fetched."""
    if not path.is_file():
        return "absent"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_digest(paths: Iterable[Path], known: Mapping[Path, str] = MappingProxyType({})) -> str:
    """One digest for the names and contents of several files, in their order; those of `known` files are not read."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {known.get(path) or file_digest(path)}\n".encode())
    return digest.hexdigest()[:16]
