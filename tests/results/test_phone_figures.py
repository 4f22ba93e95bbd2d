"""What is drawn for phones: every word at least 11 CSS pixels high, inside the picture, and in narrow windows alone."""

import importlib
import json
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

import panel
import style
from tests.results.graph import RECORDS
from tests.results.recomputed import ROOT
from tests.results.test_panel_reads import OF_FACTS
from tests.results.workshop import STUDY

PIXELS, LEAST = 350, 11  # CSS pixels: of a phone's column, and of the smallest text
SLACK = 2  # dots of the picture


def drawn(root: Path, study: str, name: str):
    facts = root / f"report/{study}/facts.json"
    if not facts.is_file():
        pytest.skip(f"NOT CHECKED: the study {study} has not been built; run make first")
    panels = json.loads(facts.read_text(encoding="utf-8"))["panels"]
    if name not in panels:
        pytest.skip(f"the study {study} has no panel {name}")
    script = importlib.import_module(RECORDS[name].script)
    settings = {key: value for key, value in panels[name].items() if key not in OF_FACTS}
    try:
        loaded = script.load(root / f"results/{study}", **settings)
    except panel.NotMeasured as reason:
        return style.words(f"Not measured: {reason}.")
    figure = script.draw(**loaded)
    style.fit_labels(figure)
    figure.draw_without_rendering()
    return figure


def shown(figure) -> list[Text]:
    """The texts that a reader sees: no labels of ticks beyond an axis' ends, nor of axes that are switched off."""
    hidden = set()
    for ax in figure.findobj(Axes):
        for axis in (ax.xaxis, ax.yaxis):
            ticks = set(axis.get_major_ticks() + axis.get_minor_ticks())
            seen = set(axis._update_ticks()) if ax.axison and axis.get_visible() else set()
            hidden |= {label for tick in ticks - seen for label in (tick.label1, tick.label2)}
            if not ax.axison:
                hidden.add(axis.label)
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()
            and text not in hidden]  # fmt: skip


def check(root: Path, study: str, name: str) -> None:
    with panel.drawing("phone"):
        figure = drawn(root, study, name)
        assert figure.get_size_inches()[0] == pytest.approx(PIXELS / 96, rel=2e-3)
        texts, border = shown(figure), figure.bbox
        for text in texts:
            pixels = text.get_fontsize() / 72 * PIXELS / figure.get_size_inches()[0]
            assert pixels >= LEAST - 0.01, text
            box = text.get_window_extent()
            assert box.x0 > -SLACK and box.y0 > -SLACK, text
            assert box.x1 < border.width + SLACK and box.y1 < border.height + SLACK, text


@pytest.mark.parametrize("name", STUDY["panels"])
def test_every_word_of_a_small_study_can_be_read_on_a_phone(built, name):
    check(built.folder, "own", name)


@pytest.mark.parametrize("name", RECORDS)
def test_every_word_of_the_demo_can_be_read_on_a_phone(name):
    check(ROOT, "demo", name)


@pytest.mark.parametrize("name", STUDY["panels"])
def test_the_report_has_each_picture_as_it_was_drawn(built, name):
    content = (built.folder / f"figures/own/phone/{name}.webp").read_bytes()
    assert (built.folder / f"report/own/figures/phone/{name}.webp").read_bytes() == content
    with Image.open(built.folder / f"figures/own/phone/{name}.webp") as picture:
        assert picture.format == "WEBP" and picture.width >= 2 * PIXELS


def test_proportions_and_order_of_a_grid_are_those_of_the_page():
    figure = style.figure()
    made = style.grid(figure, 2, 3)
    with panel.drawing("phone"):
        on_phone = style.grid(style.figure(), 2, 3, phone=2)
        places = [ax.get_subplotspec().num1 for ax in on_phone.ravel()]
    assert made.shape == on_phone.shape == (2, 3) and places == list(range(6))
    assert len(figure.axes) == 6


def test_long_labels_are_broken_and_short_ones_left():
    with panel.drawing("phone"):
        figure = style.figure()
        ax = figure.subplots()
        ax.set(xlabel="long words " * 12, ylabel="short", title="short")
        style.fit_labels(figure)
        box = ax.xaxis.label.get_window_extent()
        assert ax.get_ylabel() == ax.get_title() == "short"
        assert "\n" in ax.get_xlabel() and box.x0 > 0 and box.x1 < figure.bbox.width
