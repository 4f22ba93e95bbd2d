"""The atlas in a real browser: a link shows one unit, without a script."""

import html

import numpy as np
import pytest

# The fixtures of the report's page, which open the `page_file` of this module.
from tests.results.test_pages import CHROMIUM, DESKTOP, PHONE, READABLE, browser, contrast, open_page  # noqa: F401
from tests.unit.test_atlas_page import HOSTILE, SIDES, UNITS, render, small_atlas

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the atlas is not opened: no `chromium` on the PATH")

SHOWN = (
    "() => [...document.querySelectorAll('.unit, .index')].filter(e => e.checkVisibility()).map(e => e.id || 'index')"
)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("atlas") / "atlas.html"
    file.write_text(render(), "utf-8")
    return file


def at(page, fragment):
    page.goto(f"{page.url.split('#')[0]}#{fragment}")
    return page


def test_without_a_link_the_index_is_shown_and_leads_to_every_unit(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    assert page.evaluate(SHOWN) == ["index"]
    links = page.locator(".tiles a")
    assert links.count() == len(UNITS)
    for i in (0, 7, len(UNITS) - 1):
        links.nth(i).click()
        assert page.locator("h2:visible").inner_text() == UNITS[i]
        assert len(page.evaluate(SHOWN)) == 1
        page.go_back()
        assert page.evaluate(SHOWN) == ["index"]


def test_a_deep_link_shows_its_unit_alone_and_survives_a_reload(open_page):  # noqa: F811
    page = at(open_page(viewport=DESKTOP), "conv1/2")
    for _ in range(2):
        assert page.evaluate(SHOWN) == ["conv1/2"]
        page.reload()
    # Two seeds in the field and the frame, the mask, three patches with their frames, and the histogram.
    assert page.locator("svg[role=img]:visible").count() == 2 * 4 + 1 + 2 * 3 + 1
    page.get_by_role("link", name="All units").click()
    assert page.evaluate(SHOWN) == ["index"]
    assert page.locator(":target").get_by_role("link").get_attribute("href") == "#conv1/2"


def test_previous_and_next_pass_through_every_unit(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.locator(".tiles a").first.click()
    seen = [page.locator("h2:visible").inner_text()]
    while page.locator("a[rel=next]:visible").count():
        page.locator("a[rel=next]:visible").click()
        seen.append(page.locator("h2:visible").inner_text())
    assert seen == list(UNITS)
    page.locator("a[rel=prev]:visible").click()
    assert page.locator("h2:visible").inner_text() == UNITS[-2]


def test_the_table_shows_the_units_numbers(open_page):  # noqa: F811
    atlas = small_atlas()
    page = open_page(viewport=DESKTOP)
    for i in (4, len(UNITS) - 1):
        page.goto(page.url.split("#")[0])
        page.locator(".tiles a").nth(i).click()
        shown = page.locator("tbody tr:visible").evaluate_all(
            "rows => rows.map(row => [...row.querySelectorAll('td')]"
            ".map(cell => cell.querySelector('data')?.value ?? cell.innerText))"
        )
        for cells, keys in zip(shown, SIDES, strict=True):
            numbers = [np.nan if key is None else atlas[key][i] for key in keys]
            assert cells == ["–" if np.isnan(n) else repr(float(n)) for n in numbers]


def test_nothing_is_fetched_complained_about_or_wider_than_a_phone(open_page, page_file):  # noqa: F811
    page = open_page(viewport=PHONE)
    for fragment in ("", "conv1/0", "conv0/1", "value", "page:guide"):
        at(page, fragment)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], fragment
    asked = [url for url in page.requested if not url.startswith("data:")]
    assert {url.split("#")[0] for url in asked} == {page_file.as_uri()}
    assert page.complaints == [] and page.dialogs == []
    assert page.evaluate("document.scripts.length") == 0


def test_every_link_inside_the_page_leads_somewhere(open_page):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    leads = page.evaluate(
        "() => [...document.querySelectorAll('a[href^=\"#\"], use')]"
        ".every(a => document.getElementById(decodeURIComponent(a.getAttribute('href').slice(1))))"
    )
    assert leads
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(set(ids)) == len(ids)


def test_hostile_names_do_nothing(open_page, page_file):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.locator(".tiles a").last.click()
    assert page.locator("h2:visible").inner_text() == UNITS[-1]
    assert page.locator("[onerror]").count() == 0
    captions = page.locator("figcaption").all_text_contents()
    assert any(HOSTILE in caption for caption in captions)
    assert html.escape(HOSTILE, quote=False).split("(")[0] in page_file.read_text("utf-8")


def test_light_and_dark_are_readable(open_page):  # noqa: F811
    papers = []
    for scheme in ("light", "dark"):
        page = at(open_page(viewport=DESKTOP, color_scheme=scheme), "conv1/0")
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for selector in (".unit p", ".flag", "figcaption", "tbody td", ".unit nav a"):
            text = page.locator(f"{selector}:visible").first.evaluate("e => getComputedStyle(e).color")
            assert contrast(text, papers[-1]) >= READABLE, (scheme, selector)
    assert papers[0] != papers[1]
