"""The frame explorer: a page in which the policy runs, and the scripts beside it that carry weights and frames.

A page that is opened from disk may not fetch a file, but it may run one: so the data lie in scripts, each of which
gives one value to a global. They are named by number, never by what a study calls its frames.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Num, UInt8
from markupsafe import Markup
from PIL import Image

from minetest_interp.analysis.stats import highest
from minetest_interp.facts.hands_on import is_leftward
from minetest_interp.model import op_list
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.policy import Policy
from minetest_interp.pages.pictures import PICTURE_QUALITY, webp_address
from minetest_interp.pages.script_data import float32_text, level_text, script_json
from minetest_interp.pages.text import content_digest, html_environment

# In the order in which they build on one another.
SCRIPTS = (
    "operations", "network", "attribution", "edits", "experiments", "repeat", "page", "data", "live", "tiles",
    "numbers", "maps", "brush", "units", "saving", "explorer",
)  # fmt: skip
THUMBNAIL_QUALITY = 60  # WebP's, of 100
THUMBNAIL_WIDTH = 112  # pixels: twice what the page shows, for dense screens
EXEMPLARS = 4  # frames that are shown of a unit
CLIPPED = 0.005  # share of a layer's activations that are drawn no stronger than the rest
# Of the maps, where a study measures no evidence.
ATTRIBUTION = {"steps": 32, "samples": 16, "noise": 25.5, "patch": 8, "patch_stride": 4}


def render(
    facts: Mapping, pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]], templates: Path, *, kind: str = "grey"
) -> str:
    """The page, which finds its data in the folder `explore` beside it.

    Args:
      facts: the study's; `frames` in the order of `pictures`.
      pictures: RGB, as people see the frames.
      kind: what a frame is to the network: "grey", one picture that is repeated; "stack", or "colours".
    """
    script = "\n".join((templates / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f"\n{script}"
    words = study_words(facts, colour=kind == "colours")
    context = {
        "style": _markup(templates / "style.css"),
        "explore_style": _markup(templates / "explore.css"),
        "script": Markup(script),
        "script_digest": content_digest(script),
        "thumbnails": [webp_address(list_thumbnail(picture), quality=THUMBNAIL_QUALITY) for picture in pictures],
        "first_picture": webp_address(pictures[0], quality=PICTURE_QUALITY),
        "study_json": Markup(script_json(words)),
        "kind": kind,
        "heads": ["Frame", *facts["behaviours"], f"{facts['steering']}, mirrored"],
    }
    environment = html_environment(templates)
    environment.filters["bar_end"] = partial(bar_end, left=facts["steering"] in words["leftward"])
    return environment.get_template("frames.html.j2").render({**facts, **context})


def bar_end(steering: float, *, left: bool) -> float:
    """Where the bar of a steering ends, from -100 to 100 with what is left on the left.

    Args:
      left: whether positive steering turns left.
    """
    return round(100 * max(-1.0, min(1.0, -steering if left else steering)), 1)


def study_words(facts: Mapping, *, colour: bool) -> dict:
    """What the page's script needs to know: names, sizes, how pictures become frames, verdicts on methods."""
    network = facts["network"]
    judged = facts.get("evidence", {}).get("attribution", [])
    return {
        "name": facts["study"],
        "frames": [frame["name"] for frame in facts["frames"]],
        "size": [network["height"], network["width"]],
        "layers": [layer["name"] for layer in network["layers"]],
        "channels": {layer["name"]: layer["shape"][-1] for layer in network["layers"]},
        "questions": [*facts["definitions"], *(["value"] if "value" in network["outputs"] else [])],
        "order": facts["pictures"]["order"],
        "colour": colour,
        "steering": facts["steering"],
        "leftward": [name for name, ends in facts["definitions"].items() if is_leftward(ends)],
        "atlas": "atlas" in facts,
        "verdicts": {method["name"]: method["verdict"] for method in judged},
    }


def policy_script(
    policy: Policy,
    table: ActionTable,
    *,
    sha256: str,
    mean: Num[np.ndarray, "*plane row column"],
    computed: Mapping[str, Num[np.ndarray, "..."]],
    attribution: Mapping[str, float],
) -> str:
    """The script with the network: its operations and weights, the action table, the scales of what the page draws.

    Args:
      mean: the study's mean frame, the baseline of two methods.
      computed: every layer, and what the heads put out, on the study's frames, as `intermediates.compute` gives them.
      attribution: the study's settings of its maps, or some, or none.
    """
    network = policy.architecture
    behaviours = behaviour_weights(network, table)
    content = {
        "sha256": sha256,
        "stack": network.stack,
        "reads": network.reads,
        "layers": op_list.layers(network),
        "heads": op_list.heads(network),
        "actions": table.labels,
        "behaviours": {name: weights.tolist() for name, weights in behaviours.items()},
        "ranges": {name: drawing_range(computed[name]) for name in network.targets[1:]},
        "ends": bar_ends(behaviours, computed),
        "returns": return_span(computed["q"]) if "q" in computed else None,
        "exemplars": {name: exemplars(network, name, computed[name]) for name in network.targets[1:]},
        "attribution": {key: attribution.get(key, value) for key, value in ATTRIBUTION.items()},
        "mean": float32_text(mean),
        "weights": {
            name: {key: float32_text(np.asarray(array)) for key, array in layer.items()}
            for name, layer in policy.params.items()
        },
    }
    return f"window.studyPolicy = {script_json(content)};\n"


def behaviour_weights(network: Architecture, table: ActionTable) -> dict[str, Float[np.ndarray, " action"]]:
    """What each behaviour weighs: probabilities of actions, or their Q values where the network has these."""
    if "q" in network.outputs:
        return {name: behaviour.mean_difference for name, behaviour in table.behaviours.items()}
    return {name: behaviour.weights for name, behaviour in table.behaviours.items()}


def bar_ends(
    behaviours: Mapping[str, Float[np.ndarray, " action"]], computed: Mapping[str, Num[np.ndarray, "..."]]
) -> dict[str, float]:
    """The absolute value at which the bar of each behaviour ends, and that of the value: 1 for probabilities; where
    nearly all of the study's frames end, in units of reward, for returns."""
    ends = dict.fromkeys(behaviours, 1.0)
    if "q" in computed:
        ends = {name: drawing_range(computed["q"] @ weights) for name, weights in behaviours.items()}
    return ends | ({"value": drawing_range(computed["value"])} if "value" in computed else {})


def exemplars(
    network: Architecture, layer: str, activation: Num[np.ndarray, "frame ..."], *, count: int = EXEMPLARS
) -> list[list[list[int]]]:
    """The frames on which each channel of a layer is strongest, strongest first: the frame's number and, in a layer
    with positions, what the channel saw where it was: top, left, height and width in pixels.
    """
    channels = activation.reshape(len(activation), -1, activation.shape[-1])
    strongest, places = channels.max(1), channels.argmax(1)
    width = activation.shape[2] if activation.ndim == 4 else 1

    def row(frame: int, channel: int) -> list[int]:
        if activation.ndim != 4:
            return [frame]
        place = divmod(int(places[frame, channel]), width)
        return [frame, *(int(number) for number in network.box(layer, place))]

    return [
        [row(int(frame), channel) for frame in highest(strongest[:, channel], count=count)]
        for channel in range(activation.shape[-1])
    ]


def return_span(q: Float[np.ndarray, "frame action"]) -> tuple[float, float]:
    """The least and the greatest Q value of the study's frames, between which bars of actions lie; never the same."""
    low, high = float(q.min()), float(q.max())
    return low, high if high > low else low + 1.0


def frame_script(
    index: int,
    picture: UInt8[np.ndarray, "height width 3"],
    original: Num[np.ndarray, "*plane row column"],
    mirrored: Num[np.ndarray, "*plane row column"],
) -> str:
    """The script with one frame: for people, for the network, and its mirror image for the network.

    Args:
      original, mirrored: whole levels, of one grey frame or of a stack.
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


def list_thumbnail(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "_ _ 3"]:
    """The picture at the width of the page's list."""
    height = max(1, round(picture.shape[0] * THUMBNAIL_WIDTH / picture.shape[1]))
    return np.asarray(Image.fromarray(picture).resize((THUMBNAIL_WIDTH, height), Image.Resampling.BOX))


def _markup(path: Path) -> Markup:
    return Markup(path.read_text(encoding="utf-8"))
