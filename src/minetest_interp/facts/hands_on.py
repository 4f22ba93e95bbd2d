"""What readers of the article try, in numbers: frames at work, pieces at three places, and frames to guess on."""

from collections.abc import Mapping

from minetest_interp.analysis.hands_on import agreement_with
from minetest_interp.facts.study import Arrays

PIECES = ("rough", "dark", "light", "concept")
PLACES = ("left", "middle", "right")
RULES = ("darker", "probe")


def stills(stored: Arrays, side: int) -> list[dict]:
    """One row a frame, from the most left turn to the most right one.

    Args:
      side: +1 where the steering is positive to the left, -1 where it is to the right.
    """
    return [
        {"frame": str(name), "steering": float(side * turned), "side": named_side(turned)}
        for name, turned in zip(stored["stills/frames"], stored["stills/turning"], strict=True)
    ]


def pieces(stored: Arrays, side: int) -> dict:
    """The frame that pieces are moved over, and the steering with each piece at the left edge, in the middle and right.

    Returns:
      frame; donor, of the cut-out, None without one; rows, one for each piece: its name and, for each place, the side
      to which the policy turns, its steering and that of shuffled weights.
    """
    rows = []
    for name in PIECES:
        if (key := f"try/{name}/turning") not in stored:
            continue
        policy, control = stored[key]
        last = len(policy) - 1
        at = dict(zip(PLACES, (0, last // 2, last), strict=True))
        rows.append(
            {"name": name}
            | {
                place: {
                    "side": named_side(policy[column]),
                    "steering": float(side * policy[column]),
                    "control": float(side * control[column]),
                }
                for place, column in at.items()
            }
        )
    donor = str(stored["try/donor"]) if "try/donor" in stored else None
    return {"frame": str(stored["try/frame"]), "donor": donor, "rows": rows}


def guessing(stored: Arrays, side: int) -> dict:
    """The frames to guess on.

    Returns:
      layer, that the probe reads; rows: frame, steering, and in words the side to which the policy turns, that of the
      concept, and what each rule says. agree: on how many of them a rule names the policy's side; number: of all frames
      that could have been drawn, and share: how often a rule does there.
    """
    turning, position = stored["guess/turning"], stored["guess/position"]
    rules = {name: stored[f"guess/{name}"] for name in RULES}
    sides = {"policy": turning, "concept": -position, **rules}  # a place on the left is negative in a picture
    rows = [
        {"frame": str(frame), "steering": float(side * turning[i])}
        | {name: named_side(numbers[i]) for name, numbers in sides.items()}
        for i, frame in enumerate(stored["guess/frames"])
    ]
    return {
        "layer": str(stored["guess/layer"]),
        "rows": rows,
        "agree": {name: round(agreement_with(said, turning) * len(turning)) for name, said in rules.items()},
        "number": int(stored["guess/number"]),
        "share": {name: float(stored[f"guess/{name}/share"]) for name in RULES},
    }


def is_leftward(ends: Mapping) -> bool:
    """Whether what a behaviour adds is a turn to the left, so that it is positive to the left."""
    return list(ends["plus"].values()) == ["left"]


def side_of(ends: Mapping) -> int:
    """1 where a behaviour is positive to the left, -1 where it is not."""
    return 1 if is_leftward(ends) else -1


def named_side(turning: float) -> str:
    """The side in words of a number that is positive to the left."""
    return "left" if turning > 0 else "right" if turning < 0 else "neither"


def collect(stored: Arrays, settings: Mapping) -> tuple[dict, dict[str, str]]:
    """What of it there is, and why the rest is not there.

    Args:
      settings: the study's `actions`.
    """
    side = side_of(settings["behaviours"][settings["steering"]])
    found: dict = {"stills": stills(stored, side)}
    if "dreams/name" in stored:
        pairs = zip(stored["dreams/name"], stored["dreams/control_correlation"], strict=True)
        found["head_dreams"] = [{"name": str(name), "control_correlation": float(similar)} for name, similar in pairs]
    if "reason" in stored:
        return found, dict.fromkeys(("try_it", "guess"), str(stored["reason"]))
    found["try_it"] = pieces(stored, side)
    if not len(stored["guess/frames"]):
        return found, {"guess": "on no labelled frame with the concept on one side does the policy clearly turn"}
    return found | {"guess": guessing(stored, side)}, {}
