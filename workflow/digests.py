"""Digests that go into `params:`, so that a change of code or of a file's content reruns what depends on it.

Snakemake sees neither imported modules nor files replaced by older ones; these digests do.
"""

import ast
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SEARCH = (ROOT / "src", ROOT / "figures")
LOCK = ROOT / "requirements/run.lock"
# What was read off each source file, under its digest; may be deleted.
PARSED = Path("results/.cache/parsed")
READER = sys.version.encode() + Path(__file__).read_bytes()


class Module(NamedTuple):
    """imports: the names that it imports. meaning: the SHA-256 of its syntax tree without docstrings."""

    imports: list[str]
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
    source = file.read_bytes()
    kept = PARSED / f"{hashlib.sha256(READER + source).hexdigest()}.json"
    with suppress(OSError, ValueError, TypeError):
        return Module(**json.loads(kept.read_bytes()))
    module = _parse(source)
    with suppress(OSError):
        PARSED.mkdir(parents=True, exist_ok=True)
        beside = kept.with_suffix(f".{os.getpid()}.part")
        beside.write_text(json.dumps(module._asdict()))
        beside.replace(kept)
    return module


def _parse(source: bytes) -> Module:
    tree = ast.parse(source)
    imports = sorted(set(_imports(tree)))
    _strip_docstrings(tree)
    return Module(imports, hashlib.sha256(ast.dump(tree).encode()).hexdigest())


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
            waiting += (path for name in _read(file).imports for path in _find(name))
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
