"""What reruns after which edit: exactly the jobs that the edit can matter to, whatever the file's date.

Snakemake decides by records of the last build and by digests of code, settings and sources. A build whose outputs are
made up leaves the same records as a real one, so every rule of the workflow is asked here, and nothing is computed.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from minetest_interp.io import files
from tests import played
from tests.conftest import ROOT
from tests.results.graph import (
    ACTIONS,
    ENTRIES,
    JOBS,
    METHOD,
    ON_POLICY,
    PAGES,
    POLICY,
    RECIPE,
    TURNS,
    WHOLE,
    and_after,
    measurements,
    panels,
)
from tests.results.workshop import MEASURE, NAMES, YAW, Workshop, jobs
from workflow import digests

TURN = "name,group,role\n" + "".join(f"{name},a,turn {i}\n" for i, name in enumerate(NAMES[:2] + NAMES[3:]))


MODULES = [file for root in digests.SEARCH for file in sorted(root.rglob("*.py"))]


def running(file: Path) -> set[str]:
    """The jobs whose code includes the file."""
    return {name for name, job in JOBS.items() if file in ENTRIES[job.entry]}


Change = Callable[[bytes], bytes | None]


class Edit(NamedTuple):
    """A change of one file, from its content (empty where there is none) to another or none, and what should rerun."""

    path: str
    change: Change
    jobs: set[str]
    study: str = "own"


def words(old: str, new: str) -> Change:
    def change(content: bytes) -> bytes:
        assert old.encode() in content, f"{old} is not in the file"
        return content.replace(old.encode(), new.encode(), 1)

    return change


def setting(key: str, value: object) -> Change:
    """Sets one key of a YAML file, given as `section.key`."""

    def change(content: bytes) -> bytes:
        config = yaml.safe_load(content)
        *sections, last = key.split(".")
        section = config
        for name in sections:
            section = section[name]
        assert section.get(last) != value
        section[last] = value
        return yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()

    return change


def more(text: str) -> Change:
    return lambda content: content + text.encode()


def gone(content: bytes) -> None:
    assert content


# Of these it is asked what reruns; of every module, which digests it changes.
ASKED = [*{Path(digests._find(entry)[0]) for entry in ENTRIES}, *(ROOT / name for name in (
    "src/minetest_interp/model/policy.py", "src/minetest_interp/analysis/mask_overlap.py",
    "src/minetest_interp/study.py",    "src/minetest_interp/capture/run.py", "figures/style.py",
))]  # fmt: skip
CODE = [Edit(str(file.relative_to(ROOT)), more("\nEDITED = 1\n"), and_after(running(file))) for file in ASKED]

STUDY_KEYS = {
    "title": ("Other", set()),
    "summary": ("Other.", set()),
    "source.attribution": ("Mine.", set()),
    "source.folder": ("../other files", POLICY | {"preprocess"}),
    "policy.checkpoint": ("other.model", POLICY),
    "policy.strides": ([4, 2, 2], POLICY),
    "policy.size": (88, POLICY),
    "frames.files": ("*.p*g", {"preprocess"}),
    "frames.order": ("environment", {"preprocess", "labels"}),
    "frames.night": (["frame 2"], measurements("behaviour")),
    "frames.overlay": ([[0, 0, 0.5, 0.5]], {"preprocess"}),
    "frames.layout": ("NHWC", {"preprocess"}),
    "frames.array": ("observations", {"preprocess"}),
    "actions.factors.do": (["-", "left", "right", "up", "down", "run"], ACTIONS),
    "actions.behaviours.climb.plus.do": ("go", ACTIONS),
    "actions.behaviours.climb.minus.do": ("go", ACTIONS),
    "actions.steering": (
        "climb", ACTIONS | {"ledger"} | panels("b-dream-yaw", "frames", "behaviour", "causal", "pairs", "probes"),
    ),
    "dreams.value.objective": (YAW, {"dream value"}),  # both its kind and its behaviour
    "dreams.yaw-left.objective.behaviour": ("climb", {"dream yaw-left"}),
    "dreams.yaw-left.objective.sign": (-1, {"dream yaw-left"}),
    "dreams.value.target": ("hidden", {"dream value"}),
    "dreams.value.steps": (4, {"dream value"}),
    "dreams.value.lr": (7, {"dream value"}),
    "dreams.value.seed": (7, {"dream value"}),
    "atlas.directions": (2, {"atlas"}),
    "atlas.seeds": ([7, 8], {"atlas"}),
    "atlas.seed": (7, {"atlas"}),
    **{f"atlas.method.{key}": (7, {"atlas"}) for key in METHOD},
    "recipes.units": (["conv1/1"], {"recipes"}),
    "recipes.gallery": (["yaw"], {"recipes"}),
    "recipes.seeds": ([7, 8], {"recipes"}),
    "recipes.seed": (7, {"recipes"}),
    **{f"recipes.compared.first.{key}": (7, {"recipes"}) for key, old in RECIPE.items() if not isinstance(old, str)},
    "recipes.compared.first.kind": ("maco", {"recipes"}),
    "recipes.compared.first.form": ("target", {"recipes"}),
    "recipes.compared.first.frames": ("motion", {"recipes"}),
    "recipes.compared.first.start": ("best frame", {"recipes"}),
    "labels.folder": ("../other labels", {"labels"}),
    "labels.frames": ("pictures/*.p*g", {"labels"}),
    "labels.masks": ("other masks", {"labels"}),
    "labels.concepts.trunk": (1, {"labels", "episodes"}),
    "episodes.folder": ("../other episodes", {"episodes", "film"}),
    "episodes.own": ("own too.npz", {"episodes", "film"}),
    "field.folder": ("../other episodes", {"cells"}),
    "field.file": ("other field.npz", {"cells"}),
    **{f"episodes.{agent}": ("other.npz", {"episodes"}) for agent in played.AGENTS[1:]},
    "evidence.claims": ("other-claims.yaml", None),  # the same claims under another name: nothing at all
    **{
        f"evidence.named.conv{i}":
            (0, measurements("units", "causal", "probes", "features") | {"ledger"}
             | panels("units", "causal", "circuits"))
        for i in range(3)
    },
    "gradients.yaw-right.sign": (1, {"gradients yaw-right"}),
    "gradients.yaw-right.behaviour": ("climb", {"gradients yaw-right"}),
    "gradients.yaw-right": ({"kind": "value"}, {"gradients yaw-right"}),
    "panels.a-dream-value.dream": ("yaw-left", panels("a-dream-value")),
    "panels.b-dream-yaw.left": ("value", panels("b-dream-yaw")),
    "panels.b-dream-yaw.right": ("value", panels("b-dream-yaw")),
    **{f"panels.{name}.frame": ("frame 10", panels(name)) for name, of in WHOLE["panels"].items() if "frame" in of},
    **{f"panels.{name}.channel": (1, panels(name)) for name, of in WHOLE["panels"].items() if "channel" in of},
    "panels.g-channel.view": ("masked", panels("g-channel")),
    "panels.h-channel.view": ("masked", panels("h-channel")),
    "panels.i-channel.view": ("masked", panels("i-channel")),
    "panels.recipes-gallery.control": ("second", panels("recipes-gallery")),
    "panels.recipes-gallery.recipes": (["second"], panels("recipes-gallery")),
    "published.where": ("here", set()),
    "published.tolerance": (2, set()),
    "published.behaviour": ([], set()),
    "published.activation_range": ([], set()),
}  # fmt: skip
# Of a study whose files are fetched.
SOURCE_KEYS = {
    "source.repository": ("http://127.0.0.1:9/other", set()),
    "source.origin": ("there", set()),
    "source.commit": ("1" * 40, set()),
    "source.checksums": ("other.sha256", set()),
}
WITH_INTERVALS = measurements(
    "behaviour",
    "units",
    "causal",
    "pairs",
    "dream_controls",
    "heads",
    "probes",
    "darkness",
    "attribution",
    "circuits",
    "features",
    "reward",
    "play",
    "field",
)
CLAIM = "claims.actor-critic-aligned"
CLAIM_KEYS = {
    "measure.interval.confidence": (0.9, WITH_INTERVALS),
    "measure.interval.least_clusters": (4, WITH_INTERVALS),
    "measure.similarity": (
        0.8, WITH_INTERVALS - measurements("dream_controls", "heads", "play", "field") | {"hands_on"},
    ),
    **{f"measure.units.{key}": (old + (0.5 if key in ("trunk_share", "false_discovery") else 1), measurements("units"))
       for key, old in MEASURE["units"].items()},
    **{f"measure.{name}.{key}": ({"strengths": [-2, 2], "penalties": [1]}[key] if isinstance(old, list) else old + 1,
                                 measurements(name)
                                 | ({"explorer"} if name == "attribution" else set())
                                 | ({"hands_on"} if key == "penalties" else set()))
       for name in ("causal", "attribution", "circuits", "dream_controls", "heads", "probes")
       for key, old in MEASURE[name].items()},
    **{f"measure.darkness.{key}": (new, measurements("darkness") | {"hands_on"})
       for key, new in {"doses": [0, 0.25, 1], "dark": 0.25, "width": 0.25, "widths": [0.125, 0.25], "bottom": 0.5,
                        "offset": 0.25, "offsets": [0.25], "contrast": 0.25, "gain": 2, "donors": 2,
                        "sigma": 0.1, "seed": 1}.items()},
    **{f"measure.features.{key}": (0.5 + old / 2 if isinstance(old, float) else old + 1, measurements("features"))
       for key, old in MEASURE["features"].items()},
    "measure.reward.middle": (0.25, measurements("reward")),
    "measure.reward.gamma": (3, measurements("reward")),
    **{f"measure.play.{key}": (old / 2 if key == "gamma" else old + 1, measurements("play") | {"film"})
       for key, old in MEASURE["play"].items()},
    f"{CLAIM}.statement": ("Other.", {"ledger"}),
    f"{CLAIM}.source": ("Other.", {"ledger"}),
    f"{CLAIM}.test": ("Other.", {"ledger"}),
    f"{CLAIM}.figure": ("c-alignment", {"ledger"}),
    f"{CLAIM}.measurement": ("dream_controls", {"ledger"}),
    f"{CLAIM}.parts.cosine.what": ("other", {"ledger"}),
    f"{CLAIM}.parts.cosine.unit": ("share", {"ledger"}),
    f"{CLAIM}.parts.cosine.direction": ("below", {"ledger"}),
    f"{CLAIM}.parts.cosine.matters": (0.25, {"ledger"}),
    f"{CLAIM}.cases": ("others", {"ledger"}),
    f"{CLAIM}.exploratory": ("Elsewhere.", {"ledger"}),
}  # fmt: skip


def setting_edits(path: str, keys: dict, study: str = "own") -> list[Edit]:
    """The facts hold every setting, for the report to print; pages read them."""
    return [
        Edit(path, setting(key, value), set() if direct is None else and_after(direct | {"facts"}), study)
        for key, (value, direct) in keys.items()
    ]


SETTINGS = [
    *setting_edits("config/own.yaml", STUDY_KEYS),
    *setting_edits("config/published.yaml", SOURCE_KEYS, "published"),
    *setting_edits("config/own-claims.yaml", CLAIM_KEYS),
]
FRAMES, LABELS = and_after({"preprocess"}), and_after({"labels"})
REST = [
    # The stack of a network of colours is one picture: there are no jobs on real stacks.
    Edit(
        "config/own.yaml",
        setting("frames.colour", True),
        and_after({"preprocess", "labels", "facts"}) - TURNS - ON_POLICY,
    ),
    Edit("src/minetest_interp/model/policy.py", words("def shape", "# why\n    def shape"), set()),
    Edit("src/minetest_interp/dreams/notebook.py", words('"""', '"""Ho. '), set()),
    Edit("figures/style.py", words("\n\n\n", "\n\n\n\n"), set()),
    Edit("report/captions.yaml", more("\n# a word\n"), {"report", "reproduce"}),
    Edit("report/style.css", more("\n/* a word */\n"), PAGES),
    Edit("report/body.j2", more("\n"), PAGES),
    Edit("report/new.j2", more("a word"), PAGES),
    Edit("expected/own.json", more("{}"), {"reproduce"}),
    Edit("config/own.yaml", more("# a comment\n"), set()),
    Edit("config/own-claims.yaml", more("# a comment\n"), set()),
    Edit("workflow/schemas/study.schema.yaml", words("Heading of the report", "The report's heading"), set()),
    Edit("workflow/digests.py", more("EDITED = 1\n"), set()),
    Edit("own files/my policy.model", more("x"), and_after(POLICY)),
    Edit(f"own files/{NAMES[0]}.png", more("x"), FRAMES),
    Edit(f"own files/{NAMES[0]}.png", gone, FRAMES),
    Edit("own files/new.png", more("x"), FRAMES),
    Edit("data/published/dark.png", gone, set(), "published"),  # its digest is known: the results stay true
    Edit("own files/new.txt", more("x"), set()),
    Edit(f"own labels/masks/{NAMES[0]}.png", more("x"), LABELS),
    Edit(f"own labels/pictures/{NAMES[0]}.png", more("x"), LABELS),
    # Without the turn there are no jobs on turns.
    Edit(f"own labels/pictures/{NAMES[0]}.png", gone, LABELS - TURNS),
    Edit("own episodes/field.npz", more("x"), and_after({"cells"})),
    *(Edit(f"own episodes/{agent}.npz", more("x"), and_after({"episodes"})) for agent in played.AGENTS[1:]),
    Edit("own episodes/own.npz", more("x"), and_after({"episodes", "film"})),
    Edit("own episodes/own-film.npz", more("x"), and_after({"film"})),
    Edit("own episodes/own.webp", more("x"), and_after({"film", "episode_page"})),
    Edit("own labels/frames.csv", words("turn 0", "turn 00"), LABELS - TURNS),
    Edit("own labels/frames.csv", more("later,,\n"), LABELS),
    # A version may change any number; the hash of one more wheel, or who needs a library, none.
    Edit("requirements/run.lock", words("numpy==", "numpy==1"), set(JOBS)),
    Edit("requirements/run.lock", words("    # via", "    # through"), set()),
    Edit("requirements/run.lock", words("--hash=sha256:", "--hash=sha256:0"), set()),
    Edit("requirements/test.lock", more("another==1\n"), set()),
    Edit("README.md", more("a word"), set()),
    Edit("pyproject.toml", more("# a word"), set()),
]


@contextmanager
def edited(shop: Workshop, edit: Edit) -> Iterator[None]:
    """Makes the edit, dated back as `cp -p` and `tar x` do, and takes it back, date and all."""
    path = shop.folder / edit.path
    old = path.read_bytes() if path.exists() else None
    times = path.stat() if path.exists() else None
    new = edit.change(old or b"")
    try:
        if new is None:
            path.unlink()
        else:
            path.write_bytes(new)
            os.utime(path, (10**9, 10**9))
        yield
    finally:
        if old is None:
            path.unlink()
        else:
            path.write_bytes(old)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def pretend_built(shop: Workshop, study: str) -> None:
    """Made-up outputs, and the records of a build."""
    summary = shop.summary(study=study)
    for line in summary.splitlines()[1:]:
        output = shop.folder / line.split("\t")[0]
        if output.exists():  # a source
            continue
        if output.suffix:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text("a result")
        else:
            output.mkdir(parents=True)
    shop.build("--touch", "--forceall", study=study)


class Planner:
    """Plans builds of a workshop, edited or not; see planner.py."""

    def __init__(self, shop: Workshop):
        self.shop = shop
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("planner.py")],
            cwd=shop.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": "src"},
        )  # fmt: skip
        self.ask("own")

    def ask(self, study: str, code_edited: bool = False) -> tuple[int, str]:
        options = self.shop.command("--summary", study=study)[3:]
        self.process.stdin.write(json.dumps([options, code_edited]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def plan(self, edit: Edit) -> set[str]:
        with edited(self.shop, edit):
            status, said = self.ask(edit.study, edit.path.endswith((".py", ".lock")))
        return jobs(said, "update pending") if status == 0 else {f"failed: {said}"}

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Both studies, with the records of a build."""
    shop = Workshop(tmp_path_factory.mktemp("the project") / "café au lait", WHOLE)
    (shop.labels / "frames.csv").write_text(TURN)
    for what in ("files", "labels", "episodes"):
        (shop.folder / f"other {what}").symlink_to(f"own {what}")
    for name in ("{}.npz", "{}-film.npz", "{}.webp"):
        (shop.episodes / name.format("own too")).write_bytes((shop.episodes / name.format("own")).read_bytes())
    (shop.episodes / "other field.npz").write_bytes((shop.episodes / "field.npz").read_bytes())
    (shop.episodes / "other.npz").write_bytes((shop.episodes / "random.npz").read_bytes())
    (shop.files / "other.model").write_bytes((shop.files / "my policy.model").read_bytes())
    (shop.labels / "other masks").symlink_to("masks")
    config = shop.folder / "config"
    (config / "other-claims.yaml").write_bytes((config / "own-claims.yaml").read_bytes())
    sums = "".join(f"{files.sha256(file)}  {file.name}\n" for file in sorted(shop.files.glob("*.*")))
    for name in ("published", "other"):
        (config / f"{name}.sha256").write_text(sums)
    shutil.copytree(shop.files, shop.folder / "data/published")
    source = {
        "folder": "../data/published",
        "repository": "http://127.0.0.1:9/",
        "origin": "here",
        "commit": "0" * 40,
        "checksums": "published.sha256",
    }
    published = WHOLE | {"source": WHOLE["source"] | source}
    (config / "published.yaml").write_text(yaml.safe_dump(published, sort_keys=False, allow_unicode=True))
    for study in ("own", "published"):
        pretend_built(shop, study)
    return shop


@pytest.fixture(scope="module")
def plans(shop, tmp_path_factory):
    """What each edit reruns, planned on as many copies as there are processors."""
    copies = [shop, *(shop.copy(tmp_path_factory.mktemp("a copy") / "of it") for _ in range((os.cpu_count() or 1) - 1))]
    free: queue.Queue = queue.Queue()
    planners = [Planner(copy) for copy in copies]
    for planner in planners:
        free.put(planner)

    def plan(edit: Edit) -> set[str]:
        planner = free.get()
        try:
            return planner.plan(edit)
        finally:
            free.put(planner)

    edits = CODE + SETTINGS + REST
    with ThreadPoolExecutor(len(planners)) as pool:
        made = list(pool.map(plan, edits))
    for planner in planners:
        planner.end()
    return list(zip(edits, made, strict=True))


def test_the_table_lists_every_job_of_the_workflow(shop):
    assert jobs(shop.summary()) == set(JOBS)


def test_a_finished_build_has_nothing_to_do_even_when_everything_was_touched_or_copied(shop, tmp_path):
    assert shop.planned() == set()
    copy = shop.copy(tmp_path / "elsewhere")
    for path in copy.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert copy.planned() == set()


def test_an_edit_reruns_what_depends_on_it_and_nothing_else(plans):
    wrong = [
        f"{i} {edit.path}: spared {sorted(edit.jobs - made)}, needlessly {sorted(made - edit.jobs)}"
        for i, (edit, made) in enumerate(plans)
        if made != edit.jobs
    ]
    print(f"{len(plans) - len(wrong)} of {len(plans)} edits exact")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_an_edited_module_changes_the_digests_of_the_jobs_that_run_it_and_of_no_other(file, monkeypatch):
    before = {entry: digests.code_digest(entry) for entry in ENTRIES}
    module = digests._read(file)
    read = digests._read
    monkeypatch.setattr(
        digests,
        "_read",
        lambda path: module._replace(meaning=module.meaning + "EDITED = 1") if path == file else read(path),
    )
    digests.code_digest.cache_clear()
    changed = {entry for entry in ENTRIES if digests.code_digest(entry) != before[entry]}
    digests.code_digest.cache_clear()
    assert changed == {entry for entry, files_ in ENTRIES.items() if file in files_}
