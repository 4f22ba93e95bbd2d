"""Nodes of the game to the classes of a mask.

A mask knows what fills whole nodes. *Plants* - grass, flowers, bushes' stems, torches, thin snow: whatever does not
fill its node - are see-through: a pixel belongs to what is behind them. Leaves are solid in a mask although the game
draws holes into them; apples fill their node; fallen logs are trunk.
"""

from collections.abc import Mapping, Sequence

import numpy as np

SKY, TRUNK, LEAVES, GROUND, PLANT, WATER, APPLE, UNKNOWN = 0, 1, 2, 3, 4, 5, 6, 9
NAMES = {
    SKY: "sky",
    TRUNK: "trunk",
    LEAVES: "leaves",
    GROUND: "ground",
    PLANT: "plant",
    WATER: "water",
    APPLE: "apple",
    UNKNOWN: "unknown",
}
SPECIES = {
    "default:tree": "apple",
    "default:jungletree": "jungle",
    "default:pine_tree": "pine",
    "default:acacia_tree": "acacia",
    "default:aspen_tree": "aspen",
}
LIQUIDS = ("liquid", "flowingliquid")
WHOLE = ("normal", "glasslike", "glasslike_framed", "glasslike_framed_optional", "allfaces", "allfaces_optional")
ROOTED = "plantlike_rooted"  # coral and kelp: a whole node of sea floor with a plant on top


def classify(names: Sequence[str], drawtypes: Mapping[str, Mapping]) -> np.ndarray:
    """The class of each node name, uint8 `[len(names)]`; PLANT marks nodes that rays pass through.

    Args:
      drawtypes: node name to {"drawtype": ..., "groups": {group: rating}} as the game has registered it; names that are
        not in it, and the game's own "ignore" (not generated), become UNKNOWN.
    """
    return np.array([_class(name, drawtypes.get(name)) for name in names], np.uint8)


def species(name: str) -> str:
    """The kind of tree of a trunk node; its technical name where the game's mod is not the default one."""
    return SPECIES.get(name, name)


def _class(name: str, registered: Mapping | None) -> int:
    if registered is None or name == "ignore":
        return UNKNOWN
    # The game's Lua writes an empty table as an empty list.
    drawtype, groups = registered["drawtype"], dict(registered["groups"] or {})
    if drawtype == "airlike":
        return SKY
    if groups.get("food_apple"):
        return APPLE
    if groups.get("flower") or groups.get("flora"):
        return PLANT
    if groups.get("tree"):
        return TRUNK
    if groups.get("leaves"):
        return LEAVES
    if drawtype in LIQUIDS:
        return WATER
    return GROUND if drawtype in WHOLE or drawtype == ROOTED else PLANT
