"""The source tree as it is archived: what git tracks, or, unpacked from an archive, what the archive says."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import job_logs

# What an archive adds to the source and to what was built from it.
MANIFEST, CRATE, SUMS, GUIDE = "manifest.json", "ro-crate-metadata.json", "SHA256SUMS", "ARCHIVE.md"


class Source(NamedTuple):
    """commit: of git. files: paths in the tree, sorted; they are the commit's where nothing changed.

    changed: paths that differ from the commit, are new in the tree or missing from it.
    """

    commit: str
    files: tuple[str, ...]
    changed: tuple[str, ...]


def read(root: Path) -> Source:
    """The source in `root`, a git checkout or an unpacked archive.

    Raises:
      InputError: it is neither, or git does not answer.
    """
    if (root / ".git").exists():
        return _tracked(root)
    if (root / SUMS).is_file() and (root / MANIFEST).is_file():
        return _unpacked(root)
    raise InputError(
        f"{root}: the source must be a git checkout or an unpacked archive, which say what belongs to it; "
        f"there is neither .git nor {SUMS}. Clone the repository."
    )


def _tracked(root: Path) -> Source:
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    status = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all").split("\0")
    kept = sorted({name for name in listed if name and (root / name).is_file()})
    changed = sorted({line[3:] for line in status if line})
    return Source(_git(root, "rev-parse", "HEAD").strip(), tuple(kept), tuple(changed))


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError("git must be installed to list the source's files; there is none. Install it.") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[0]
        raise InputError(f"{root}: git must answer `git {words[0]}`; it said: {said}. Mend that first.")
    return done.stdout


def _unpacked(root: Path) -> Source:
    manifest = files.read_json(root / MANIFEST)
    made = {path for job in manifest["jobs"] for path in job["outputs"]} | {MANIFEST, CRATE, SUMS, GUIDE}
    sums = {str(path): digest for path, digest in job_logs.read_log(root / SUMS).wrote.items() if str(path) not in made}
    kept = {name for name in sums if (root / name).is_file()}
    changed = {name for name in sums if name not in kept or files.sha256(root / name) != sums[name]}
    changed |= set(manifest["source"]["changed"])
    return Source(manifest["source"]["commit"], tuple(sorted(kept)), tuple(sorted(changed)))
