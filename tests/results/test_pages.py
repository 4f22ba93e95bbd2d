"""The report in a real browser: headless Chromium, no server, no network."""

import io
import itertools
import shutil
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import expect, sync_playwright

from minetest_interp.io import files
from minetest_interp.pages.text import signed
from tests.browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, barriers
from tests.conftest import ROOT
from tests.unit.test_article import HOSTILE, pictures, render_pages, small_facts, small_tried

READABLE = 4.5  # WCAG 2.2 AA for body text
PATIENCE = 5000  # milliseconds for anything on a page to come about
WIDTHS = (360, 768, 1280, 1440)
LIVE = ("stills", "try-it", "guess")
FIGURES = len(small_facts()["panels"]) - len(LIVE)  # on the appendix

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the report's page is not opened: no `chromium` on the PATH")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small study's story and appendix, in a folder with their figures."""
    folder = tmp_path_factory.mktemp("report")
    # So many frames that the table of all frames is far wider and longer than a phone.
    facts = small_facts(frames=("one", HOSTILE, "a" * 90, *(f"frame_{i}" for i in range(20))), night=("one",))
    for name, page in render_pages(facts, pictures(facts, folder / "figures")).items():
        (folder / name).write_text(page, "utf-8")
    return folder


@pytest.fixture(scope="module")
def page_file(folder):
    """The appendix, with all figures but those that are live in the story."""
    return folder / "appendix.html"


@pytest.fixture(scope="module")
def story(folder):
    return folder / "index.html"


@pytest.fixture(scope="module")
def demo():
    """The folder of the demo study's report."""
    folder = ROOT / "report/demo"
    if not (folder / "figures").is_dir():
        pytest.skip("NOT CHECKED on the demo's report, which is not built; run make first")
    return folder


@pytest.fixture
def open_page(browser, page_file):
    """Opens the page with given options; what the browser complained about and asked for is kept with it."""
    opened = []

    def open_with(file=None, *, fragment="", **options):
        page = browser.new_page(**options)
        page.set_default_timeout(PATIENCE)
        page.complaints, page.requested, page.dialogs = [], [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(f"{(file or page_file).as_uri()}{fragment}")
        opened.append(page)
        return page

    yield open_with
    for page in opened:
        page.close()


def test_page_needs_nothing_but_its_folder(open_page, page_file):
    page = open_page(viewport=DESKTOP)
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    load_all(page)
    asked = [url for url in page.requested if not url.startswith("data:")]
    assert asked[0] == page_file.as_uri()
    assert sorted(asked[1:]) == sorted(
        (page_file.parent / panel["file"]).as_uri() for n, panel in small_facts()["panels"].items() if n not in LIVE
    )
    assert page.complaints == []
    assert page.dialogs == []


def test_the_built_report_asks_for_nothing_outside_its_folder_even_when_it_is_moved(open_page, demo, tmp_path):
    moved = tmp_path / "else where"
    shutil.copytree(demo / "figures", moved / "figures")
    shutil.copy(demo / "film.webp", moved)
    for name in ("index.html", "appendix.html"):
        shutil.copy(demo / name, moved)
        page = open_page(moved / name, viewport=DESKTOP)
        page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
        load_all(page)
        assert all(page.evaluate("() => [...document.images].map(image => image.naturalWidth > 0)"))
        for url in page.requested:
            assert url.startswith((f"{moved.as_uri()}/", "data:")), url
        assert page.complaints == []


def test_the_built_report_is_light(open_page, demo):
    """What is asked for before any scrolling, the folder's figures, and the folder, which holds no file twice."""
    page = open_page(demo / "index.html", viewport=DESKTOP)
    page.wait_for_load_state("load")
    asked = [demo / unquote(urlsplit(url).path) for url in page.requested if url.startswith("file:")]
    assert sum(file.stat().st_size for file in asked) < 3_000_000
    assert sum(file.stat().st_size for file in (demo / "figures").iterdir()) < 6_000_000
    stored = {found.st_ino: found.st_size for found in (file.stat() for file in demo.rglob("*") if file.is_file())}
    assert sum(stored.values()) < 25_000_000


def test_a_foreign_script_does_not_run(open_page, page_file, tmp_path):
    """Even where markup came in, the page's policy lets only its own script run."""
    text = page_file.read_text("utf-8").replace("</main>", "<script>alert(1)</script></main>")
    (tmp_path / "index.html").write_text(text, "utf-8")
    page = open_page(tmp_path / "index.html", viewport=DESKTOP)
    assert page.dialogs == [] and "Content Security Policy" in " ".join(page.complaints)


def load_all(page):
    """Scrolls to every figure, so that each is loaded."""
    page.evaluate(
        "async () => { for (const image of document.images) { image.scrollIntoView(); await image.decode(); } }"
    )


def test_hostile_names_are_shown_as_text(open_page):
    page = open_page(viewport=DESKTOP)
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.get_by_role("rowheader", name=HOSTILE, exact=True).is_visible()
    assert HOSTILE in page.title()
    assert page.locator("[onerror]").count() == 0
    assert page.locator("img").count() == page.locator("figure img[src^='figures/']").count()
    link = page.get_by_role("rowheader", name=HOSTILE, exact=True).get_by_role("link")
    assert unquote(link.get_attribute("href")) == f"frames.html#frame/{HOSTILE}"


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("unfold", [False, True], ids=["folded", "unfolded"])
def test_nothing_widens_the_page(open_page, viewport, unfold):
    page = open_page(viewport=viewport)
    page.evaluate("open => document.querySelectorAll('details').forEach(details => details.open = open)", unfold)
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


@pytest.mark.parametrize(("width", "narrow"), [(360, True), (390, True), (768, False), (1280, False)])
def test_a_narrow_window_shows_what_is_drawn_for_phones(open_page, demo, width, narrow):
    page = open_page(demo / "appendix.html", viewport={"width": width, "height": 844})
    load_all(page)
    shown = page.evaluate("() => [...document.querySelectorAll('figure img')].map(image => image.currentSrc)")
    assert shown and all(("/figures/phone/" in address) == narrow for address in shown)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.emulate_media(media="print")
    taken = "() => [...document.querySelectorAll('figure source')].some(source => matchMedia(source.media).matches)"
    assert not page.evaluate(taken)


def test_every_figure_loads_and_has_an_alternative_text(open_page):
    page = open_page(viewport=DESKTOP)
    load_all(page)
    images = page.evaluate(
        "() => [...document.images].map(i => [i.naturalWidth, i.naturalHeight, i.width, i.getAttribute('alt')])"
    )
    assert len(images) == FIGURES
    for natural_width, natural_height, width, alt in images:
        assert (natural_width, natural_height) == (1350, 500)
        assert width > 600
        assert len(alt) > 20


@pytest.mark.parametrize(
    "selector", ["main p", ".lead", ".made summary", "nav a", ".theme", "main thead th", "tbody td", "figcaption p"]
)
def test_light_and_dark_differ_and_are_readable(open_page, story, selector):
    colours = {}
    for scheme in ("light", "dark"):
        page = open_page(story if selector == ".lead" else None, viewport=DESKTOP, color_scheme=scheme)
        text = page.locator(selector).first.evaluate("element => getComputedStyle(element).color")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        colours[scheme] = (text, paper)
        own = page.locator(selector).first.evaluate("element => getComputedStyle(element).backgroundColor")
        assert contrast(text, paper if own == "rgba(0, 0, 0, 0)" else own) >= READABLE
    assert colours["light"][0] != colours["dark"][0]
    assert luminance(colours["light"][1]) > 0.5 > luminance(colours["dark"][1])


def test_charts_take_the_pages_colours_in_the_dark_and_pictures_stand_on_a_card(open_page):
    """A chart's white paper is inverted to nearly the page's; what shows the game keeps its light."""
    for scheme, inverted in (("dark", "invert(0.9) hue-rotate(180deg)"), ("light", "none")):
        page = open_page(viewport=DESKTOP, color_scheme=scheme)
        for name, expected in (("c-alignment", inverted), ("frames", "none")):
            image = page.locator(f"figure#{name} img")
            assert image.evaluate("e => getComputedStyle(e).filter") == expected
            assert image.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


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


def test_headings_are_in_order(open_page):
    page = open_page(viewport=DESKTOP)
    levels = page.evaluate("() => [...document.querySelectorAll('h1, h2, h3, h4, h5')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("opening", ["click", "Enter"])
def test_a_figure_is_shown_large_and_the_arrows_go_on(open_page, opening):
    page = open_page(viewport=DESKTOP)
    figures, dialog = page.locator("figure a.zoom"), page.get_by_role("dialog")
    assert dialog.count() == 0
    if opening == "click":
        figures.nth(1).click()
    else:
        figures.nth(1).focus()
        page.keyboard.press("Enter")

    def shows(index):
        figure = page.locator("figure").nth(index)
        image = dialog.locator("img")
        number = index + 1 + len(LIVE)
        assert dialog.locator(".which").inner_text() == f"Figure {number} ({index + 1} of {FIGURES} here)"
        assert image.evaluate("i => i.src") == figure.locator("img").evaluate("i => i.src")
        assert image.get_attribute("alt") == figure.locator("img").get_attribute("alt")
        assert dialog.locator(".caption").inner_text() == figure.locator("figcaption p").first.inner_text()

    shows(1)
    for key, index in (("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        shows(index)
    assert dialog.get_by_role("button", name="Previous").is_disabled()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="Previous").click()
    shows(1)
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert figures.nth(1).evaluate("link => link === document.activeElement")


def test_a_large_figure_can_have_its_own_size_and_is_closed_by_its_button(open_page):
    page = open_page(viewport=PHONE)
    page.locator("figure a.zoom").first.click()
    dialog = page.get_by_role("dialog")
    picture, size = dialog.locator(".picture"), dialog.get_by_role("button", name="Actual size")
    dialog.locator("img").evaluate("image => image.decode()")
    width = "element => element.querySelector('img').getBoundingClientRect().width"
    assert picture.evaluate(width) <= PHONE["width"]
    size.click()
    assert size.get_attribute("aria-pressed") == "true" and picture.evaluate(width) == 1350
    picture.focus()
    page.keyboard.press("ArrowRight")
    # The arrow moved the picture.
    assert dialog.locator(".which").inner_text() == f"Figure {1 + len(LIVE)} (1 of {FIGURES} here)"
    picture.click()
    assert size.get_attribute("aria-pressed") == "false"
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    dialog.get_by_role("button", name="Close").click()
    assert dialog.count() == 0


def test_the_last_figure_is_the_end(open_page):
    page = open_page(viewport=DESKTOP)
    page.locator("figure a.zoom").last.click()
    page.keyboard.press("ArrowRight")
    assert page.locator("dialog .which").inner_text().endswith(f"({FIGURES} of {FIGURES} here)")
    assert page.get_by_role("button", name="Next").is_disabled()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_choice_of_colours_is_remembered(open_page, system):
    page = open_page(viewport=DESKTOP, color_scheme=system)
    button = page.get_by_role("button", name="Dark")

    def is_dark():
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert button.get_attribute("aria-pressed") == str(luminance(paper) < 0.5).lower()
        return luminance(paper) < 0.5

    chosen = is_dark()
    assert chosen == (system == "dark")
    for _ in range(2):
        button.click()
        chosen = not chosen
        assert is_dark() == chosen
        assert page.evaluate("localStorage.getItem('theme')") == ("dark" if chosen else "light")
    # What was kept is given to the next page by hand: now and then Chromium shows none to a page from disk.
    for theme in ("dark", "light"):
        page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        page.reload()
        assert is_dark() == (theme == "dark")


def test_colours_can_be_chosen_where_nothing_may_be_kept(open_page):
    page = open_page(viewport=DESKTOP)
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }})")
    page.reload()
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert page.complaints == []


def test_contents_are_folded_on_a_phone_and_stay_in_sight_on_a_wide_screen(open_page):
    page = open_page(viewport=PHONE)
    link = page.locator(".contents a").nth(3)
    assert not link.is_visible()
    page.locator(".contents summary").click()
    link.click()
    assert not link.is_visible()
    assert page.evaluate("location.hash") == link.get_attribute("href")
    page.set_viewport_size(DESKTOP)
    link.wait_for(state="visible")
    page.locator("footer").scroll_into_view_if_needed()
    bar = page.locator(".contents details").bounding_box()
    assert bar["y"] >= 0 and bar["y"] + bar["height"] <= DESKTOP["height"]


def test_contents_mark_the_section_that_is_read(open_page):
    page = open_page(viewport=DESKTOP)
    page.emulate_media(reduced_motion="reduce")
    for index in (2, 5):
        link = page.locator(".contents a").nth(index)
        link.click()
        page.locator(f".contents a[href='{link.get_attribute('href')}'][aria-current]").wait_for()
        assert page.locator("[aria-current]").count() == 1


def test_a_note_leads_to_its_words_and_back(open_page):
    page = open_page(viewport=DESKTOP)
    page.locator("sup [aria-label='Note 2']").click()
    assert page.locator(":target").evaluate("e => e.closest('ol').className") == "notes"
    page.locator(":target").get_by_role("link", name="Back to the text, note 2").click()
    assert page.locator(":target").get_attribute("href") == "#note-2"


def test_a_folded_part_of_a_caption_opens(open_page):
    page = open_page(viewport=DESKTOP)
    made = page.locator(".made").first
    assert not made.locator("p").is_visible()
    made.locator("summary").click()
    assert "snakemake" in made.locator("p").inner_text()


def test_without_a_script_the_page_is_whole(open_page):
    page = open_page(viewport=DESKTOP, java_script_enabled=False)
    assert not page.locator(".theme").is_visible()
    assert page.locator(".contents a").first.is_visible()
    assert page.locator("dialog").is_hidden()
    page.locator("figure a.zoom").first.click()
    assert page.url.endswith(".svg")


def test_print_shows_every_figure_and_no_bars(open_page):
    page = open_page(viewport=DESKTOP, color_scheme="dark")
    page.emulate_media(media="print")
    for selector in (".contents", ".theme", ".skip", ".made", "dialog"):
        assert not page.locator(selector).first.is_visible(), selector
    assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.9
    assert page.locator("figure img").count() == FIGURES
    for box in page.evaluate(
        "() => [...document.querySelectorAll('figure')].map(f => getComputedStyle(f).breakInside)"
    ):
        assert box == "avoid"
    assert page.evaluate("getComputedStyle(document.querySelector('main a'), '::after').content") == "none"


def place_piece(page, name, column):
    page.locator(f"[name=piece][value={name}]").check()
    page.locator("#column").evaluate(
        "(range, place) => { range.value = place; range.dispatchEvent(new Event('input')); }", column
    )


def shown_turn(page, dial):
    """What a dial says, positive to the left, and the angle of its arrow in degrees."""
    words = page.locator(f"#{dial} .turn").inner_text()
    angle = page.locator(f"#{dial} .hand").evaluate("e => Number(e.style.transform.slice(7, -4))")
    return (0.0 if words == "straight on" else float(words.split()[-1].replace("−", "-"))), angle


def test_the_policy_answers_in_the_page_as_in_the_build(open_page, demo):
    """At each place of every piece: the network in the page, and before it is there the answers that were stored."""
    stored = files.read_arrays(ROOT / "results/demo/hands_on.npz")
    page = open_page(demo / "index.html", viewport=DESKTOP)
    assert "build" in page.locator("#timing").inner_text()
    before = shown_turn(page, "answer")
    page.locator("#column").focus()
    expect(page.locator("#timing")).to_contain_text(" ms")
    assert shown_turn(page, "answer")[0] == pytest.approx(before[0], abs=0.011)
    for name in ("dark", "light", "rough", "concept"):
        policy, control = stored[f"try/{name}/turning"]
        for column in range(0, len(policy), 7):
            place_piece(page, name, column)
            for dial, turned in (("answer", policy[column]), ("control", control[column])):
                number, angle = shown_turn(page, dial)
                assert number == pytest.approx(turned, abs=0.0051)
                assert angle == pytest.approx(-90 * turned, abs=0.5)  # a turn to the left points to the left
    assert page.complaints == []


def test_a_piece_is_moved_by_hand_and_by_keys(open_page, demo):
    page = open_page(demo / "index.html", viewport=DESKTOP)
    column = page.locator("#column")
    box = page.locator("#floor").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
    page.mouse.down()
    left = int(column.input_value())
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50)
    page.mouse.up()
    assert int(column.input_value()) - left == pytest.approx(0.6 * 64, abs=1.5)
    bar = page.locator("#bar").bounding_box()
    assert bar["x"] + bar["width"] / 2 == pytest.approx(box["x"] + box["width"] * 0.8, abs=box["width"] / 60)
    now = int(column.input_value())
    column.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert int(column.input_value()) == now - 2


def test_guesses_are_scored_against_the_policy_and_the_rules_play_along(open_page, story):
    page = open_page(story, viewport=DESKTOP)
    stored = small_tried()
    sides = {
        name: ["left" if x > 0 else "right" for x in stored[f"guess/{name}"]] for name in ("turning", "darker", "probe")
    }
    page.locator("#left").focus()
    for number, truth in enumerate(sides["turning"], 1):
        assert page.locator("#count").inner_text() == f"Frame {number} of 4"
        page.keyboard.press("ArrowLeft")  # the reader always says left
        said = page.locator("#reply").inner_text()
        assert said.startswith(f"{'Yes' if truth == 'left' else 'No'}, it turns {truth}.")
        expected = {"you": ["left"] * number} | {name: sides[name][:number] for name in ("darker", "probe")}
        for name, answers in expected.items():
            right = sum(answer == side for answer, side in zip(answers, sides["turning"], strict=False))
            assert page.locator(f"#{name}").inner_text() == f"{right} of {number}"
        if number < 4:
            assert page.evaluate("document.activeElement.id") == "next"
            page.keyboard.press("Enter")
    assert "That was the last." in page.locator("#reply").inner_text()
    assert page.complaints == []


def test_every_still_says_its_number_to_pointer_and_keyboard_and_leads_to_its_frame(open_page, demo):
    facts = files.read_json(demo / "facts.json")
    said = [f"{row['frame']}: {facts['steering']} {signed(row['steering'], 2)}" for row in facts["stills"]]
    page = open_page(demo / "index.html", viewport=DESKTOP)
    drawn = "all => all.map(e => getComputedStyle(e, '::after')).map(s => [s.content, s.opacity])"
    links = page.locator("figure#stills .live a")
    links.nth(1).hover()
    assert links.evaluate_all(drawn) == [[f'"{text}"', str(int(i == 1))] for i, text in enumerate(said)]
    page.mouse.move(0, 0)
    links.nth(1).focus()
    page.keyboard.press("Tab")
    assert links.evaluate_all(drawn) == [[f'"{text}"', str(int(i == 2))] for i, text in enumerate(said)]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/frames.html#frame/{facts['stills'][2]['frame']}")


def test_every_dream_of_the_story_has_its_correlation_beside_it_and_leads_to_its_unit(open_page, demo):
    dreams = files.read_json(demo / "facts.json")["head_dreams"]
    page = open_page(demo / "index.html", viewport=DESKTOP)
    shown = page.locator("figure#atlas-heads .dreams li")
    said = [text.strip().rpartition(" ") for text in shown.all_inner_texts()]
    for (name, _, number), row in zip(said, dreams, strict=True):
        assert name.startswith(row["name"]) and number == signed(row["control_correlation"], 2)
    shown.nth(2).locator("a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/atlas.html#*")
    assert page.locator("#page\\:unit h2").inner_text() == dreams[2]["name"]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_film_plays_unless_the_reader_wants_no_motion_and_stops_at_its_first_picture(open_page, demo, motion):
    page = open_page(demo / "index.html", viewport=DESKTOP, reduced_motion=motion)
    button, still = page.locator(".film button"), page.locator(".film canvas")
    expect(button).to_have_text("Stop" if motion == "no-preference" else "Play")
    if motion == "no-preference":
        assert page.locator(".film img").is_visible() and not still.count()
        button.press("Enter")
        expect(button).to_have_text("Play")
    assert not page.locator(".film img").count()
    with Image.open(io.BytesIO(still.screenshot())) as shown, Image.open(demo / "film.webp") as film:
        drawn = np.asarray(shown.convert("RGB"), float)
        taken = [np.asarray(each.convert("RGB").resize(shown.size), float) for each in ImageSequence.Iterator(film)]
    assert np.argmin([np.abs(drawn - picture).mean() for picture in taken]) == 0
    button.press("Enter")
    expect(button).to_have_text("Stop")
    assert page.complaints == []


def test_a_film_that_is_missing_leaves_no_empty_place(open_page, demo, tmp_path):
    shutil.copy(demo / "index.html", tmp_path)
    page = open_page(tmp_path / "index.html", viewport=DESKTOP)
    expect(page.locator(".film")).to_be_hidden()
    assert page.locator(".lead").is_visible()


def test_without_a_script_what_can_be_tried_is_pictures_and_tables(open_page, story):
    page = open_page(story, viewport=DESKTOP, java_script_enabled=False)
    for name in LIVE[1:]:
        assert page.locator(f"figure#{name} img[src='figures/{name}.png']").is_visible()
    assert not page.locator("#bench").is_visible() and not page.locator("#game").is_visible()
    assert page.locator(".stills img").count() == 2
    page.locator("details:has(table) > summary").first.click()
    assert page.locator("details[open] table").first.is_visible()


def test_an_address_opens_the_claim_that_it_leads_to(open_page, story):
    page = open_page(story, viewport=DESKTOP)
    claim = page.locator("details.claim").nth(2)
    assert not claim.locator("table").is_visible()
    page.evaluate("id => { location.hash = id; }", claim.get_attribute("id"))
    claim.locator("table").wait_for(state="visible")


VIEWS = [(PHONE, "light"), (DESKTOP, "dark"), (PHONE, "dark"), (DESKTOP, "light")]


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"),
    # The other pages are larger: each size and each scheme once.
    [
        (name, *view)
        for name in ("index", "appendix", "atlas", "frames", "reproduce")
        for view in (VIEWS if name in ("index", "appendix") else VIEWS[:2])
    ],
    ids=lambda value: value if isinstance(value, str) else str(value["width"]),
)
def test_no_page_of_the_built_report_has_a_barrier(browser, demo, name, viewport, scheme):
    assert barriers(browser, demo / f"{name}.html", viewport=viewport, color_scheme=scheme) == []


def test_the_readmes_screenshots_are_small_and_shown():
    shots = sorted((ROOT / "docs").glob("*.png"))
    assert len(shots) == 2 and all(shot.stat().st_size < 200_000 for shot in shots)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"](docs/{shot.name})" in readme for shot in shots)


def test_barriers_are_found(browser, tmp_path):
    (tmp_path / "bad.html").write_text("<!DOCTYPE html><title>a</title><img src=x><p style='color: #ddd'>words")
    assert {line.split()[0] for line in barriers(browser, tmp_path / "bad.html")} >= {"image-alt", "color-contrast"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["index", "appendix", "reproduce"])
def test_no_number_of_the_built_report_is_clipped(open_page, demo, name, width):
    """No table, figure, nor row of the ledger is wider than its place, opened or not, so nothing is cut or scrolled."""
    page = open_page(demo / f"{name}.html", viewport={"width": width, "height": 900})
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.evaluate(
        "() => [...document.querySelectorAll('table, .scroll, figure, .claim, .claim summary > *')]"
        ".filter(e => e.clientWidth && e.scrollWidth > e.clientWidth).map(e => e.outerHTML.slice(0, 200))"
    )
    assert wide == []
    assert page.complaints == []


def test_the_story_is_short(open_page, demo):
    for viewport, most in (({"width": 1440, "height": 900}, 12_000), (PHONE, 25 * PHONE["height"])):
        page = open_page(demo / "index.html", viewport=viewport)
        assert page.evaluate("document.documentElement.scrollHeight") <= most


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_message_and_picture_stand_on_the_first_screen(open_page, demo, viewport):
    page = open_page(demo / "index.html", viewport=viewport)
    for selector in (".lead", ".film", "#floor"):
        box = page.locator(selector).bounding_box()
        assert box["y"] + (box["height"] if selector != "#floor" else 40) <= viewport["height"], selector


def contrast(one, other):
    """WCAG's contrast ratio of two CSS colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
