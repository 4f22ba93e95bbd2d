"""The frame explorer in a real browser, on the built demo: every control, and the policy against JAX."""

import base64

import jax
import numpy as np
import pytest
import scipy.ndimage
import yaml
from PIL import Image

from minetest_interp.analysis import interventions
from minetest_interp.io import files, layout
from minetest_interp.model import agent, frames, objectives
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from minetest_interp.pages import explorer
from tests import kinds
from tests.conftest import ROOT, random_policy
from tests.kinds import policy_of

# The fixtures of the report's page, which open the `page_file` of this module.
from tests.results.test_pages import CHROMIUM, DESKTOP, PHONE, READABLE, browser, contrast, open_page  # noqa: F401
from tests.unit.test_article import HOSTILE
from tests.unit.test_explorer import NAMES, frames_of_a_study, policy_of_a_study, table_of_a_study, write_study

RESULTS, PAGE = ROOT / "results/demo", ROOT / "report/demo/frames.html"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="the frame explorer is not opened: no `chromium` on the PATH"),
    pytest.mark.skipif(not PAGE.is_file(), reason="NOT CHECKED: the demo study has not been built; run make first"),
]

CLOSE = 1e-4
SHOWN = 0.00051  # what three decimals leave open
# Two paints from now: every change is drawn before the next one.
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
PIXELS = """id => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, btoa(Array.from(data, level => String.fromCharCode(level)).join(""))];
}"""
NUMBERS = """() => Object.fromEntries([...document.querySelectorAll("#quantities tr.now")].map(row => [
  row.cells[0].innerText, [row, row.nextSibling].map(r => Number(r.cells[2].innerText.replace("−", "-")))]))"""


@pytest.fixture
def page_file():
    return PAGE


@pytest.fixture(scope="module")
def study():
    stacks = files.read_arrays(RESULTS / "stacks.npz", "frames", "original", "mirrored")
    actions = yaml.safe_load((ROOT / "config/minetest-actions.yaml").read_text())
    (policy, _, _), table = agent.load(ROOT / "data/demo/demo.model", {"size": 64}, actions)
    return {
        "names": [str(name) for name in stacks["frames"]],
        "greys": stacks["original"],
        "mirrored": stacks["mirrored"],
        "facts": files.read_json(ROOT / "report/demo/facts.json"),
        "policy": policy,
        "asked": objectives.readouts(table, policy.architecture),
        "table": table,
    }


def ready(page):
    """Once the policy runs and what is shown is drawn."""
    page.wait_for_selector("#controls:not([disabled])")
    page.evaluate(PAINTED)
    return page


@pytest.fixture
def page(open_page):  # noqa: F811
    return ready(open_page(viewport=DESKTOP))


def shows(page, name):
    """Once the page has drawn a frame."""
    page.get_by_alt_text(f"{name} as a player sees it", exact=True).wait_for()
    return page


def choose(page, study, i):
    page.locator(".strip a").nth(i).click()
    return shows(page, study["names"][i])


def pixels(page, name):
    """A canvas as `[h, w, 4]`."""
    width, height, data = page.evaluate(PIXELS, name)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def view(page, name="view"):
    """What the network is shown, once it is drawn."""
    page.evaluate(PAINTED)
    return pixels(page, name)[..., 0].astype(float)


def numbers(page):
    """Quantity to what it is on the frame and on its mirror image."""
    page.evaluate(PAINTED)
    return page.evaluate(NUMBERS)


def mapped(page):
    """The map on the frame, signed, -1 to 1 by how opaque it is."""
    page.evaluate(PAINTED)
    page.wait_for_selector("#overlay[aria-busy=false]", state="attached")
    red, _, blue, alpha = np.moveaxis(pixels(page, "overlay").astype(float), -1, 0)
    return np.sign(red - blue) * alpha / 255


def slide(page, name, value):
    page.locator(f"#{name}").fill(str(value))


def check_numbers(page, study, grey, other):
    expected = interventions.read_out(study["policy"], tuple(study["asked"].values()), np.stack([grey, other]))
    for column, (name, shown) in enumerate(numbers(page).items()):
        assert name == list(study["asked"])[column]
        np.testing.assert_allclose(shown, expected[:, column], atol=SHOWN)


def test_the_policy_in_the_page_agrees_with_jax_on_every_frame(page, study):
    for mirrored, name in ((False, "original"), (True, "mirrored")):
        found = page.evaluate(
            "m => Promise.all(policyLive.frames.map((_, i) => policyLive.run(i, { mirrored: m })))", mirrored
        )
        for key in ("logits", "value"):
            stored = files.read_arrays(layout.intermediates(RESULTS, name), "frames", key)
            assert stored["frames"].tolist() == page.evaluate("policyLive.frames")
            np.testing.assert_allclose([run[key] for run in found], stored[key], atol=CLOSE, rtol=0)
    assert page.evaluate("policyLive.milliseconds(2)") > 0
    assert page.complaints == []


def test_a_frame_is_shown_with_the_reports_numbers(page, study):
    i = 5
    choose(page, study, i)
    np.testing.assert_array_equal(view(page), study["greys"][i])
    np.testing.assert_array_equal(view(page, "mirror-view"), study["mirrored"][i])
    fact = study["facts"]["frames"][i]
    for name, (here, there) in numbers(page).items():
        assert here == pytest.approx(fact[name], abs=SHOWN)
        assert there == pytest.approx(fact["mirrored"][name], abs=SHOWN)
    changes = page.locator("#quantities tr.now td:last-child").all_inner_texts()
    assert changes == ["0.000"] * len(changes)
    logits = files.read_arrays(RESULTS / "intermediates/original.npz")["logits"][i]
    shares = page.locator("#actions .number").all_inner_texts()
    probabilities = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose([float(share[:-2]) for share in shares], 100 * probabilities, atol=0.0501)
    labels = ["nothing" if label == "-" else label for label in study["table"].labels]
    assert page.locator("#actions .label").all_inner_texts() == labels
    natural = page.evaluate("() => document.getElementById('picture').decode().then(() => picture.naturalWidth)")
    assert natural == 512


def test_a_bar_ends_at_its_number(page):
    ends = page.evaluate(
        """() => [...document.querySelectorAll("#quantities tr.now")].map(row => {
          const [track, bar] = [".track", ".bar"].map(name => row.querySelector(name).getBoundingClientRect());
          return [(bar.left - track.left) / track.width, (bar.right - track.left) / track.width];
        })"""
    )
    shown = {name: here for name, (here, _) in numbers(page).items()}
    for (left, right), name in zip(ends, shown, strict=True):
        x = shown[name]
        if name == "yaw":  # to the left is left
            expected = sorted((0.5, 0.5 - x / 2))
        elif name == "pitch":
            expected = sorted((0.5, 0.5 + x / 2))
        elif name == "value":
            continue
        else:
            expected = (0, x)
        assert (left, right) == pytest.approx(expected, abs=0.01)


def test_frames_are_reached_by_link_by_step_and_by_address_and_survive_a_reload(page, study):
    names = study["names"]
    page.goto(f"{PAGE.as_uri()}#frame/{names[7]}")
    for _ in range(2):
        ready(shows(page, names[7]))
        assert page.locator("#name").inner_text() == names[7]
        np.testing.assert_array_equal(view(page), study["greys"][7])
        page.reload()
    ready(page)
    page.get_by_role("link", name="Frame after").click()
    shows(page, names[8])
    np.testing.assert_array_equal(view(page), study["greys"][8])
    page.get_by_role("link", name="Frame before").press("Enter")
    shows(page, names[7])
    np.testing.assert_array_equal(view(page), study["greys"][7])
    assert page.locator(".strip [aria-current]").get_attribute("title") == names[7]
    assert page.locator(".strip a").count() == len(names)
    for end, link in ((0, "#before"), (-1, "#after")):
        choose(page, study, end)
        assert page.locator("#name").inner_text() == names[end]
        assert not page.locator(link).is_visible()


@pytest.mark.parametrize(
    ("address", "told"), [("no-such-frame", "no-such-frame"), ("100%", "100%"), ("%3Cb%3E", "<b>")]
)
def test_an_unknown_name_is_told(open_page, study, address, told):  # noqa: F811
    page = open_page(viewport=DESKTOP)
    page.goto(f"{PAGE.as_uri()}#frame/{address}")
    ready(page)
    assert page.locator("#notice").inner_text() == f"This study has no frame “{told}”. Here is {study['names'][0]}."
    choose(page, study, 2)
    assert page.locator("#notice").inner_text() == ""


def test_every_edit_changes_frame_mirror_image_and_numbers(page, study):
    grey, other = study["greys"][3], study["mirrored"][3]
    choose(page, study, 3)
    assert page.locator("#undo").is_disabled()
    cases = {
        "mirror": (lambda x: other, lambda x: grey),
        "invert": (lambda x: 255 - x, lambda x: 255 - x),
        "gamma": (lambda x: 255 * np.sqrt(x / 255), lambda x: 255 * np.sqrt(x / 255)),
        "blur": (lambda x: scipy.ndimage.gaussian_filter(x, 2, mode="nearest"),) * 2,
        "shift-x": (
            lambda x: np.pad(x, ((0, 0), (5, 0)), mode="edge")[:, :64],
            lambda x: np.pad(x, ((0, 0), (0, 5)), mode="edge")[:, 5:],
        ),
        "shift-y": (lambda x: np.pad(x, ((0, 4), (0, 0)), mode="edge")[4:],) * 2,
    }
    values = {"gamma": 1, "blur": 2, "shift-x": 5, "shift-y": -4}
    for name, (here, there) in cases.items():
        if name in values:
            slide(page, name, values[name])
        else:
            page.locator(f"#{name}").check()
        expected = np.float32(here(grey)), np.float32(there(other))
        np.testing.assert_allclose(view(page), expected[0], atol=0.51, err_msg=name)
        np.testing.assert_allclose(view(page, "mirror-view"), expected[1], atol=0.51, err_msg=name)
        check_numbers(page, study, *expected)
        page.locator("#undo").click()
        np.testing.assert_array_equal(view(page), grey)
        assert page.locator("#undo").is_disabled()


def test_the_change_is_from_the_unedited_frame(page, study):
    grey = study["greys"][0]
    page.locator("#invert").check()
    edited, plain = interventions.read_out(
        study["policy"], tuple(study["asked"].values()), np.stack([255 - grey, grey])
    )
    page.evaluate(PAINTED)
    shown = page.locator("#quantities tr.now td:last-child").all_inner_texts()
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in shown], edited - plain, atol=SHOWN)
    assert np.abs(edited - plain).max() > 0.01


def test_the_brush_paints_by_pointer_and_by_keyboard_and_is_wiped_off(page, study):
    expected = study["greys"][0].copy()
    slide(page, "brush-width", 6)
    slide(page, "brush-level", 255)
    page.evaluate(PAINTED)
    assert page.locator("#brush-width-shown").inner_text() == "6"
    box = page.locator("#view").bounding_box()
    x, y = ((place + 0.5) / 64 * box["width"] for place in (20, 40))
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.evaluate(PAINTED)
    page.mouse.move(box["x"] + x + 10 / 64 * box["width"], box["y"] + y)
    page.mouse.up()
    expected[38:44, 18:24] = expected[38:44, 28:34] = 255
    np.testing.assert_array_equal(view(page), expected)
    np.testing.assert_array_equal(view(page, "mirror-view"), expected[:, ::-1])
    page.locator("#view").focus()
    slide(page, "brush-level", 0)
    page.locator("#view").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowDown", " "):
        page.keyboard.press(key)
    expected[39:45, 29:35] = 0
    np.testing.assert_array_equal(view(page), expected)
    check_numbers(page, study, expected, expected[:, ::-1])
    page.locator("#wipe").click()
    np.testing.assert_array_equal(view(page), study["greys"][0])
    assert page.locator("#wipe").is_disabled()


def test_a_screenshot_of_ones_own_takes_the_frames_place(page, study, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (50, 100, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    Image.fromarray(picture).save(tmp_path / "own.png")
    wide = round(400 * 512 / 300)
    left = (800 - wide) // 2
    expected = frames.grey(picture[:, left : left + wide], size=64, order=study["facts"]["pictures"]["order"])
    page.locator("#own").set_input_files(tmp_path / "own.png")
    page.wait_for_selector("#own-shown:not([hidden])")
    assert np.abs(view(page) - expected).max() <= 1
    check_numbers(page, study, view(page), view(page, "mirror-view"))
    page.locator("#leave-own").click()
    page.wait_for_selector("#own-shown", state="hidden")
    np.testing.assert_array_equal(view(page), study["greys"][0])
    page.evaluate(
        """data => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([Uint8Array.from(data)], "own.png", { type: "image/png" }));
          document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
        }""",
        list((tmp_path / "own.png").read_bytes()),
    )
    page.wait_for_selector("#own-shown:not([hidden])")
    assert np.abs(view(page) - expected).max() <= 1


def test_what_is_no_screenshot_is_told(page, study, tmp_path):
    Image.new("RGB", (90, 40)).save(tmp_path / "small.png")
    (tmp_path / "<b>.png").write_text("no picture")
    for name, told in (
        ("small.png", "A screenshot must have at least 64 × 64 pixels; this one has 90 × 40."),
        ("<b>.png", "<b>.png is not a picture that this browser can read."),
    ):
        page.locator("#own").set_input_files(tmp_path / name)
        page.get_by_text(told).wait_for()
        np.testing.assert_array_equal(view(page), study["greys"][0])


def test_maps_agree_with_the_evidence(page, study):
    """Where the study kept maps, those of the page are the same; occlusion and SmoothGrad differ, as the page says."""
    stored = files.read_arrays(RESULTS / "evidence/attribution.npz")
    methods = page.locator("#method option").all_inner_texts()[1:]
    assert [name.replace(", all frames at once", "") for name in methods] == stored["methods"].tolist()
    name = str(stored["maps_frames"][1])
    choose(page, study, study["names"].index(name))
    for m, method in enumerate(methods):
        page.locator("#method").select_option(method)
        differs = method.startswith(("occlusion", "SmoothGrad"))
        for j, question in enumerate(stored["judged"][:1] if differs else stored["judged"]):
            page.locator("#question").select_option(str(question))
            expected = stored["maps"][m, j, 1].sum(0)
            most = np.quantile(np.abs(expected), 0.995)
            close = np.corrcoef(mapped(page).ravel(), (expected / most).clip(-1, 1).ravel())[0, 1]
            assert close > (0.6 if differs else 0.999), (method, question)
            assert page.locator("#legend").inner_text().startswith(f"Orange raises {question}, blue lowers it;")
        verdict = dict(zip(stored["methods"], stored["verdicts"], strict=True)).get(method)
        assert page.locator("#verdict").is_visible() == (verdict is not None)
        assert verdict is None or str(verdict) in page.locator("#verdict").inner_text()


def test_a_map_follows_edits_has_every_question_and_can_be_taken_off(page):
    page.locator("#method").select_option("gradient")
    seen = []
    for question in page.locator("#question option").all_inner_texts():
        page.locator("#question").select_option(question)
        seen.append(mapped(page))
    page.locator("#invert").check()
    seen.append(mapped(page))
    assert all(np.abs(one).max() == 1 for one in seen)
    assert all(np.abs(one - other).max() > 0.1 for i, one in enumerate(seen) for other in seen[:i])
    slide(page, "opacity", 35)
    assert page.locator("#overlay").evaluate("e => getComputedStyle(e).opacity") == "0.35"
    page.locator("#method").select_option("")
    assert not mapped(page).any() and not page.locator("#legend").is_visible()


def test_a_newer_request_ends_an_older_one(page):
    page.locator("#method").select_option("occlusion, all frames at once")
    page.wait_for_selector("#progress:not([hidden])")
    page.locator("#method").select_option("gradient")
    one = mapped(page)
    page.locator("#method").select_option("")
    page.locator("#method").select_option("gradient")
    np.testing.assert_array_equal(mapped(page), one)
    assert not page.locator("#progress").is_visible()


def tile(page, layer, channel):
    """Where a channel's tile lies on its canvas, from the picture alone: tiles stand apart by empty pixels."""
    filled = pixels(page, layer)[..., 3] > 0
    lines = [np.flatnonzero(np.diff(np.r_[0, filled.any(axis), 0])).reshape(-1, 2) for axis in (1, 0)]
    row, column = divmod(channel, len(lines[1]))
    box = page.locator(f"#{layer}").bounding_box()
    scale = box["width"] / filled.shape[1]
    return {"x": scale * lines[1][column].mean(), "y": scale * lines[0][row].mean()}


def test_a_click_silences_a_channel_as_the_librarys_edit_does(page, study):
    stack = frames.as_stacks(study["greys"][:1], 4)
    plain = [here for here, _ in numbers(page).values()]
    for layer, channel in (("conv0", 17), ("conv1", 53), ("conv2", 20), ("hidden", 300)):
        units = np.eye(study["policy"].geometry.shape(layer)[-1])[[channel]]
        trace = study["policy"].run(stack, edit=interventions.replace(layer, units[0], 0.0))
        expected = [float(objective(trace)[0]) for objective in study["asked"].values()]
        where = tile(page, layer, channel)
        page.locator(f"#{layer}").click(position=where)
        np.testing.assert_allclose([here for here, _ in numbers(page).values()], expected, atol=SHOWN)
        assert page.locator("#silenced button").all_inner_texts() == [f"{layer}/{channel}"]
        assert page.locator("#readout").inner_text() == f"{layer}/{channel}: 0.000 to 0.000"
        page.locator(f"#{layer}").click(position=where)
        assert [here for here, _ in numbers(page).values()] == plain
        assert page.locator("#silenced button").count() == 0


def test_channels_are_silenced_and_restored_by_keyboard_too(page):
    plain = numbers(page)
    page.locator("#layer").select_option("conv1")
    page.locator("#channel").fill("14")
    page.locator("#silence").press("Enter")
    page.evaluate(PAINTED)
    assert page.locator("#silence").get_attribute("aria-pressed") == "true"
    assert page.locator("#unit").get_attribute("href") == "atlas.html#conv1/14"
    page.locator("#layer").select_option("hidden")
    page.evaluate(PAINTED)
    assert not page.locator("#unit").is_visible()
    page.locator("#channel").fill("511")
    page.locator("#silence").press("Enter")
    page.locator("#channel").fill("512")  # there is none
    page.locator("#silence").press("Enter")
    page.locator("#silence").press("Enter")
    silenced = numbers(page)
    assert silenced != plain
    assert page.locator("#silenced button").all_inner_texts() == ["conv1/14", "hidden/511"]
    page.get_by_role("button", name="Restore conv1/14").press("Enter")
    assert numbers(page) != silenced
    assert page.locator("#silenced button").all_inner_texts() == ["hidden/511"]
    page.locator("#restore").click()
    assert numbers(page) == plain and page.locator("#restore").is_disabled()
    assert page.locator("#none-silenced").is_visible()


def test_tiles_have_the_colour_of_their_activation(page, study):
    stored = files.read_arrays(RESULTS / "intermediates/original.npz")["conv2"]
    assert page.evaluate("studyPolicy.ranges.conv2") == explorer.drawing_range(stored)
    image = pixels(page, "conv2").astype(int)
    checked = 0
    for channel in range(0, 64, 9):
        where = tile(page, "conv2", channel)
        # The cell right and below the middle of a tile of four by four.
        red, _, blue, _ = image[int(where["y"]) + 2, int(where["x"]) + 2]
        value = stored[0, 2, 2, channel]
        if abs(value) > 0.1:
            assert np.sign(red - blue - 12) == np.sign(value)
            checked += 1
    assert checked > 3


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_widens_the_page(open_page, viewport):  # noqa: F811
    page = ready(open_page(viewport=viewport))
    page.locator("#method").select_option("gradient")
    for channel in range(12):
        page.locator("#channel").fill(str(channel))
        page.locator("#silence").click()
    mapped(page)
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    page.set_viewport_size({"width": 700, "height": 900})
    page.evaluate(PAINTED)
    assert page.evaluate("document.documentElement.scrollWidth") == 700


def test_only_files_of_the_report_are_asked_for(page, study):
    for i in (1, 2):
        choose(page, study, i)
    asked = {url.split("#")[0] for url in page.requested if not url.startswith("data:")}
    beside = {f"explore/{name}.js" for name in ("policy", "frames/0", "frames/1", "frames/2")}
    assert asked == {PAGE.as_uri(), *((PAGE.parent / name).as_uri() for name in beside)}
    assert page.complaints == [] and page.dialogs == []


def test_every_control_has_a_name_is_reached_by_tab_and_shows_its_focus(page):
    controls = page.locator("main :is(button, input, select, a[href], [tabindex='0'])")
    named = controls.evaluate_all(
        "all => all.map(e => [e.id, (e.labels?.[0]?.innerText || e.ariaLabel || e.innerText || '').trim()])"
    )
    assert len(named) > 20 and all(name for _, name in named)
    page.locator("#invert").check()  # what undoes it can be reached, too
    page.evaluate(PAINTED)
    wanted = set(
        controls.evaluate_all("all => all.filter(e => e.checkVisibility() && !e.matches(':disabled')).map(e => e.id)")
    )
    page.locator("#content").focus()
    reached, faint = set(), []
    for _ in range(len(named) + 2):
        page.keyboard.press("Tab")
        name, style = page.evaluate(
            "() => [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"
        )
        reached.add(name)
        if name and style == "none":
            faint.append(name)
    assert wanted <= reached and faint == []


def test_light_and_dark_are_readable(open_page):  # noqa: F811
    papers = []
    for scheme in ("light", "dark"):
        page = ready(open_page(viewport=DESKTOP, color_scheme=scheme))
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for selector in (
            ".small",
            "figcaption",
            "tr.now td.number",
            "tr.mirror td.number",
            ".slider label",
            "#actions li",
            "h4",
        ):
            text = page.locator(f"{selector}:visible").first.evaluate("e => getComputedStyle(e).color")
            assert contrast(text, papers[-1]) >= READABLE, (scheme, selector)
    assert papers[0] != papers[1]


def test_the_numbers_are_spoken_once_the_reader_pauses(page):
    for value in (1, 2, 3, 4):
        slide(page, "shift-x", value)
    shown = [text.split()[:2] for text in page.locator("#quantities tr.now").all_inner_texts()]
    assert "yaw" in [name for name, _ in shown]
    spoken = ", ".join(map(" ".join, shown))
    page.wait_for_function("spoken => document.getElementById('said').innerText === spoken", arg=spoken)
    assert page.locator("[aria-live=off]").count() == page.locator("output").count()


def test_hostile_names_do_nothing(open_page, tmp_path):  # noqa: F811
    page = open_page(viewport=PHONE)
    page.goto(write_study(tmp_path, policy_of_a_study(), table_of_a_study()).as_uri())
    ready(page)
    for i, name in enumerate(NAMES):
        choose(page, {"names": NAMES}, i)
        assert page.locator("#name").text_content() == name
        assert page.locator("#notice").inner_text() == ""
        page.reload()
        ready(shows(page, name))
        assert page.locator("#name").text_content() == name
    page.locator("#question").select_option(HOSTILE)
    page.locator("#method").select_option("gradient")
    mapped(page)
    assert HOSTILE in page.locator("#legend").inner_text()
    assert page.locator("[onerror]").count() == 0 and page.locator("script").count() == 2 + 2
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.complaints == [] and page.dialogs == []


@pytest.mark.parametrize("kind", ["residual", "pooled"])
def test_a_page_of_another_network_has_its_layers_and_its_answers(open_page, kind, tmp_path):  # noqa: F811
    policy, table = policy_of(kind, tmp_path), action_table(kinds.FACTORS, kinds.BEHAVIOURS)
    network, greys = policy.architecture, frames_of_a_study(policy)
    page = open_page(viewport=DESKTOP)
    page.goto(write_study(tmp_path, policy, table).as_uri())
    ready(page)
    np.testing.assert_array_equal(view(page), greys[0])
    trace = policy.run(frames.as_stacks(greys[:1], network.frames))
    found = page.evaluate("policyLive.run(0)")
    assert set(found) == set(network.outputs)
    for name, shown in found.items():
        np.testing.assert_allclose(np.ravel(shown), np.ravel(getattr(trace, name)), atol=CLOSE, rtol=CLOSE)
    returns = "q" in network.outputs
    weighed = objectives.return_difference if returns else objectives.behaviour_probability
    asked = {name: weighed(behaviour) for name, behaviour in table.behaviours.items()}
    asked |= {"value": objectives.value()} if "value" in network.outputs else {}
    shown = numbers(page)
    assert list(shown) == list(asked) == page.locator("#question option").all_inner_texts()
    for name, objective in asked.items():
        assert shown[name][0] == pytest.approx(float(objective(trace)[0]), abs=SHOWN)
    acts = [
        float(text.removesuffix(" %").replace("−", "-")) for text in page.locator("#actions .number").all_inner_texts()
    ]
    expected = trace.q[0] if returns else 100 * jax.nn.softmax(trace.logits[0])
    np.testing.assert_allclose(acts, expected, atol=SHOWN if returns else 0.0501)
    layers = list(network.targets[1:])
    assert page.locator(".layers canvas").evaluate_all("all => all.map(e => e.id)") == layers
    for layer in layers:
        units = np.eye(network.shape(layer)[-1])[3]
        silenced = policy.run(
            frames.as_stacks(greys[:1], network.frames), edit=interventions.replace(layer, units, 0.0)
        )
        where = tile(page, layer, 3)
        page.locator(f"#{layer}").click(position=where)
        assert numbers(page)["yaw"][0] == pytest.approx(float(asked["yaw"](silenced)[0]), abs=SHOWN)
        assert page.locator("#silenced button").all_inner_texts() == [f"{layer}/3"]
        page.locator(f"#{layer}").click(position=where)
    page.locator("#shift-x").fill("3")
    np.testing.assert_array_equal(view(page), np.pad(greys[0], ((0, 0), (3, 0)), mode="edge")[:, :-3])
    page.locator("#method").select_option("gradient")
    assert np.abs(mapped(page)).max() == 1 and mapped(page).shape == greys[0].shape
    assert [text for text in page.complaints if "willReadFrequently" not in text] == []  # said of these tests' reading


@pytest.mark.parametrize("kind", ["stack", "colours"])
def test_stacks_and_colours_are_shown_edited_and_read_out_as_they_are(open_page, kind, tmp_path):  # noqa: F811
    policy = random_policy(Geometry(3, 44, (3, 4, 5), (8, 4, 3), (4, 2, 1), 6, 3), gain=50.0)
    table = table_of_a_study()
    told = {"policy": policy, "asked": objectives.readouts(table, policy.architecture)}
    stack = frames_of_a_study(policy, kind=kind)[1]
    page = open_page(viewport=DESKTOP)
    page.goto(write_study(tmp_path, policy, table, kind=kind).as_uri())
    page.locator(".strip a").nth(1).click()
    ready(page).get_by_alt_text(f"{NAMES[1]} as people see it", exact=True).wait_for()

    def check(shown):
        check_numbers(page, told, shown, shown[..., ::-1])
        visible = np.moveaxis(shown if kind == "colours" else shown[[-1] * 3], 0, -1)
        assert np.abs(pixels(page, "view")[..., :3] - visible).max() <= 0.5
        assert np.abs(pixels(page, "mirror-view")[..., :3] - visible[:, ::-1]).max() <= 0.5

    check(stack)
    slide(page, "shift-x", 3)
    check(np.pad(stack, ((0, 0), (0, 0), (3, 0)), mode="edge")[..., :-3])
    page.locator("#method").select_option("IG, mean frame")
    assert mapped(page).shape == stack.shape[1:] and np.abs(mapped(page)).max() == 1
    page.locator("#undo").click()
    picture = np.random.default_rng(0).integers(0, 256, (30, 51, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    Image.fromarray(picture).save(tmp_path / "own.png")
    page.locator("#own").set_input_files(tmp_path / "own.png")
    page.wait_for_selector("#own-shown:not([hidden])")
    page.evaluate(PAINTED)
    own = np.moveaxis(pixels(page, "view")[..., :3], -1, 0).astype(np.float32)  # of the newest frame, or the colours
    expected = frames.for_network(picture, size=44, order="notebook", colour=kind == "colours")
    assert np.abs(own - expected).max() <= 1
    check(own)


def test_a_missing_folder_is_told(open_page, tmp_path):  # noqa: F811
    (tmp_path / "frames.html").write_text(PAGE.read_text("utf-8"), "utf-8")
    page = open_page(viewport=DESKTOP)
    page.goto((tmp_path / "frames.html").as_uri())
    page.get_by_text("explore/policy.js cannot be loaded. The folder “explore” must lie beside this page.").wait_for()
