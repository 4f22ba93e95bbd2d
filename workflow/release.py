"""Build, verify, archive and tag a release: `make release VERSION=x.y.z [DATA=folder] [DRY=yes]`.

Nothing is published: the archives in archive/ are uploaded, and the tag is pushed, by hand.
"""

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

from minetest_interp import study as studies
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import source_tree
from minetest_interp.provenance.source_tree import SUMS, Source
from workflow.digests import ROOT


class Step(NamedTuple):
    """A command, and the folder that it runs in."""

    words: tuple[str, ...]
    folder: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--data", type=Path, help="a local copy of the published agent's files")
    parser.add_argument("--dry-run", action="store_true", help="only print the commands")
    options = parser.parse_args()
    try:
        release(options.version, data=options.data, dry=options.dry_run)
    except InputError as error:
        sys.exit(f"error: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: a release must pass every step; this one failed: {shlex.join(error.cmd)}")


def release(version: str, *, data: Path | None = None, dry: bool = False) -> None:
    """Runs every step of a release, and tags it once all have passed; with `dry` only prints them.

    Raises:
      InputError: the tree is not ready for this version.
    """
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tags = subprocess.run(["git", "tag"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    versions = {"CITATION.cff": str(citation["version"]), "pyproject.toml": project["version"]}
    check(version, versions, source_tree.read(ROOT), tags)
    built = {"demo": None, "treechop": data}
    treechop = studies.load(ROOT / "config/treechop.yaml", ROOT / "workflow/schemas/study.schema.yaml", data=data)
    if not treechop.checkpoint.is_file():
        del built["treechop"]
        print(f"The published agent is LEFT OUT: {treechop.checkpoint} is not there. To include it, pass DATA=folder.")
    with tempfile.TemporaryDirectory() as folder:
        for step in steps(version, built, Path(folder)):
            print(f"{step.folder}: {shlex.join(step.words)}", flush=True)
            if not dry:
                subprocess.run(step.words, cwd=step.folder, check=True)


def check(version: str, versions: dict[str, str], source: Source, tags: Collection[str]) -> None:
    """Whether a version can be released from a tree.

    Args:
      versions: file to the version that it states.
      tags: that git has.

    Raises:
      InputError: it cannot, and why.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise InputError(f"VERSION must be three numbers, as 1.2.0; got {version!r}.")
    for file, stated in versions.items():
        if stated != version:
            raise InputError(f"{file}: `version` must be {version}; got {stated}. Change it, run make docs and commit.")
    if source.changed:
        raise InputError(
            f"a release must be a commit; {len(source.changed)} files differ from it, first {source.changed[0]}. "
            "Commit them."
        )
    if f"v{version}" in tags:
        raise InputError(f"the tag of a release must be new; v{version} is there already. Choose another VERSION.")


def steps(version: str, built: dict[str, Path | None], folder: Path) -> Iterable[Step]:
    """The commands of a release, in order.

    Args:
      built: study to the local copy of its files, None where there is none.
      folder: where the archives are unpacked.
    """
    python = sys.executable
    for study, data in built.items():
        settings = (f"STUDY={study}", *([f"DATA={data.resolve()}"] if data else []))
        for target in ("report", "verify", "archive"):
            yield Step(("make", target, *settings), ROOT)
        unpacked = folder / study
        archive = f"archive/minetest-interp-{version}-{study}.zip"
        yield Step((python, "-m", "zipfile", "--extract", archive, str(unpacked)), ROOT)
        yield Step(("sha256sum", "--check", "--strict", "--quiet", SUMS), unpacked)
        # The unpacked source builds, too, and finds the same numbers.
        source = ("env", "PYTHONPATH=src", python, "-m")
        yield Step((*source, "snakemake", "--cores", "all", "--quiet", "--config", "study=smoke"), unpacked)
        verify = ("minetest_interp.stages.verify", "--study", "smoke", "--expected", "expected/smoke.json")
        yield Step((*source, *verify), unpacked)
    yield Step(("git", "tag", "--annotate", f"v{version}", "--message", f"Version {version}"), ROOT)


if __name__ == "__main__":
    main()
