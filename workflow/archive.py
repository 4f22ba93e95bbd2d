"""Build a study, then put its report, figures, manifest, crate, lock and source into one zip: `make archive`."""

import argparse
import csv
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import yaml

from minetest_interp import study as studies
from minetest_interp.cli import read_settings
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import crate, manifest, source_tree, zip_file
from minetest_interp.provenance.source_tree import CRATE, GUIDE, MANIFEST, SUMS, Source
from workflow.digests import ROOT, code_digest

WORDS = """# {title}

Open `{report}`: it needs no network.

- `{figures}` has the figures, `{facts}` every number of the report.
- `{manifest}` says what it was made from: inputs, code, settings, seeds, versions, hosts and times, job by job.
  `{crate}` says the same of the whole run as a Workflow Run RO-Crate.
- `sha256sum --check {sums}` tells whether every file is as it was archived.
- The rest is the source at {commit}.
  `README.md` says how to build. `{command}` makes the results anew, and the check then tells whether report and figures
  came out the same; only `REPRODUCE.md` and `reproduce.html` hold times and differ.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="demo", help="a study's name, or the path of its YAML file")
    parser.add_argument("--data", type=Path, help="a local copy of the study's files")
    parser.add_argument("--probe", type=Path, help="a folder of labelled frames")
    parser.add_argument("--cores", default="all")
    parser.add_argument("--changed", action="store_true", help="archive the tree as it is, though it is not a commit")
    options = parser.parse_args()
    try:
        make(options)
    except InputError as error:
        sys.exit(f"error: {error}")


def make(options: argparse.Namespace) -> None:
    """Builds the study where that is needed and writes its archive; prints where it lies.

    Raises:
      InputError: the tree is not a commit, or what is built is not what a build would make.
    """
    if Path.cwd() != ROOT:
        raise InputError(f"an archive must be made in the folder of the source, {ROOT}; this is {Path.cwd()}.")
    kept = source_tree.read(ROOT)
    if kept.changed and not options.changed:
        raise InputError(
            f"the source must be a commit, so that others can find it; {len(kept.changed)} files differ from it, first "
            f"{kept.changed[0]}. Commit them, or archive the tree as it is: make archive CHANGED=yes."
        )
    settings = Path(os.path.relpath(studies.locate(options.study, ROOT / "config")))  # as the rules write it
    inside = os.path.relpath(settings.resolve(), ROOT)
    if inside not in kept.files:
        raise InputError(f"{settings}: the study must be a file of the source, to be built again from the archive.")
    if snakemake(options).returncode:
        raise InputError("the study must be built before it is archived; the build failed, see above.")
    folders = {"data": options.data, "probe": options.probe}
    study = studies.load(settings, ROOT / "workflow/schemas/study.schema.yaml", **folders)
    summary = snakemake(options, "--detailed-summary", "--nolock", capture_output=True, text=True, check=True)
    described = manifest.describe(study, kept, jobs(summary.stdout, study.name), root=ROOT)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    name = f"minetest-interp-{citation['version']}-{study.name}.zip"
    contents = gather(kept, described, citation, settings=inside)
    programs = frozenset(name for name in kept.files if (ROOT / name).stat().st_mode & stat.S_IXUSR)
    path = Path("archive") / name
    files.write(path, lambda beside: zip_file.write(beside, contents, programs=programs))
    print(f"Archive: {path} ({path.stat().st_size / 1e6:.0f} MB, {len(contents)} files, SHA-256 {files.sha256(path)})")


def snakemake(options: argparse.Namespace, *words: str, **how: object) -> subprocess.CompletedProcess:
    given = {"study": options.study, "data": options.data, "probe": options.probe}
    config = [f"{key}={value}" for key, value in given.items() if value]
    command = [sys.executable, "-m", "snakemake", "--cores", options.cores, "--config", *config, *words]
    return subprocess.run(command, cwd=ROOT, **how)


def jobs(summary: str, study: str) -> list[manifest.FinishedJob]:
    """The jobs behind a study's files, as Snakemake recorded them when they ran.

    Args:
      summary: what `snakemake --detailed-summary` prints.

    Raises:
      InputError: a file is not what a build would make now, or Snakemake does not know how it was made.
    """
    rows: dict[str, list[dict]] = {}
    for row in csv.DictReader(summary.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if (row["status"], row["plan"]) != ("ok", "no update") or row["shellcmd"] == "-":
            raise InputError(
                f"{row['output_file']}: must be up to date, and Snakemake must know how it was made; it says "
                f"{row['status']}, {row['plan']}, made by {row['shellcmd'][:60]}. Build it again with --forcerun."
            )
        rows.setdefault(row["log-file(s)"], []).append(row)

    def chained(words: list[str]) -> list[str]:
        """The modules of the stages that one process runs, which it does not import by name."""
        stages = read_settings(words[words.index("--stages") + 1]) if "--stages" in words else []
        return [f"minetest_interp.stages.{name}" for name, _ in stages]

    def job(log: str, made: list[dict]) -> manifest.FinishedJob:
        command = made[0]["shellcmd"].rpartition(" > ")[0]
        _, program, *rest = shlex.split(command)
        entry = rest[0] if program == "-m" else Path(program).stem
        benchmark = Path(f"results/{study}/benchmarks") / Path(log).relative_to(f"results/{study}/logs")
        return manifest.FinishedJob(
            rule=made[0]["rule"],
            command=command,
            code=code_digest(entry, *chained(rest)),
            outputs=tuple(os.path.normpath(row["output_file"]) for row in made),
            log=log,
            benchmark=str(benchmark.with_suffix(".tsv")),
        )

    return [job(log, made) for log, made in rows.items()]


def gather(kept: Source, described: dict, citation: dict, *, settings: str) -> dict[str, bytes]:
    """Everything in the archive: its name there to its bytes."""
    name = described["study"]
    shown = [path for path in manifest.outputs(described) if path.startswith((f"figures/{name}/", f"report/{name}/"))]
    contents = {path: (ROOT / path).read_bytes() for path in (*kept.files, *shown)}
    contents[MANIFEST] = files.json_text(described).encode()
    contents[GUIDE] = guide(described, settings).encode()
    sizes = {path: len(content) for path, content in contents.items()}
    contents[CRATE] = files.json_text(crate.describe(described, citation, sizes, settings=settings)).encode()
    return contents | {SUMS: zip_file.sums(contents)}


def guide(described: dict, settings: str) -> str:
    """The first words that a reader of the archive finds."""
    name, changed = described["study"], described["source"]["changed"]
    return WORDS.format(
        title=described["title"],
        report=f"report/{name}/index.html",
        figures=f"figures/{name}/",
        facts=f"report/{name}/facts.json",
        manifest=MANIFEST,
        crate=CRATE,
        sums=SUMS,
        commit=f"commit {described['source']['commit']}" + (f" with {len(changed)} files changed" if changed else ""),
        command=f"make STUDY={settings if settings != f'config/{name}.yaml' else name}",
    )


if __name__ == "__main__":
    main()
