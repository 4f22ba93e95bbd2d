"""Colours that mean different things stay apart for readers with any kind of colour vision, on paper and in the dark.

How a reader sees colours is simulated after Machado, Oliveira and Fernandes (2009), at full severity; how far apart
they are is their distance in CIE L*a*b* (1976), of which about 2 is the least that can be told side by side.
"""

import itertools
import re

import numpy as np
import pytest

import style
from tests.conftest import ROOT

VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
APART = 20.0
CSS = (ROOT / "report/style.css").read_text(encoding="utf-8")
NAMES = {"supported": "supported", "partly": "partly", "contradicted": "contradicted",
         "no effect that matters": "no-effect", "cannot tell": "cannot-tell"}  # fmt: skip


def page(*names, dark):
    """Colours of the pages' style sheet."""
    return [re.search(rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\)", CSS)[1 + dark] for name in names]


PALETTES = {
    "signs of figures": [style.POSITIVE, style.NEGATIVE],
    "series of figures": [style.OBSERVED, style.CONTROL, style.NULL],
    "levels of figures": [style.INK, *style.LEVELS],
    "verdicts of figures": [colour for _, colour in style.VERDICTS.values()],
    "verdicts, light": page(*NAMES.values(), dark=False),
    "verdicts, dark": page(*NAMES.values(), dark=True),
    "policy and control, light": page("turn", "control", dark=False),
    "policy and control, dark": page("turn", "control", dark=True),
}


def lab(linear):
    x, y, z = XYZ @ np.clip(linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    fx, fy, fz = (np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def linear(colour):
    levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def least_distance(colours, matrix):
    seen = [lab(np.asarray(matrix) @ linear(colour)) for colour in colours]
    return min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", PALETTES)
def test_colours_of_a_palette_stay_apart(palette, vision):
    assert least_distance(PALETTES[palette], VISION[vision]) >= APART


def test_the_simulation_joins_what_such_readers_confuse_and_keeps_grey_grey():
    red_and_green = ["#C0392B", "#5D7A1F"]
    assert least_distance(red_and_green, VISION["normal"]) > 60
    assert least_distance(red_and_green, VISION["deuteranopia"]) < APART
    for matrix in VISION.values():
        np.testing.assert_allclose(np.asarray(matrix) @ linear("#808080"), linear("#808080"), atol=1e-5)


def test_verdicts_have_the_same_colour_in_figures_and_on_pages():
    assert page(*NAMES.values(), dark=False) == [style.VERDICTS[verdict][1].lower() for verdict in NAMES]
