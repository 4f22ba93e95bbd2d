"""The committed labelled frames are whole, and have what their description says."""

import csv
from collections import Counter, defaultdict

import cv2
import numpy as np
import pytest

from minetest_interp.analysis import intervals
from minetest_interp.demo import scaled
from minetest_interp.io.errors import InputError
from minetest_interp.model import captured, frame_groups, labels
from tests.conftest import ROOT

DATA = ROOT / "data" / "labelled"
LIMIT_BYTES = 8e6
ROLES = {"day-night": 2, "trunk-removed": 2, "trunk-moved": 2, "turn": 4}
LEAST_GROUPS = {"day-night": 60, "trunk-removed": 60, "trunk-moved": 60, "turn": 24}
LEAST_SINGLE = 120  # with a trunk


@pytest.fixture(scope="module")
def rows():
    with (DATA / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def kind(row):
    return next((name for name in ROLES if name in row["group"]), "single")


def test_every_frame_has_a_mask_of_its_size_and_a_row(rows):
    pairs = labels.find(DATA)
    assert sorted(picture.stem for picture, _ in pairs) == sorted(row["name"] for row in rows)
    assert len(list((DATA / "masks").iterdir())) == len(pairs)
    shown = {row["name"]: row["has_trunk"] == "1" for row in rows}
    for picture, mask in pairs:
        classes = labels.read_mask(mask)
        assert classes.shape == scaled.LABELLED[::-1] and set(np.unique(classes)) <= {0, 1, 2, 3, 5, 6}
        assert (classes == 1).any() <= shown[picture.stem]  # a trunk may be smaller than a pixel here


def test_the_folder_is_small_enough_and_credits_the_textures():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) <= LIMIT_BYTES
    text = (DATA / "ATTRIBUTION.md").read_text()
    assert "Minetest Game contributors" in text and "by-sa/3.0" in text


def test_the_groups_are_complete_and_as_many_as_are_documented(rows):
    sizes = Counter((kind(row), row["group"]) for row in rows if row["group"])
    assert all(size <= ROLES[of] for (of, _), size in sizes.items())
    groups = Counter(of for (of, _), size in sizes.items() if size == ROLES[of])
    assert {of: groups[of] >= least for of, least in LEAST_GROUPS.items()} == dict.fromkeys(LEAST_GROUPS, True)
    said = captured.read(DATA, [row["name"] for row in rows])
    assert len(frame_groups.stacks(said.group, said.role, frames=4)) == groups["turn"]


def test_single_frames_are_balanced_and_show_trunks_of_several_kinds_or_none(rows):
    single = [row for row in rows if kind(row) == "single"]
    night = sum(row["light"] in ("night", "dark") for row in single)
    assert 0.4 < night / len(single) < 0.6
    assert sum(row["has_trunk"] == "1" for row in single) >= LEAST_SINGLE
    assert {"apple", "jungle", "pine", "acacia"} <= {row["species"] for row in rows}
    assert {row["hud"] for row in rows} == {"1"} and all(row["ray_trunks"] != "" for row in rows)


def test_frames_without_a_trunk_are_independent_and_so_are_those_of_each_kind_of_tree(rows):
    greys = []
    for row in rows:
        grey = cv2.imread(str(DATA / "frames" / f"{row['name']}.jpg"), cv2.IMREAD_GRAYSCALE)
        greys.append(cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA))
    groups = np.array([row["group"] for row in rows])
    clusters = intervals.near_duplicates(np.array(greys, np.float32), similarity=0.9, group=groups)
    found = defaultdict(set)
    for row, cluster in zip(rows, clusters, strict=True):
        found[row["species"] if row["has_trunk"] == "1" else "none" if kind(row) == "single" else ""].add(cluster)
    assert len(found["none"]) >= 100
    assert {name: len(found[name]) >= 20 for name in ("apple", "jungle", "pine", "acacia")} == dict.fromkeys(
        ("apple", "jungle", "pine", "acacia"), True
    )


def test_a_capture_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="the captures must have this table"):
        scaled.write_labelled(tmp_path, tmp_path, tmp_path / "data")
