import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from minetest_interp import facts as fact_rules
from minetest_interp import report
from minetest_interp.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "report"
HOSTILE = "<img src=x onerror=alert(1)> | `*_a_*` [b](c)"
VIEWS = ("original", "mirrored", "unrounded", "reordered", "masked", "masked-mirrored")
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow", "Neg", "Pos")
ARITHMETIC_FILTERS = ("abs", "round", "sum")
NUMBER = r"[+−]?\d[\d,.]*(?:e[+−]\d+)?"


def small_facts(*, frames=("one", HOSTILE, "three_3"), night=("three_3",), names=("yaw", "forward"), panels=None):
    """Facts of a study with seeded numbers, made by the same functions as a real study's."""
    rng = np.random.default_rng(7)
    behaviours = {"frames": np.array(frames)}
    for view in VIEWS:
        behaviours |= {f"{view}/{name}": rng.uniform(-1, 1, len(frames)) for name in (*names, "value")}
    ascent = {"objective": {"kind": "value"}, "steps": 9, "seed": 3}
    dream = {"image": rng.uniform(0, 255, (4, 8, 8)), "scores": rng.normal(size=10)}
    yaw = {"objective": {"kind": "behaviour_probability", "behaviour": names[0], "sign": -1}, "steps": 9, "seed": 3}
    published = {
        "where": f"A post {HOSTILE}",
        "tolerance": 2e-6,
        "behaviour": [{"figure": "1", "frame": frames[0], "view": "original", names[0]: 0.25}],
        "activation_range": [],
    }
    default_panels = {
        "a-dream-value": {"dream": "value"},
        "b-dream-yaw": {"left": "value", "right": "yaw", "behaviour": names[0]},
        "c-alignment": {},
        "d-views": {"frame": frames[0]},
        "e-mirror-day": {"frame": frames[1]},
        "f-mirror-night": {"frame": frames[-1]},
        "g-conv0": {"frame": frames[1], "channel": 2, "layer": "conv0", "view": "original"},
        "h-conv1": {"frame": frames[0], "channel": 2, "layer": "conv1", "view": "unrounded"},
        "i-conv2": {"frame": frames[0], "channel": 2, "layer": "conv2", "view": "mirrored"},
        "j-conv2-gradient": {"frame": frames[0], "channel": 2, "layer": "conv2", "view": "mirrored", "gradient": "g"},
        "k-network": {},
        "l-frames": {"behaviour": names[0]},
    }
    return {
        "study": "small",
        "command": "snakemake --cores 4 --config study=small",
        "title": f"A title {HOSTILE}",
        "summary": "A demo & nothing else.",
        "source": {"attribution": f"Nobody {HOSTILE}", "origin": "javascript:alert(1)", "commit": "0" * 40},
        "checkpoint": {"file": "a|`b`.model", "sha256": "0123456789abcdef" * 4},
        "training": {"seed": 1, "learning_rate": 2.5e-4, "cuda": True, "name": HOSTILE},
        "network": {
            "frames": 4,
            "size": 64,
            "channels": [32, 64, 64],
            "kernels": [8, 4, 3],
            "strides": [4, 2, 1],
            "hidden": 512,
            "actions": 36,
            "sides": [15, 6, 4],
            "receptive_fields": [[8, 4], [20, 8], [36, 8]],
            "read_size": 60,
            "parameters": 621765,
        },
        "pictures": {"count": len(frames), "night": len(night), "sizes": {"512x300": len(frames)}, "order": "notebook"},
        "steering": names[0],
        "definitions": {name: {"plus": {"key": "left"}, "minus": {"key": "right"}} for name in names},
        "behaviours": {name: fact_rules.spread(behaviours[f"original/{name}"]) for name in (*names, "value")},
        "mirror": fact_rules.mirror_tests(behaviours, names[0], night),
        "covered_boxes": 2,
        "views": fact_rules.view_differences(behaviours, names[0]),
        "dreams": {"value": fact_rules.dream_row(dream, ascent), "yaw": fact_rules.dream_row(dream, yaw)},
        "alignment": fact_rules.alignment({kind: rng.uniform(-1, 1, 36) for kind in ("similarity", "random")}),
        "panels": {
            name: {
                **panel,
                "file": f"../../figures/small/{name}.png",
                "rule": "panel",
                "command": f"snakemake --cores 4 figures/small/{name}.png",
            }
            for name, panel in (default_panels if panels is None else panels).items()
        },
        "frames": fact_rules.frame_rows(behaviours),
        "published": fact_rules.published_rows(published, behaviours, Path()),
    }


def write_figures(folder, names, size=(1350, 500)):
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(sorted(names)):
        Image.new("RGB", size, (16 * i, 255 - 16 * i, 128)).save(folder / f"{name}.png")
    return folder


class Text(HTMLParser):
    """What a reader gets of a page from `<main>` on: text and alternative texts, and its table rows."""

    def __init__(self, page):
        super().__init__()
        self.words, self.rows, self.reading, self.row_open = [], [], False, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.reading |= tag == "main"
        if self.reading and tag == "img":
            self.words.append(dict(attrs)["alt"])
        if tag == "tr":
            self.rows.append([])
            self.row_open = True
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.reading &= tag != "main"
        if tag == "tr":
            self.row_open = False

    def handle_data(self, data):
        if self.reading:
            self.words.append(data)
            if self.row_open and self.rows[-1]:
                self.rows[-1][-1] += data.strip("\n")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    facts = small_facts()
    figures = write_figures(tmp_path_factory.mktemp("figures"), facts["panels"])
    return facts, report.render_html(facts, TEMPLATES, figures), report.render_markdown(facts, TEMPLATES)


def tree(markdown):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def shown(tokens):
    """The text that a rendered Markdown shows."""
    inline = [child for token in tokens for child in token.children or []]
    return "".join(child.content for child in inline)


@pytest.mark.parametrize("missing", sorted(set(small_facts()) - {"published", "panels"}))
def test_a_missing_fact_stops_the_rendering(missing):
    facts = small_facts()
    del facts[missing]
    with pytest.raises(jinja2.UndefinedError, match=missing):
        report.render_markdown(facts, TEMPLATES)


def test_a_missing_number_inside_a_fact_stops_the_rendering(tmp_path):
    facts = small_facts(panels={})
    del facts["mirror"]["all"]["bias"]
    for render in (
        lambda: report.render_html(facts, TEMPLATES, tmp_path),
        lambda: report.render_markdown(facts, TEMPLATES),
    ):
        with pytest.raises(jinja2.UndefinedError, match="bias"):
            render()


def test_every_frame_has_its_row_of_numbers_in_both_reports(rendered):
    facts, page, markdown = rendered
    cells = {row[0]: row[1:] for row in Text(page).rows if len(row) == 7}
    in_markdown = {
        shown([row[0]]): [shown([cell]) for cell in row[1:]] for row in markdown_rows(markdown) if len(row) == 7
    }
    for frame in facts["frames"]:
        numbers = [
            f"{source[name]:+.4f}".replace("-", "−")
            for name in facts["behaviours"]
            for source in (frame, frame["mirrored"])
        ]
        assert cells[frame["name"]] == numbers
        assert in_markdown[frame["name"]] == numbers


def markdown_rows(markdown):
    rows = []
    for token in tree(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level > 2:
            rows[-1].append(token)
    return rows


def test_both_reports_print_the_same_numbers_in_the_same_order(rendered):
    _, page, markdown = rendered
    page_words = " ".join(Text(page).words)
    body = markdown[markdown.index("## In short") : markdown.rindex("---")]
    body = re.sub(r"\]\([^)]*\)", "]", body)  # addresses are no words
    numbers = re.findall(NUMBER, page_words)
    assert len(numbers) > 200
    assert re.findall(NUMBER, body) == numbers


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.j2")), ids=lambda path: path.name)
def test_templates_compute_nothing(template):
    assert computations(template.read_text(encoding="utf-8")) == []


def test_captions_compute_nothing():
    for words in report.captions(TEMPLATES).values():
        for source in words.values():
            assert computations(source) == []


def test_the_search_for_computations_finds_them():
    assert computations("{{ a + 1 }}{{ a | sum }}{{ -a }}") == ["Add", "Neg", "sum"]


def computations(source):
    parsed = report.html_environment(TEMPLATES).parse(source)
    operators = [type(node).__name__ for node in parsed.find_all(jinja2.nodes.Expr)]
    filters = [node.name for node in parsed.find_all(jinja2.nodes.Filter)]
    return sorted(
        [name for name in operators if name in ARITHMETIC] + [name for name in filters if name in ARITHMETIC_FILTERS]
    )


def test_every_panel_of_the_schema_has_a_caption_and_an_alternative_text():
    schema = yaml.safe_load((ROOT / "workflow/schemas/study.schema.yaml").read_text(encoding="utf-8"))
    captions = report.captions(TEMPLATES)
    assert set(captions) == set(schema["properties"]["panels"]["properties"])
    assert all(set(words) == {"caption", "alt"} for words in captions.values())


@pytest.mark.parametrize(
    ("flips", "words"),
    [
        (1.0, "on nearly every frame: 100\u202f%"),
        (0.7, "on most frames, but not on all: 70\u202f%"),
        (0.25, "on no more than half of the frames: 25\u202f%"),
    ],
)
def test_the_words_on_mirroring_follow_the_facts(flips, words):
    facts = small_facts()
    facts["mirror"]["all"]["flips"] = flips
    markdown = report.render_markdown(facts, TEMPLATES)
    assert words in markdown
    assert ("weaker than the post" in markdown) == (flips < 0.9)


@pytest.mark.parametrize(("difference", "words"), [(0, "All 1 numbers"), (1e-5, "Of the 1 numbers")])
def test_the_headline_says_whether_the_published_numbers_recompute(difference, words):
    facts = small_facts()
    facts["published"] |= {"agree": int(difference < 2e-6), "largest_difference": difference}
    assert words in report.render_markdown(facts, TEMPLATES)


def test_a_study_without_panels_night_or_published_numbers_has_a_shorter_report(tmp_path):
    facts = small_facts(night=(), names=("turn",), panels={})
    del facts["published"], facts["source"]["origin"], facts["source"]["commit"]
    facts |= {"covered_boxes": 0, "training": {}, "dreams": {}}
    assert facts["mirror"]["night"] == {"n": 0, "flips": None, "correlation": None, "bias": None}
    page, markdown = report.render_html(facts, TEMPLATES, tmp_path), report.render_markdown(facts, TEMPLATES)
    titles = re.findall(r"^## (.*)$", markdown, re.MULTILINE)
    assert titles == re.findall(r"<h2 id=[^>]*>([^<]*)</h2>", page)
    assert not {"Night", "Dreams", "Inside layers 1 to 3", "The published numbers"} & set(titles)
    assert "<figure" not in page and "![" not in markdown
    assert "names no published numbers" in markdown


def test_hostile_names_are_text_in_both_reports(rendered):
    _, page, markdown = rendered
    assert HOSTILE in " ".join(Text(page).words)
    assert "<img src=x" not in page
    assert 'href="javascript' not in page and "(<javascript" not in markdown
    tokens = tree(markdown)
    assert HOSTILE in shown(tokens)
    marks = [child.content for token in tokens for child in token.children or [] if child.type == "html_inline"]
    assert set(marks) <= {"<code>", "</code>"}  # of the checkpoint's file name, which has a backtick


@settings(deadline=None)
@given(text=st.text(max_size=40).filter(str.strip))
def test_any_text_is_one_table_cell_that_shows_itself(text):
    tokens = tree(f"| a | b |\n| :-- | --: |\n| {report.markdown_text(text)} | 1 |\n")
    cells = [token for token in tokens if token.type == "inline"][2:]
    visible = " ".join(shown([cells[0]]).split())
    assert len(cells) == 2
    assert visible == " ".join(report.one_line(text).split())
    assert {child.type for child in cells[0].children} <= {"text", "text_special"}


@settings(deadline=None)
@given(text=st.text(st.sampled_from("ab_*`~<>&[]()!|\\#+-1. $\"'"), min_size=1, max_size=20).filter(str.strip))
def test_marks_at_the_start_of_a_paragraph_show_themselves(text):
    tokens = tree(f"{report.markdown_text(text.strip())}\n")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert " ".join(shown(tokens).split()) == " ".join(text.split())


def test_a_missing_or_damaged_panel_is_named(tmp_path):
    facts = small_facts(panels={"k-network": {}})
    with pytest.raises(InputError, match=r"k-network\.png.*no such file"):
        report.render_html(facts, TEMPLATES, tmp_path)
    (tmp_path / "k-network.png").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"k-network\.png.*must be a PNG"):
        report.render_html(facts, TEMPLATES, tmp_path)


def test_panels_are_embedded_with_their_size(tmp_path):
    picture = report.read_png(write_figures(tmp_path, ["k-network"], size=(33, 7)) / "k-network.png")
    assert (picture["width"], picture["height"]) == (33, 7)
    assert picture["address"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (report.percent(0.6818), "68\u202f%"),
        (report.percent(None), "–"),
        (report.signed(-0.87501, 4), "−0.8750"),
        (report.signed(0.5, 1), "+0.5"),
        (report.signed(-0.00001, 3), "0.000"),
        (report.signed(None, 3), "–"),
        (report.decimal(13.70105, 1), "13.7"),
        (report.scientific(7.8e-7), "7.8e−07"),
        (report.as_given(-0.30800387), "−0.30800387"),
        (report.as_given(False), "no"),
        (report.count(621765), "621,765"),
        (report.listing([32, 64, 64]), "32, 64 and 64"),
        (report.listing([32]), "32"),
        (report.slug("What humans and the network see"), "what-humans-and-the-network-see"),
    ],
)
def test_units_are_printed_the_same_everywhere(shown, expected):
    assert shown == expected
