"""The atlas as a page, as sheets and as facts: each shows what the arrays hold, whatever units are called."""

import base64
import html
import io
import json
import re

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

import atlas_sheet
import style
from minetest_interp import atlas_facts, atlas_page, files
from minetest_interp.errors import InputError
from minetest_interp.stages import atlas_page as stage
from tests.unit.test_report import HOSTILE, TEMPLATES, small_facts

SIZE, READ, BINS = 24, 20, 6
FIELDS = {"conv0": 4, "conv1": 8, "conv2": 12}
FRAMES = ("one", HOSTILE, "a" * 90, "never shown", "ünïcødé 树\u202e\nline")
UNITS = (
    *(f"{layer}/{i}" for layer in FIELDS for i in (*range(3), "direction 0")),
    "hidden/direction 0",
    "value",
    "yaw",
    "yaw reversed",
    f"{HOSTILE} reversed",
)
DEAD, SATURATED, CONSTANT = "conv1/0", "conv2/1", "conv2/0"
TRIPLES = ("z", "hf", "path_conv1", "path_conv1_standardised", "path_conv2", "path_conv2_standardised", "fd")
SIDES = [(name, f"{name}_control", f"{name}_real") for name in TRIPLES]
SIDES += [("agreement", "control_agreement", None), ("control_correlation", None, None)]
LABELS = (
    "z",
    "HF",
    "Path through conv1, raw",
    "Path through conv1, standardised",
    "Path through conv2, raw",
    "Path through conv2, standardised",
    "FD",
    "Seed agreement",
    "Correlation with the control",
)


def small_atlas(names=UNITS, *, seed=0):
    """Random arrays as the atlas' stage writes them: two seeds, frames of 24 pixels, three patches a unit."""
    rng, count = np.random.default_rng(seed), len(names)
    layers = [name.split("/")[0] if name.split("/")[0] in (*FIELDS, "hidden") else "head" for name in names]
    sides = np.array([FIELDS.get(layer, SIZE) for layer in layers])
    corners = (SIZE - sides)[:, None, None] * rng.random((count, 2, 3))
    shift = np.sort(rng.normal(size=(count, 1)) + np.cumsum(rng.random((count, BINS + 1)), 1) - 2, 1)
    atlas = {
        "name": np.array(names),
        "layer": np.array(layers),
        "box": np.stack([(SIZE - sides) // 2, (SIZE - sides) // 3, sides], 1),
        "pictures": 280 * rng.random((count, 2, SIZE, SIZE), np.float32) - 10,
        "control": 255 * rng.random((count, 2, SIZE, SIZE), np.float32),
        "patch_frame": np.stack([rng.choice([0, 1, 2, 4], 3, replace=False) for _ in names]),
        "patch_top": corners[:, 0].astype(int),
        "patch_left": corners[:, 1].astype(int),
        "patch_activation": -np.sort(-rng.normal(size=(count, 3)).astype(np.float32)),
        "histogram": rng.integers(0, 40, (count, BINS)),
        "edges": shift.astype(np.float32),
        "active": rng.random(count),
        "flag": np.array(["dead" if n == DEAD else "saturated" if n == SATURATED else "" for n in names]),
        "constant": np.array([name == CONSTANT for name in names]),
        "natural_mean": rng.normal(size=count).astype(np.float32),
        "natural_sd": rng.random(count).astype(np.float32),
        "frames": np.array(FRAMES),
        "mean": 255 * rng.random((SIZE, SIZE), np.float32),
    }
    atlas |= {key: rng.normal(0, 5, count) for row in SIDES for key in row if key}
    atlas["control_correlation"] = rng.uniform(-1, 1, count)
    closed = atlas["layer"] == "conv0"
    for key in ("pictures", "control"):
        atlas[key][closed] = atlas[key][closed][:, :1]
    for key in ("z", "z_control", "z_real"):
        atlas[key][atlas["constant"]] = np.nan
    atlas["path_conv2"][::3] = np.nan
    atlas["edges"][list(names).index(DEAD)] -= 10.0  # nothing reaches zero
    return atlas


def small_stacks():
    order = np.array(FRAMES)[::-1]
    greys = 255 * np.random.default_rng(9).random((len(order), SIZE, SIZE), np.float32)
    return {"frames": order, "original": greys}


def facts_of_a_study():
    facts = small_facts()
    return facts | {"network": facts["network"] | {"read_size": READ}}


def render(atlas=None):
    return atlas_page.render(facts_of_a_study(), atlas or small_atlas(), small_stacks(), TEMPLATES)


@pytest.fixture(scope="module")
def atlas():
    return small_atlas()


@pytest.fixture(scope="module")
def page(atlas):
    return render(atlas)


@pytest.fixture(scope="module")
def parts(page):
    """The source of each unit's part, in order."""
    body = page[page.index("<main>") : page.index('<div class="index">')]
    return body.split('<section class="unit"')[1:]


def decoded(address):
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as image:
        assert image.mode == "L"
        return np.asarray(image)


def levels(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def pictures_by_id(source):
    return {i: decoded(href) for i, href in re.findall(r'<image id="([^"]*)"[^>]*href="(data:[^"]*)"', source)}


def test_every_number_in_a_table_is_the_arrays(atlas, parts):
    assert len(parts) == len(UNITS)
    dashes = 0
    for i, part in enumerate(parts):
        rows = re.findall(r'<th scope="row">(.*?)</th>\s*(.*?)</tr>', part, re.DOTALL)
        assert [label for label, _ in rows] == list(LABELS)
        for (_, cells), keys in zip(rows, SIDES, strict=True):
            cells = re.findall(r'<td class="number">\s*(.*?)\s*</td>', cells, re.DOTALL)
            for cell, key in zip(cells, keys, strict=True):
                if key is None or np.isnan(atlas[key][i]):
                    assert cell == "–"
                    dashes += 1
                    continue
                exact, shown = re.fullmatch(r'<data value="([^"]+)">([^<]+)</data>', cell).groups()
                assert float(exact) == atlas[key][i]
                digits = len(shown.split(".")[1])
                assert float(shown.replace("−", "-")) == pytest.approx(atlas[key][i], abs=0.5001 * 10.0**-digits)
    assert dashes > 3 * len(UNITS)  # the atlas has numbers that are not defined


def test_pictures_are_the_arrays_and_every_frame_is_in_the_file_once(atlas, page):
    found = pictures_by_id(page)
    assert len(found) == len(re.findall(r"<image ", page))
    for i, layer in enumerate(atlas["layer"]):
        for seed in range(1 if layer == "conv0" else 2):
            for kind, key in (("dream", "pictures"), ("control", "control")):
                np.testing.assert_array_equal(found.pop(f"{kind}:{i}:{seed}"), levels(atlas[key][i, seed]))
    np.testing.assert_array_equal(found.pop("page:mean"), levels(atlas["mean"]))
    stacks = small_stacks()
    for i, frame in enumerate(FRAMES):
        if frame != "never shown":
            grey = stacks["original"][list(stacks["frames"]).index(frame)]
            np.testing.assert_array_equal(found.pop(f"frame:{i}"), levels(grey))
    assert not found
    used = re.findall(r'<use href="#([^"]*)"', page)
    assert set(used) == set(pictures_by_id(page))


def test_the_index_shows_each_dream_cut_to_its_receptive_field(atlas, page):
    index = page[page.index('<div class="index">') :]
    tiles = re.findall(r'<li id="all:([^"]*)"><a href="#([^"]*)"><img src="([^"]*)"[^>]*alt="([^"]*)"', index)
    assert [html.unescape(alt) for *_, alt in tiles] == [f"Dream of {name}" for name in UNITS]
    for (_, _, address, _), picture, (top, left, size) in zip(tiles, atlas["pictures"], atlas["box"], strict=True):
        np.testing.assert_array_equal(decoded(address), levels(picture[0, top : top + size, left : left + size]))


def test_patches_have_their_box_their_frames_name_and_their_activation(atlas, parts):
    for i, part in enumerate(parts):
        section = part[part.index("Real frames that drive it most") :]
        frames = re.findall(r'<use href="#frame:(\d+)"/>\s*<(rect|path)([^>]*)', section)
        assert [int(frame) for frame, *_ in frames] == list(atlas["patch_frame"][i])
        size = atlas["box"][i, 2]
        for (_, shape, place), top, left in zip(frames, atlas["patch_top"][i], atlas["patch_left"][i], strict=True):
            if shape == "rect":
                numbers = dict(re.findall(r'(x|y|width|height)="(\d+)"', place))
                assert numbers == {"x": str(left), "y": str(top), "width": str(size), "height": str(size)}
        assert {shape for _, shape, _ in frames} == ({"rect"} if size < SIZE else {"path"})
        captions = re.findall(r'<figcaption>([^<]*): <data value="([^"]*)">', section)
        expected = [atlas_page.one_line(FRAMES[frame]) for frame in atlas["patch_frame"][i]]
        assert [html.unescape(name) for name, _ in captions] == expected
        np.testing.assert_array_equal([float(value) for _, value in captions], atlas["patch_activation"][i])


def test_the_mask_is_what_the_unit_sees_and_the_network_reads(atlas, parts):
    for i, part in enumerate(parts):
        left, top, width, height, back = map(
            int, re.search(r'class="mask" d="M0 0H24V24H0ZM(\d+) (\d+)h(\d+)v(\d+)h-(\d+)Z"', part).groups()
        )
        assert back == width
        row, column, size = atlas["box"][i]
        seen = np.zeros((SIZE, SIZE), bool)
        seen[row : row + size, column : column + size] = True
        seen[READ:] = seen[:, READ:] = False
        shown = np.zeros((SIZE, SIZE), bool)
        shown[top : top + height, left : left + width] = True
        np.testing.assert_array_equal(shown, seen)


def test_histograms_bars_are_the_counts_over_the_edges_and_zero_is_marked(atlas):
    for counts, edges in zip(atlas["histogram"], atlas["edges"], strict=True):
        drawn = atlas_page.histogram(counts, edges)
        tops = [float(y) for y in re.findall(r"V([\d.]+)H", drawn["outline"])]
        places = [float(x) for x in re.findall(r"[MH]([\d.]+)", drawn["outline"])]
        heights = atlas_page.BASE - np.array(tops)
        np.testing.assert_allclose(heights / heights.max(), counts / counts.max(), atol=2e-3)
        low, high = drawn["low"], drawn["high"]
        assert (low, high) == (min(edges[0], 0), max(edges[-1], 0))
        scale = np.diff(drawn["ends"])[0] / (high - low)
        np.testing.assert_allclose(places, drawn["ends"][0] + (edges - low) * scale, atol=0.06)
        assert drawn["zero"] == pytest.approx(drawn["ends"][0] - low * scale, abs=0.06)
        assert drawn["ends"][0] <= drawn["zero"] <= drawn["ends"][1]


def test_flags_stand_on_the_page_of_their_unit_and_on_no_other(parts):
    for words, unit in (("Dead: ", DEAD), ("Saturated: ", SATURATED), ("does not vary over the frames", CONSTANT)):
        assert [name for name, part in zip(UNITS, parts, strict=True) if words in part] == [unit]


def test_closed_form_is_said_of_conv0_alone_and_shows_no_seeds(parts):
    for name, part in zip(UNITS, parts, strict=True):
        assert ("known exactly" in part) == name.startswith("conv0")
        assert ("seed 2" in part) != name.startswith("conv0")


def test_hostile_names_are_text(page):
    assert HOSTILE not in page
    assert "<img src=x" not in page and html.escape(HOSTILE.split(" | ")[0]) in page
    assert "\u202e" not in page


def test_every_picture_has_an_alternative_text(page):
    for tag in re.findall(r"<img [^>]*>", page) + re.findall(r"<svg [^>]*>", page):
        if 'class="store" aria-hidden="true"' not in tag:
            assert re.search(r'(alt|role="img" aria-label)="[^"]{5,}"', tag), tag


@given(names=st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=8))
def test_no_two_units_share_a_link_and_none_takes_the_pages_own(names):
    links = atlas_page.anchors(names)
    assert len(set(links)) == len(names)
    assert not any(re.search(r"[\s:]", link) for link in links)


def test_ordinary_names_are_their_own_links():
    names = ["conv1/56", "a b", "a-b", "value"]
    assert atlas_page.anchors(names) == ["conv1/56", "a-b", "a-b-2", "value"]


def test_a_frame_that_the_stacks_lack_is_named(atlas):
    other = atlas | {"frames": np.array(["elsewhere", *FRAMES[1:]])}
    with pytest.raises(InputError, match="'elsewhere', which the stacks lack"):
        render(other)


def test_the_stage_writes_the_same_page(atlas, page, tmp_path):
    files.write_arrays(tmp_path / "atlas.npz", **atlas)
    files.write_arrays(tmp_path / "stacks.npz", **small_stacks())
    files.write_json(tmp_path / "facts.json", facts_of_a_study())
    stage.run(tmp_path / "atlas.npz", tmp_path / "stacks.npz", tmp_path / "facts.json", TEMPLATES, tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text("utf-8") == page


def test_the_summary_counts_flags_and_averages_what_is_defined(atlas):
    headline = ["conv2/0", "value", "conv1/2"]
    summary = json.loads(json.dumps(atlas_facts.atlas_summary(atlas, headline), allow_nan=False))
    assert summary["units"] == {"conv0": 4, "conv1": 4, "conv2": 4, "hidden": 1, "head": 4}
    assert summary["dead"] == {"conv0": [], "conv1": [DEAD], "conv2": [], "hidden": [], "head": []}
    assert summary["saturated"] == {"conv0": [], "conv1": [], "conv2": [SATURATED], "hidden": [], "head": []}
    assert summary["constant"] == [CONSTANT]
    rows = {"headline": np.array([UNITS.index(name) for name in headline])}
    rows |= {layer: np.flatnonzero(atlas["layer"] == layer) for layer in summary["units"]}
    for group, members in rows.items():
        means = summary["headline"] if group == "headline" else summary["layers"][group]
        for keys in SIDES:
            for side, key in zip(("value", "floor", "ceiling"), keys, strict=True):
                numbers = [] if key is None else [x for x in atlas[key][members] if x == x]
                expected = sum(numbers) / len(numbers) if numbers else None
                assert means[keys[0]][side] == (None if expected is None else pytest.approx(expected))
            assert means[keys[0]]["n"] == sum(x == x for x in atlas[keys[0]][members])
    assert [row["name"] for row in summary["rows"]] == headline
    assert summary["rows"][0]["scores"]["z"] == {"value": None, "floor": None, "ceiling": None}
    for row in summary["rows"][1:]:
        i = UNITS.index(row["name"])
        assert row["scores"]["fd"] == {
            "value": atlas["fd"][i],
            "floor": atlas["fd_control"][i],
            "ceiling": atlas["fd_real"][i],
        }
    with pytest.raises(InputError, match="'conv9/1' is not"):
        atlas_facts.atlas_summary(atlas, ["conv9/1"])


@pytest.fixture(scope="module")
def results(atlas, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    files.write_arrays(folder / "atlas.npz", **atlas)
    return folder


def sheet(results, layer):
    with matplotlib.rc_context(style.panel()):
        figure = atlas_sheet.draw(**atlas_sheet.load(results, layer=layer))
        figure.draw_without_rendering()
        return figure, figure.get_tightbbox()


@pytest.mark.parametrize("layer", ["conv0", "conv1", "conv2", "hidden", "head"])
def test_a_sheet_shows_dream_and_control_of_every_unit_in_its_receptive_field(atlas, results, layer):
    figure, _ = sheet(results, layer)
    shown = iter(image for ax in figure.axes for image in ax.images)
    rows = np.flatnonzero(atlas["layer"] == layer)
    for i in rows:
        top, left, size = atlas["box"][i]
        for key in ("pictures", "control"):
            image = next(shown)
            np.testing.assert_array_equal(image.get_array(), atlas[key][i, 0, top : top + size, left : left + size])
            assert image.get_clim() == (0, 255) and image.get_interpolation() == "none"
            x0, x1, y0, y1 = image.get_extent()
            assert (x1 - x0) % size == (y0 - y1) % size == 0 and x1 - x0 == y0 - y1  # whole pixels
    assert next(shown, None) is None
    words = [text.get_text() for text in figure.findobj(Text)]
    numbers = [word.replace("−", "-") for word in words if re.fullmatch(r"[+−]\d+\.\d\d", word)]
    np.testing.assert_allclose([float(n) for n in numbers], atlas["control_correlation"][rows], atol=0.00501)
    assert all(style.plain(UNITS[i].removeprefix(f"{layer}/"), limit=16) in words for i in rows)
    assert [word for word in words if word in ("dead", "saturated")] == [flag for flag in atlas["flag"][rows] if flag]
    assert ("first seed" in words[0]) == (layer != "conv0")


def test_a_full_layers_sheet_stays_on_the_page_and_texts_do_not_meet(tmp_path):
    names = [f"conv2/{i}" for i in (*range(64), *(f"direction {d}" for d in range(4)))]
    atlas = small_atlas((*names, DEAD), seed=3)
    atlas["flag"][:], atlas["flag"][::9] = "saturated", "dead"
    files.write_arrays(tmp_path / "atlas.npz", **atlas)
    figure, box = sheet(tmp_path, "conv2")
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02
    boxes = [text.get_window_extent() for text in figure.findobj(Text) if text.get_text()]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_sheets_have_the_same_bytes_each_time_and_unknown_layers_are_refused(results, tmp_path):
    made = []
    for name in "ab":
        png, svg = tmp_path / f"{name}.png", tmp_path / f"{name}.svg"
        command = ["--results", str(results), "--params", '{"layer": "conv1"}', "--png", str(png), "--svg", str(svg)]
        atlas_sheet.main(command)
        made.append((png.read_bytes(), svg.read_bytes()))
    assert made[0] == made[1]
    with Image.open(png) as image:
        assert image.width == style.WIDTH_INCHES["page"] * style.DPI
    with pytest.raises(
        InputError, match="must be one of the atlas' layers, conv0, conv1, conv2, hidden, head; got 'x'"
    ):
        atlas_sheet.load(results, layer="x")
