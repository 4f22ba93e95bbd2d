"""The workflow itself: what a build makes, what reruns after which edit, and what survives an interruption."""

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest

from minetest_interp import checkpoint, files
from minetest_interp.layout import INTERMEDIATES as ARRAYS
from tests.conftest import random_policy
from tests.results.workshop import GEOMETRY, NAMES, STUDY, Workshop, mask, picture, replace_keeping_an_older_date

PANELS = len(STUDY["panels"])
EVERYTHING = Counter(
    describe=1, preprocess=1, intermediates=1, behaviours=1, gradients=1, dream=3, labels=1, evidence=6, explanation=2,
    claims=1, panel=PANELS, facts=1, report=1, frame_page=1, export=1, reproduce=1,
)  # fmt: skip
PAGES = Counter(report=1, frame_page=1, reproduce=1)
FACTS = Counter(facts=1) + PAGES
LEDGER = Counter(claims=1, panel=1) + FACTS


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A finished build, in a folder whose name has a space and an accent."""
    shop = Workshop(tmp_path_factory.mktemp("the house") / "café au lait")
    shop.build()
    return shop


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
    shapes = {name: GEOMETRY.shape(name) for name in ARRAYS[:4]} | {"logits": (6,), "value": ()}
    for view in ("", "mirrored/"):
        for name in ARRAYS:
            stored = files.read_arrays(shop.folder / f"results/own/intermediates/{view}{name}.npz")
            assert stored["activations"].shape == (5, *shapes[name]) and stored["activations"].dtype == np.float32
            assert stored["frames"].tolist() == order
    for panel in STUDY["panels"]:
        for kind in ("png", "svg"):
            assert (shop.folder / f"figures/own/{panel}.{kind}").stat().st_size > 1000
    facts = json.loads((shop.folder / "report/own/facts.json").read_text())
    assert [frame["name"] for frame in facts["frames"]] == order
    keys = ["name", "yaw", "climb", "value"]
    assert all(list(f) == [*keys, "mirrored"] and list(f["mirrored"]) == keys[1:] for f in facts["frames"])
    page = (shop.folder / "report/own/index.html").read_text()
    assert "<b onmouseover" not in page and "&lt;b onmouseover" in page


def test_nothing_is_done_when_nothing_changed_or_files_were_only_touched(shop):
    assert shop.planned() == Counter()
    for path in shop.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert shop.planned() == Counter()


EDITS = [
    ("src/minetest_interp/policy.py", lambda s: s.replace("def setup", "# why\n    def setup"), Counter()),
    ("src/minetest_interp/dreams.py", lambda s: s.replace('"""', '"""Ho. ', 1), Counter()),
    ("report/captions.yaml", lambda s: s + "\n# a word\n", PAGES),
    ("figures/alignment.py", lambda s: s + "\nEDITED = 1\n", Counter(panel=1, report=1, reproduce=1)),
    ("figures/style.py", lambda s: s + "\nEDITED = 1\n", Counter(panel=PANELS, report=1, reproduce=1)),
    ("src/minetest_interp/facts.py", lambda s: s + "\nEDITED = 1\n", FACTS),
    ("src/minetest_interp/dreams.py", lambda s: s + "\nEDITED = 1\n", Counter(dream=3, evidence=1, panel=3) + LEDGER),
    ("src/minetest_interp/policy.py", lambda s: s + "\nEDITED = 1\n", EVERYTHING),
    ("config/own.yaml", lambda s: s.replace("steps: 3", "steps: 4", 1), Counter(dream=1, panel=1) + FACTS),
    ("config/own.yaml", lambda s: s.replace("channel: 4", "channel: 2"), Counter(panel=1) + FACTS),
    ("config/own-claims.yaml", lambda s: s.replace("claimed: 0.9", "claimed: 0.8"), LEDGER),
    ("config/own-claims.yaml", lambda s: s.replace("Mirroring a frame", "To mirror a frame"), LEDGER),
    (
        "config/own-claims.yaml",
        lambda s: s.replace("permutations: 99", "permutations: 98"),
        LEDGER + Counter(evidence=1, panel=1),
    ),
    (
        "config/own-claims.yaml",
        lambda s: s.replace("factors: 2", "factors: 1"),
        Counter(explanation=1, panel=1) + FACTS,
    ),
    ("src/minetest_interp/claims.py", lambda s: s + "\nEDITED = 1\n", LEDGER),
    ("src/minetest_interp/overlap.py", lambda s: s + "\nEDITED = 1\n", LEDGER + Counter(evidence=2, panel=2)),
    ("config/own.yaml", lambda s: s.replace("Random weights", "Chance weights"), FACTS),
]


@pytest.mark.parametrize(("name", "change", "jobs"), EDITS, ids=[f"{i}-{name}" for i, (name, *_) in enumerate(EDITS)])
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(shop, name, change, jobs):
    with edit(shop.folder / name, change):
        assert shop.planned() == jobs


def test_another_checkpoint_reruns_everything_though_it_is_older(shop):
    with edit(shop.files / "my policy.model") as path:
        checkpoint.save(shop.files / "other", random_policy(GEOMETRY, seed=6, gain=50.0), {})
        replace_keeping_an_older_date(path, (shop.files / "other").read_bytes())
        assert shop.planned() == EVERYTHING


# The labelled frames with their pairs, the dreams, the alignment, the network and the controls stay.
FRAMES_CHANGED = EVERYTHING - Counter(describe=1, export=1, dream=3, labels=1, evidence=3, panel=6)


def test_frames_that_are_replaced_added_or_removed_are_noticed(shop):
    with edit(shop.files / f"{NAMES[0]}.png") as path:
        picture(99).save(shop.files / "other.bin", "PNG")
        replace_keeping_an_older_date(path, (shop.files / "other.bin").read_bytes())
        assert shop.planned() == FRAMES_CHANGED
        path.unlink()
        assert shop.planned() == FRAMES_CHANGED
    picture(98).save(shop.files / "new.png")
    assert shop.planned() == FRAMES_CHANGED
    (shop.files / "new.png").unlink()
    assert shop.planned() == Counter()


def test_a_changed_mask_reruns_what_is_said_about_trunks(shop):
    with edit(shop.labels / f"masks/{NAMES[0]}.png") as path:
        mask(99).save(shop.files / "other.bin", "PNG")
        replace_keeping_an_older_date(path, (shop.files / "other.bin").read_bytes())
        assert shop.planned() == LEDGER + Counter(labels=1, evidence=4, panel=4)


def test_a_rebuild_gives_the_same_bytes_after_ctrl_c_and_after_kill(shop):
    """Both faults in one rebuild from nothing: each costs a build."""
    before = shop.outputs()
    for path in before:
        (shop.folder / path).unlink()
    for fault in (signal.SIGINT, signal.SIGKILL):
        found = shop.made()
        running = subprocess.Popen(
            shop.command(),
            cwd=shop.folder,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while shop.made() == found and running.poll() is None:
            time.sleep(0.05)
        assert running.poll() is None, "the build ended before it could be interrupted"
        os.killpg(running.pid, fault)
        running.wait()
    shop.build("--unlock")
    shop.build()
    assert shop.outputs() == before
    assert shop.planned() == Counter()


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
    # The panels are the spoilt one, the one that shows the lost result, and the ledger above it.
    assert shop.planned() == LEDGER + Counter(evidence=1, panel=2)
    shop.build()
    assert shop.outputs() == before
    assert shop.planned() == Counter() and shop.verify().returncode == 0


def refuse(shop, message):
    """A build that must fail: says `message` without a traceback."""
    failed = shop.run()
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0 and message in said and "Traceback" not in said, said


def test_users_mistakes_are_told_without_a_traceback_and_lose_nothing(shop):
    before = shop.outputs()
    with edit(shop.folder / "config/own.yaml", lambda s: s.replace("summary:", "sumary:")):
        refuse(shop, "unknown key 'sumary'; did you mean 'summary'?")
    with edit(shop.folder / "config/own.yaml", lambda s: s.replace("    - go\n", "")):
        refuse(shop, "one action for each of the policy's 6 logits; it has 5")
    with edit(shop.files / "my policy.model") as path:
        path.write_bytes(path.read_bytes()[:100])
        refuse(shop, "my policy.model: not whole flax msgpack")
    with edit(shop.files / f"{NAMES[0]}.png") as path:
        path.write_bytes(b"")
        refuse(shop, f"{NAMES[0]}.png: the frame is empty (0 bytes)")
    assert {name: digest for name, digest in shop.outputs().items() if name.startswith("report")} == {
        name: digest for name, digest in before.items() if name.startswith("report")
    }
    shop.build()
    assert shop.outputs() == before


def test_an_output_folder_that_cannot_be_written_to_is_named_before_anything_runs(shop):
    (shop.folder / "results").rename(shop.folder / "results aside")
    (shop.folder / "results").touch()
    try:
        refuse(shop, "error: results/own: outputs must go into a folder that can be written to; results is not one.")
    finally:
        (shop.folder / "results").unlink()
        (shop.folder / "results aside").rename(shop.folder / "results")
    assert shop.planned() == Counter()


def test_a_wrong_option_is_refused(shop):
    failed = subprocess.run([*shop.command()[:-1], "stduy=own"], cwd=shop.folder, capture_output=True, text=True)
    assert (
        failed.returncode != 0
        and "--config takes study=NAME, data=FOLDER and probe=FOLDER" in failed.stderr + failed.stdout
    )
