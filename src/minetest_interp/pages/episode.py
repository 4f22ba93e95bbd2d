"""The page of an episode: the film step by step, curves over time, a map from above, and the policy on every frame."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from markupsafe import Markup

from minetest_interp.facts.study import Arrays
from minetest_interp.pages.curves import Curve, curve, from_above
from minetest_interp.pages.explorer import list_thumbnail, study_words
from minetest_interp.pages.film import every, sheet_of
from minetest_interp.pages.pictures import webp_address
from minetest_interp.pages.script_data import script_json
from minetest_interp.pages.text import content_digest, deflated, html_environment

# In the order in which they build on one another.
SCRIPTS = (
    "operations", "network", "attribution", "edits", "experiments", "page", "data", "tiles", "maps", "silencing",
    "episode",
)  # fmt: skip
STILLS, STILL_QUALITY, THUMBNAIL_QUALITY = 8, 70, 60  # how many, and WebP's quality of 100
STRAIGHT = 0.005  # of the steering
DIGITS = 4  # of numbers that the page has of each step


def render(
    facts: Mapping, shown: Arrays, pictures: UInt8[np.ndarray, "picture height width 3"], sheet: str, templates: Path
) -> str:
    """The page, which finds the sheet of pictures beside it, and its frames and the network in the folder `explore`.

    Args:
      facts: the study's, with `episode`. shown: what `facts.episode.filmed` gives. sheet: the file of its pictures.
    """
    script = "\n".join((templates / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f"\n{script}"
    apart = every(len(pictures), len(shown["turn"]))
    words = study_words(facts, colour=False)
    side = 1 if facts["steering"] in words["leftward"] else -1
    context = {
        "style": _read(templates, "style.css"),
        "explore_style": _read(templates, "explore.css"),
        "episode_style": _read(templates, "episode.css"),
        "script": Markup(script),
        "script_digest": content_digest(script),
        "sheet": sheet,
        "picture_size": pictures.shape[2:0:-1],
        "stills": [still(shown, step, pictures[step // apart], side)
                   for step in middle_steps(len(shown["turn"]), STILLS)],
        "thumbnails": [webp_address(list_thumbnail(pictures[step // apart]), quality=THUMBNAIL_QUALITY)
                       for step in shown["moments"]],
        "curves": curves(shown, side),
        "above": from_above(shown["pose"], shown["trees"], shown["dug"] > 0),
        "every": apart,
        "last_step": len(shown["turn"]) - 1,
        "known_percent": 100 * int(shown["known"]) / max(len(shown["turn"]) - 1, 1),
        "study_json": Markup(script_json(words | step_numbers(shown, side) | lies(pictures, apart, sheet))),
    }  # fmt: skip
    return html_environment(templates).get_template("episode.html.j2").render({**facts, **context})


def frames_script(frames: UInt8[np.ndarray, "step row column"]) -> str:
    """The script with the frames that the policy saw: all steps one after the other, deflated, in base64."""
    return f"window.studyEpisode = {script_json({'frames': deflated(frames.tobytes())})};\n"


def middle_steps(steps: int, count: int) -> list[int]:
    """The middle step of each of `count` equal parts of an episode, fewer where it has fewer steps."""
    return sorted({int(steps * (i + 0.5) / count) for i in range(count)})


def still(shown: Arrays, step: int, picture: UInt8[np.ndarray, "height width 3"], side: int) -> dict:
    """A picture as an address, and what its caption says."""
    return {
        "picture": webp_address(picture, quality=STILL_QUALITY),
        "step": step,
        "seconds": step * float(shown["step_s"]),
        "turned": turned(side * float(shown["turn"][step])),
    } | {name: finite(shown[name][step]) for name in ("value", "earned")}


def turned(turn: float) -> str:
    """Which way it turns, positive is left, and by how much."""
    return "straight on" if abs(turn) < STRAIGHT else f"turns {'left' if turn > 0 else 'right'} {abs(turn):.2f}"


def curves(shown: Arrays, side: int) -> list[Curve]:
    """What is drawn over time: steering with left above, the value, the reward with its trunks, and the advantage."""
    dug = np.flatnonzero(shown["dug"])
    small = np.where(shown["dug"] > 0, np.nan, shown["shaped"])
    known = shown["advantage"][: int(shown["known"])]
    drawn = [
        curve("value", shown["value"], zero=True),
        curve("turn", side * shown["turn"], symmetric=True),
        curve("shaped", shown["shaped"], within=small, marks=dug, spikes=True),
        curve("advantage", shown["advantage"], within=known, symmetric=True, marks=shown["moments"]),
    ]
    return [one for one in drawn if one is not None]


def step_numbers(shown: Arrays, side: int) -> dict:
    """The numbers of each step, for the script; `turn` is positive to the left."""
    numbers = {name: shown[name] for name in ("value", "shaped", "earned", "advantage")}
    numbers["turn"] = side * shown["turn"]
    return {
        "steps": len(shown["turn"]),
        "seconds": float(shown["step_s"]),
        "pose": np.round(shown["pose"][:, [0, 2, 3]].astype(float), 2).tolist(),
        "numbers": {name: [finite(x) for x in array] for name, array in numbers.items()},
        "dug": shown["dug"].tolist(),
        "took": shown["action"].tolist(),
        "moments": shown["moments"].tolist(),
        "side": side,
    }


def lies(pictures: UInt8[np.ndarray, "picture height width 3"], apart: int, sheet: str) -> dict:
    """Where the script finds a step's picture."""
    return {"sheet": {"file": sheet, "every": apart, "count": len(pictures), **sheet_of(pictures)._asdict()}}


def finite(x: float | np.floating) -> float | None:
    """A number to a few digits; None for NaN, which JSON lacks."""
    return round(float(x), DIGITS) if np.isfinite(x) else None


def _read(templates: Path, name: str) -> Markup:
    return Markup((templates / name).read_text(encoding="utf-8"))
