"""The atlas in a real browser, opened from disk: a link shows one unit, whatever way it was reached."""

import json
import re
from collections import Counter
from urllib.parse import quote, unquote

import numpy as np
import pytest

from tests.browser import CHROMIUM, DESKTOP, PHONE, barriers

# The fixtures of the report's page, which open the `page_file` of this module.
from tests.results.test_pages import READABLE, browser, contrast, open_page  # noqa: F401
from tests.unit.test_atlas_page import (
    CONSTANT,
    DEAD,
    HOSTILE,
    SATURATED,
    SIDES,
    hostile_evidence,
    small_atlas,
    unpacked_unit,
)
from tests.unit.test_atlas_page import render as render_atlas

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the atlas is not opened: no `chromium` on the PATH")

CHANNELS = 20
UNITS = (
    *(f"{layer}/{i}" for layer in ("conv0", "conv1", "conv2") for i in (*range(CHANNELS), "direction 0")),
    *("hidden/direction 0", "value", "yaw", "yaw reversed", f"{HOSTILE} reversed"),
)
FIRST_VIEW = 3e6  # bytes of what may be read before anything is asked for
SHOWN = "[...document.querySelectorAll('.unit, .index')].filter(e => e.checkVisibility()).map(e => e.className)"
# What is wider than its place, in words.
CUT = """[...document.querySelectorAll('.scroll, table, figure')].filter(
  e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"""
# A unit is there once its own heading is; `link` is what stands behind the #.
ARRIVED = "name => document.querySelector('.unit:not([hidden]) h2')?.innerText === name"


@pytest.fixture(scope="module")
def atlas():
    return small_atlas(UNITS)


@pytest.fixture(scope="module")
def page_file(atlas, tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    evidence = hostile_evidence(CHANNELS)
    for layer in ("conv1", "conv2"):
        evidence.units[f"{layer}/q"][::2] = 0.01  # scores that are no chance, so that some conflict with frames
    for name, content in render_atlas(atlas, channels=CHANNELS, evidence=evidence).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / "atlas.html"


def at(page, fragment):
    page.goto(f"{page.url.split('#')[0]}#{fragment}")
    return page


def arrive(page, name):
    page.wait_for_function(ARRIVED, arg=name)
    assert page.evaluate(SHOWN) == ["unit"]
    assert page.title().startswith(f"{name} – ")
    return page


def shown_names(page, layer=0):
    return page.locator(".tiles").nth(layer).locator("li:visible").evaluate_all("e => e.map(e => e.dataset.name)")


def test_the_flags_of_the_small_atlas_are_units_here_too():
    assert {DEAD, SATURATED, CONSTANT} <= set(UNITS) and len(UNITS) > 60


def test_sixty_units_are_browsed_without_a_complaint_or_a_request_elsewhere(open_page, page_file):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    assert page.evaluate(SHOWN) == ["index"]
    assert page_file.stat().st_size < FIRST_VIEW
    page.locator(".tiles a").first.click()
    for name in UNITS[:-1]:
        arrive(page, name)
        # Every picture that is drawn by reference is in the page; one that is a file and does not load is a complaint.
        assert page.evaluate(
            "[...document.querySelectorAll('use')].every(e => document.getElementById(e.href.baseVal.slice(1)))"
        )
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert not [i for i, count in Counter(ids).items() if count > 1]
        page.locator(".unit a[rel=next]").click()
    arrive(page, UNITS[-1])
    assert page.locator(".unit a[rel=next]").count() == 0
    asked = [url for url in page.requested if not url.startswith("data:")]
    assert all(url.startswith(page_file.parent.as_uri()) for url in asked)
    scripts = [url for url in asked if url.endswith(".js")]
    assert len(set(scripts)) == len(scripts) == len(UNITS)  # each when it was asked for, and once
    assert page.complaints == [] and page.dialogs == []


def test_a_deep_link_survives_a_reload_back_and_forward(open_page):  # noqa: F811
    page = at(open_page(viewport=DESKTOP), "conv1/2")
    for _ in range(2):
        arrive(page, "conv1/2")
        page.reload()
    at(page, "yaw-reversed")
    arrive(page, "yaw reversed")
    page.go_back()
    arrive(page, "conv1/2")
    page.go_forward()
    arrive(page, "yaw reversed")
    arrive(at(page, "yaw%20reversed"), "yaw reversed")  # its name leads there too


def test_a_unit_that_comes_late_does_not_replace_the_one_asked_for_since(open_page):  # noqa: F811
    page = at(open_page(viewport=DESKTOP), "conv1/2")
    arrive(page, "conv1/2")
    page.evaluate(
        "() => new Promise(done => {"
        " const add = addUnit; window.addUnit = (number, content) => { add(number, content); window.came = number; };"
        " addEventListener('hashchange', () => { location.hash = 'conv1/2'; done(); }, {once: true});"
        " location.hash = 'conv0/1'; })"
    )
    page.wait_for_function("() => window.came === 1")
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    arrive(page, "conv1/2")


@pytest.mark.parametrize("restoring", ["auto", "manual"])  # does the browser look after the scrolling itself?
def test_the_index_stays_where_it_was_left(open_page, restoring):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.evaluate("restoring => history.scrollRestoration = restoring", restoring)
    page.locator(".tiles a", has_text="direction 0").nth(2).scroll_into_view_if_needed()
    left = page.evaluate("scrollY")
    page.locator(".tiles a", has_text="direction 0").nth(2).click()
    arrive(page, "conv2/direction 0")
    assert page.evaluate("scrollY") == 0 and left > 0
    page.go_back()
    page.wait_for_function(f"() => {SHOWN}[0] === 'index'")
    assert page.evaluate("new Promise(done => requestAnimationFrame(() => done(scrollY)))") == left
    page.go_forward()
    arrive(page, "conv2/direction 0").get_by_role("link", name="All units").click()
    tile = page.locator(".tiles li:target")
    assert tile.get_by_role("link").get_attribute("href") == "#conv2/direction-0"
    assert tile.evaluate("e => e.contains(document.activeElement)")


@pytest.mark.parametrize("fragment", ["conv9/1", "%E0%A4%A", quote(HOSTILE), "unit", "page:nothing"])
def test_an_unknown_link_is_told_as_text_and_the_index_shown(open_page, fragment):  # noqa: F811
    page = at(open_page(viewport=DESKTOP), fragment)
    told = page.get_by_role("alert").filter(has_text="There is no unit")
    told.wait_for()
    if fragment != "%E0%A4%A":  # no encoding of anything
        assert f"“{unquote(fragment)}”" in told.inner_text()
    assert page.evaluate(SHOWN) == ["index"]
    assert page.locator("main img[src=x]").count() == 0 and page.dialogs == []
    at(page, "conv0/1")
    arrive(page, "conv0/1")
    assert page.get_by_role("alert").inner_text() == ""


def test_a_missing_file_is_named(browser, page_file, tmp_path):  # noqa: F811
    alone = tmp_path / "atlas.html"
    alone.write_bytes(page_file.read_bytes())
    page = browser.new_page()
    page.goto(f"{alone.as_uri()}#conv0/1")
    page.get_by_role("alert").filter(has_text="atlas/1.js cannot be read").wait_for()
    assert page.evaluate(SHOWN) == ["index"]
    page.close()


def test_arrow_keys_lead_to_the_unit_before_and_after(open_page):  # noqa: F811
    page = at(open_page(viewport=DESKTOP), "conv1/2")
    arrive(page, "conv1/2").keyboard.press("ArrowRight")
    arrive(page, "conv1/3").keyboard.press("ArrowLeft")
    arrive(page, "conv1/2")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Alt+ArrowRight")  # the browser's own
    page.locator(".unit .scroll").first.focus()
    page.keyboard.press("ArrowRight")  # the table's
    assert page.url.endswith("#conv1/2")
    page.locator("a[rel=prev]").click()
    arrive(page, "conv1/1")
    at(page, "conv0/0")
    arrive(page, "conv0/0").keyboard.press("ArrowLeft")  # there is none
    arrive(page, "conv0/0")


def test_the_search_filters_by_name(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    search = page.get_by_role("searchbox")
    search.fill(" CONV1/1 ")
    expected = [name for name in UNITS if "conv1/1" in name]
    assert page.locator(".tiles li:visible").evaluate_all("e => e.map(e => e.dataset.name)") == expected
    assert page.locator(".index section:visible h2").all_inner_texts() == ["conv1", "How to read a page"]
    assert page.locator("[id='page:found']").inner_text() == f"{len(expected)} of {len(UNITS)} units"
    search.fill("<img")
    assert page.locator(".tiles li:visible").evaluate_all("e => e.map(e => e.dataset.name)") == [UNITS[-1]]
    search.fill("nothing like it")
    assert page.locator(".tiles li:visible").count() == 0
    search.fill("")
    assert page.locator(".tiles li:visible").count() == len(UNITS)
    assert page.locator("[id='page:found']").inner_text() == ""


def test_units_are_filtered_by_layer_by_claim_by_conflict_and_by_flag(open_page, page_file):  # noqa: F811
    page, source = open_page(viewport=DESKTOP), page_file.read_text("utf-8")
    shown = "e => e.filter(e => e.checkVisibility()).map(e => e.dataset.name ?? e.cells[0].innerText)"
    conflicts = [
        name
        for i, name in enumerate(UNITS)
        if "Conflict: its score" in unpacked_unit((page_file.parent / f"atlas/{i}.js").read_text("utf-8"))
    ]
    assert conflicts and " data-conflict" in source
    for key, wanted in (
        ("layer:conv1", [name for name in UNITS if name.startswith("conv1/")]),
        ("claims", [name for name in UNITS if name in ("conv1/2", "conv2/0", "yaw", "yaw reversed")]),
        ("conflict", conflicts),
        ("flag", [name for name in UNITS if name in (DEAD, SATURATED)]),
    ):
        page.get_by_label("Only").select_option(key)
        for view, selector in (("pictures", ".tiles li"), ("table", "tr[data-number]")):
            page.get_by_label("Show").select_option(view)
            assert page.locator(selector).evaluate_all(shown) == wanted
        assert page.locator("[id='page:found']").inner_text() == f"{len(wanted)} of {len(UNITS)} units"
        page.get_by_label("Show").select_option("map")
        clear = page.locator("svg a[data-number]:not(.faint) title").evaluate_all("e => e.map(e => e.textContent)")
        assert set(clear) <= set(wanted)
    assert page.complaints == []


def test_the_table_is_sorted_over_all_layers_and_leads_to_the_units(open_page):  # noqa: F811
    page, evidence = open_page(viewport=DESKTOP), hostile_evidence(CHANNELS)
    page.get_by_label("Show").select_option("table")
    page.get_by_label("Sort by").select_option("effect")
    sizes = {
        f"{layer}/{i}": size
        for layer in ("conv0", "conv1", "conv2")
        for i, size in enumerate(evidence.causal[f"zero/{layer}/size"][:, 0])
    }
    shown = page.locator("tr[data-number] th").all_inner_texts()
    assert shown[: len(sizes)] == sorted(sizes, key=lambda name: -sizes[name])
    page.locator("tr[data-number] a").nth(2).click()
    arrive(page, shown[2]).go_back()
    page.wait_for_function(f"() => {SHOWN}[0] === 'index'")
    assert page.locator("tr[data-number] th").all_inner_texts() == shown


def test_the_map_names_what_is_pointed_at_leads_there_and_is_no_chain_of_tab_stops(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.get_by_label("Show").select_option("map")
    assert page.locator(".tiles:visible, table:visible").count() == 0
    point = page.locator("svg a[data-number]").nth(7)
    name = point.locator("title").text_content()
    point.dispatch_event("pointerover")
    assert page.locator("[id='page:pointed']").inner_text() == name
    assert page.locator("svg a[data-number]:not([tabindex='-1'])").count() == 0
    point.dispatch_event("click")
    arrive(page, name)


def test_without_scripts_there_is_a_plain_table_of_all_units(browser, page_file):  # noqa: F811
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("noscript p").is_visible()
    assert page.locator("tr[data-number]:visible th").all_inner_texts() == [" ".join(name.split()) for name in UNITS]
    assert page.locator("input:visible, select:visible").count() == 0
    assert page.locator("[id='page:points']").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()


def test_the_index_is_sorted_by_each_number_and_shows_it(open_page, atlas):  # noqa: F811
    page, evidence = open_page(viewport=DESKTOP), hostile_evidence(CHANNELS)
    measured = {
        "concept": evidence.units["conv1/second"],
        "effect": evidence.causal["zero/conv1/size"][:, 0],
        "mean": atlas["natural_mean"][[name.startswith("conv1/") for name in UNITS]],
    }
    names = [name for name in UNITS if name.startswith("conv1/")]
    for key, numbers in measured.items():
        page.get_by_label("Sort by").select_option(key)
        order = [*np.argsort(-numbers, kind="stable"), *range(len(numbers), len(names))]
        assert shown_names(page, 1) == [names[i] for i in order]
        said = page.locator(".tiles").nth(1).locator(".by").all_inner_texts()
        wanted = [f"{numbers[i]:.3f}".replace("-", "−") if i < len(numbers) else "–" for i in order]
        assert said == wanted
    page.get_by_label("Sort by").select_option("name")
    assert shown_names(page, 1) == names
    assert not any(page.locator(".by").all_inner_texts())


def test_links_to_weights_and_channels_go_where_they_say(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    for start in ("conv0/3", "conv1/7", "conv2/19", "conv1/direction 0", "hidden/direction 0", "value", "yaw"):
        arrive(at(page, start.replace(" ", "-")), start)
        links = page.locator(".unit table a")
        names = links.all_inner_texts()
        assert len(names) >= 8 or start.startswith("hidden")
        for i in (0, len(names) // 2, len(names) - 1):
            links.nth(i).click()
            arrive(page, names[i])
            page.go_back()
            arrive(page, start)
    assert page.complaints == []


def test_frames_and_claims_lead_to_the_other_pages(open_page, page_file):  # noqa: F811
    page = arrive(at(open_page(viewport=DESKTOP), "conv1/2"), "conv1/2")
    frames = page.locator("figcaption a").evaluate_all("e => e.map(e => e.href)")
    folder = re.escape(page_file.parent.as_uri())
    assert len(frames) == 3 + 5 + 5 and all(
        re.fullmatch(rf"{folder}/frames\.html#frame/[^<>\" ]+", link) for link in frames
    )
    claims = page.locator(".claims a").evaluate_all("e => e.map(e => e.href)")
    assert len(claims) == 1 and re.fullmatch(rf"{folder}/index\.html#channel-2-of-conv1-is[\w%-]*", claims[0])


def test_the_tables_show_the_units_numbers(open_page, atlas):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    for i in (4, len(UNITS) - 1):
        page.goto(page.url.split("#")[0])
        page.locator(".tiles a").nth(i).click()
        arrive(page, UNITS[i])
        shown = (
            page.locator("table", has_text="Seed agreement")
            .locator("tbody tr")
            .evaluate_all(
                "rows => rows.map(row => [...row.querySelectorAll('td')]"
                ".map(cell => cell.querySelector('data')?.value ?? cell.innerText))"
            )
        )
        for cells, keys in zip(shown, SIDES, strict=True):
            numbers = [np.nan if key is None else atlas[key][i] for key in keys]
            assert cells == ["–" if np.isnan(n) else repr(float(n)) for n in numbers]


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1440])
def test_nothing_widens_the_page(open_page, width):  # noqa: F811
    viewport = {"width": width, "height": 900}
    page = open_page(viewport=viewport)
    for view in ("pictures", "table", "map"):
        page.get_by_label("Show").select_option(view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        assert page.evaluate(CUT) == [], view
    for name in ("conv1/0", "conv0/1", "conv2/direction 0", "hidden/direction 0", "value", "yaw reversed", UNITS[-1]):
        page.goto(page.url.split("#")[0])
        page.get_by_label("Show").select_option("pictures")
        page.locator(f"li[data-name={json.dumps(name)}] a").click()
        arrive(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(CUT) == [], name


def test_every_link_inside_the_index_leads_somewhere(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    for link in page.locator('.index a[href^="#page:"], header a[href^="#"]').evaluate_all("e => e.map(e => e.hash)"):
        arrive(at(page, "conv0/1"), "conv0/1")
        at(page, link[1:])
        page.wait_for_function(f"() => {SHOWN}[0] === 'index'")
        assert page.locator(":target").is_visible() and page.get_by_role("alert").inner_text() == ""
        assert page.locator(":target").evaluate("e => e.getBoundingClientRect().top < innerHeight")


def test_hostile_names_do_nothing(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.locator(".tiles a").last.click()
    arrive(page, UNITS[-1])
    captions = []
    for name in ("conv0/0", "conv0/1", "conv0/2", UNITS[-1]):
        page.goto(page.url.split("#")[0])
        page.locator(f"li[data-name={json.dumps(name)}] a").click()
        captions += arrive(page, name).locator("figcaption").all_text_contents()
        assert page.locator("[onerror]").count() == 0
    assert any(HOSTILE in caption for caption in captions)
    assert page.dialogs == [] and page.complaints == []


@pytest.mark.parametrize(
    ("fragment", "scheme"),
    [(fragment, scheme) for fragment in ("", "#conv0/1", "#conv1/0", "#value") for scheme in ("light", "dark")],
)
def test_every_reader_can_use_it(browser, page_file, fragment, scheme):  # noqa: F811
    assert barriers(browser, page_file, fragment=fragment, viewport=DESKTOP, color_scheme=scheme) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["map", "table"])
def test_every_view_of_the_index_can_be_used(browser, page_file, view, scheme):  # noqa: F811
    choose = f"const s = document.getElementById('page:view'); s.value = '{view}'; s.dispatchEvent(new Event('change'))"
    assert barriers(browser, page_file, before=choose, viewport=DESKTOP, color_scheme=scheme) == []


def test_light_and_dark_are_readable(open_page):  # noqa: F811
    papers = []
    for scheme in ("light", "dark"):
        page = arrive(at(open_page(viewport=DESKTOP, color_scheme=scheme), "conv1/0"), "conv1/0")
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for selector in (".unit p", ".flag", ".named", "figcaption", "tbody td", ".joints a", ".unit nav a"):
            text = page.locator(f"{selector}:visible").first.evaluate("e => getComputedStyle(e).color")
            assert contrast(text, papers[-1]) >= READABLE, (scheme, selector)
        at(page, "")
        page.get_by_label("Sort by").select_option("mean")
        for selector in (".by", ".tools label", ".tiles a"):
            text = page.locator(f"{selector}:visible").first.evaluate("e => getComputedStyle(e).color")
            assert contrast(text, papers[-1]) >= READABLE, (scheme, selector)
    assert papers[0] != papers[1]
