"""The study that this run builds, and what all rules share."""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path
from shlex import quote
from shutil import disk_usage, which
from uuid import uuid4

ROOT = Path(workflow.basedir)
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "workflow")]

from digests import code_digest, files_digest
from minetest_interp import study as studies
from minetest_interp.io import files, layout
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames, labels, observations
from minetest_interp.provenance import environment

# Used by `--software-deployment-method conda` alone. A file, since a named environment would need conda in every build.
ENVIRONMENT = "../envs/software.yaml"
DEFAULT_STUDY = "demo"
ASKED = str(config.get("study", DEFAULT_STUDY))  # a name, or the path of a YAML file


# Bash reads these before the first word of a job.
for name in [name for name in os.environ if name.startswith("BASH_") or name in ("BASHOPTS", "ENV", "SHELLOPTS")]:
    del os.environ[name]


def job_prefix() -> str:
    """Jobs run in an environment of their own, so that nothing in the user's shell changes their results.

    They run the interpreter that runs Snakemake, whatever `python` means in that shell; conda's under conda. They end
    with Snakemake, even if it is killed, so that none goes on writing beside the next run; and Ctrl-C waits until
    their modules are loaded and they can report it in a line. This needs Linux. What XLA compiles is kept for reruns,
    apart for each class of processor; that folder may be deleted.
    """
    activated = any(method.name == "CONDA" for method in workflow.deployment_settings.deployment_method)
    path = "" if activated else f"export PATH={quote(str(Path(sys.executable).parent))}:$PATH; "
    bound = "setpriv --pdeathsig KILL env --block-signal=INT" if which("setpriv") else "env"
    # Snakemake takes doubled braces as braces.
    passed = " ".join(f'${{{{{name}+{name}="${name}"}}}}' for name in environment.PASSED)
    folders = {
        "PYTHONPATH": ROOT / "src",
        "MPLCONFIGDIR": Path.cwd() / ".snakemake/matplotlib",
        "JAX_COMPILATION_CACHE_DIR": Path(
            "results/.cache/compiled", sha256(environment.host().encode()).hexdigest()[:16]
        ),
        "COMPILED_TEMPLATES": "results/.cache/templates",
    }
    defined = " ".join(f"{name}={quote(str(value))}" for name, value in (environment.DEFINED | folders).items())
    return f"set -euo pipefail; {path}exec {bound} -i {passed} {defined} "


shell.prefix(job_prefix())


def load_study():
    """The study named by --config study=NAME (or the path of a YAML file), with data=FOLDER if given."""
    unknown = set(config) - {"study", "data", "probe"}
    if unknown:
        sys.exit(f"error: --config takes study=NAME, data=FOLDER and probe=FOLDER; got {sorted(unknown)}.")
    path = studies.locate(ASKED, ROOT / "config")
    folders = {key: Path(str(config[key])).expanduser() for key in ("data", "probe") if key in config}
    try:
        return studies.load(Path(os.path.relpath(path)), ROOT / "workflow/schemas/study.schema.yaml", **folders)
    except InputError as error:
        sys.exit(f"error: {error}")


STUDY = load_study()
SETTINGS = STUDY.config
RESULTS = f"results/{STUDY.name}"
FIGURES = f"figures/{STUDY.name}"
REPORT = f"report/{STUDY.name}"
LONGEST_WORD = 2**12  # bytes of settings on a command line; Linux takes 2**17
LOG_BYTES = 2**16  # more than a failing job says


def check_writable(*folders) -> None:
    """Ends the run before anything starts if a folder for outputs cannot be written to."""
    for folder in map(Path, folders):
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            sys.exit(f"error: {folder}: outputs must go into a folder that can be written to; {nearest} is not one.")


check_writable(RESULTS, FIGURES, REPORT)


def say_where_full(*folders) -> None:
    """Reports folders for outputs whose disk is full, since a job cannot write to its own log then."""
    for folder in map(Path, folders):
        if folder.is_dir() and (free := disk_usage(folder).free) < LOG_BYTES:
            print(
                f"error: {folder}: the disk is full, {free} bytes are free. Free disk space, then run again.",
                file=sys.stderr,
            )


def as_word(content) -> str:
    """Settings as one command-line word; the same settings give the same word, so nothing reruns needlessly.

    The word is JSON or, where that is long, @FILE: a file beside the results that is named by its digest, and written
    when Snakemake is about to run jobs.
    """
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) <= LONGEST_WORD:
        return text
    file = Path(RESULTS, "settings", f"{sha256(text.encode()).hexdigest()[:16]}.json")
    if workflow.executor_plugin and not workflow.dryrun and not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{uuid4()}.part")  # jobs on other machines may write the same
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    return f"@{file}"


def as_json(content):
    """Settings as a param (see `as_word`), made when it is known whether jobs will run; Snakemake takes it as it is."""
    return lambda wildcards: as_word(content)


POLICY_SETTINGS = STUDY.policy
POLICY, ACTIONS = as_json(POLICY_SETTINGS), as_json(SETTINGS["actions"])


# The published digests, where there are any: the files may not have been fetched yet.
PUBLISHED = {STUDY.folder / name: digest for name, digest in STUDY.checksums.items()}
FETCHED = PUBLISHED if STUDY.fetched else {}


def without_braces(paths) -> list[str]:
    """Those that Snakemake can name; it would read braces as wildcards."""
    return [str(path) for path in paths if "{" not in str(path)]


def declared(paths) -> list:
    """Source files as inputs. Their dates say nothing; their digests, of all of them, are among the rules' params.

    Fetched ones count like any other job's outputs: Snakemake would otherwise not see what else has changed.
    """
    return [path if Path(path) in FETCHED else ancient(path) for path in without_braces(paths)]


def literal(text):
    """A param that Snakemake takes as it is, braces and all."""
    return lambda wildcards: str(text)


CHECKPOINT = literal(STUDY.checkpoint)
ANSWERS = [STUDY.answers] if STUDY.answers else []


# Relative, so that a built checkout that was moved or copied has nothing to do.
SCRIPTS_FOLDER, TEMPLATES_FOLDER, EXPECTED_FOLDER = (
    Path(os.path.relpath(ROOT / name)) for name in ("figures", "report", "expected")
)


def checkpoint_digest(file=STUDY.checkpoint) -> str:
    """Of a checkpoint, a file or a folder, and of the person's code that it is loaded into, if there is some."""
    return files_digest([*files.below(file), *filter(None, [STUDY.module])], PUBLISHED)


STEERING = SETTINGS["actions"]["steering"]
# What labels are of; the first is what panels show.
CONCEPTS = SETTINGS.get("labels", {}).get("concepts", labels.CONCEPTS)
CONCEPT = next(iter(CONCEPTS))


def ends(behaviour) -> dict:
    """What +1 and -1 of a behaviour mean in words, and the side to which its bars point."""
    sides = SETTINGS["actions"]["behaviours"][behaviour]
    plus, minus = (" ".join(sides.get(side, {}).values()) for side in ("plus", "minus"))
    return {"plus": plus, "minus": minus, "positive": "left" if plus == "left" else "right"}


def build_command(*targets) -> str:
    """What a reader types to build this study, or one file of it."""
    study = [] if ASKED == DEFAULT_STUDY else [f"--config study={quote(ASKED)}"]  # named or not: the same bytes
    return " ".join(["snakemake --cores 4", *targets, *study])
