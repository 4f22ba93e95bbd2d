"""The page of an episode in a real browser: what it shows at a step is what was recorded, and what JAX computes."""

import base64

import jax
import numpy as np
import pytest
from PIL import Image

from minetest_interp.analysis import interventions
from minetest_interp.episodes import gather
from minetest_interp.facts import episode
from minetest_interp.io import files
from minetest_interp.model import objectives
from minetest_interp.pages import explorer
from minetest_interp.stages import episode_page
from minetest_interp.stages import film as film_stage
from tests.browser import CHROMIUM, DESKTOP, PAINTED, PHONE, PIXELS, barriers
from tests.played import EVERY, STEPS, taken

# The fixtures of the report's page, which open the `page_file` of this module.
from tests.results.test_pages import browser, open_page  # noqa: F401
from tests.unit.test_article import TEMPLATES
from tests.unit.test_explorer import NAMES, facts_of, policy_of_a_study, table_of_a_study, write_study
from tests.unit.test_film import ACTIONS, SETTINGS, read_recording, recorded, write_recording

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the page is not opened: no `chromium` on the PATH")

CLOSE = 1e-4
SHOWN = 0.00051  # what three decimals leave open
NARROW = {"width": 360, "height": 780}
# What is wider than its place, by its kind.
CUT = """[...document.querySelectorAll("figure, table, fieldset")].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.tagName)"""
STARTED = "!document.getElementById('controls').disabled"
NAMED = {"conv0": 1, "conv2": 3}


@pytest.fixture(scope="module")
def policy():
    return policy_of_a_study()


@pytest.fixture(scope="module")
def table():
    return table_of_a_study()


@pytest.fixture(scope="module")
def shown(folder):
    return files.read_arrays(folder / "film.npz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, policy, table):
    """A report's folder with the page, its film and the network."""
    folder = tmp_path_factory.mktemp("episode")
    write_study(folder, policy, table)
    write_recording(folder, recorded(), taken())
    read = read_recording(folder)
    files.write_arrays(folder / "film.npz", **episode.filmed(*read, table, "yaw", SETTINGS, folder / "own.npz"))
    film_stage.run(
        own=folder / "own.npz", seen=folder / "own-film.npz", pictures=folder / "own.webp",
        actions=ACTIONS, settings=SETTINGS._asdict(),
        arrays=folder / "other.npz", moving=folder / "film.webp", sheet=folder / "film-sheet.webp",
    )  # fmt: skip
    facts = facts_of(NAMES, policy.architecture)
    facts["definitions"] = {name: facts["definitions"].get(name, {"plus": {"x": name}}) for name in table.behaviours}
    facts["episode"] = episode.episode_facts(files.read_arrays(folder / "film.npz"), SETTINGS, NAMED)
    files.write_json(folder / "facts.json", facts)
    episode_page.run(
        arrays=folder / "film.npz", pictures=folder / "own.webp", sheet=folder / "film-sheet.webp",
        facts=folder / "facts.json", templates=TEMPLATES,
        html=folder / "episode.html", frames=folder / "explore/episode.js",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def page_file(folder):
    return folder / "episode.html"


@pytest.fixture
def page(open_page):  # noqa: F811
    return ready(open_page(viewport=DESKTOP))


def ready(page):
    page.wait_for_selector("#controls:not([disabled])")
    page.evaluate(PAINTED)
    return page


def go(page, step):
    page.locator("#step").fill(str(step))
    page.evaluate(PAINTED)
    return page


def pixels(page, name):
    width, height, data = page.evaluate(PIXELS, name)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4).astype(float)


def number(text):
    return np.nan if text == "–" else float(text.replace("−", "-"))


def stack_at(shown, policy, step):
    length = policy.architecture.stack[0]
    return gather.stacks_at(shown["frames"], np.array([step]), length).astype(np.float32)


def answers(policy, table, stack, units=()):
    asked = objectives.readouts(table, policy.architecture)
    changes = [
        interventions.replace(layer, np.arange(policy.architecture.shape(layer)[-1]) == channel, 0.0)
        for layer, channel in units
    ]
    trace = policy.run(stack, edit=interventions.in_turn(*changes))
    return {name: float(np.asarray(objective(trace))[0]) for name, objective in asked.items()}, trace


def test_the_numbers_at_a_step_are_the_recorded_ones(page, shown):
    for step in (0, 7, STEPS - 1):
        go(page, step)
        for name in ("value", "turn", "shaped", "advantage"):
            assert number(page.locator(f"#number-{name}").inner_text()) == pytest.approx(shown[name][step], abs=SHOWN)
        said = page.locator("#now").inner_text()
        side = "left" if shown["turn"][step] > 0 else "right"
        assert said.startswith(f"Step {step} of {STEPS - 1}, {step * 0.05:.2f} s: turns {side}")
        assert number(said.rpartition(" ")[2].rstrip(".")) == pytest.approx(shown["earned"][step], abs=0.0051)
        assert page.locator("#step").get_attribute("aria-valuetext") == said
    assert page.complaints == []


def test_the_film_shows_the_picture_of_the_step(page, page_file):
    page.wait_for_load_state("load")
    for step in (0, 9, STEPS - 1):
        go(page, step)
        shot = page_file.parent / "shot.png"
        page.locator("#film").screenshot(path=shot)
        with Image.open(shot) as stored:
            centre = np.asarray(stored.convert("RGB"), float)[20:-20, 20:-20].mean((0, 1))
        assert np.abs(centre - taken()[step // EVERY].mean((0, 1))).max() < 12


def test_the_policy_sees_the_frames_and_answers_as_jax_does(page, shown, policy, table):
    for step in (0, 1, 33):
        go(page, step)
        np.testing.assert_array_equal(pixels(page, "view")[..., 0], shown["frames"][step])
        for units in ((), (("conv0", 1), ("conv2", 3))):
            names = [f"{layer}/{channel}" for layer, channel in units]
            found = page.evaluate("([step, names]) => episodeLive.run(step, names)", [step, names])
            _, trace = answers(policy, table, stack_at(shown, policy, step), units)
            np.testing.assert_allclose(found["logits"], trace.logits[0], atol=CLOSE, rtol=0)
            np.testing.assert_allclose(found["value"], trace.value[0], atol=CLOSE, rtol=0)


def read_answers(page):
    rows = page.locator("#answers tr")
    return {
        row.locator("th").inner_text(): [number(t) for t in row.locator("td").all_inner_texts()] for row in rows.all()
    }


def test_units_are_silenced_on_any_step_and_speak_again(page, shown, policy, table):
    go(page, 20)
    whole, _ = answers(policy, table, stack_at(shown, policy, 20))
    page.get_by_role("button", name="conv2/3", exact=True).click()
    page.locator("#unit-name").fill("conv1/2")
    page.locator("#unit-name").press("Enter")
    page.locator("#layer").select_option("conv0")
    page.locator("#tiles").focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    units = [("conv2", 3), ("conv1", 2), ("conv0", 1)]
    page.evaluate(PAINTED)
    assert page.locator("#changes button").all_inner_texts() == [f"{layer}/{channel}" for layer, channel in units]
    for step in (20, 31):
        page.evaluate(PAINTED)
        stack = stack_at(shown, policy, step)
        (whole, _), (now, _) = answers(policy, table, stack), answers(policy, table, stack, units)
        found = read_answers(page)
        assert list(found) == list(whole)
        for name, numbers in found.items():
            expected = [whole[name], now[name], now[name] - whole[name]]
            np.testing.assert_allclose(numbers, expected, atol=SHOWN)
        go(page, 31)
    assert page.get_by_role("button", name="conv0/1", exact=True).get_attribute("aria-pressed") == "true"
    page.reload()
    ready(page)
    assert page.locator("#changes button").all_inner_texts() == ["conv2/3", "conv1/2", "conv0/1"]
    assert page.locator("#step").input_value() == "31"
    page.get_by_role("button", name="Take back: conv1/2").click()
    page.evaluate(PAINTED)
    assert page.locator("#changes button").all_inner_texts() == ["conv2/3", "conv0/1"]
    page.locator("#reset").click()
    page.evaluate(PAINTED)
    assert all(numbers[2] == 0 for numbers in read_answers(page).values())
    assert page.complaints == []


def test_a_unit_that_the_network_lacks_is_refused(page):
    page.locator("#unit-name").fill("conv9/1")
    page.locator("#silence").click()
    assert "A unit is a layer and a number" in page.locator("#unit-name").evaluate("e => e.validationMessage")
    assert page.locator("#changes li").count() == 0


def test_the_map_is_the_gradient_of_the_steering(page, shown, policy, table):
    go(page, 12)
    page.wait_for_selector("#overlay[aria-busy=false]", state="attached")
    page.locator("#legend").wait_for()
    red, _, blue, alpha = np.moveaxis(pixels(page, "overlay"), -1, 0)
    yaw = objectives.readouts(table, policy.architecture)["yaw"]
    stack = stack_at(shown, policy, 12)
    slopes = jax.grad(lambda x: yaw(policy.run(x))[0])(stack)[0].sum(0)
    most = np.quantile(np.abs(slopes), 0.995)
    found = np.sign(red - blue) * alpha / 255
    assert np.corrcoef(found.ravel(), (slopes / most).clip(-1, 1).ravel())[0, 1] > 0.999


def test_the_keyboard_goes_step_by_step_and_to_the_ends(page):
    step = page.locator("#step")
    for focused in ("#step", "body"):
        if focused == "#step":
            step.focus()
        else:
            page.evaluate("document.activeElement.blur()")
        for key, expected in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", STEPS - 1)):
            page.keyboard.press(key)
            page.evaluate(PAINTED)
            assert int(step.input_value()) == expected, (focused, key)
        page.keyboard.press("ArrowRight")
        page.evaluate(PAINTED)
        assert int(step.input_value()) == STEPS - 1
        assert page.evaluate("location.hash") == f"#step/{STEPS - 1}"


def test_playing_goes_to_the_end_and_can_be_paused(page):
    go(page, STEPS - 8)
    play = page.get_by_role("button", name="Play", exact=True)
    play.click()
    page.wait_for_function("last => document.getElementById('step').value === String(last)", arg=STEPS - 1)
    play.wait_for()
    play.click()  # from the beginning
    page.get_by_role("button", name="Pause", exact=True).click()
    page.evaluate(PAINTED)
    stopped = page.locator("#step").input_value()
    assert int(stopped) < STEPS - 1
    page.wait_for_timeout(150)
    assert page.locator("#step").input_value() == stopped


def test_a_moment_leads_to_its_step_and_a_click_into_a_curve_too(page, shown):
    links = page.locator(".moments a")
    assert [int(link.get_attribute("data-step")) for link in links.all()] == shown["moments"].tolist()
    written = [number(text.lstrip("▲▼ ")) for text in page.locator(".moments b").all_inner_texts()]
    np.testing.assert_allclose(written, shown["advantage"][shown["moments"]], atol=0.0051)
    links.nth(2).click()
    page.evaluate(PAINTED)
    assert int(page.locator("#step").input_value()) == shown["moments"][2]
    assert links.nth(2).get_attribute("aria-current") == "true"
    plot = page.locator(".curve.turn .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 25 / (STEPS - 1), box["y"] + 5)
    page.evaluate(PAINTED)
    assert int(page.locator("#step").input_value()) == 25
    # The line is where the slider's thumb is.
    line = plot.evaluate("e => parseFloat(getComputedStyle(e, '::after').left) / e.clientWidth")
    assert line == pytest.approx(25 / (STEPS - 1), abs=0.01)


def test_the_arrow_on_the_map_is_where_the_agent_was(page, shown):
    for step in (0, 40):
        go(page, step)
        x, _, z, yaw, _ = shown["pose"][step].astype(float)
        place, turned, _ = page.locator(".agent").get_attribute("transform").replace(") ", ")|").split("|")
        found = [float(t) for t in place.removeprefix("translate(").rstrip(")").replace(",", " ").split()]
        assert found == pytest.approx([x, -z], abs=0.01)
        assert float(turned[len("rotate(") : -1]) == pytest.approx(-yaw, abs=0.01)


def test_without_the_network_the_film_is_still_there(open_page, folder, tmp_path):  # noqa: F811
    for name in ("episode.html", "film-sheet.webp"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    page = open_page(tmp_path / "episode.html", viewport=DESKTOP)
    page.wait_for_function("document.getElementById('notice').textContent !== ''")
    assert "explore" in page.locator("#notice").inner_text()
    go(page, 10)
    assert page.locator("#now").inner_text().startswith("Step 10 ")
    assert page.locator("#controls").evaluate("e => e.disabled")


def test_without_scripts_there_are_stills_with_captions_curves_and_the_map(browser, page_file, shown):  # noqa: F811
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    try:
        page = context.new_page()
        page.goto(page_file.as_uri())
        captions = page.locator(".still-strip li").all_inner_texts()
        assert len(captions) == 8 and page.locator(".still-strip img:visible").count() == 8
        for caption in captions:
            step = int(caption.split("Step ")[1].split(",")[0])
            assert f"value {shown['value'][step]:.2f}".replace("-", "−") in caption
        assert page.locator(".curve svg:visible").count() == 4 and page.locator(".above svg").is_visible()
        assert page.locator("button:visible, input:visible, select:visible, canvas:visible").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    finally:
        context.close()


@pytest.mark.parametrize("viewport", [NARROW, {"width": 800, "height": 900}, DESKTOP], ids=["360", "800", "1280"])
def test_nothing_is_wider_than_the_page(open_page, viewport):  # noqa: F811
    page = ready(open_page(viewport=viewport))
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [NARROW, DESKTOP], ids=["phone", "desktop"])
def test_every_reader_can_use_it(browser, page_file, scheme, viewport):  # noqa: F811
    started = (
        f"() => new Promise(done => {{ const wait = () => ({STARTED} ? done() : setTimeout(wait, 50)); wait(); }})"
    )
    assert (
        barriers(
            browser,
            page_file,
            fragment="#step/5?silence=conv0%2F1",
            before=started,
            color_scheme=scheme,
            viewport=viewport,
        )
        == []
    )


def test_it_asks_for_nothing_outside_its_folder(page, folder):
    for url in page.requested:
        assert url.startswith((f"{folder.as_uri()}/", "data:")), url


def test_the_pages_of_a_study_lead_to_it_only_where_it_is(folder, policy):
    facts = files.read_json(folder / "facts.json")
    pictures = list(taken()[: len(NAMES)])
    assert 'href="episode.html"' in explorer.render(facts, pictures, TEMPLATES)
    del facts["episode"]
    assert "episode.html" not in explorer.render(facts, pictures, TEMPLATES)
