"""A field of the world that readers move through: all frames on one sheet, and what the policy does in each cell."""

from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from minetest_interp.facts.study import Arrays
from minetest_interp.model.field import SAME, STACKS, is_night
from minetest_interp.pages.pictures import webp_address
from minetest_interp.pages.script_data import script_json

ROUNDED = 4  # decimals of a number on the page
QUALITY = 60  # WebP's, of 100


class Slider(NamedTuple):
    """levels: by factor, those of the sweeps; bearings from left to right, of a time its `clock` and if it is `night`.

    places: of the map; each with its cell, its row and column from 1, nodes `before` the tree (or beyond) and `aside`,
    steering positive to the left, and the value in percent of the field's range or None. tree: its row and column.
    ends: least and greatest on the charts of `turning` and `value`, None without. study_json: what the script knows.
    """

    levels: dict[str, list]
    places: list[dict]
    tree: tuple[int, int]
    ends: dict[str, tuple[float, float] | None]
    study_json: Markup


def slider(cells: Arrays, *, side: int) -> Slider | None:
    """All of it, None without a sweep over bearings.

    Args:
      cells: the stacks and columns of a field with `turn` and `value`, NaN without one, `[cell]`.
      side: 1 where positive steering turns left, -1 where it turns right.
    """
    swept = ~cells["map"]
    if not swept.any():
        return None
    turning = side * cells["turn"].astype(np.float64)
    value = cells["value"].astype(np.float64) if np.isfinite(cells["value"]).all() else None
    levels = {name: list(dict.fromkeys(cells[name][swept].tolist())) for name in ("bearing", *SAME)}
    levels |= {"bearing": sorted(levels["bearing"], reverse=True), "distance": sorted(levels["distance"])}
    codes = {
        name: [of.index(level) if free else None for level, free in zip(cells[name].tolist(), swept, strict=True)]
        for name, of in levels.items()
    }
    ends = {"turning": _around_zero(turning), "value": None if value is None else _ends(value)}
    places, tree = _places(cells, turning, value)
    frames = cells[STACKS][:, -1]
    known = {
        "size": frames.shape[1:],
        "side": side,
        "codes": codes,
        "bearings": levels["bearing"],
        "turning": turning.round(ROUNDED).tolist(),
        "value": None if value is None else value.round(ROUNDED).tolist(),
        "ends": ends,
        "columns": _columns(len(frames)),
        "sheet": webp_address(sheet(frames), quality=QUALITY),
    }
    night = is_night(np.array(levels["time"])).tolist()
    times = [{"clock": _clock(time), "night": dark} for time, dark in zip(levels["time"], night, strict=True)]
    return Slider(levels | {"time": times}, places, tree, ends, Markup(script_json(known)))


def sheet(frames: np.ndarray) -> np.ndarray:
    """Grey frames `[cell, row, column]` side by side in rows, as a picture `[h, w, 3]`."""
    across = _columns(len(frames))
    down = -(-len(frames) // across)
    padded = np.zeros((down * across, *frames.shape[1:]), np.uint8)
    padded[: len(frames)] = frames
    height, width = frames.shape[1:]
    grey = padded.reshape(down, across, height, width).transpose(0, 2, 1, 3).reshape(down * height, across * width)
    return np.repeat(grey[..., None], 3, axis=2)


def _columns(cells: int) -> int:
    return int(np.ceil(np.sqrt(cells)))


def _places(cells: Arrays, turning: np.ndarray, value: np.ndarray | None) -> tuple[list[dict], tuple[int, int]]:
    """The places of the map as the agent looks up the page, and where in their grid the tree is."""
    on_map = np.flatnonzero(cells["map"])
    bearing = np.radians(cells["bearing"][on_map].astype(np.float64))
    distance = cells["distance"][on_map]
    right, before = ((distance * turned(bearing)).round(1) + 0.0 for turned in (np.sin, np.cos))
    columns, rows = (np.union1d(places, 0.0).tolist() for places in (right, before))
    low, high = (0.0, 1.0) if value is None else (value.min(), max(value.max(), value.min() + 1e-9))
    found = [
        {
            "cell": int(cell),
            "row": rows.index(ahead) + 1,
            "column": columns.index(aside) + 1,
            "before": abs(ahead),
            "ahead": "before" if ahead > 0 else "beyond",
            "aside": abs(aside),
            "side": "right" if aside > 0 else "left",
            "turning": float(turning[cell]),
            "value": None if value is None else round(100 * (value[cell] - low) / (high - low)),
        }
        for cell, aside, ahead in zip(on_map, right.tolist(), before.tolist(), strict=True)
    ]
    return found, (rows.index(0.0) + 1, columns.index(0.0) + 1)


def _clock(time: float) -> str:
    """Of a day from midnight to the next, as hours and minutes."""
    hours, minutes = divmod(round(24 * 60 * time), 60)
    return f"{hours:02}:{minutes:02}"


def _ends(numbers: np.ndarray) -> tuple[float, float]:
    """Tenths below the least and above the greatest."""
    low, high = np.floor(10 * numbers.min()) / 10, np.ceil(10 * numbers.max()) / 10
    return float(low), float(max(high, low + 0.1))


def _around_zero(numbers: np.ndarray) -> tuple[float, float]:
    _, most = _ends(np.abs(numbers))
    return -most, most
