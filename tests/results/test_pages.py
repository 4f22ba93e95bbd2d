"""The report in a real browser: headless Chromium, no server, no network."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from minetest_interp import report
from tests.unit.test_report import HOSTILE, TEMPLATES, small_facts, write_figures

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
READABLE = 4.5  # WCAG 2.2 AA for body text

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the report's page is not opened: no `chromium` on the PATH")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    # So many frames that the table of all frames is far wider and longer than a phone.
    facts = small_facts(frames=("one", HOSTILE, "a" * 90, *(f"frame_{i}" for i in range(20))), night=("one",))
    file = folder / "index.html"
    file.write_text(report.render_html(facts, TEMPLATES, write_figures(folder / "figures", facts["panels"])), "utf-8")
    return file


@pytest.fixture
def open_page(browser, page_file):
    """Opens the page with given options; what the browser complained about and asked for is kept with it."""
    opened = []

    def open_with(**options):
        page = browser.new_page(**options)
        page.complaints, page.requested, page.dialogs = [], [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(page_file.as_uri())
        opened.append(page)
        return page

    yield open_with
    for page in opened:
        page.close()


def test_page_needs_nothing_but_its_file_and_runs_no_script(open_page, page_file):
    page = open_page(viewport=DESKTOP)
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    assert [url for url in page.requested if not url.startswith("data:")] == [page_file.as_uri()]
    assert page.complaints == []
    assert page.dialogs == []
    assert page.evaluate("document.scripts.length") == 0


def test_hostile_names_are_shown_as_text(open_page):
    page = open_page(viewport=DESKTOP)
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.get_by_role("rowheader", name=HOSTILE, exact=True).is_visible()
    assert HOSTILE in page.title()
    assert page.locator("[onerror]").count() == 0
    assert page.locator("img").count() == page.locator("figure img[src^='data:image/png']").count()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("unfold", [False, True], ids=["folded", "unfolded"])
def test_nothing_widens_the_page(open_page, viewport, unfold):
    page = open_page(viewport=viewport)
    page.evaluate("open => document.querySelectorAll('details').forEach(details => details.open = open)", unfold)
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    if unfold and viewport is PHONE:
        wide = page.evaluate("[...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)")
        assert wide  # the test has a table to scroll


def test_every_figure_loads_and_has_an_alternative_text(open_page):
    images = open_page(viewport=DESKTOP).evaluate(
        "() => [...document.images].map(i => [i.naturalWidth, i.naturalHeight, i.width, i.getAttribute('alt')])"
    )
    assert len(images) == len(small_facts()["panels"])
    for natural_width, natural_height, width, alt in images:
        assert (natural_width, natural_height) == (1350, 500)
        assert width > 600
        assert len(alt) > 20


@pytest.mark.parametrize("selector", ["main p", ".lead", ".made", "nav a", "main thead th", "tbody td", "figcaption p"])
def test_light_and_dark_differ_and_are_readable(open_page, selector):
    colours = {}
    for scheme in ("light", "dark"):
        page = open_page(viewport=DESKTOP, color_scheme=scheme)
        text = page.locator(selector).first.evaluate("element => getComputedStyle(element).color")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        colours[scheme] = (text, paper)
        assert contrast(text, paper) >= READABLE
    assert colours["light"][0] != colours["dark"][0]
    assert luminance(colours["light"][1]) > 0.5 > luminance(colours["dark"][1])


def test_figures_stand_on_a_light_card_in_the_dark(open_page):
    page = open_page(viewport=DESKTOP, color_scheme="dark")
    assert page.locator("figure img").first.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_every_link_inside_the_page_leads_somewhere(open_page):
    page = open_page(viewport=DESKTOP)
    links = page.evaluate(
        "() => [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
    )
    headings = page.evaluate("() => [...document.querySelectorAll('main h2')].map(h => h.id)")
    contents = page.evaluate("() => [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href').slice(1))")
    assert contents == headings
    assert len(set(headings)) == len(headings) > 8
    assert page.evaluate("ids => ids.every(id => document.getElementById(id))", links)


def test_page_has_landmarks_and_headers_for_every_table(open_page):
    page = open_page(viewport=DESKTOP)
    assert page.evaluate("document.documentElement.lang") == "en-GB"
    for role in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    tables = page.evaluate(
        "() => [...document.querySelectorAll('table')].map(t => [t.caption.textContent.length,"
        " t.querySelectorAll('thead th[scope=col]').length, t.rows[1].cells.length,"
        " [...t.tBodies[0].rows].every(r => r.cells[0].scope === 'row')])"
    )
    assert len(tables) > 5
    for caption, heads, cells, named in tables:
        assert caption and named
        assert heads == cells


def contrast(one, other):
    """WCAG's contrast ratio of two CSS colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
