"""What the article shows and lets its reader try: pictures as data addresses, and numbers for its scripts."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from minetest_interp.facts.hands_on import PIECES, RULES, named_side, side_of
from minetest_interp.facts.study import Arrays
from minetest_interp.pages.pictures import PICTURE_QUALITY, png_address, webp_address
from minetest_interp.pages.script_data import float32_text, level_text, script_json
from minetest_interp.pages.text import anchors

CUT_QUALITY = 90  # WebP's, of 100


class Trial(NamedTuple):
    """stills_shown, dreams_shown: rows with addresses of pictures. try_shown: `picture` and `concept`, or None.

    study_json: what the page's scripts know.
    """

    stills_shown: list[dict]
    dreams_shown: list[dict]
    try_shown: dict
    study_json: Markup


def pictured(stored: Arrays, facts: Mapping) -> Trial:
    """All of it, from what the stage `hands_on` stored."""
    side = side_of(facts["definitions"][facts["steering"]])
    stills = [
        {
            "picture": picture_address(stored[f"stills/picture/{i}"]),
            "turning": float(turned),
            "side": named_side(turned),
            "frame": str(name),
            "steering": float(side * turned),
        }
        for i, (name, turned) in enumerate(zip(stored["stills/frames"], stored["stills/turning"], strict=True))
    ]
    fields = ("name", "pictures", "control", "control_correlation")
    shown = zip(*(stored[f"dreams/{name}"] for name in fields), strict=True) if "dreams/name" in stored else ()
    links = anchors([str(name) for name in stored.get("dreams/name", ())])
    dreams = [
        {
            "name": turn_words(str(name), facts),
            "anchor": anchor,
            "picture": png_address(dream),
            "control": png_address(control),
            "similar": float(similar),
        }
        for anchor, (name, dream, control, similar) in zip(links, shown, strict=True)
    ]
    network = facts["network"]
    known = {
        "size": [network["height"], network["width"]],
        "steering": facts["steering"],
        "side": side,
        "trial": pieces_to_move(stored) if "try_it" in facts else None,
        "guesses": rounds(stored) if "guess" in facts else None,
    }
    moved: dict[str, str | None] = {"picture": None, "concept": None}
    if "try_it" in facts:
        cut = stored.get("try/concept/picture")
        moved = {
            "picture": picture_address(stored["try/picture"]),
            "concept": None if cut is None else webp_address(cut, quality=CUT_QUALITY),
        }
    return Trial(stills, dreams, moved, Markup(script_json(known)))


def turn_words(name: str, facts: Mapping) -> str:
    """What a dream of a head raises: of the steering the side to which it turns, of another the name."""
    steering = facts["steering"]
    ends = {end: " ".join(values.values()) for end, values in facts["definitions"][steering].items()}
    sides = {steering: ends["plus"], f"{steering} reversed": ends.get("minus", f"{steering} reversed")}
    return f"{name}: turn {sides[name]}" if sides.get(name) in ("left", "right") else name


def pieces_to_move(stored: Arrays) -> dict:
    """The frame that pieces are moved over, and the pieces with their answers at each place."""
    names = [name for name in PIECES if f"try/{name}/turning" in stored]
    return {"planes": level_text(stored["try/planes"]), "pieces": {name: piece(stored, name) for name in names}}


def piece(stored: Arrays, name: str) -> dict:
    """A piece for the script: its size and place, levels and shares as text, and the turns of policy and control."""
    levels, share, top, turning = (stored[f"try/{name}/{field}"] for field in ("levels", "share", "top", "turning"))
    return {
        "rows": share.shape[0],
        "columns": share.shape[1],
        "top": int(top),
        "cut": name == "concept",
        "levels": float32_text(levels),
        "share": float32_text(share),
        "turning": np.round(turning, 4).tolist(),
    }


def rounds(stored: Arrays) -> list[dict]:
    """The frames to guess on with their answers in words."""
    said = {"policy": stored["guess/turning"]} | {name: stored[f"guess/{name}"] for name in RULES}
    return [
        {"picture": picture_address(stored[f"guess/picture/{i}"]), "turning": round(float(turned), 4)}
        | {name: named_side(numbers[i]) for name, numbers in said.items()}
        for i, turned in enumerate(stored["guess/turning"])
    ]


def picture_address(picture: np.ndarray) -> str:
    """A picture for people as a data address."""
    return webp_address(picture, quality=PICTURE_QUALITY)
