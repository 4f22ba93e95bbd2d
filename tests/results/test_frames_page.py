"""The frame explorer in a real browser, on the built demo: every control, and the policy against JAX."""

import base64
import csv
import json
import shutil
import subprocess
import sys

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
from tests.browser import PAINTED, PIXELS, barriers
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
def page(open_page, study):  # noqa: F811
    """By an address without a map, which is drawn again after every change and takes a second of the processor."""
    return ready(open_page(fragment=f"#frame/{study['names'][0]}?map=none", viewport=DESKTOP))


@pytest.fixture
def page_with_map(open_page):  # noqa: F811
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


def without_map(page):
    """A page that does not draw its map again after every change, which takes it half a second."""
    page.locator("#method").select_option(index=0)
    return page


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
    page.locator(".strip [aria-current]").press("ArrowRight")
    page.keyboard.press("Enter")
    shows(page, names[8])
    page.go_back()
    shows(page, names[7])
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
    assert page.locator("#reset").is_disabled()
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
        assert page.locator("#changes button").count() == 1
        page.locator("#changes button" if name in values else "#reset").click()
        np.testing.assert_array_equal(view(page), grey)
        assert page.locator("#reset").is_disabled()


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
    assert page.locator("#changes button").all_inner_texts() == [
        f"{(expected != study['greys'][0]).sum()} pixels painted"
    ]
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_role("button", name="Undo", exact=True).click()
    np.testing.assert_array_equal(view(page), study["greys"][0])
    assert page.locator("#changes button").count() == 0 and page.locator("#undo").is_disabled()


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


def test_the_first_map_is_that_of_occlusion(page_with_map):
    page = page_with_map
    assert page.locator("#method").input_value() == "occlusion, all frames at once"
    assert np.abs(mapped(page)).max() == 1 and page.locator("#legend").is_visible()


def test_a_map_follows_edits_has_every_question_and_can_be_taken_off(page_with_map):
    page = page_with_map
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


def test_a_newer_request_ends_an_older_one(page_with_map):
    page = page_with_map
    page.locator("#method").select_option("SmoothGrad")
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


def changed(page):
    """What the list says is changed."""
    page.evaluate(PAINTED)
    return page.locator("#changes button").all_inner_texts()


def test_a_click_chooses_a_unit_and_its_buttons_change_it_as_the_library_does(page, study):
    stack, other = (frames.as_stacks(study[key][:1], 4) for key in ("greys", "mirrored"))
    opposite = study["policy"].run(other)
    plain = [here for here, _ in numbers(page).values()]
    slide(page, "factor", -1.5)
    for layer, channel in (("conv0", 17), ("conv1", 53), ("conv2", 20), ("hidden", 300)):
        units = np.eye(study["policy"].geometry.shape(layer)[-1])[channel]
        edits = {
            "silence": (interventions.replace(layer, units, 0.0), f"{layer}/{channel} silenced"),
            "scale": (interventions.rescale(layer, units, -1.5), f"{layer}/{channel} × −1.5"),
            "patch": (
                interventions.replace(layer, units, opposite.layers[layer]),
                f"{layer}/{channel} from the mirror image",
            ),
        }
        page.locator(f"#{layer}").click(position=tile(page, layer, channel))
        assert [here for here, _ in numbers(page).values()] == plain  # a choice changes nothing
        assert page.locator("#unit-shown").inner_text() == f"{layer}/{channel}"
        for button, (edit, words) in edits.items():
            trace = study["policy"].run(stack, edit=edit)
            expected = [float(objective(trace)[0]) for objective in study["asked"].values()]
            page.locator(f"#{button}").click()
            np.testing.assert_allclose([here for here, _ in numbers(page).values()], expected, atol=SHOWN)
            assert changed(page) == [words]
            pressed = page.locator("#unit-tools [aria-pressed=true]").evaluate_all("all => all.map(e => e.id)")
            assert pressed == [button]
            values = np.asarray(trace.layers[layer])[0][..., channel]
            shown = page.locator("#readout").inner_text().replace("−", "-").split(" to ")
            np.testing.assert_allclose([float(x) for x in shown], [values.min(), values.max()], atol=SHOWN)
        page.locator("#patch").click()
        assert [here for here, _ in numbers(page).values()] == plain and changed(page) == []


def test_a_unit_is_patched_from_another_frame_as_the_library_does(page, study):
    """As the study has that frame, whatever is done to the one shown; on the mirror image, from its mirror image."""
    plain = numbers(page)
    units = np.eye(study["policy"].geometry.shape("conv2")[-1])[20]
    page.locator("#invert").check()
    page.locator("#unit-name").fill("conv2/20")
    for source in (7, 30):
        page.locator("#source").select_option(study["names"][source])
        if source == 7:
            page.locator("#patch").click()  # and of a unit that is patched already, another source takes its place
        words = f"conv2/20 from {study['names'][source]}"
        page.get_by_role("button", name=f"Take back: {words}").wait_for()
        for side, key in enumerate(("greys", "mirrored")):
            lender = study["policy"].run(frames.as_stacks(study[key][source][None], 4))
            edit = interventions.replace("conv2", units, lender.layers["conv2"])
            trace = study["policy"].run(frames.as_stacks(255.0 - study[key][:1], 4), edit=edit)
            expected = [float(objective(trace)[0]) for objective in study["asked"].values()]
            np.testing.assert_allclose([both[side] for both in numbers(page).values()], expected, atol=SHOWN)
        assert changed(page) == ["inverted", words]
    page.locator("#unit-name").fill("conv2/21")
    page.locator("#source").select_option("")
    assert changed(page) == ["inverted", words]  # a source does nothing to a unit that is not patched
    page.locator("#unit-name").fill("conv2/20")
    page.evaluate(PAINTED)
    assert page.locator("#source").input_value() == study["names"][30]
    page.locator("#patch").click()
    page.locator("#invert").uncheck()
    assert changed(page) == [] and numbers(page) == plain


def test_a_frame_that_cannot_be_patched_from_is_told(open_page, study, tmp_path):  # noqa: F811
    folder = shutil.copytree(PAGE.parent / "explore", tmp_path / "explore")
    shutil.copy(PAGE, tmp_path)
    (folder / "frames/5.js").unlink()
    page = ready(open_page(tmp_path / PAGE.name, viewport=DESKTOP))
    plain = numbers(page)
    page.locator("#source").select_option(study["names"][5])
    page.locator("#patch").click()
    page.get_by_text(f"{study['names'][5]} cannot be loaded.").wait_for()
    assert changed(page) == [] and numbers(page) == plain


def test_a_unit_is_named_and_one_that_is_not_there_is_told(page):
    page.locator("#unit-name").fill("conv1/14")
    page.evaluate(PAINTED)
    assert page.locator("#unit-shown").inner_text() == "conv1/14"
    assert page.locator("#unit").get_attribute("href") == "atlas.html#conv1/14"
    page.locator("#unit-name").fill("hidden/512")
    told = page.locator("#unit-name").evaluate("e => e.validationMessage")
    assert told == "A unit is a layer and a number; the last is hidden/511."
    page.locator("#unit-name").fill("hidden/511")
    page.evaluate(PAINTED)
    assert not page.locator("#unit").is_visible() and page.locator("#unit-shown").inner_text() == "hidden/511"


def test_the_list_is_undone_entry_by_entry_step_by_step_and_at_once(page):
    plain = numbers(page)
    for name in ("conv1/14", "hidden/511", "conv2/6"):
        page.locator("#unit-name").fill(name)
        page.locator("#silence").press("Enter")
        page.evaluate(PAINTED)
    three = numbers(page)
    page.get_by_role("button", name="Take back: hidden/511 silenced").press("Enter")
    assert changed(page) == ["conv1/14 silenced", "conv2/6 silenced"]
    page.locator("#undo").click()
    assert changed(page) == ["conv1/14 silenced", "hidden/511 silenced", "conv2/6 silenced"] and numbers(page) == three
    page.locator("#undo").click()
    assert changed(page) == ["conv1/14 silenced", "hidden/511 silenced"]
    page.locator("#reset").click()
    assert changed(page) == [] and numbers(page) == plain and page.locator("#no-changes").is_visible()
    page.locator("#undo").click()
    assert changed(page) == ["conv1/14 silenced", "hidden/511 silenced"]


def test_a_unit_that_is_pointed_at_shows_its_strongest_frames(page, study):
    stored = files.read_arrays(RESULTS / "intermediates/original.npz", "conv1")["conv1"]
    for channel in (3, 40):
        page.locator("#conv1").hover(position=tile(page, "conv1", channel))
        order = np.argsort(-stored[..., channel].reshape(len(stored), -1).max(1), kind="stable")[:4]
        shown = page.locator("#exemplars img").evaluate_all("all => all.map(e => e.title)")
        assert shown == [study["names"][i] for i in order]
        assert page.locator("#exemplars span").count() == 4
    assert page.locator("#unit-shown").inner_text() == "conv1/40"
    page.mouse.move(5, 5)
    assert page.locator("#unit-shown").inner_text() == "conv0/0"  # the chosen one again


def test_pinned_units_stay_in_sight_with_what_a_change_does_to_them(page, study):
    stored = files.read_arrays(RESULTS / "intermediates/original.npz", "conv2")["conv2"][0, ..., 6]
    page.locator("#unit-name").fill("conv2/6")
    page.locator("#pin").click()
    mean = f"{stored.mean():.3f}".replace("-", "−")
    assert page.locator("#pins button").all_inner_texts() == [f"conv2/6: {mean} → {mean}"]
    page.locator("#unit-name").fill("conv1/14")
    page.locator("#silence").click()
    page.evaluate(PAINTED)
    [shown] = page.locator("#pins button").all_inner_texts()
    assert shown.startswith(f"conv2/6: {mean} → ") and not shown.endswith(f"→ {mean}")
    page.locator("#pins button").click()
    assert page.locator("#unit-shown").inner_text() == "conv2/6"
    page.locator("#pin").click()
    assert page.locator("#pins button").count() == 0


EXPERIMENT = (
    "frame/{name}?mirror=1&gamma=-0.7&blur=1.5&x=3&y=-2&paint=1300.9.255_1364.9.255_1428.9.0"
    "&units=conv1/14*0,conv2/6*-1.25,conv2/9@mirror,hidden/7*3,conv2/3@frame/{other}"
    "&unit=conv2/6&pins=conv1/14,hidden/7&of=value&map=gradient"
)


def test_the_address_holds_the_whole_experiment(page, open_page, study):  # noqa: F811
    """What is done by hand is in the address, which brings it back elsewhere, digit for digit."""
    choose(page, study, 3)
    page.locator("#mirror").check()
    for name, value in (("gamma", -0.7), ("blur", 1.5), ("shift-x", 3), ("brush-width", 3)):
        slide(page, name, value)
    page.locator("#view").click(position={"x": 40, "y": 60})
    for name, factor in (("conv1/14", 0), ("conv2/6", -1.25)):
        page.locator("#unit-name").fill(name)
        page.locator("#factor").fill(str(factor))
        page.locator("#scale").click()
        page.locator("#pin").click()
    for name, source in (("conv2/8", study["names"][9]), ("conv2/9", "")):
        page.locator("#unit-name").fill(name)
        page.locator("#source").select_option(source)
        page.locator("#patch").click()
        page.evaluate(PAINTED)
    page.get_by_role("button", name=f"Take back: conv2/8 from {study['names'][9]}").wait_for()
    page.locator("#question").select_option("value")
    page.locator("#method").select_option("gradient")
    here = [changed(page), numbers(page), view(page), mapped(page), page.locator("#pins").inner_text()]
    address = page.evaluate("location.href")
    other = ready(open_page(viewport=PHONE))
    other.goto(address)
    other.reload()
    ready(shows(other, study["names"][3]))
    there = [changed(other), numbers(other), view(other), mapped(other), other.locator("#pins").inner_text()]
    assert len(here[0]) == 9 and here[:2] == there[:2] and here[4] == there[4]
    for one, two in zip(here[2:4], there[2:4], strict=True):
        np.testing.assert_array_equal(one, two)
    assert other.locator("#unit-shown").inner_text() == "conv2/9" and other.evaluate("location.href") == address
    choose(other, study, 4)  # the experiment goes along
    assert changed(other) == here[0]


def test_links_within_the_page_leave_the_experiment_alone(page, study):
    choose(page, study, 2)
    page.locator("#invert").check()
    before = changed(page), numbers(page)
    for link in ("How to use this page", "Skip to the frame", "Skip to the units"):
        page.get_by_role("link", name=link).press("Enter")
        assert (changed(page), numbers(page)) == before
    assert page.locator("#name").inner_text() == study["names"][2]
    page.go_back()
    page.locator("#mirror").check()
    assert changed(page) == ["mirrored", "inverted"]


def test_the_link_and_the_script_are_copied(page_with_map, study):
    page = page_with_map
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#invert").check()
    page.locator("#copy-link").click()
    page.get_by_text("The link is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{PAGE.as_uri()}#frame/{study['names'][0]}?invert=1"
    page.locator("#show-python").click()
    page.locator("#copy-python").click()
    page.get_by_text("The script is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith('"""Repeats an experiment')


def test_the_python_repeats_the_experiment(page, study, tmp_path):
    page.goto(f"{PAGE.as_uri()}#{EXPERIMENT.format(name=study['names'][7], other=study['names'][12])}")
    ready(shows(page, study["names"][7]))
    shown = saved(page, "json", tmp_path)
    page.locator("#show-python").click()
    script = page.locator("#python-text").inner_text()
    ruff = [sys.executable, "-m", "ruff", "check", "--config", ROOT / "pyproject.toml", "--select", "E9,F", "-"]
    assert subprocess.run(ruff, input=script, text=True, capture_output=True).returncode == 0
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, runs in shown["readouts"].items():
        for key in ("now", "mirrored"):
            assert found[key][name] == pytest.approx(runs[key], abs=1e-4), (name, key)
        assert abs(runs["now"] - runs["unedited"]) > 1e-3


def saved(page, kind, folder):
    """What a button saves, read."""
    with page.expect_download() as download:
        page.locator(f"#save-{kind}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return json.loads(path.read_text("utf-8")) if kind == "json" else path


def test_the_numbers_and_the_picture_are_saved_as_they_are_shown(page_with_map, study, tmp_path):
    page = page_with_map
    page.locator("#invert").check()
    shown = numbers(page)
    found = saved(page, "json", tmp_path)
    assert found["frame"] == study["names"][0] and found["experiment"] == f"#frame/{study['names'][0]}?invert=1"
    assert found["study"] == "demo" and found["checkpoint"] == study["facts"]["checkpoint"]["sha256"]
    assert [action["name"] for action in found["actions"]] == list(study["table"].labels)
    with saved(page, "csv", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    readouts = {row["name"]: row for row in rows if row["kind"] == "readout"}
    for name, runs in found["readouts"].items():
        assert (runs["now"], runs["mirrored"]) == pytest.approx(shown[name], abs=SHOWN)
        assert {key: float(readouts[name][key]) for key in runs} == runs
    assert [row["name"] for row in rows if row["kind"] == "action"] == list(study["table"].labels)
    assert sum(action["now"] for action in found["actions"]) == pytest.approx(1, abs=1e-6)
    mapped(page)
    with Image.open(saved(page, "picture", tmp_path)) as image:
        picture = np.asarray(image.convert("RGB"))
    wide = round(256 * 512 / 300)
    mirror = picture[16 : 16 + 256, wide + 48 + 256 : wide + 48 + 512, 0]  # the third picture, without a map on it
    np.testing.assert_array_equal(mirror[2::4, 2::4], 255 - study["mirrored"][0])


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
def test_nothing_widens_the_page(open_page, study, viewport):  # noqa: F811
    units = [f"conv1/{channel}" for channel in range(12)]
    changes, pins = ",".join(f"{unit}*0" for unit in units), ",".join(units)
    asked = f"#frame/{study['names'][0]}?units={changes}&pins={pins}&map=gradient"
    page = ready(open_page(fragment=asked, viewport=viewport))
    mapped(page)
    assert len(changed(page)) == page.locator("#pins button").count() == len(units)
    for width in (viewport["width"], 360, 700, 768, 1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(PAINTED)
        page.evaluate(PAINTED)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = page.locator("table, figure, .actions li, .marks, .numbers td").evaluate_all(
            "all => all.filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML)"
        )
        assert cut == [], width


def test_cause_and_effect_are_on_one_screen(open_page):  # noqa: F811
    page = ready(open_page(viewport={"width": 1440, "height": 900}))
    page.locator("#unit-name").fill("conv1/14")
    page.locator("#silence").click()
    page.locator("#pin").click()
    page.evaluate(PAINTED)
    assert page.evaluate("scrollY") == 0
    for selector in (
        "#picture",
        "#view",
        "#mirror-view",
        "#quantities",
        "#actions",
        "#changes li",
        "#unit-tools",
        "#pins li",
    ):
        box = page.locator(selector).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900, selector
    for layer in ("conv0", "conv1", "conv2", "hidden"):
        box = page.locator(f"#{layer}").bounding_box()
        assert box["y"] + box["height"] <= 900, layer


def test_only_files_of_the_report_are_asked_for(page, study):
    for i in (1, 2):
        choose(page, study, i)
    asked = {url.split("#")[0] for url in page.requested if not url.startswith("data:")}
    beside = {f"explore/{name}.js" for name in ("policy", "frames/0", "frames/1", "frames/2")}
    assert asked == {PAGE.as_uri(), *((PAGE.parent / name).as_uri() for name in beside)}
    assert page.complaints == [] and page.dialogs == []


def walk(page):
    """The elements that the tab key comes to from the start of the page, each with the style of its outline."""
    page.evaluate("() => { document.activeElement.blur(); window.passed = new Set([document.body]); }")
    stops = []
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const e = document.activeElement;
              if (passed.has(e)) return null;
              passed.add(e);
              return [e.id || e.innerText, getComputedStyle(e).outlineStyle];
            }"""
        )
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError("the tab key never comes round")


def test_every_control_has_a_name_and_the_page_few_tab_stops(page_with_map):
    page = page_with_map
    controls = page.locator("main :is(button, input, select, a[href], [tabindex='0'])")
    named = controls.evaluate_all(
        "all => all.map(e => [e.id, (e.labels?.[0]?.innerText || e.ariaLabel || e.innerText || '').trim()])"
    )
    assert len(named) > 20 and all(name for key, name in named if key not in ("python-text",))
    page.locator("#invert").check()  # what undoes it can be reached, too
    page.evaluate(PAINTED)
    page.reload()
    ready(page)
    stops = walk(page)
    assert len(stops) <= 26, stops
    single = {"view", "mirror", "invert", "gamma", "blur", "shift-x", "shift-y", "brush-width", "brush-level", "own"}
    single |= {"question", "method", "opacity", "conv0", "unit-name", "factor", "silence"}
    assert single <= {name for name, _ in stops} and all(style != "none" for _, style in stops)


def test_groups_are_walked_by_arrow_keys(page):
    page.locator("#invert").check()
    page.evaluate(PAINTED)
    for start, key, wanted in (
        ("#changes button", "ArrowRight", ["undo", "reset", "copy-link", "show-python", "save-picture", "save-csv"]),
        ("#silence", "ArrowRight", ["scale", "patch", "pin", "unit", "silence"]),
        ("#silence", "ArrowLeft", ["unit", "pin"]),
    ):
        page.locator(start).focus()
        for name in wanted:
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.id") == name


def test_the_whole_bench_is_worked_by_keyboard(open_page):  # noqa: F811
    """From the first tab to a changed unit, a painted pixel, a map, and the script, without a pointer."""
    page = ready(open_page(viewport={"width": 1440, "height": 900}))

    def tab_to(name):
        for _ in range(40):
            if page.evaluate("document.activeElement.id") == name:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"the tab key does not come to {name}")

    plain = numbers(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skips to the frame
    tab_to("view")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    tab_to("conv0")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):  # beyond the last line lies the next layer
        page.keyboard.press(key)
        page.evaluate(PAINTED)
    assert page.evaluate("document.activeElement.id") == "conv1"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "silence"
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab_to("question")
    page.keyboard.press("v")
    tab_to("invert")
    page.keyboard.press("Space")
    tab_to("shift-x")
    page.keyboard.press("ArrowRight")
    assert changed(page) == ["inverted", "moved right by 1", "64 pixels painted", "conv1/1 silenced"]
    assert page.locator("#question").input_value() == "value" and page.locator("#pins button").count() == 1
    assert numbers(page) != plain
    page.keyboard.press("Shift+Tab")
    tab_to("conv1")
    page.locator("#show-python").focus()
    page.keyboard.press("Enter")
    assert page.locator("#python").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#python").is_visible()


def test_a_change_of_scheme_draws_the_tiles_in_its_colours(page, open_page):  # noqa: F811
    light = pixels(page, "conv2")
    page.emulate_media(color_scheme="dark")
    page.evaluate(PAINTED)
    dark = pixels(page, "conv2")
    assert (dark != light).any()
    np.testing.assert_array_equal(dark, pixels(ready(open_page(viewport=DESKTOP, color_scheme="dark")), "conv2"))


def test_printed_the_bars_are_drawn_and_the_controls_are_not(page):
    page.emulate_media(media="print")
    assert page.locator(".bar").first.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"
    assert not page.locator("#controls").is_visible() and page.locator("#quantities").is_visible()
    assert page.locator("#conv1").is_visible() and not page.locator(".strip").is_visible()


def test_without_scripts_the_page_says_so_and_shows_the_builds_numbers(browser, study):  # noqa: F811
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    assert page.locator("noscript p").is_visible() and "needs JavaScript" in page.locator("noscript p").inner_text()
    assert page.locator("button:visible, input:visible, select:visible, canvas:visible").count() == 0
    fact = study["facts"]["frames"][2]
    cells = page.locator("noscript tr").nth(3).locator("td").all_inner_texts()
    numbers_ = [*(fact[name] for name in study["asked"]), fact["mirrored"]["yaw"]]
    np.testing.assert_allclose([float(cell.replace("−", "-")) for cell in cells], numbers_, atol=SHOWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_reader_can_use_it(browser, scheme):  # noqa: F811
    assert barriers(browser, PAGE, viewport=DESKTOP, color_scheme=scheme) == []


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
            ".marks span",
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
    without_map(ready(page))
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
    assert page.locator(".layer canvas").evaluate_all("all => all.map(e => e.id)") == layers
    for layer in layers:
        units = np.eye(network.shape(layer)[-1])[3]
        silenced = policy.run(
            frames.as_stacks(greys[:1], network.frames), edit=interventions.replace(layer, units, 0.0)
        )
        page.locator(f"#{layer}").click(position=tile(page, layer, 3))
        page.locator("#silence").click()
        assert numbers(page)["yaw"][0] == pytest.approx(float(asked["yaw"](silenced)[0]), abs=SHOWN)
        assert changed(page) == [f"{layer}/3 silenced"]
        page.locator("#silence").click()
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
    page.locator("#reset").click()
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
