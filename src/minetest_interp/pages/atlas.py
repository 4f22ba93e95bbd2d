"""An atlas as a page to browse: an index of all units, and a part for each that its own link shows.

The index is one file that a reader can open alone; what it shows of a unit comes from a script beside it on demand: a
page that is opened from disk may load a script but may not fetch a file. Pictures are grey levels `[H, W]`, 0..255; a
*box* is (top, left, height, width) in pixels. The templates `atlas.html.j2` and `atlas_unit.html.j2` have the
words; here every place and length that they write is computed.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num
from markupsafe import Markup

from minetest_interp.analysis import circuits, weights
from minetest_interp.dreams import scores
from minetest_interp.dreams.exemplars import Observed
from minetest_interp.facts import units as unit_facts
from minetest_interp.facts.atlas import SCORES, unit_scores
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.policy import Policy
from minetest_interp.pages import unit_frames
from minetest_interp.pages.pictures import png, png_address
from minetest_interp.pages.text import anchors, content_digest, deflated, html_environment, missing_page, one_line

PAGE, FOLDER = "atlas.html", "atlas"  # beside each other; the folder has what the page shows on demand
WIDTH, HEIGHT, BASE = 320, 132, 110  # of a histogram, in CSS pixels; bars stand on BASE, with the axis' labels below
MARGIN, TALLEST = 12, 92
MARKS = 5  # shapes on the map of units, one for each layer, in turn
STRONGEST, BEHIND = 8, 3  # rows of a table of weights or channels, and channels behind a hidden unit


class Evidence(NamedTuple):
    """Arrays of the measurements of that name; empty if the study did not run that measurement."""

    units: Mapping[str, np.ndarray] = {}
    causal: Mapping[str, np.ndarray] = {}
    circuits: Mapping[str, np.ndarray] = {}


def render(
    facts: Mapping,
    atlas: Mapping[str, np.ndarray],
    stacks: Mapping[str, np.ndarray],
    templates: Path,
    *,
    policy: Policy,
    behaviours: Mapping[str, Behaviour],
    evidence: Evidence,
    observed: Observed | None,
) -> dict[str, bytes]:
    """The page and the files it needs: path from the report's folder to content.

    Where there is no atlas, the page alone says why.

    Args:
      facts: the study's, for its title, sources, sizes and claims.
      atlas: as the atlas' stage writes it, `frames` and `mean` included.
      stacks: `frames` `[N]` and their grey pictures `original` `[N, H, W]`.
      observed: of all units, None where there is no atlas.
    """
    environment = html_environment(templates)
    environment.filters["picture"] = png_address
    style, script = (Markup((templates / name).read_text(encoding="utf-8")) for name in ("style.css", "atlas.js"))
    if observed is None:
        reason = f"Not measured: {facts['not_measured']['atlas']}"
        return {PAGE: missing_page("Atlas", reason, facts, templates).encode()}
    parts = unit_parts(atlas, facts["network"]["reads"])
    names = {part["name"]: part["anchor"] for part in parts}
    frames, places = [str(name) for name in atlas["frames"]], unit_frames.map_places(observed.places)
    vectors = readout_vectors(policy, behaviours)
    for i, part in enumerate(parts):
        found = part_evidence(part, evidence, policy.architecture.maps, facts["steering"]) | {
            "claims": unit_facts.claims_about(facts.get("claims", ()), part["name"]),
            "joints": joints(part, policy, atlas, vectors),
            "ends": head_ends(part["name"], facts["definitions"]),
        }
        part |= found | unit_frames.observed_part(observed, i, list(names), frames, found["trunk"])
        part |= {"file": f"{FOLDER}/{i}.js", "order": orders(part["natural_mean"], found), "place": places[i]}
    context = {
        **facts,
        "style": style,
        "script": script,
        "script_digest": content_digest(script),
        "folder": FOLDER,
        "sides": atlas["mean"].shape,
        "path_layers": [str(name) for name in atlas["path_layers"]],
        "affine_layer": str(atlas["affine_layer"]),
        "last": policy.architecture.targets[-1],
        "before_last": policy.architecture.targets[-2],
        "mean": atlas["mean"],
        "scores": SCORES,
        "edge": scores.EDGE,
        "top": scores.TOP,
        "histogram_size": (WIDTH, HEIGHT, BASE),
        "anchors": names,
        "measured": bool(evidence.units),
        "ablated": bool(evidence.causal),
        "map": {"size": unit_frames.MAP_SIZE, "shown": observed.shown, "frames": observed.frames},
        "judged": len(frames),
        "conflict_q": unit_facts.CONFLICT_Q,
        "labelled": observed.labelled,
        "layers": by_layer(parts),
    }
    made = {PAGE: environment.get_template("atlas.html.j2").render(context).encode()}
    unit_page = environment.get_template("atlas_unit.html.j2")
    for i, part in enumerate(parts):
        packed = deflated(unit_page.render(context, unit=part).strip().encode())
        made[part["file"]] = f'addUnit({i}, "{packed}");\n'.encode()
    for i, grey in shown_frames(parts, frames, stacks).items():
        made[f"{FOLDER}/frame-{i}.png"] = png(grey)
    return made


def shown_frames(
    parts: Sequence[Mapping], frames: Sequence[str], stacks: Mapping[str, np.ndarray]
) -> dict[int, np.ndarray]:
    """The frames that any unit's patches come from: index to grey picture."""
    names = [str(name) for name in stacks["frames"]]
    used = {patch["frame"] for part in parts for key in ("patches", "middle", "lowest") for patch in part[key]}
    return {index: stacks["original"][names.index(frames[index])] for index in sorted(used)}


def unit_parts(atlas: Mapping[str, np.ndarray], reads: Sequence[int]) -> list[dict]:
    """What the page shows of each unit, in the atlas' order. reads: rows and columns that the network reads at all."""
    names = [one_line(str(name)) for name in atlas["name"]]
    links = anchors(names)
    frames = [str(name) for name in atlas["frames"]]
    sides, parts = atlas["mean"].shape, []
    for i, (name, link) in enumerate(zip(names, links, strict=True)):
        box = top, left, height, width = tuple(int(number) for number in atlas["box"][i])
        layer = str(atlas["layer"][i])
        closed = layer == str(atlas["affine_layer"])
        pictures = [("dream", picture) for picture in atlas["pictures"][i]]
        controls = [("control", picture) for picture in atlas["control"][i]]
        # The closed form knows no seeds: one picture says it all.
        shown = pictures[:1] + controls[:1] if closed else pictures + controls
        seeds = [None, None] if closed else [*range(len(pictures)), *range(len(controls))]
        parts.append(
            {
                "name": name,
                "number": i,
                "short": name.removeprefix(f"{layer}/"),
                "anchor": link,
                "layer": layer,
                "channel": int(number[1]) if (number := re.fullmatch(rf"{layer}/(\d+)", name)) else None,
                "closed_form": closed,
                "flag": str(atlas["flag"][i]),
                "constant": bool(atlas["constant"][i]),
                "box": box,
                "whole": (height, width) == sides,
                "read": (top, left, min(height, reads[0] - top), min(width, reads[1] - left)),
                "thumbnail": cut(atlas["pictures"][i][0], box),
                "pictures": [
                    {
                        "kind": kind,
                        "seed": None if seed is None else seed + 1,
                        "id": f"{kind}:{i}:{seed or 0}",
                        "grey": grey,
                    }
                    for (kind, grey), seed in zip(shown, seeds, strict=True)
                ],
                "patches": [unit_frames.shown_patch(each, frames) for each in unit_frames.strongest_frames(atlas, i)],
                "positions": int(atlas["histogram"][i].sum()),
                "histogram": histogram(atlas["histogram"][i], atlas["edges"][i]),
                "active": float(atlas["active"][i]),
                "natural_mean": float(atlas["natural_mean"][i]),
                "natural_sd": float(atlas["natural_sd"][i]),
                "scores": unit_scores(atlas, i),
                "before": {"name": names[i - 1], "anchor": links[i - 1]} if i else None,
                "after": {"name": names[i + 1], "anchor": links[i + 1]} if i + 1 < len(names) else None,
            }
        )
    return parts


def part_evidence(part: Mapping, evidence: Evidence, maps: Sequence[str], steering: str) -> dict:
    """What the evidence has on a unit, None where nothing: of a channel its own, of a head what channels do to it."""
    layer, channel = part["layer"], part["channel"]
    found = dict.fromkeys(("trunk", "gradient", "removal", "movers", "carriers"))
    if channel is not None:
        return found | {
            "trunk": unit_facts.trunk_overlap(evidence.units, layer, channel),
            "gradient": unit_facts.gradient_following(evidence.units, layer, channel),
            "removal": unit_facts.removal_effects(evidence.causal, layer, channel, steering),
        }
    if layer != "head":
        return found
    head = part["name"].removesuffix(" reversed")
    readout, sign = f"{head} drive" if head != "value" else head, 1 if head == part["name"] else -1
    return found | {
        "movers": unit_facts.movers(evidence.causal, maps, head, sign=sign, count=STRONGEST),
        "carriers": unit_facts.carriers(evidence.circuits, maps[-1], readout, sign=sign, count=STRONGEST),
    }


def head_ends(name: str, definitions: Mapping[str, Mapping]) -> dict | None:
    """What a behaviour's unit prefers, `more`, to what it has `less`, in words; None of any other unit.

    A name that ends in "reversed" is a behaviour with its sign reversed, so that the two change places.
    """
    behaviour = name.removesuffix(" reversed")
    if behaviour not in definitions:
        return None
    plus, minus = (list(definitions[behaviour].get(end, {}).values()) for end in ("plus", "minus"))
    more, less = (plus, minus) if behaviour == name else (minus, plus)
    return {"behaviour": behaviour, "reversed": behaviour != name, "more": more, "less": less}


def readout_vectors(policy: Policy, behaviours: Mapping[str, Behaviour]) -> dict[str, Float[np.ndarray, " unit"]]:
    """The weights over the last layer of the critic's value and of each behaviour's drive, both ways, by unit name.

    Of a network whose Q values are means of distributions there are none.
    """
    if policy.architecture.atoms is not None:
        return {}
    found = {"value": circuits.value_readout(policy)} if "critic" in policy.params else {}
    for name, behaviour in behaviours.items():
        found[name] = circuits.behaviour_drive(policy, behaviour)
    vectors = {name: np.asarray(readout.weights[0]) for name, readout in found.items()}
    return {one_line(name): vector for name, vector in vectors.items()} | {
        one_line(f"{name} reversed"): -vectors[name] for name in behaviours
    }


def joints(
    part: Mapping, policy: Policy, atlas: Mapping[str, np.ndarray], vectors: Mapping[str, np.ndarray]
) -> dict[str, list]:
    """A unit's strongest weights, as rows of name, weight and `bar`, its length as a percentage of the first row's.

    Returns:
      members, the channels of a direction; incoming and outgoing, those of the layers before and after (a head's have
      the channels `behind` each unit of the last layer); kernels, what a unit of the first layer reads of each frame of
      the stack, mid-grey where nothing.
    """
    layer, network = part["layer"], policy.architecture
    found: dict[str, list] = {key: [] for key in ("members", "incoming", "outgoing", "kernels")}
    if layer == "head":
        return found | {"incoming": _behind_head(policy, vectors[part["name"]])} if part["name"] in vectors else found
    if part["channel"] is None:
        direction = atlas[f"{layer}/directions"][int(part["name"].rsplit(" ", 1)[1])]
        found["members"] = rows_of(layer, weights.strongest(direction[None], count=STRONGEST))
    else:
        direction = np.eye(network.shape(layer)[-1])[part["channel"]]
    before, after = weights.strongest_weights(policy, layer, direction, count=STRONGEST)
    place = network.targets.index(layer)
    if part["closed_form"]:
        slices, height = weights.slices_in(policy, layer, direction), len(policy.params[layer]["kernel"])
        norms = {joint.unit: joint.weight for joint in before}
        found["kernels"] = [(grey, norms[i]) for i, grey in enumerate(kernel_pictures(slices, height))]
    else:
        found["incoming"] = rows_of(network.targets[place - 1], before)
    if layer == network.targets[-1]:
        # The other way round a behaviour reads the contrary, which is no other joint.
        names = [name for name in vectors if not name.endswith(" reversed")]
        read = np.array([vectors[name] @ direction for name in names])
        after = weights.strongest(read[None], count=len(names))
        return found | {"outgoing": with_bars([{"name": names[i], "weight": weight} for i, weight in after])}
    return found | {"outgoing": rows_of(network.targets[place + 1], after)}


def _behind_head(policy: Policy, vector: Float[np.ndarray, " unit"]) -> list[dict]:
    """The units of the last layer that a head reads most, and the channels behind each."""
    *_, before, last = policy.architecture.targets
    strongest = weights.strongest(vector[None], count=STRONGEST)
    rows = rows_of(last, strongest)
    if weights.is_joined(policy.architecture, last):
        for row, joint in zip(rows, strongest, strict=True):
            one = np.eye(len(vector))[joint.unit]
            row["behind"] = rows_of(before, weights.strongest(weights.slices_in(policy, last, one), count=BEHIND))
    return rows


def rows_of(layer: str, found: Sequence[weights.Joint]) -> list[dict]:
    """Joints as rows that name the channels of a layer as units are named."""
    return with_bars([{"name": f"{layer}/{unit}", "weight": weight} for unit, weight in found])


def with_bars(rows: Sequence[dict]) -> list[dict]:
    longest = max((abs(row["weight"]) for row in rows), default=0.0) or 1.0
    return [{"behind": (), **row, "bar": round(100 * abs(row["weight"]) / longest)} for row in rows]


def kernel_pictures(slices: Float[np.ndarray, "place frame"], height: int) -> list[Float[np.ndarray, "row column"]]:
    """Each frame's slices as a picture of that height, on one scale: 0 is grey, the largest weight white or black."""
    levels = 127.5 + 127.5 * slices / (np.abs(slices).max() or 1.0)
    return list(levels.T.reshape(-1, height, len(slices) // height))


def orders(mean: float, found: Mapping) -> dict[str, float | None]:
    """The numbers by which the index sorts its units, None where one was not measured."""
    concept = found["trunk"] or found["gradient"]
    return {
        "concept": concept and concept["held_out" if found["trunk"] else "correlation"],
        "effect": found["removal"] and found["removal"]["rows"][0]["size"],
        "mean": mean,
    }


def by_layer(parts: Sequence[dict]) -> list[dict]:
    """The parts of each layer together, layers in the order of their first unit; mark: the layer's on the map."""
    layers = dict.fromkeys(part["layer"] for part in parts)
    return [
        {"name": layer, "mark": i % MARKS, "units": [part for part in parts if part["layer"] == layer]}
        for i, layer in enumerate(layers)
    ]


def cut(picture: Num[np.ndarray, "row column"], box: Sequence[int]) -> Num[np.ndarray, "_ _"]:
    """The part of a picture inside a box."""
    top, left, height, width = box
    return picture[top : top + height, left : left + width]


def histogram(counts: Num[np.ndarray, " bin"], edges: Num[np.ndarray, " bin+1"]) -> dict:
    """An outline of the bars, where zero stands, and what the axis' ends say; zero is always on the axis."""
    low, high = min(float(edges[0]), 0.0), max(float(edges[-1]), 0.0)
    # Labels of the ends stand below the axis and that of zero above the bars, so that they never overlap.
    scale = (WIDTH - 2 * MARGIN) / (high - low)
    places = [MARGIN + (float(edge) - low) * scale for edge in edges]
    tops = BASE - TALLEST * np.asarray(counts, np.float64) / max(1, counts.max())
    steps = "".join(f"V{top:.1f}H{right:.1f}" for top, right in zip(tops, places[1:], strict=True))
    return {
        "outline": f"M{places[0]:.1f} {BASE}{steps}V{BASE}Z",
        "zero": round(MARGIN - low * scale, 1),
        "low": low,
        "high": high,
        "ends": (MARGIN, WIDTH - MARGIN),
    }
