"""The workflow itself: what a build makes, of which code, and what it says of a user's mistakes."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from minetest_interp.io import files
from minetest_interp.model.policy import LAYERS
from tests.conftest import ROOT
from tests.results.graph import ENTRIES, JOBS, RECORDS, and_after, first_party_files
from tests.results.workshop import GEOMETRY, NAMES, STUDY, Workshop, jobs, rows
from workflow import digests


@pytest.fixture(scope="module")
def shop(built, tmp_path_factory) -> Workshop:
    """A copy of a finished build."""
    return built.copy(tmp_path_factory.mktemp("a copy") / "à côté")


@contextmanager
def edit(path, change=None):
    """Changes a file and puts it back, date and all."""
    content, times = path.read_bytes(), path.stat()
    try:
        if change:
            changed = change(content.decode())
            assert changed != content.decode()
            path.write_text(changed)
        yield path
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_users_own_study_is_built_whole(shop):
    order = ["<b onmouseover=alert(1)>é", "dark", "frame 2", "frame 10", "it's {x} $y_1$"]
    shapes = {name: GEOMETRY.shape(name) for name in LAYERS} | {"logits": (6,), "value": ()}
    for view in ("original", "mirrored"):
        stored = files.read_arrays(shop.folder / f"results/own/intermediates/{view}.npz")
        assert stored["frames"].tolist() == order
        for name, shape in shapes.items():
            assert stored[name].shape == (5, *shape) and stored[name].dtype == np.float32
    for panel in STUDY["panels"]:
        for file in (f"{panel}.png", f"{panel}.svg", f"phone/{panel}.webp"):
            assert (shop.folder / f"figures/own/{file}").stat().st_size > 1000
    facts = json.loads((shop.folder / "report/own/facts.json").read_text())
    assert [frame["name"] for frame in facts["frames"]] == order
    keys = ["name", "yaw", "climb", "value"]
    assert all(list(f) == [*keys, "mirrored"] and list(f["mirrored"]) == keys[1:] for f in facts["frames"])
    for name in ("index", "appendix"):
        page = (shop.folder / f"report/own/{name}.html").read_text()
        assert "<b onmouseover" not in page and "&lt;b onmouseover" in page


def test_the_code_that_counts_for_a_job_is_the_code_that_it_imported(built, tmp_path):
    """Each job told in its log what it imported while it ran."""
    shop = built.copy(tmp_path / "la copie")
    logs = {job: row["log-file(s)"] for job, row in rows(shop.summary())}
    assert len(logs) > 40
    for job, log in logs.items():
        told = re.findall(r"^import time:.*\| +([\w.]+)$", (shop.folder / log).read_text(), re.MULTILINE)
        entry = JOBS[job].entry
        imported = first_party_files([entry, *told])
        assert len(imported) > 1 and imported == digests.closure(entry) == ENTRIES[entry], job


def test_an_edit_built_and_taken_back_ends_in_the_bytes_of_the_first_build(shop):
    before = shop.outputs()
    panel = "figures/own/h-channel.png"
    with (
        edit(shop.folder / "config/own.yaml", lambda s: s.replace("channel: 4", "channel: 2")),
        edit(shop.folder / "config/own-claims.yaml", lambda s: s.replace("claimed: 0.9", "claimed: 0.8")),
        edit(shop.folder / "report/captions.yaml", lambda s: s.replace("caption: ", "caption: Edited. ", 1)),
    ):
        shop.build()
        edited = shop.outputs()
        changed = {path for path in before if edited.get(path) != before[path]}
        assert {panel, "results/own/ledger.json", "report/own/facts.json", "report/own/index.html"} <= changed
        assert not any(path.startswith(("results/own/intermediates", "results/own/dreams")) for path in changed)
    shop.build()
    assert shop.outputs() == before
    assert shop.planned() == set()


def spoil(shop) -> dict[str, str]:
    """A fault of each sort, in figures, a page, a result on the way and a folder made as a whole: path to its kind."""
    figure, page = shop.folder / "figures/own/c-alignment.png", shop.folder / "report/own/report.md"
    figure.write_bytes(figure.read_bytes()[::-1])
    page.write_bytes(page.read_bytes()[:100])
    for name in ("results/own/evidence/heads.npz", "report/own/explore/frames/1.js"):
        (shop.folder / name).unlink()
    (shop.folder / "figures/own/c-alignment.old.png").touch()
    return {
        "figures/own/c-alignment.old.png": "foreign",
        "figures/own/c-alignment.png": "corrupt",
        "report/own/explore/frames/1.js": "missing",
        "report/own/report.md": "corrupt",
        "results/own/evidence/heads.npz": "missing",
    }


def test_what_is_not_as_it_was_made_is_named_removed_and_made_again(shop):
    before = shop.outputs()
    verified = shop.verify()
    assert verified.returncode == 0 and "Verified: own" in verified.stdout, verified.stdout + verified.stderr
    wrong = spoil(shop)
    for options in ([], ["--remove"]):
        found = shop.verify(*options)
        assert found.returncode == 1 and "NOT verified: own" in found.stdout
        named = {path: kind for kind, path in re.findall(r"^([a-z ]+): (\S+): .+\.$", found.stdout, re.MULTILINE)}
        assert named == wrong
    assert shop.planned() == and_after({"measurement heads", "panel c-alignment"}) & jobs(shop.summary())
    shop.build()
    assert shop.outputs() == before
    assert shop.planned() == set() and shop.verify().returncode == 0


def refuse(shop, message):
    """A build that must fail: says `message` without a traceback."""
    failed = shop.run()
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0 and message in said and "Traceback" not in said, said


def test_users_mistakes_are_told_without_a_traceback_and_spare_the_report(built, tmp_path):
    shop = built.copy(tmp_path / "la copie")
    report = {path: digest for path, digest in shop.outputs().items() if path.startswith("report")}
    with edit(shop.folder / "config/own.yaml", lambda s: s.replace("summary:", "sumary:")):
        refuse(shop, "unknown key 'sumary'; did you mean 'summary'?")
    with edit(shop.folder / "config/own.yaml", lambda s: s.replace("    - go\n", "")):
        refuse(shop, "one action for each of the 6 that the policy chooses from; it has 5")
    with edit(shop.files / f"{NAMES[0]}.png") as path:
        path.write_bytes(b"")
        refuse(shop, f"{NAMES[0]}.png: the frame is empty (0 bytes)")
    with edit(shop.files / "my policy.model") as path:
        path.write_bytes(path.read_bytes()[:100])
        refuse(shop, "my policy.model: not whole flax msgpack")
    assert {path: digest for path, digest in shop.outputs().items() if path.startswith("report")} == report


def test_an_output_folder_that_cannot_be_written_to_is_named_before_anything_runs(shop):
    (shop.folder / "results").rename(shop.folder / "results aside")
    (shop.folder / "results").touch()
    try:
        refuse(shop, "error: results/own: outputs must go into a folder that can be written to; results is not one.")
    finally:
        (shop.folder / "results").unlink()
        (shop.folder / "results aside").rename(shop.folder / "results")
    assert not shop.planned()


def test_a_wrong_option_is_refused(shop):
    failed = subprocess.run([*shop.command()[:-1], "stduy=own"], cwd=shop.folder, capture_output=True, text=True)
    said = failed.stderr + failed.stdout
    assert failed.returncode != 0 and "--config takes study=NAME, data=FOLDER and probe=FOLDER" in said


def test_named_or_not_the_default_study_is_made_by_the_same_commands():
    commands = [planned_commands(*named) for named in ((), ("--config", "study=demo"))]
    assert len(commands[0]) > 50 and commands[0] == commands[1]


def test_what_the_post_shows_waits_for_nothing_that_is_ours():
    run = {command.split()[1 if "figures/" in command else 2] for command in planned_commands("core")}
    stages = {"describe", "preprocess", "intermediates", "readouts", "dream", "gradients"}
    assert {name for name in run if name.startswith("minetest_interp")} == {
        f"minetest_interp.stages.{s}" for s in stages
    }
    assert {name for name in run if name.startswith("figures/")} == {
        f"figures/{panel.script}.py" for name, panel in RECORDS.items() if re.match("[a-k]-", name)
    }


def planned_commands(*options: str) -> list[str]:
    """What a build of the default study runs from nothing."""
    plan = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--forceall", "--printshellcmds"]
    said = subprocess.run([*plan, *options], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(re.findall(r"\bpython .*", said))
