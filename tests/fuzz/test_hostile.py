"""Files that others made: whatever is in them, they are read or refused in one line, and nothing else is touched.

`run.py` feeds the same damaged files every time, 5,000 or as many as `FUZZ_CASES` says, in a process of its own, which
has little memory and few rights; `make fuzz` feeds others;
`python -m tests.fuzz.guided TARGET` searches on by coverage, through the same readers.
"""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minetest_interp import study
from minetest_interp.capture.game import copy_world
from minetest_interp.io import files, yaml_files
from minetest_interp.io.errors import LONGEST, InputError
from minetest_interp.model import frame_groups, frames
from tests.conftest import ROOT
from tests.fuzz.bombs import bombs
from tests.fuzz.targets import FETCHED, SCHEMA, STUDY, TARGETS, as_yaml, feed, load_study, pack, prepare

CASES, SEED = int(os.environ.get("FUZZ_CASES", 5_000)), 1
HERE = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}


@pytest.fixture
def folder(tmp_path):
    prepare(tmp_path / "study")
    (tmp_path / "secret.png").write_bytes((tmp_path / "study/files/one.png").read_bytes())
    (tmp_path / "secret.yaml").write_bytes(as_yaml(STUDY["actions"]))
    return tmp_path / "study"


def refuse(folder, config, message, **options):
    (folder / "config/small.yaml").write_bytes(as_yaml(config))
    with pytest.raises(InputError, match=message):
        study.load(folder / "config/small.yaml", SCHEMA, **options)


def changed(config, **sections):
    """The study with some keys of some sections replaced."""
    return config | {name: config[name] | keys for name, keys in sections.items()}


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    """What came of the damaged files, by target."""
    keep = tmp_path_factory.mktemp("kept")
    command = [sys.executable, "-m", "tests.fuzz.run", "--cases", str(CASES), "--seed", str(SEED), "--keep", str(keep)]
    done = subprocess.run(command, cwd=ROOT, env=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_damaged_file_ends_in_anything_but_a_refusal(fed):
    assert not fed["failures"]
    assert sum(of["taken"] + of["refused"] for of in fed["targets"].values()) >= CASES


def test_damage_is_neither_always_fatal_nor_always_harmless(fed):
    for name, of in fed["targets"].items():
        assert of["taken"] and of["refused"], name


def test_small_files_cannot_ask_for_much_memory(fed):
    """All bombs are refused, and neither they nor the damaged files took half a gigabyte at any time."""
    assert not fed["bombs_taken"]
    assert fed["grown_bytes"] < 2**29


def test_bombs_are_small():
    assert {name: len(data) for name, (_, data) in bombs().items() if len(data) > 40_000} == {}


FENCED = """
import os, pickle, socket, subprocess, sys
from pathlib import Path
from tests.fuzz.guard import Forbidden, guard
home = Path(sys.argv[1])
crooked = home / "link"
crooked.symlink_to("/etc/hostname")
guard(home)
(home / "own").write_text("allowed")
attempts = [
    lambda: os.system("true"), lambda: subprocess.run(["true"]), lambda: pickle.loads(b"cos\\nsystem\\n."),
    lambda: socket.create_connection(("127.0.0.1", 9)), lambda: open("/etc/hostname"), lambda: crooked.read_text(),
    lambda: (home / "../beside").write_text("x"), lambda: os.listdir("/"), lambda: os.remove("/nowhere"),
    lambda: exec("1"), lambda: Path(os.__file__).open("a"),
]
for number, attempt in enumerate(attempts):
    try:
        attempt()
    except Forbidden:
        continue
    print(number)
"""


def test_the_fence_holds(tmp_path):
    """Each attempt to leave is stopped: otherwise the run above would prove nothing."""
    command = [sys.executable, "-c", FENCED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=HERE, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["0", "1", "params", "Conv_0", "kernel"]), inner)
    ),
    max_leaves=12,
)
LINES = st.text("\"',;\t\r\n0129abcx\x00é", max_size=60)
ANY = {
    "checkpoint": TREES.map(pack),
    "picture": st.binary(max_size=200),
    "mask": st.binary(max_size=200),
    "study": st.text("&*!<>?:-[]{}|#'\"%@ \n\t01.eax~", max_size=60).map(str.encode),
    "checksums": LINES.map(lambda text: f"{'0' * 64}  {text}".encode()),
    "table": LINES.map(lambda text: f"name,group,role\n{text}".encode()),
}


@pytest.mark.parametrize("name", ANY)
@given(data=st.data())
@settings(max_examples=150)
def test_nothing_that_can_be_drawn_crashes_a_reader(name, data, tmp_path_factory):
    home = tmp_path_factory.getbasetemp() / "drawn"
    if not home.exists():
        prepare(home)
    feed(TARGETS[name], home, data.draw(ANY[name]))


OWN = {"class": "Network", "size": 64, "frames": 4}
OUTSIDE = ["../../secret.png", "/etc/hostname", "..", "a/../../../secret.png"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_study_names_no_file_outside_its_folders(folder, name):
    refuse(folder, changed(STUDY, policy={"checkpoint": name}), "`policy.checkpoint` must be a path inside")
    refuse(folder, changed(STUDY, policy={"check": name}), "`policy.check` must be a path inside")
    refuse(folder, changed(STUDY, policy=OWN | {"module": name}), "`policy.module` must be a path inside")
    refuse(folder, changed(STUDY, frames={"files": name}), "`frames.files` must be a path inside")
    refuse(folder, changed(STUDY, labels={"frames": name}), "must be a path inside")
    refuse(folder, changed(STUDY, labels={"masks": name}), "`labels.masks` must be a path inside")
    refuse(folder, changed(STUDY, evidence={"claims": name}), "`evidence.claims` must be a path inside")
    refuse(folder, STUDY | {"actions": name}, "`actions` must be a path inside")
    refuse(folder, changed(FETCHED, source={"checksums": name}), "`source.checksums` must be a path inside")
    (folder / "config/sums").write_text(f"{'0' * 64}  {name}\n")
    refuse(folder, FETCHED, "line 1 must be a path inside")


def test_the_folders_of_the_command_line_hold_everything_too(folder, tmp_path):
    options = {"data": tmp_path / "study/files", "probe": tmp_path / "study/labels"}
    refuse(folder, changed(STUDY, policy={"checkpoint": "../../secret.png"}), "inside", **options)
    refuse(folder, changed(STUDY, labels={"masks": "../../x"}), "inside", **options)


def test_no_link_leads_out_of_a_study_s_folders(folder):
    secret = folder.parent / "secret.png"
    (folder / "files/out").symlink_to(folder.parent)
    (folder / "config/out.yaml").symlink_to(folder.parent / "secret.yaml")
    refuse(folder, changed(STUDY, policy={"checkpoint": "out/secret.png"}), "`policy.checkpoint` must lie inside")
    refuse(folder, changed(STUDY, frames={"files": "out/*.png"}), "`frames.files` must lie inside")
    refuse(folder, STUDY | {"actions": "out.yaml"}, "`actions` must lie inside")
    refuse(folder, changed(STUDY, policy=OWN | {"module": "out.yaml"}), "`policy.module` must lie inside")
    for file, what in (
        ("files/one.png", "a frame"),
        ("labels/masks/one.png", "a mask"),
        ("labels/frames.csv", "the table"),
    ):
        held = (folder / file).read_bytes() if (folder / file).exists() else None
        (folder / file).unlink(missing_ok=True)
        (folder / file).symlink_to(secret)
        refuse(folder, STUDY, f"{what}.* must lie inside")
        (folder / file).unlink()
        if held is not None:
            (folder / file).write_bytes(held)


def test_a_link_inside_a_folder_and_a_folder_that_is_a_link_are_welcome(folder):
    (folder / "files/three.png").symlink_to("one.png")
    (folder / "files").rename(folder / "elsewhere")
    (folder / "files").symlink_to("elsewhere")
    (folder / "config/small.yaml").write_bytes(as_yaml(STUDY))
    assert [frame.stem for frame in load_study(folder).frames] == ["one", "three", "two"]


@pytest.mark.parametrize("place", ["../files", "..", "/tmp", "../data", "../data/../files", "../data/link", "."])
def test_fetched_files_go_into_data_and_nowhere_else(folder, place):
    (folder / "data").mkdir()
    (folder / "data/link").symlink_to(folder / "files")
    (folder / "config/sums").write_text(f"{'0' * 64}  shots/one.png\n")
    refuse(folder, changed(FETCHED, source={"folder": place}), "`source.folder` of a study that is fetched must lie in")


def test_what_is_no_regular_file_is_not_waited_for(folder):
    """A pipe that nobody writes to would block its reader for ever."""
    os.mkfifo(folder / "files/pipe.png")
    os.mkfifo(folder / "config/pipe.yaml")
    for read in (frames.read, lambda path: files.read_bytes(path, what="a file", limit=9, advice="")):
        with pytest.raises(InputError, match="there is none"):
            read(folder / "files/pipe.png")
    with pytest.raises(InputError, match="there is none"):
        yaml_files.read(folder / "config/pipe.yaml", advice="")
    refuse(folder, STUDY | {"actions": "pipe.yaml"}, "there is none")


def test_a_file_over_the_limit_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match="must have at most"):
        yaml_files.read(tmp_path / "large.yaml", advice="")


def test_arrays_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "evil.npz", evil=np.array([print], dtype=object), good=np.arange(3))
    assert files.read_arrays(tmp_path / "evil.npz", "good")["good"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="allow_pickle=False"):
        files.read_arrays(tmp_path / "evil.npz")


def test_yaml_makes_nothing_but_plain_data(tmp_path):
    path = tmp_path / "a.yaml"
    for text in (
        "a: !!python/object/apply:os.system [id]",
        "a: !!python/name:os.system",
        "a: 2001-01-01",
        "a: !!set {b}",
        "a: !!binary aGk=",
        "1: a",
        "a: .nan",
        'a: "\\x00"',
        'a: "\\ud800"',
        "a: &a [*a]",
        "~: a",
        "[a]: b",
    ):
        path.write_text(text)
        with pytest.raises(InputError):
            yaml_files.read(path, advice="")
    path.write_text("a: &a {b: [1, 2.5, true, ~, 'é\\n']}\nc: {<<: *a, d: *a}")
    part = {"b": [1, 2.5, True, None, "é\\n"]}
    assert yaml_files.read(path, advice="") == {"a": part, "c": part | {"d": part}}


@given(st.text())
@example("\U000110bd\U000e0001")  # each is escaped in ten characters
def test_a_refusal_is_one_printable_line_whatever_it_quotes(text):
    for message in (text, text * 1000):
        said = str(InputError(message))
        assert said.isprintable() and len(said) <= LONGEST


@given(rows=st.lists(st.tuples(*[st.text(max_size=5)] * 3), min_size=1, max_size=5))
def test_a_table_that_csv_can_write_is_read_back(rows, tmp_path_factory):
    """Whatever is in its cells; of rows with one name the last counts, and text loses its final zeros in an array."""
    folder = tmp_path_factory.mktemp("table")
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("name", "group", "role"), *rows])
    (folder / "frames.csv").write_bytes(text.getvalue().encode())
    group, role = frame_groups.read(folder, [name for name, _, _ in rows])
    last = {name: (group, role) for name, group, role in rows}
    wanted = [tuple(cell.rstrip("\0") for cell in last[name]) for name, _, _ in rows]
    assert list(zip(group.tolist(), role.tolist(), strict=True)) == wanted


def test_a_saved_world_brings_no_program_and_no_link(tmp_path):
    saved = tmp_path / "saved"
    (saved / "worldmods/evil").mkdir(parents=True)
    (saved / "worldmods/evil/init.lua").write_text("os.execute('id')")
    (saved / "map.sqlite").write_bytes(b"map")
    (saved / "players").mkdir()
    (saved / "players/link").symlink_to("/etc/hostname")
    copy_world(saved, tmp_path / "copy")
    assert sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")) == [
        "map.sqlite",
        "players",
    ]
