"""A zip that depends on names and contents alone: the same files give the same bytes, on any machine and on any day."""

import hashlib
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

# The earliest date that a zip can hold.
DATE = (1980, 1, 1, 0, 0, 0)


def sums(contents: Mapping[str, bytes]) -> bytes:
    """The SHA-256 of each file, as `sha256sum --check` reads it."""
    return "".join(f"{hashlib.sha256(contents[n]).hexdigest()}  {n}\n" for n in sorted(contents)).encode()


def write(path: Path, contents: Mapping[str, bytes], *, programs: frozenset[str] = frozenset()) -> None:
    """Writes `contents`, name to bytes, as a zip; the names in `programs` can be run once unpacked.

    Nothing is compressed, since compressors differ between machines.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system = 3  # Unix, which knows permissions
            entry.external_attr = (stat.S_IFREG | (0o755 if name in programs else 0o644)) << 16
            bundle.writestr(entry, contents[name])
