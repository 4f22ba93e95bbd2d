"""The field of the world in a real browser: every cell that a reader can reach shows what is stored of that cell."""

import base64
import re

import numpy as np
import pytest

from minetest_interp.io import files
from minetest_interp.pages import field
from tests.browser import CHROMIUM, DESKTOP, PAINTED, PHONE, PIXELS, barriers
from tests.played import columns

# The fixtures of the report's page, which open the `page_file` of this module.
from tests.results.test_pages import ROOT, WIDTHS, browser, demo, open_page  # noqa: F401
from tests.unit.test_article import pictures, render_pages, small_facts

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the page is not opened: no `chromium` on the PATH")

BEARINGS = np.array([-30, 30, 0, 15, -15], np.float32)
LEFT_TO_RIGHT = [30, 15, 0, -15, -30]
SIZE, SPACING = 16, 4.7  # pixels of a frame, grey levels between two cells
BASE = {"distance": 4, "time": 0.5, "kind": "apple", "leaves": True, "ground": "plain"}
CHANGES = [{}, {"distance": 2}, {"distance": 8}, {"leaves": False}, {"kind": "stone", "leaves": False}]
SHOWN = 0.0051  # what two decimals leave open


@pytest.fixture(scope="module")
def cells():
    """A field whose frames have a grey level of their own in every cell."""
    found, random = columns(BEARINGS), np.random.default_rng(4)
    number = len(found["map"])
    levels = (random.permutation(number) * SPACING).astype(np.uint8)
    stacks = random.integers(0, 256, (number, 3, SIZE, SIZE), np.uint8)
    stacks[:, -1] = levels[:, None, None]
    return found | {"stacks": stacks, "turn": random.uniform(-1, 1, number), "value": random.normal(size=number)}


def write_page(folder, cells, *, side=1):
    facts = small_facts(panels={"field": {"behaviour": "yaw"}})
    slider = None if cells is None else field.slider(cells, side=side)
    file = folder / "appendix.html"
    file.write_text(render_pages(facts, pictures(facts, folder / "figures"), field=slider)["appendix.html"], "utf-8")
    return file


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, cells):
    return write_page(tmp_path_factory.mktemp("field"), cells)


def cell_of(cells, *, bearing, **levels):
    """The one cell of the sweeps with a bearing, and otherwise the base's levels but for those given."""
    wanted = BASE | levels | {"bearing": bearing, "map": False}
    [found] = np.flatnonzero(np.all([cells[name] == level for name, level in wanted.items()], axis=0))
    return found


def choose(page, **levels):
    """Sets the controls of the factors that differ from what they show, by the words of their options."""
    words = {
        "distance": "{:g} nodes", "kind": "{}", "leaves": {True: "with leaves", False: "bare"},
        "time": {0.5: "day, 12:00", 0.2: "night, 04:48"},
    }  # fmt: skip
    for factor, level in levels.items():
        said = words[factor][level] if isinstance(words[factor], dict) else words[factor].format(level)
        label = {"stone": "stone, no tree"}.get(said, said)
        page.locator(f"[data-factor={factor}]").select_option(label=label)


def point_at(page, number):
    page.locator("#bearing").evaluate(
        "(range, place) => { range.value = place; range.dispatchEvent(new Event('input')); }", number
    )


# What is shown of a cell, once it is painted.
SEEN = f"""async () => {{
  await ({PAINTED})();
  const heres = [...document.querySelectorAll(".here")].map(here =>
    here.hidden ? null : [here.style.left, here.style.bottom].map(parseFloat));
  return {{
    said: document.getElementById("cell-says").textContent.replaceAll("−", "-").split(": it ")[1],
    arrow: document.querySelector("#moved .hand").style.transform,
    pixels: ({PIXELS})("cell"),
    heres,
  }};
}}"""


def numbers_in(said):
    return [float(number) for number in re.findall(r"[+-]?\d+\.\d+", said)]


def assert_shows(page, cells, cell, *, side=1):
    """The numbers of a cell in words, its frame, and its arrow; on the sweeps its place in the charts too."""
    seen = page.evaluate(SEEN)
    assert numbers_in(seen["said"]) == pytest.approx([cells["turn"][cell], cells["value"][cell]], abs=SHOWN)
    turning = side * cells["turn"][cell]
    assert ("turns left" if turning > 0 else "turns right") in seen["said"]
    assert float(seen["arrow"][7:-4]) == pytest.approx(-90 * turning, abs=0.01)
    width, height, pixels = seen["pixels"]
    shown = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)
    assert np.abs(shown[..., :3].mean(2) - cells["stacks"][cell, -1]).mean() < SPACING / 2
    for here, numbers, around_zero in zip(seen["heres"], (side * cells["turn"], cells["value"]), (1, 0), strict=True):
        assert (here is None) == cells["map"][cell]
        if here:
            bearings = cells["bearing"][~cells["map"]]
            low, high = np.floor(10 * numbers.min()) / 10, np.ceil(10 * numbers.max()) / 10
            low, high = (-max(-low, high), max(-low, high)) if around_zero else (low, high)
            across, up = (
                (bearings.max() - cells["bearing"][cell]) / np.ptp(bearings),
                (numbers[cell] - low) / (high - low),
            )
            assert here == pytest.approx([100 * across, 100 * up], abs=0.01)


def assert_no_complaint(page):
    """But for one that the test itself gives rise to, since it reads the canvas."""
    assert [said for said in page.complaints if not said.startswith("Canvas2D")] == []


@pytest.mark.parametrize("side", [1, -1])
def test_every_cell_that_can_be_chosen_shows_what_is_stored_of_it(open_page, tmp_path, cells, side):  # noqa: F811
    page = open_page(write_page(tmp_path, cells, side=side), viewport=DESKTOP)
    for time in (0.5, 0.2):
        for change in CHANGES:
            choose(page, leaves=True, distance=4, kind="apple", time=time)
            choose(page, **change)
            for number, bearing in enumerate(LEFT_TO_RIGHT):
                point_at(page, number)
                assert_shows(page, cells, cell_of(cells, bearing=bearing, time=time, **change), side=side)
    for cell in np.flatnonzero(cells["map"]):
        page.locator(f"[name=place][value='{cell}']").check()
        assert_shows(page, cells, cell, side=side)
    assert_no_complaint(page)


def test_a_second_change_puts_the_first_back_and_keeps_place_and_time(open_page, cells):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    point_at(page, 1)
    choose(page, time=0.2)
    for change, expected in (
        ({"distance": 2}, CHANGES[1]),
        ({"kind": "stone"}, CHANGES[4]),
        ({"kind": "apple"}, CHANGES[3]),  # it stays without leaves
        ({"distance": 8}, CHANGES[2]),
    ):
        choose(page, **change)
        assert_shows(page, cells, cell_of(cells, bearing=15, time=0.2, **expected))
    assert page.locator("[data-factor=leaves] :checked").inner_text() == "with leaves"
    page.locator("[name=place]").first.check()
    point_at(page, 0)
    assert_shows(page, cells, cell_of(cells, bearing=30))  # after the map, the base
    assert not page.locator("[name=place]:checked").count()


def test_keys_alone_reach_trunk_changes_and_places(open_page, cells):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.locator("#bearing").focus()
    assert_shows(page, cells, cell_of(cells, bearing=0))
    page.keyboard.press("ArrowLeft")
    assert_shows(page, cells, cell_of(cells, bearing=15))
    assert page.locator("#bearing").get_attribute("aria-valuetext") == "15° to the left"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.factor") == "distance"
    page.keyboard.press("ArrowDown")
    assert_shows(page, cells, cell_of(cells, bearing=15, distance=8))
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    first, second, *_ = np.flatnonzero(cells["map"])
    assert_shows(page, cells, first)
    page.keyboard.press("ArrowDown")
    assert_shows(page, cells, second)


def test_places_are_named_as_seen_from_the_tree(open_page, cells):  # noqa: F811
    """With the trunk on the left, the agent stands to the right of it; the map has it there too."""
    page = open_page(viewport=DESKTOP)
    tree = page.locator(".places .tree").bounding_box()
    for cell in np.flatnonzero(cells["map"]):
        label = page.locator(f"label:has([name=place][value='{cell}'])")
        side = "right" if cells["bearing"][cell] > 0 else "left"
        aside, before = (abs(5 * f(np.radians(cells["bearing"][cell]))) for f in (np.sin, np.cos))
        assert label.inner_text() == f"{before:.1f} nodes before the tree, {aside:.1f} to its {side}"
        box = label.bounding_box()
        assert (box["x"] > tree["x"]) == (side == "right") and box["y"] > tree["y"]


def test_a_field_without_a_value_has_no_chart_of_it(open_page, tmp_path, cells):  # noqa: F811
    without = cells | {"value": np.full(len(cells["value"]), np.nan)}
    page = open_page(write_page(tmp_path, without), viewport=DESKTOP)
    assert page.locator("#turning-chart").is_visible() and not page.locator("#value-chart").count()
    assert "value" not in page.locator("#world").inner_text().lower()
    assert page.complaints == []


def test_a_study_without_cells_or_sweeps_has_the_figure_alone(open_page, tmp_path, cells):  # noqa: F811
    assert field.slider({name: array[cells["map"]] for name, array in cells.items()}, side=1) is None
    page = open_page(write_page(tmp_path, None), viewport=DESKTOP)
    assert page.locator("figure#field img").is_visible()
    assert not page.locator("#world").count() and page.locator("script").count() == 1


def test_without_a_script_and_in_print_the_figure_stands_alone(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP, java_script_enabled=False)
    assert page.locator("figure#field img").is_visible() and not page.locator("#world").is_visible()
    page = open_page(viewport=DESKTOP)
    page.emulate_media(media="print")
    assert page.locator("figure#field img").is_visible() and not page.locator("#world").is_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_field_fits_its_page(open_page, width):  # noqa: F811
    page = open_page(viewport={"width": width, "height": 900})
    assert page.locator("#world").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.locator("#world *").evaluate_all(
        "(all, most) => all.filter(e => !e.closest('.unseen, svg') && e.getBoundingClientRect().right > most + 8)"
        ".map(e => e.outerHTML.slice(0, 99))",
        width,
    )
    assert wide == []


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_the_field_has_no_barrier(browser, page_file, viewport, scheme):  # noqa: F811
    assert barriers(browser, page_file, viewport=viewport, color_scheme=scheme) == []


def test_the_built_field_shows_the_builds_numbers(open_page, demo):  # noqa: F811
    cells = files.read_arrays(ROOT / "results/demo/evidence/cells.npz")
    page = open_page(demo / "appendix.html", viewport=DESKTOP)
    base = {name: cells[name][0] for name in ("distance", "time", "kind", "leaves", "ground")}
    changes = [
        ("distance", 16.0), ("kind", "jungle"), ("leaves", False), ("kind", "stone"), ("ground", "desert"),
        ("time", cells["time"].min()), ("kind", "pine"),
    ]  # fmt: skip
    now = dict(base)
    for number, (factor, level) in enumerate(changes):
        words = {"leaves": "bare", "time": "night, 05:12"}.get(
            factor, f"{level:g} nodes" if factor == "distance" else level
        )
        page.locator(f"[data-factor={factor}]").select_option(label={"stone": "stone, no tree"}.get(words, words))
        point_at(page, number)
        now = (
            (now if factor == "time" else base | {"time": now["time"]})
            | {factor: level}
            | ({"leaves": False} if level == "stone" else {})
        )
        wanted = now | {"bearing": np.unique(cells["bearing"][~cells["map"]])[::-1][number], "map": False}
        [cell] = np.flatnonzero(np.all([cells[name] == value for name, value in wanted.items()], axis=0))
        assert numbers_in(page.evaluate(SEEN)["said"]) == pytest.approx(
            [cells["turn"][cell], cells["value"][cell]], abs=SHOWN
        )
    assert_no_complaint(page)
