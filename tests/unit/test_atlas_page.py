"""The atlas as a page, as sheets and as facts: each shows what the arrays hold, whatever units are called."""

import base64
import html
import io
import json
import re
import zlib
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

import atlas as atlas_figure
import style
from minetest_interp.analysis import weights
from minetest_interp.dreams import exemplars
from minetest_interp.facts import atlas as atlas_facts
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from minetest_interp.pages import atlas as atlas_page
from minetest_interp.pages import text as page_text
from minetest_interp.pages import unit_frames
from minetest_interp.pages.atlas import Evidence
from minetest_interp.stages import atlas_page as stage
from tests.conftest import random_policy
from tests.unit.test_article import HOSTILE, TEMPLATES, small_facts
from tests.unit.test_facts_units import small_evidence

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
HIDDEN = 6
CHANNELS = 3  # of each convolution, all of them in the atlas
ACTIONS = {
    "factors": {"forward": ["-", "forward"], "jump": ["-", "jump"], "mouse_x": ["left", "-", "right"]},
    "behaviours": {
        "yaw": {"plus": {"mouse_x": "left"}, "minus": {"mouse_x": "right"}},
        HOSTILE: {"plus": {"jump": "jump"}},
    },
}
DEAD, SATURATED, CONSTANT = "conv1/0", "conv2/1", "conv2/0"
TRIPLES = ("z", "hf", "path_middle", "path_middle_standardised", "path_last", "path_last_standardised", "fd")
SIDES = [(name, f"{name}_control", f"{name}_real") for name in TRIPLES]
SIDES += [("agreement", "agreement_control", None), ("control_correlation", None, None)]
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
        "box": np.stack([(SIZE - sides) // 2, (SIZE - sides) // 3, sides, sides], 1),
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
        "path_layers": np.array(["conv1", "conv2"]),
        "affine_layer": np.array("conv0"),
    }
    for layer in dict.fromkeys(layers):
        if layer != "head":
            width = (
                HIDDEN if layer == "hidden" else sum(re.fullmatch(rf"{layer}/\d+", name) is not None for name in names)
            )
            atlas[f"{layer}/directions"] = rng.random((9, width), np.float32)
    atlas |= {key: rng.normal(0, 5, count) for row in SIDES for key in row if key}
    atlas["control_correlation"] = rng.uniform(-1, 1, count)
    closed = atlas["layer"] == "conv0"
    for key in ("pictures", "control"):
        atlas[key][closed] = atlas[key][closed][:, :1]
    for key in ("z", "z_control", "z_real"):
        atlas[key][atlas["constant"]] = np.nan
    atlas["path_last"][::3] = np.nan
    atlas["edges"][list(names).index(DEAD)] -= 10.0  # nothing reaches zero
    return atlas


def small_stacks():
    order = np.array(FRAMES)[::-1]
    greys = 255 * np.random.default_rng(9).random((len(order), SIZE, SIZE), np.float32)
    return {"frames": order, "original": greys}


def facts_of_a_study(**more):
    facts = small_facts()
    claims = [
        claim | {"statement": f"{words} <img src=x onerror=alert(2)>", "units": units}
        for claim, words, units in zip(
            facts["claims"],
            ("Channel 2 of conv1 is", "Two", "A", "B", "C"),
            (["conv1/2"], ["conv2/0", "yaw"], [], [], []),
            strict=True,
        )
    ]
    return facts | {"network": facts["network"] | {"reads": [READ, READ]}, "claims": claims} | more


def small_policy(channels=CHANNELS):
    """Of frames of 24 pixels, and of the receptive fields of `FIELDS`."""
    sizes = {"size": SIZE, "kernels": (4, 2, 2), "strides": (4, 1, 1)}
    return random_policy(Geometry(channels=(channels,) * 3, hidden=HIDDEN, actions=12, **sizes), seed=2)


def small_labels():
    """Frames with a concept, as the atlas is given them."""
    rng = np.random.default_rng(11)
    return {"labelled": 255 * rng.random((30, SIZE, SIZE), np.float32), "share": rng.random((30, SIZE, SIZE)) ** 9}


def hostile_evidence(channels=CHANNELS):
    return small_evidence((channels,) * 3, quantities=("yaw", HOSTILE, "value"))


def observe(atlas, channels=CHANNELS, **labels):
    behaviours = action_table(**ACTIONS).behaviours
    return exemplars.observe_units(small_policy(channels), behaviours, atlas, small_stacks(), **labels)


def render(atlas=None, *, channels=CHANNELS, evidence=None, **facts):
    atlas = atlas or small_atlas()
    return atlas_page.render(
        facts_of_a_study(**facts),
        atlas,
        small_stacks(),
        TEMPLATES,
        policy=small_policy(channels),
        behaviours=action_table(**ACTIONS).behaviours,
        observed=observe(atlas, channels, **small_labels()),
        evidence=hostile_evidence(channels) if evidence is None else evidence,
    )


def unpacked_unit(script):
    """The source of a unit's part, of its script."""
    return zlib.decompress(base64.b64decode(script.split('"')[1])).decode()


def contents(made):
    """The source of each unit's part, in order."""
    parts = []
    while (name := f"atlas/{len(parts)}.js") in made:
        start, end = f'addUnit({len(parts)}, "', '");\n'
        script = made[name].decode()
        assert script.startswith(start) and script.endswith(end)
        parts.append(unpacked_unit(script))
    return parts


@pytest.fixture(scope="module")
def atlas():
    return small_atlas()


@pytest.fixture(scope="module")
def made(atlas):
    return render(atlas)


@pytest.fixture(scope="module")
def page(made):
    return made["atlas.html"].decode()


@pytest.fixture(scope="module")
def parts(made):
    return contents(made)


def section(part, title):
    """What stands under a heading, up to the next."""
    return part.split(f"<h3>{title}</h3>")[1].split("<h3>")[0]


def table(source):
    """First cell to the other cells of each row of a table, as text."""
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', source, re.DOTALL)
    cells = [[text(head), *map(text, re.findall(r"<td[^>]*>(.*?)</td>", rest, re.DOTALL))] for head, rest in rows]
    return {head: rest for head, *rest in cells}


def text(source):
    return html.unescape(re.sub(r"<[^>]*>", "", source)).strip()


def exact(source):
    """The numbers of a source at full precision."""
    return [float(number) for number in re.findall(r'<data value="([^"]+)">', source)]


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
        rows = re.findall(r'<th scope="row">(.*?)</th>\s*(.*?)</tr>', section(part, "Scores of the dream"), re.DOTALL)
        assert [label for label, _ in rows] == list(LABELS)
        for (_, cells), keys in zip(rows, SIDES, strict=True):
            cells = re.findall(r'<td class="number"[^>]*>\s*(.*?)\s*</td>', cells, re.DOTALL)
            for cell, key in zip(cells, keys, strict=True):
                if key is None or np.isnan(atlas[key][i]):
                    assert cell == "–"
                    dashes += 1
                    continue
                precise, shown = re.fullmatch(r'<data value="([^"]+)">([^<]+)</data>', cell).groups()
                assert float(precise) == atlas[key][i]
                digits = len(shown.split(".")[1])
                assert float(shown.replace("−", "-")) == pytest.approx(atlas[key][i], abs=0.5001 * 10.0**-digits)
    assert dashes > 3 * len(UNITS)  # the atlas has numbers that are not defined


def test_pictures_are_the_arrays_and_every_frame_is_one_file(atlas, made, page, parts):
    for i, (layer, part) in enumerate(zip(atlas["layer"], parts, strict=True)):
        found = pictures_by_id(part)
        for seed in range(1 if layer == "conv0" else 2):
            for kind, key in (("dream", "pictures"), ("control", "control")):
                np.testing.assert_array_equal(found.pop(f"{kind}:{i}:{seed}"), levels(atlas[key][i, seed]))
        assert not found
        used = set(re.findall(r'<use href="#([^"]*)"', part))
        assert used == {*pictures_by_id(part), "page:mean"}
        assert set(re.findall(r'<image width="24" height="24" href="([^"]*)"', part)) <= set(made)
    (mean,) = pictures_by_id(page).items()
    assert mean[0] == "page:mean"
    np.testing.assert_array_equal(mean[1], levels(atlas["mean"]))
    stacks = small_stacks()
    frames = {name for name in made if name.endswith(".png")}
    assert frames == {f"atlas/frame-{i}.png" for i in range(len(FRAMES))}  # all of so few are somewhere in the range
    for i in range(len(FRAMES)):
        grey = stacks["original"][list(stacks["frames"]).index(FRAMES[i])]
        with Image.open(io.BytesIO(made[f"atlas/frame-{i}.png"])) as image:
            np.testing.assert_array_equal(np.asarray(image), levels(grey))


def test_the_index_shows_each_dream_cut_to_its_receptive_field(atlas, page):
    tiles = re.findall(r'<li id="all:([^"]*)"[^>]*><a href="#([^"]*)"><img src="([^"]*)"[^>]*alt="([^"]*)"', page)
    assert [html.unescape(alt) for *_, alt in tiles] == [f"Dream of {name}" for name in UNITS]
    for (_, _, address, _), picture, (top, left, size, _) in zip(tiles, atlas["pictures"], atlas["box"], strict=True):
        np.testing.assert_array_equal(decoded(address), levels(picture[0, top : top + size, left : left + size]))


def test_patches_have_their_box_their_frames_name_and_their_activation(atlas, parts):
    for i, part in enumerate(parts):
        shown = section(part, "Real frames that drive it most")
        frames = re.findall(r'<image [^>]*href="atlas/frame-(\d+).png"/>\s*<(rect|path)([^>]*)', shown)
        assert [int(frame) for frame, *_ in frames] == list(atlas["patch_frame"][i])
        size = atlas["box"][i, 2]
        for (_, shape, place), top, left in zip(frames, atlas["patch_top"][i], atlas["patch_left"][i], strict=True):
            if shape == "rect":
                numbers = dict(re.findall(r'(x|y|width|height)="(\d+)"', place))
                assert numbers == {"x": str(left), "y": str(top), "width": str(size), "height": str(size)}
        assert {shape for _, shape, _ in frames} == ({"rect"} if size < SIZE else {"path"})
        captions = re.findall(
            r'<figcaption><a href="frames.html#frame/([^"]*)">([^<]*)</a>: <data value="([^"]*)">', shown
        )
        names = [FRAMES[frame] for frame in atlas["patch_frame"][i]]
        assert [unquote(link) for link, *_ in captions] == names
        assert [html.unescape(name) for _, name, _ in captions] == [atlas_page.one_line(name) for name in names]
        np.testing.assert_array_equal([float(value) for *_, value in captions], atlas["patch_activation"][i])


def test_the_mask_is_what_the_unit_sees_and_the_network_reads(atlas, parts):
    for i, part in enumerate(parts):
        left, top, width, height, back = map(
            int, re.search(r'class="mask" d="M0 0H24V24H0ZM(\d+) (\d+)h(\d+)v(\d+)h-(\d+)Z"', part).groups()
        )
        assert back == width
        row, column, size, _ = atlas["box"][i]
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


def test_hostile_names_are_text(page, parts):
    for source in (page, *parts):
        assert HOSTILE not in source and "<img src=x" not in source
        assert "\u202e" not in source
    assert html.escape(HOSTILE.split(" | ")[0]) in page
    assert sum(html.escape(HOSTILE.split(" | ")[0]) in part for part in parts) > 3


def test_a_hostile_title_cannot_end_the_script_or_the_attributes_of_the_page(made):
    title = "</script></title><script>alert(1)</script>"
    page = render(title=title)["atlas.html"].decode()
    assert title not in page and page.count("<script>") == 1
    policy = re.search(r"script-src [^;\"]*", page)[0]
    assert "unsafe" not in policy and re.search(r"'sha256-[\w+/=]{44}'", policy)


def test_every_picture_has_an_alternative_text(page, parts):
    for source in (page, *parts):
        for tag in re.findall(r"<img [^>]*>", source) + re.findall(r"<svg [^>]*>", source):
            if 'aria-hidden="true"' not in tag:
                assert re.search(r'(alt|role="(?:img|group)" aria-label)="[^"]{5,}"', tag), tag


def test_concept_overlap_is_the_measurements_or_says_why_not(parts):
    units = hostile_evidence().units
    for name, part in zip(UNITS, parts, strict=True):
        overlap = section(part, "Concept overlap")
        layer, _, channel = name.partition("/")
        if layer not in FIELDS or not channel.isdigit():
            assert "overlap is asked of single channels" in overlap and "<table" not in overlap
            continue
        i, rows = int(channel), table(overlap)
        key = "conv0/gradient/second" if layer == "conv0" else f"{layer}/second"
        assert units[key][i] in exact(overlap)
        rank = 1 + sum(number > units[key][i] for number in units[key])
        assert any(cells == [f"{rank} of {CHANNELS}", "–"] for cells in rows.values())
        if layer != "conv0":
            assert set(exact(overlap)) == {0.5} | {
                units[f"{layer}/{key}"][i] for key in ("auroc", "second", "q", "iou", "iou_chance")
            }


def test_removal_is_the_measurements_for_channels_and_for_heads_names_the_channels(parts):
    causal = hostile_evidence().causal
    for name, part in zip(UNITS, parts, strict=True):
        removal = section(part, "What removing it does")
        layer, _, channel = name.partition("/")
        if layer in FIELDS and channel.isdigit():
            expected = [
                causal[f"{kind}/{layer}/size"][int(channel), q]
                for q in range(3)
                for kind in ("zero", "mean", "resample", "patch")
            ]
            np.testing.assert_allclose(exact(removal), expected)
            assert list(table(removal)) == ["yaw", "with its sign", f"rank, of {CHANNELS}", HOSTILE, "value"]
            heads = re.findall(r'<th scope="col" class="number">([^<]*)</th>', removal)
            assert heads == ["set to zero", "set to its mean", "as on other frames", "as on the mirror image"]
            sizes = {kind: causal[f"{kind}/{layer}/size"][:, 0] for kind in ("zero", "mean", "resample", "patch")}
            ranks = [str(1 + (of > of[int(channel)]).sum()) for of in sizes.values()]
            assert table(removal)[f"rank, of {CHANNELS}"] == ranks
        elif layer in (*FIELDS, "hidden"):
            assert "only single channels were removed" in removal
        else:
            q = ["yaw", HOSTILE, "value"].index(name.removesuffix(" reversed"))
            sizes = np.concatenate([causal[f"zero/{layer}/size"][:, q] for layer in FIELDS])
            np.testing.assert_allclose(exact(removal), sorted(sizes, reverse=True)[:8])
            assert all(f'<a href="#{row}">{row}</a>' in removal for row in table(removal))


def test_weights_are_those_of_the_policy_and_lead_to_their_units(atlas, parts):
    policy = small_policy()
    pages = dict(zip(UNITS, parts, strict=True))
    for layer, after in (("conv0", "conv1"), ("conv1", "conv2")):
        for channel in range(CHANNELS):
            outgoing = weights.strongest_weights(policy, layer, np.eye(CHANNELS)[channel], count=8).outgoing
            shown = joints(pages[f"{layer}/{channel}"], "Feeds")
            assert [(name, link) for name, link, _ in shown] == [(f"{after}/{i}", f"#{after}/{i}") for i, _ in outgoing]
            assert [weight for *_, weight in shown] == [f"{w:+.3f}".replace("-", "−") for _, w in outgoing]
            for name, _, weight in shown:  # and there the same weight leads back
                assert (f"{layer}/{channel}", f"#{layer}/{channel}", weight) in joints(pages[name], "Reads")
    direction = atlas["conv1/directions"][0]
    assert [name for name, *_ in joints(pages["conv1/direction 0"], "Made of")] == [
        f"conv1/{i}" for i in np.argsort(-direction)
    ]
    hidden = joints(pages["value"], "Reads")
    critic = policy.params["critic"]["kernel"][:, 0]
    assert [name for name, *_ in hidden] == [f"hidden {i}" for i in np.argsort(-np.abs(critic))]
    assert all(link is None for _, link, _ in hidden)
    turned = [weight.translate(str.maketrans("+−", "−+")) for *_, weight in joints(pages["yaw reversed"], "Reads")]
    assert [weight for *_, weight in joints(pages["yaw"], "Reads")] == turned
    assert {name for name, *_ in joints(pages["hidden/direction 0"], "Feeds")} == {"value", "yaw", HOSTILE}


def joints(part, title):
    """Name, link and weight of each row of a table of weights."""
    source = section(part, "Strongest weights").split(f"<caption>{title}</caption>")[1].split("</table>")[0]
    row = r'<th scope="row">(?:<a href="([^"]*)">)?([^<]*)(?:</a>)?.*?<td class="number"[^>]*>([^<]*)<'
    rows = re.findall(row, source)
    return [(html.unescape(name).strip(), link or None, weight) for link, name, weight in rows]


def test_a_behaviour_says_what_it_prefers_and_reversed_the_contrary(parts):
    pages = dict(zip(UNITS, parts, strict=True))
    assert "High where the agent prefers actions with left to those with right." in pages["yaw"]
    told = "The yaw with its sign reversed: high where the agent prefers actions with right to those with left."
    assert told in pages["yaw reversed"]
    assert not [name for name in UNITS[:-3] if "with its sign reversed" in pages[name]]


@pytest.mark.parametrize(
    ("name", "more", "less"), [("jump", ["jump"], []), ("jump reversed", [], ["jump"]), ("jump/3", None, None)]
)
def test_a_behaviour_of_one_end_prefers_or_avoids_it(name, more, less):
    found = atlas_page.head_ends(name, {"jump": {"plus": {"jump": "jump"}}})
    assert found == (more if more is None else {"behaviour": "jump", "reversed": not more, "more": more, "less": less})


def test_conv0s_kernel_is_shown_for_each_frame_of_the_stack_on_one_scale(parts):
    kernel = np.asarray(small_policy().params["conv0"]["kernel"])
    for channel in range(CHANNELS):
        shown = section(parts[UNITS.index(f"conv0/{channel}")], "Strongest weights")
        pictures = [decoded(href) for href in re.findall(r'src="(data:[^"]*)"', shown)]
        largest = np.abs(kernel[..., channel]).max()
        for frame, picture in enumerate(pictures):
            np.testing.assert_allclose((picture - 127.5) / 127.5, kernel[..., frame, channel] / largest, atol=0.004)
        assert len(pictures) == kernel.shape[2]


def test_claims_are_linked_from_the_units_that_they_are_about_and_from_no_other(parts):
    links = {name: re.findall(r'href="index.html#([^"]*)"', part) for name, part in zip(UNITS, parts, strict=True)}
    claims = [unquote(link) for link in links["conv1/2"] + links["yaw"]]
    statements = [claim["statement"] for claim in facts_of_a_study()["claims"]]
    assert claims == [page_text.slug(statement) for statement in statements[:2]]
    assert links["conv2/0"] == links["yaw"] == links["yaw reversed"]
    assert [name for name in UNITS if links[name]] == ["conv1/2", "conv2/0", "yaw", "yaw reversed"]


def test_a_study_without_evidence_or_labelled_frames_is_told_so_and_shown():
    everything = hostile_evidence()
    unlabelled = Evidence(
        {name: array for name, array in everything.units.items() if name.startswith("conv0")},
        {name: array for name, array in everything.causal.items() if not name.startswith("resample")},
        everything.circuits,
    )
    part = contents(render(evidence=unlabelled))[UNITS.index("conv1/1")]
    assert "no labelled frames" in section(part, "Concept overlap")
    assert "as on other frames" not in part
    facts = facts_of_a_study()
    bare = {key: value for key, value in facts.items() if key not in ("claims", "verdicts", "evidence")}
    made = atlas_page.render(
        bare,
        small_atlas(),
        small_stacks(),
        TEMPLATES,
        policy=small_policy(),
        behaviours=action_table(**ACTIONS).behaviours,
        observed=observe(small_atlas()),
        evidence=Evidence(),
    )
    for name, part in zip(UNITS, contents(made), strict=True):
        for title in ("Concept overlap", "What removing it does"):
            assert "Not measured" in section(part, title), name
        assert "<caption>Reads" in part or name.startswith("conv0")
        assert "claim" not in part.lower()


def test_the_index_carries_the_numbers_that_it_sorts_by(atlas, page):
    evidence = hostile_evidence()
    tiles = {
        name: attributes for attributes, name in re.findall(r'<li id="all:[^"]*"([^>]*data-name="([^"]*)"[^>]*)>', page)
    }
    assert list(map(html.unescape, tiles)) == list(UNITS)
    for i, attributes in enumerate(tiles.values()):
        numbers = {
            key: float(number) for key, number in re.findall(r'data-(concept|effect|mean)="([^"]*)"', attributes)
        }
        layer, _, channel = UNITS[i].partition("/")
        expected = {"mean": atlas["natural_mean"][i]}
        if channel.isdigit():
            key = "conv0/gradient/second" if layer == "conv0" else f"{layer}/second"
            expected |= {
                "concept": evidence.units[key][int(channel)],
                "effect": evidence.causal[f"zero/{layer}/size"][int(channel), 0],
            }
        assert numbers == pytest.approx(expected)


def test_middle_and_lowest_frames_are_those_of_the_policys_own_activations(atlas, parts):
    stacks, policy = small_stacks(), small_policy()
    names = stacks["frames"].tolist()
    greys = np.stack([stacks["original"][names.index(name)] for name in FRAMES])
    trace = policy.run(np.repeat(greys[:, None], policy.geometry.frames, axis=1))
    for name in ("conv0/2", "conv1/1", "conv2/0"):
        layer, channel = name.split("/")
        response = np.asarray(trace.layers[layer], np.float64)[..., int(channel)]
        flat = response.reshape(len(FRAMES), -1)
        strongest = flat.max(1)
        orders = {
            "in the middle of its range": (
                np.argsort(np.abs(strongest - np.median(strongest))),
                strongest,
                flat.argmax(1),
            ),
            "where it is lowest": (np.argsort(flat.min(1)), flat.min(1), flat.argmin(1)),
        }
        for title, (order, numbers, places) in orders.items():
            shown = section(parts[UNITS.index(name)], f"Frames {title}")
            np.testing.assert_allclose(exact(shown), numbers[order], rtol=1e-5, atol=1e-6)
            found = [int(frame) for frame in re.findall(r'atlas/frame-(\d+).png"/>\s*<rect', shown)]
            assert found == order.tolist()
            corners = [tuple(map(int, pair)) for pair in re.findall(r'<rect class="field" x="(\d+)" y="(\d+)"', shown)]
            expected = [divmod(int(places[frame]), response.shape[2]) for frame in order]
            boxes = [policy.architecture.box(layer, place) for place in expected]
            assert corners == [(left, top) for top, left, _, _ in boxes]


def test_each_block_names_the_set_that_it_is_of(parts):
    for name, part in zip(UNITS, parts, strict=True):
        assert f"of the {len(FRAMES)} frames of this study that no dream" in section(
            part, "Real frames that drive it most"
        )
        for title in ("Frames in the middle of its range", "Frames where it is lowest"):
            assert f"of the same {len(FRAMES)} frames" in section(part, title)
        assert ("strongest patches in the labelled frames" in part) == name.startswith("conv")
        link = re.search(r'href="frames.html#frame/[^"?]*[?]units=([^"&]*)&unit=([^"]*)">Silence it', part)
        assert (link and link.groups()) == ((f"{name}*0", name) if re.fullmatch(r"conv\d/\d+", name) else None)
        if name in ("conv1/1", "conv2/2"):
            assert "on the 30 labelled frames, which are not the study’s own" in section(part, "Concept overlap")


def test_similar_units_are_those_whose_means_correlate(parts):
    stacks, policy = small_stacks(), small_policy()
    trace = policy.run(np.repeat(stacks["original"][:, None], policy.geometry.frames, axis=1))
    channels = [name for name in UNITS if re.fullmatch(r"conv\d/\d+", name)]
    means = [np.asarray(trace.layers[name[:5]], float)[..., int(name[6:])].mean((1, 2)) for name in channels]
    expected = np.corrcoef(means)
    for i, name in enumerate(channels):
        rows = table(section(parts[UNITS.index(name)], "Similar units"))
        for other in set(rows) & set(channels):
            shown = float(rows[other][0].replace("−", "-"))
            assert shown == pytest.approx(expected[i, channels.index(other)], abs=2e-3)
        assert name not in rows and len(rows) > 5


def test_the_map_has_every_unit_that_varies_near_those_that_it_goes_with(page):
    observed = observe(small_atlas())
    points = re.findall(
        r'data-number="(\d+)"><title>([^<]*)</title>\s*<path class="mark kind-(\d)" transform="translate\(([^)]*)\)',
        page,
    )
    varying = [i for i in range(len(UNITS)) if np.isfinite(observed.places[i]).all()]
    assert sorted(int(number) for number, *_ in points) == varying and len(varying) > 10
    assert {html.unescape(title) for _, title, *_ in points} == {UNITS[i] for i in varying}
    places = {int(number): np.array(place.split(), float) for number, *_, place in points}
    for place in places.values():
        assert (place >= 0).all() and (place <= unit_frames.MAP_SIZE).all()
    scale = np.ptp([places[i][0] for i in varying]) / np.ptp([observed.places[i][0] for i in varying])
    for i in varying:
        difference = (observed.places[i] - observed.places[varying[0]]) * (1, -1) * scale
        np.testing.assert_allclose(places[i] - places[varying[0]], difference, atol=0.5)


def test_the_table_of_all_units_has_the_indexs_numbers(atlas, page):
    source = page.split('<h2 id="page:table-head">')[1].split("</table>")[0]
    rows = table(source)
    assert list(rows) == list(UNITS)
    for i, cells in enumerate(rows.values()):
        shown = [float(cell.replace("−", "-")) if cell != "–" else None for cell in cells[:5]]
        assert shown[2] == pytest.approx(atlas["natural_mean"][i], abs=5.1e-4)
        assert shown[4] == pytest.approx(atlas["control_correlation"][i], abs=5.1e-3)
        assert (shown[3] is None) == bool(np.isnan(atlas["z"][i]))
    claimed = [name for name, cells in rows.items() if "named by a claim" in cells[5]]
    assert claimed == ["conv1/2", "conv2/0", "yaw", "yaw reversed"]


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


def test_the_stage_writes_the_same_files_each_time(atlas, made, tmp_path):
    checkpoint.save(tmp_path / "small.model", small_policy(), {})
    files.write_arrays(tmp_path / "atlas.npz", **atlas)
    files.write_arrays(tmp_path / "stacks.npz", **small_stacks())
    files.write_json(tmp_path / "facts.json", facts_of_a_study())
    evidence = hostile_evidence()._asdict()
    for name, arrays in evidence.items():
        files.write_arrays(tmp_path / f"{name}.npz", **arrays)
    concept = facts_of_a_study()["evidence"]["concept"]
    labels = dict(zip(("original", f"{concept}/share"), small_labels().values(), strict=True))
    files.write_arrays(tmp_path / "labels.npz", **labels)
    names = {name: tmp_path / f"{name}.npz" for name in ("atlas", "stacks", *evidence, "labels")}
    stage.run(
        tmp_path / "small.model",
        {"size": SIZE, "strides": [4, 1, 1]},
        ACTIONS,
        facts=tmp_path / "facts.json",
        templates=TEMPLATES,
        report=tmp_path / "report",
        **names,
    )
    written = {str(p.relative_to(tmp_path / "report")): p for p in (tmp_path / "report").rglob("*") if p.is_file()}
    assert {name: path.read_bytes() for name, path in written.items()} == made


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
        figure = atlas_figure.draw(**atlas_figure.load(results, layer=layer))
        figure.draw_without_rendering()
        return figure, figure.get_tightbbox()


@pytest.mark.parametrize("layer", ["conv0", "conv1", "conv2", "hidden", "head"])
def test_a_sheet_shows_dream_and_control_of_every_unit_in_its_receptive_field(atlas, results, layer):
    figure, _ = sheet(results, layer)
    shown = iter(image for ax in figure.axes for image in ax.images)
    rows = np.flatnonzero(atlas["layer"] == layer)
    for i in rows:
        top, left, size, _ = atlas["box"][i]
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
        atlas_figure.main(command)
        made.append((png.read_bytes(), svg.read_bytes()))
    assert made[0] == made[1]
    with Image.open(png) as image:
        assert image.width == style.WIDTH_INCHES["page"] * style.DPI
    with pytest.raises(
        InputError, match="must be one of the atlas' layers, conv0, conv1, conv2, hidden, head; got 'x'"
    ):
        atlas_figure.load(results, layer="x")
