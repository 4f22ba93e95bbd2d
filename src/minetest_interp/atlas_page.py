"""An atlas as one browsable HTML page: an index of all units, and a part for each that its own link shows.

Pictures are grey levels `[S, S]`, 0..255; a *box* is (top, left, size) in pixels. The template `atlas.html.j2` has the
words; here every place and length that it writes is computed. A real frame is in the file once, and parts point at it.
"""

import base64
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup
from PIL import Image

from minetest_interp import scores
from minetest_interp.atlas_facts import SCORES, unit_scores
from minetest_interp.errors import InputError
from minetest_interp.report import html_environment, one_line

WIDTH, HEIGHT, BASE = 320, 132, 110  # of a histogram, in CSS pixels; bars stand on BASE, with the axis' labels below
MARGIN, TALLEST = 12, 92
CLOSED_FORM = "conv0"  # the layer whose dreams are computed and not ascended to


def render(facts: Mapping, atlas: Mapping[str, np.ndarray], stacks: Mapping[str, np.ndarray], templates: Path) -> str:
    """The page, which needs no other file.

    Args:
      facts: the study's, for its title, sources and sizes.
      atlas: as the atlas' stage writes it, `frames` and `mean` included.
      stacks: `frames` `[N]` and their grey pictures `original` `[N, S, S]`.

    Raises:
      InputError: the atlas shows a frame that `stacks` lacks.
    """
    environment = html_environment(templates)
    environment.filters["picture"] = png_address
    style = Markup((templates / "style.css").read_text(encoding="utf-8"))
    size = atlas["mean"].shape[-1]
    context = {
        "style": style,
        "size": size,
        "mean": atlas["mean"],
        "scores": SCORES,
        "edge": scores.EDGE,
        "top": scores.TOP,
        "histogram_size": (WIDTH, HEIGHT, BASE),
        "frames": shown_frames(atlas, stacks),
        "layers": by_layer(unit_parts(atlas, min(facts["network"]["read_size"], size))),
    }
    return environment.get_template("atlas.html.j2").render({**facts, **context})


def shown_frames(atlas: Mapping[str, np.ndarray], stacks: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
    """The frames that any unit's patches come from: index to grey picture."""
    names = [str(name) for name in stacks["frames"]]
    shown = {}
    for index in np.unique(atlas["patch_frame"]):
        name = str(atlas["frames"][index])
        if name not in names:
            raise InputError(f"the atlas shows the frame {name!r}, which the stacks lack. Build both from one study.")
        shown[int(index)] = stacks["original"][names.index(name)]
    return shown


def unit_parts(atlas: Mapping[str, np.ndarray], read: int) -> list[dict]:
    """What the page shows of each unit, in the atlas' order. read: pixels per side that the network reads at all."""
    names = [one_line(str(name)) for name in atlas["name"]]
    links = anchors(names)
    frames = [one_line(str(name)) for name in atlas["frames"]]
    size = atlas["mean"].shape[-1]
    parts = []
    for i, (name, link) in enumerate(zip(names, links, strict=True)):
        box = tuple(int(number) for number in atlas["box"][i])
        layer = str(atlas["layer"][i])
        closed = layer == CLOSED_FORM
        pictures = [("dream", picture) for picture in atlas["pictures"][i]]
        controls = [("control", picture) for picture in atlas["control"][i]]
        # The closed form knows no seeds: one picture says it all.
        shown = pictures[:1] + controls[:1] if closed else pictures + controls
        seeds = [None, None] if closed else [*range(len(pictures)), *range(len(controls))]
        parts.append(
            {
                "name": name,
                "short": name.removeprefix(f"{layer}/"),
                "anchor": link,
                "layer": layer,
                "closed_form": closed,
                "flag": str(atlas["flag"][i]),
                "constant": bool(atlas["constant"][i]),
                "box": box,
                "whole": box[2] >= size,
                "read": _within(box, read),
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
                "patches": [
                    {
                        "frame": int(frame),
                        "name": frames[frame],
                        "box": (int(top), int(left), box[2]),
                        "activation": float(activation),
                    }
                    for frame, top, left, activation in zip(
                        *(atlas[f"patch_{key}"][i] for key in ("frame", "top", "left", "activation")), strict=True
                    )
                ],
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


def by_layer(parts: Sequence[dict]) -> list[dict]:
    """The parts of each layer together, layers in the order of their first unit."""
    layers = dict.fromkeys(part["layer"] for part in parts)
    return [{"name": layer, "units": [part for part in parts if part["layer"] == layer]} for layer in layers]


def anchors(names: Sequence[str]) -> list[str]:
    """Names as fragments of an address: no spaces, no two alike, and no colon, which the page keeps for itself."""
    taken: list[str] = []
    for name in names:
        link, count = re.sub(r"[\s:]+", "-", name), 1
        while (numbered := link if count == 1 else f"{link}-{count}") in taken:
            count += 1
        taken.append(numbered)
    return taken


def cut(picture: np.ndarray, box: tuple[int, int, int]) -> np.ndarray:
    """The part of a picture `[S, S]` inside a box."""
    top, left, size = box
    return picture[top : top + size, left : left + size]


def histogram(counts: np.ndarray, edges: np.ndarray) -> dict:
    """An outline of the bars, where zero stands, and what the axis' ends say; zero is always on the axis."""
    low, high = min(float(edges[0]), 0.0), max(float(edges[-1]), 0.0)
    # Labels of the ends stand below the axis and that of zero above the bars, so that they never meet.
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


def png_address(picture: np.ndarray) -> str:
    """Grey levels as a data address of an 8-bit PNG."""
    file = io.BytesIO()
    levels = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
    Image.fromarray(levels).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _within(box: tuple[int, int, int], read: int) -> tuple[int, int, int, int]:
    """(top, left, height, width) of what is inside a box and read by the network."""
    top, left, size = box
    return top, left, min(size, read - top), min(size, read - left)
