"""The folder of captured frames: whole after every interruption, and what the labelled frames' reader expects."""

import csv
import hashlib

import cv2
import numpy as np
import pytest
from PIL import Image

from minetest_interp.capture import classes, march, output, shots
from minetest_interp.capture.types import Look, Node, Shot
from minetest_interp.io.errors import InputError
from minetest_interp.model import labels
from tests.capture import worlds
from tests.conftest import ROOT

SIZE = {"width": 128, "height": 75}
FOREST = worlds.forest((-3, 5), (4, 12))
LIST = shots.read(ROOT / "config" / "captures" / "demo.yaml")
FULL = Shot("00-a-10", 0, worlds.standing(yaw=3), 0.5)
DUG = tuple(Node(-3, y, 5, "air") for y in range(-1, 4))
REMOVED = Shot("00-a-2", 0, worlds.standing(yaw=3), 0.27, changes=DUG, group="g", role="no")
EMPTY = Shot("00-a-3", 0, worlds.standing(yaw=180), 0.0)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (75, 128, 3), dtype=np.uint8)


def save(folder: output.Folder, shot: Shot, seed: int = 0) -> march.Rendered:
    after = march.changed(FOREST, shot.changes)
    rendered = march.render(after, shot.pose, **SIZE, reach=25)
    folder.save(shot, Look(picture(seed), shot.pose, 0.5), rendered, after, biome="savanna")
    return rendered


def table(path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path) -> output.Folder:
    return output.Folder(tmp_path / "captures", LIST)


@pytest.fixture
def finished(folder) -> output.Folder:
    for seed, shot in enumerate((FULL, REMOVED, EMPTY)):
        save(folder, shot, seed)
    folder.reject(FULL._replace(name="x"), "never settled")
    folder.reject(FULL._replace(name="y"), "never settled")
    folder.reject(FULL._replace(name="z"), "unloaded blocks")
    folder.finish()
    return folder


def test_what_is_saved_is_read_back_bit_by_bit(folder):
    rendered = save(folder, FULL)
    (pair,) = labels.find(folder.path)
    np.testing.assert_array_equal(np.asarray(Image.open(pair[0])), picture())
    np.testing.assert_array_equal(labels.read_mask(pair[1]), rendered.classes)
    depth = cv2.imread(str(folder.path / "depth" / "00-a-10.png"), cv2.IMREAD_UNCHANGED)
    distance = rendered.distance[2::4, 2::4]
    np.testing.assert_array_equal(depth == 255, np.isinf(distance))
    seen = np.isfinite(distance)
    assert seen.any() and not seen.all() and np.abs(depth[seen] / 2 - distance[seen]).max() <= 0.25


def test_the_table_says_what_the_masks_show(finished):
    rows = table(finished.path / "frames.csv")
    assert [row["name"] for row in rows] == ["00-a-2", "00-a-3", "00-a-10"]  # natural order
    assert list(rows[0]) == list(output.COLUMNS)
    removed, empty, full = rows
    for row in rows:
        mask = labels.read_mask(finished.path / "masks" / f"{row['name']}.png")
        for kind, name in classes.NAMES.items():
            assert float(row[f"f_{name}"]) == pytest.approx((mask == kind).mean(), abs=1e-5)
        if row["has_trunk"] == "1":
            assert float(row["trunk_cx"]) == pytest.approx(labels.horizontal_centre(mask == classes.TRUNK), abs=1e-4)
    assert (full["species"], full["has_trunk"], full["biome"], full["light"]) == ("apple", "1", "savanna", "midday")
    assert float(full["trunk_dist"]) == pytest.approx(np.hypot(2.5, 4.5), abs=0.1)
    assert float(removed["trunk_dist"]) == pytest.approx(np.hypot(3.5, 11.5), abs=0.2)
    assert (removed["group"], removed["role"], removed["light"]) == ("g", "no", "morning_evening")
    assert (empty["has_trunk"], empty["trunk_dist"], empty["species"], empty["light"]) == ("0", "", "", "dark")
    assert float(full["near_cx"]) < -0.2 < 0.2 < float(removed["near_cx"])


def test_rejections_are_counted_by_reason_until_the_shot_succeeds(finished):
    assert table(finished.path / "rejected.csv") == [
        {"reason": "never settled", "shots": "2", "names": "x y"},
        {"reason": "unloaded blocks", "shots": "1", "names": "z"},
    ]
    save(finished, FULL._replace(name="z"))
    finished.finish()
    assert [row["reason"] for row in table(finished.path / "rejected.csv")] == ["never settled"]


def test_checksums_cover_every_picture_and_hold(finished):
    lines = (finished.path / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    pictures = {f"{kind}/{name}.png" for kind in output.PICTURES for name in ("00-a-10", "00-a-2", "00-a-3")}
    assert sums.keys() == pictures | {"frames.csv", "contact.png"}
    for name, digest in sums.items():
        assert hashlib.sha256((finished.path / name).read_bytes()).hexdigest() == digest


def test_finishing_twice_gives_the_same_bytes(finished):
    before = (finished.path / "SHA256SUMS").read_bytes()
    finished.finish()
    assert (finished.path / "SHA256SUMS").read_bytes() == before


def test_the_licence_of_the_textures_is_with_the_pictures(finished):
    text = (finished.path / "ATTRIBUTION.md").read_text()
    assert "Minetest Game contributors" in text and "by-sa/3.0" in text


@pytest.mark.parametrize("lost", ["frames", "masks", "depth", "records"])
def test_a_frame_of_which_a_file_is_missing_is_not_done(folder, lost):
    save(folder, FULL)
    save(folder, EMPTY)
    assert folder.done() == {FULL.name, EMPTY.name}
    next((folder.path / lost).glob("00-a-10.*")).unlink()
    assert folder.done() == {EMPTY.name}
    folder.finish()
    assert [row["name"] for row in table(folder.path / "frames.csv")] == [EMPTY.name]


def test_a_failure_while_a_picture_is_written_leaves_nothing_behind(folder, monkeypatch):
    monkeypatch.setattr(output.cv2, "imwrite", lambda *_: False)
    with pytest.raises(OSError, match="could not be written"):
        save(folder, FULL)
    assert folder.done() == set() and not list((folder.path / "frames").iterdir())


def test_what_a_killed_run_had_half_written_is_no_frame_and_is_cleared_away(folder):
    save(folder, FULL)
    halves = [folder.path / kind / f".half.{end}.part.{end}" for kind, end in (("records", "json"), ("frames", "png"))]
    for path in halves:
        path.write_text("{")
    assert folder.done() == {FULL.name}
    folder.finish()
    resumed = output.Folder(folder.path, LIST)
    assert not any(path.exists() for path in halves) and resumed.done() == {FULL.name}


def test_a_resumed_folder_knows_its_frames_and_plans(finished):
    place = shots.Site(2, "savanna", (1.0, 2.5, 3.0))
    assert finished.plan(2) is None
    finished.keep_plan(place, [FULL, REMOVED])
    resumed = output.Folder(finished.path, LIST)
    assert resumed.plan(2) == (place, [FULL, REMOVED])
    assert resumed.done() == finished.done() == {FULL.name, REMOVED.name, EMPTY.name}


def test_a_folder_keeps_to_one_shot_list(finished):
    with pytest.raises(InputError, match="must keep to one shot list"):
        output.Folder(finished.path, LIST._replace(seed=2))


def test_nothing_captured_gives_empty_tables(folder):
    folder.finish()
    assert table(folder.path / "frames.csv") == [] and (folder.path / "SHA256SUMS").read_text().count("\n") == 1


def test_the_contact_sheet_has_a_tile_a_frame_with_its_trunks_outlined(finished):
    paths = [path for path, _ in labels.find(finished.path)]
    sheet = output.contact_sheet(paths * 3, finished.path / "masks")
    assert sheet.shape == (2 * (output.TILE_HEIGHT + output.STRIP), output.TILES_IN_A_ROW * output.TILE_WIDTH, 3)
    outlined = (sheet == output.OUTLINE).all(-1)
    tiles = [outlined[: output.TILE_HEIGHT, n * output.TILE_WIDTH :][:, : output.TILE_WIDTH].any() for n in range(3)]
    assert tiles == [True, False, True]  # the one in the middle shows no trunk


@pytest.mark.parametrize(
    ("light", "times"),
    [
        ("midday", (0.35, 0.5, 0.65)),
        ("morning_evening", (0.245, 0.27, 0.73, 0.752)),
        ("night", (0.217, 0.223, 0.788)),
        ("dark", (0.0, 0.195, 0.808)),
    ],
)
def test_times_of_day_have_a_light(light, times):
    assert {output.light(timeofday) for timeofday in times} == {light}
