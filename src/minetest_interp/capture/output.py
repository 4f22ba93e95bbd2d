"""A folder of captured frames: written frame by frame, so that an interruption loses nothing.

frames/NAME.png   the picture, RGB
masks/NAME.png    its classes, 8 bit (see `classes`)
depth/NAME.png    every fourth pixel, [2::4, 2::4]: 2 x distance in nodes, 254 for 127 and more, 255 without a hit
frames.csv        one row a frame, see `COLUMNS`
rejected.csv      why how many shots gave no frame
SHA256SUMS, ATTRIBUTION.md, contact.png
records/, rejected/, plans/, shots.json: what a resumed run goes on from
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from minetest_interp.capture import checks, classes, line, views
from minetest_interp.capture.march import Rendered, Scene
from minetest_interp.capture.shots import ShotList, Site
from minetest_interp.capture.types import Look, Shot, shot_from_json, shot_to_json
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames, labels

PICTURES = "frames", "masks", "depth"
DEPTH_SCALE, FARTHEST, NOTHING = 2, 254, 255  # grey levels a node
NEAR_TRUNK = 25.0  # nodes; farther trunks pale in the fog
COLUMNS = {
    "name": "of the files",
    "site": "number; frames of a site share their terrain",
    "biome": "of the site",
    "species": "of the nearest trunk in view",
    "x": "of the feet, nodes, as the client reported it",
    "y": "",
    "z": "",
    "yaw": "degrees, 0 along +z, 90 along -x",
    "pitch": "degrees, positive looks up",
    "timeofday": "0 midnight, 0.5 noon",
    "light": "midday, morning_evening, night or dark, by the time of day",
    "hud": "whether the hand and the display are drawn",
    **{f"f_{name}": "share of the picture" for name in classes.NAMES.values()},
    "f_trunk25": "share of the picture that is trunk within 25 nodes",
    "trunk_dist": "nodes from the eye to the nearest trunk",
    "near_cx": "mean column of the nearest trunk, -1 to 1",
    "trunk_cx": "mean column of all trunk pixels, -1 to 1",
    "trunk_plants": "share of the trunk pixels that have a plant's cell before them",
    "ray_trunks": "tree nodes that the view ray crosses within 30 nodes, hidden ones too",
    "has_trunk": "1 or 0",
    "group": "frames that belong together; empty for single ones",
    "role": "in the group",
    "shift_right": "pixels by which the mask would have to move to lie best on the picture's edges; 0 in place",
    "shift_down": "",
    "settle_s": "seconds until the picture was at rest",
}
ATTRIBUTION = """# Attribution

The pictures in `frames/` and `contact.png` are screenshots of Minetest with Minetest Game. They show textures (c) the
Minetest Game contributors (https://github.com/minetest/minetest_game), licensed under Creative Commons
Attribution-ShareAlike 3.0 Unported (https://creativecommons.org/licenses/by-sa/3.0/), a few under version 4.0 of it.

Share them under the same licence and keep this notice with them. The pictures were not altered; `contact.png` scales
them down and draws the outlines of trunks.
"""
TILE_WIDTH, TILE_HEIGHT, STRIP = 192, 112, 14  # pixels of the contact sheet; a strip below a tile holds its name
TILES_IN_A_ROW = 8
OUTLINE = (255, 0, 255)


class Folder:
    """The output of one shot list.

    Raises:
      InputError: the folder was begun with another list.
    """

    def __init__(self, path: Path, shot_list: ShotList):
        self.path = path
        for left in path.glob("*/.*.part.*"):  # a killed run's half-written files
            left.unlink()
        begun, content = path / "shots.json", json.loads(json.dumps(shot_list._asdict()))
        if not begun.is_file():
            files.write_json(begun, content)
        elif files.read_json(begun) != content:
            raise InputError(f"{path}: a folder must keep to one shot list; this one has another. Choose a new folder.")

    def plan(self, number: int) -> tuple[Site, list[Shot]] | None:
        """Where site `number` is and the shots planned there by an earlier run, None if it was not planned yet."""
        if not (kept := self._plan(number)).is_file():
            return None
        content = files.read_json(kept)
        place = Site(**{**content["site"], "centre": tuple(content["site"]["centre"])})
        return place, [shot_from_json(shot) for shot in content["shots"]]

    def keep_plan(self, site: Site, shots: Sequence[Shot]) -> None:
        """Keeps a plan for later runs: they take the same shots, even where the world has changed a little."""
        files.write_json(
            self._plan(site.number), {"site": site._asdict(), "shots": [shot_to_json(shot) for shot in shots]}
        )

    def done(self) -> set[str]:
        """Names of the frames that are there, whole."""
        names = (path.stem for path in _written(self.path / "records"))
        return {name for name in names if all(self._picture(kind, name).is_file() for kind in PICTURES)}

    def save(self, shot: Shot, look: Look, rendered: Rendered, shown: Scene, *, biome: str = "") -> None:
        """Writes a frame; its record comes last, so that a frame is there as a whole or not at all.

        Args:
          shown: the scene that was rendered, with the shot's changes.
        """
        depth = np.rint(DEPTH_SCALE * rendered.distance).clip(0, FARTHEST)
        depth = np.where(np.isinf(rendered.distance), NOTHING, depth).astype(np.uint8)
        images = cv2.cvtColor(look.picture, cv2.COLOR_RGB2BGR), rendered.classes, depth[2::4, 2::4]
        for kind, image in zip(PICTURES, images, strict=True):
            files.write(self._picture(kind, shot.name), partial(_write_png, image=image))
        files.write_json(self.path / "records" / f"{shot.name}.json", record(shot, look, rendered, shown, biome=biome))
        (self.path / "rejected" / f"{shot.name}.json").unlink(missing_ok=True)

    def reject(self, shot: Shot, reason: str) -> None:
        """Notes why a shot gave no frame; a later run tries it again."""
        files.write_json(self.path / "rejected" / f"{shot.name}.json", {"name": shot.name, "reason": reason})

    def finish(self) -> None:
        """Writes the tables, the checksums, the attribution and the contact sheet from what is there."""
        records = self._records()
        _write_table(self.path / "frames.csv", list(COLUMNS), records)
        reasons = defaultdict(list)
        for path in sorted(_written(self.path / "rejected")):
            rejected = files.read_json(path)
            reasons[rejected["reason"]].append(rejected["name"])
        rows = [{"reason": reason, "shots": len(names), "names": " ".join(names)} for reason, names in reasons.items()]
        _write_table(
            self.path / "rejected.csv", ["reason", "shots", "names"], sorted(rows, key=lambda row: row["reason"])
        )
        files.write_text(self.path / "ATTRIBUTION.md", ATTRIBUTION)
        if records:
            sheet = contact_sheet([self._picture("frames", r["name"]) for r in records], self.path / "masks")
            files.write(self.path / "contact.png", lambda beside: _write_png(beside, sheet[..., ::-1]))
        listed = [self._picture(kind, r["name"]) for kind in PICTURES for r in records]
        listed += [path for name in ("frames.csv", "contact.png") if (path := self.path / name).is_file()]
        sums = "".join(f"{files.sha256(path)}  {path.relative_to(self.path).as_posix()}\n" for path in listed)
        files.write_text(self.path / "SHA256SUMS", sums)

    def _plan(self, number: int) -> Path:
        return self.path / "plans" / f"{number}.json"

    def _picture(self, kind: str, name: str) -> Path:
        return self.path / kind / f"{name}.png"

    def _records(self) -> list[dict]:
        """In natural order of their names."""
        names = sorted(self.done(), key=frames.natural_key)
        return [files.read_json(self.path / "records" / f"{name}.json") for name in names]


def record(shot: Shot, look: Look, rendered: Rendered, shown: Scene, *, biome: str = "") -> dict:
    """What `frames.csv` says of a frame, by column; None for what does not apply, such as the distance of no trunk."""
    is_trunk = rendered.classes == classes.TRUNK
    nearest = views.nearest_trunk(rendered, shown)
    right, down = checks.edge_shift(look.picture, rendered) or (None, None)
    return {
        "name": shot.name,
        "site": shot.site,
        "biome": biome,
        "species": classes.species(nearest.node.name) if nearest else None,
        **{axis: round(value, 3) for axis, value in look.pose._asdict().items()},
        "timeofday": shot.timeofday,
        "light": light(shot.timeofday),
        "hud": int(shot.hud),
        **{f"f_{name}": round(share, 5) for name, share in views.shares(rendered).items()},
        "f_trunk25": round(float((is_trunk & (rendered.distance < NEAR_TRUNK)).mean()), 5),
        "trunk_dist": round(nearest.distance, 3) if nearest else None,
        "near_cx": round(nearest.column, 4) if nearest else None,
        "trunk_cx": round(labels.horizontal_centre(is_trunk), 4) if nearest else None,
        "trunk_plants": round(float(rendered.plants[is_trunk].mean()), 4) if nearest else None,
        "ray_trunks": line.trunks(shown, shot.pose),
        "has_trunk": int(bool(nearest)),
        "group": shot.group,
        "role": shot.role,
        "shift_right": right,
        "shift_down": down,
        "settle_s": round(look.settle_s, 2),
    }


def light(timeofday: float) -> str:
    """How bright a time of day is: midday, morning_evening, night or dark."""
    before_day = abs(timeofday - 0.5) - 0.25  # of a day; the game's light rises from 0.07 before day to 0
    if before_day > 0.04:
        return "dark"
    if before_day > 0.02:
        return "night"
    return "morning_evening" if before_day > -0.06 else "midday"


def contact_sheet(pictures: Sequence[Path], masks: Path) -> np.ndarray:
    """All frames in small, trunks outlined, RGB `[H, W, 3]`; read left to right, top to bottom."""
    rows = -(-len(pictures) // TILES_IN_A_ROW)
    sheet = np.full((rows * (TILE_HEIGHT + STRIP), TILES_IN_A_ROW * TILE_WIDTH, 3), 255, np.uint8)
    for i, path in enumerate(pictures):
        tile = cv2.resize(frames.read(path), (TILE_WIDTH, TILE_HEIGHT), interpolation=cv2.INTER_AREA)
        trunk = (labels.read_mask(masks / path.name) == classes.TRUNK).astype(np.uint8)
        trunk = cv2.resize(trunk, (TILE_WIDTH, TILE_HEIGHT), interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(trunk, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        tile = cv2.drawContours(np.ascontiguousarray(tile), outlines, -1, OUTLINE, 1)
        top, left = i // TILES_IN_A_ROW * (TILE_HEIGHT + STRIP), i % TILES_IN_A_ROW * TILE_WIDTH
        sheet[top : top + TILE_HEIGHT, left : left + TILE_WIDTH] = tile
        place = left + 2, top + TILE_HEIGHT + STRIP - 4
        cv2.putText(sheet, path.stem, place, cv2.FONT_HERSHEY_SIMPLEX, 0.33, (0, 0, 0), 1, cv2.LINE_AA)
    return sheet


def _written(folder: Path) -> list[Path]:
    """The JSON files of a folder but those that are being written."""
    return [path for path in folder.glob("*.json") if not path.name.startswith(".")]


def _write_png(path: Path, image: np.ndarray) -> None:
    """OpenCV's order of channels: blue first."""
    if not cv2.imwrite(str(path), image):
        raise OSError(f"{path}: could not be written")


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[dict]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, text.getvalue())
