"""The frame explorer: a page in which the policy runs, and the scripts beside it that carry weights and frames.

A page that is opened from disk may not fetch a file, but it may run one: so the data lie in scripts, each of which
gives one value to a global. They are named by number, never by what a study calls its frames.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Num, Shaped, UInt8
from markupsafe import Markup
from PIL import Image

from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.policy import Policy
from minetest_interp.pages.pictures import webp_address
from minetest_interp.pages.text import content_digest, html_environment

SCRIPTS = ("network", "attribution", "edits", "explorer")  # in the order in which they build on one another
PICTURE_QUALITY, THUMBNAIL_QUALITY = 78, 60  # WebP's, of 100
THUMBNAIL_WIDTH = 112  # pixels: twice what the page shows, for dense screens
CLIPPED = 0.005  # share of a layer's activations that are drawn no stronger than the rest
# Of the maps, where a study measures no evidence.
ATTRIBUTION = {"steps": 32, "samples": 16, "noise": 25.5, "patch": 8, "patch_stride": 4}


def render(facts: Mapping, pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]], templates: Path) -> str:
    """The page, which finds its data in the folder `explore` beside it.

    Args:
      facts: the study's; `frames` in the order of `pictures`.
      pictures: RGB, as players see the frames.
    """
    script = "\n".join((templates / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f"\n{script}"
    context = {
        "style": _markup(templates / "style.css"),
        "explore_style": _markup(templates / "explore.css"),
        "script": Markup(script),
        "script_digest": content_digest(script),
        "thumbnails": [webp_address(list_thumbnail(picture), quality=THUMBNAIL_QUALITY) for picture in pictures],
        "study_json": Markup(script_json(study_words(facts))),
    }
    return html_environment(templates).get_template("frames.html.j2").render({**facts, **context})


def study_words(facts: Mapping) -> dict:
    """What the page's script needs of the facts: names, how frames are made grey, verdicts on methods."""
    judged = facts.get("evidence", {}).get("attribution", [])
    return {
        "frames": [frame["name"] for frame in facts["frames"]],
        "order": facts["pictures"]["order"],
        "steering": facts["steering"],
        "leftward": [
            name for name, sides in facts["definitions"].items() if " ".join(sides["plus"].values()) == "left"
        ],
        "atlas": "atlas" in facts,
        "verdicts": {method["name"]: method["verdict"] for method in judged},
    }


def policy_script(
    policy: Policy,
    table: ActionTable,
    *,
    sha256: str,
    mean: Num[np.ndarray, "row column"],
    ranges: Mapping[str, float],
    attribution: Mapping[str, float],
) -> str:
    """The script with the network: geometry, weights, the action table, and the scales of what the page draws.

    Args:
      mean: the study's mean frame, the baseline of two methods.
      ranges: layer, and "value", to the absolute value that is drawn at full strength.
      attribution: the study's settings of its maps, or some, or none.
    """
    content = {
        "sha256": sha256,
        "geometry": policy.geometry._asdict(),
        "read_size": policy.geometry.read_size,
        "actions": table.labels,
        "behaviours": {name: behaviour.weights.tolist() for name, behaviour in table.behaviours.items()},
        "ranges": ranges,
        "attribution": {key: attribution.get(key, value) for key, value in ATTRIBUTION.items()},
        "mean": float32_text(mean),
        "weights": {
            name: {key: float32_text(array) for key, array in layer.items()} for name, layer in policy.params.items()
        },
    }
    return f"window.studyPolicy = {script_json(content)};\n"


def frame_script(
    index: int,
    picture: UInt8[np.ndarray, "height width 3"],
    original: Num[np.ndarray, "row column"],
    mirrored: Num[np.ndarray, "row column"],
) -> str:
    """The script with one frame: for people, for the network, and its mirror image for the network.

    Args:
      original, mirrored: whole grey levels.
    """
    content = {
        "picture": webp_address(picture, quality=PICTURE_QUALITY),
        "width": picture.shape[1],
        "height": picture.shape[0],
        "original": level_text(original),
        "mirrored": level_text(mirrored),
    }
    return f"window.studyFrames[{index}] = {script_json(content)};\n"


def drawing_range(activations: Num[np.ndarray, "..."]) -> float:
    """The absolute value that all but a few of a layer's activations stay within, to three digits; never 0."""
    return float(f"{np.quantile(np.abs(activations), 1 - CLIPPED):.3g}") or 1.0


def script_json(content: object) -> str:
    """JSON for inside a script element: nothing in it ends the element, whatever a study calls its frames."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def float32_text(array: Shaped[AnyArray, "..."]) -> str:
    """Little-endian float32 in base64, the last axis fastest."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def level_text(grey: Num[np.ndarray, "row column"]) -> str:
    """Whole grey levels in base64, a byte each.

    Raises:
      InputError: the levels are not whole numbers from 0 to 255.
    """
    levels = grey.astype(np.uint8)
    if not np.array_equal(levels, grey):
        raise InputError("a frame must have whole grey levels from 0 to 255; these have others. Build stacks.npz anew.")
    return base64.b64encode(levels.tobytes()).decode()


def list_thumbnail(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "_ _ 3"]:
    """The picture at the width of the page's list."""
    height = max(1, round(picture.shape[0] * THUMBNAIL_WIDTH / picture.shape[1]))
    return np.asarray(Image.fromarray(picture).resize((THUMBNAIL_WIDTH, height), Image.Resampling.BOX))


def _markup(path: Path) -> Markup:
    return Markup(path.read_text(encoding="utf-8"))
