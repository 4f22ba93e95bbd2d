import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import jinja2
import numpy as np
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from minetest_interp.analysis.intervals import Estimate, missing
from minetest_interp.claims import ledger as claims
from minetest_interp.claims import series
from minetest_interp.claims.verdicts import VERDICTS
from minetest_interp.facts import hands_on as tried_facts
from minetest_interp.facts import study as fact_rules
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.description import describe
from minetest_interp.model.policy import Geometry, nature
from minetest_interp.pages import article
from minetest_interp.pages import hands_on as page_tried
from minetest_interp.pages import pictures as page_pictures
from minetest_interp.pages import references as page_references
from minetest_interp.pages import text as page_text
from minetest_interp.stages import report as stage
from tests.unit.test_panels import PANELS

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "report"
HOSTILE = '<img src=x onerror=alert(1)> | `*_a_*` [b](c) "\\{{< figure src=x >}}{{% d %}}'
VIEWS = ("original", "mirrored", "unrounded", "reordered", "masked", "masked-mirrored")
POST = "https://blog.eleuther.ai/minetester-intro/"
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow", "Neg", "Pos")
ARITHMETIC_FILTERS = ("abs", "round", "sum")
NUMBER = r"[+−]?\d(?:[\d,.]*\d)?(?:e[+−]\d+)?"


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
    tried, untried = tried_facts.collect(small_tried(), {"steering": names[0], "behaviours": STEERS(names[0])})
    default_panels = {
        "stills": {},
        "try-it": {"concept": "trunk"},
        "guess": {},
        "a-dream-value": {"dream": "value"},
        "b-dream-yaw": {"left": "value", "right": "yaw", "behaviour": names[0]},
        "c-alignment": {},
        "d-views": {"frame": frames[0]},
        "e-mirror-day": {"frame": frames[1]},
        "f-mirror-night": {"frame": frames[-1]},
        "g-channel": {"frame": frames[1], "channel": 2, "layer": "conv0", "view": "original"},
        "h-channel": {"frame": frames[0], "channel": 2, "layer": "conv1", "view": "unrounded"},
        "i-channel": {"frame": frames[0], "channel": 2, "layer": "conv2", "view": "mirrored"},
        "j-channel-gradient": {"frame": frames[0], "channel": 2, "layer": "conv2", "view": "mirrored", "gradient": "g"},
        "k-network": {},
        "frames": {"behaviour": names[0]},
    }
    ledger = small_ledger()
    return {
        "study": "small",
        "command": "snakemake --cores 4 --config study=small",
        "title": f"A title {HOSTILE}",
        "summary": "A demo & nothing else.",
        "source": {"attribution": f"Nobody {HOSTILE}", "origin": "javascript:alert(1)", "commit": "0" * 40},
        "checkpoint": {"file": "a|`b`.model", "sha256": "0123456789abcdef" * 4},
        "training": {"seed": 1, "learning_rate": 2.5e-4, "cuda": True, "name": HOSTILE},
        "network": describe(nature(Geometry())) | {"parameters": 621765},
        "pictures": {
            "count": len(frames),
            "night": len(night),
            "sizes": {"512x300": len(frames)},
            "order": "notebook",
            "recorded": 0,
            "colour": False,
        },
        "steering": names[0],
        "definitions": STEERS(*names),
        "behaviours": {name: fact_rules.spread(behaviours[f"original/{name}"]) for name in (*names, "value")},
        "mirror": fact_rules.mirror_tests(behaviours, names[0], night),
        "covered_boxes": 2,
        "views": fact_rules.view_differences(behaviours, names[0]),
        "dreams": {"value": fact_rules.dream_row(dream, ascent), "yaw": fact_rules.dream_row(dream, yaw)},
        "alignment": fact_rules.alignment({kind: rng.uniform(-1, 1, 36) for kind in ("similarity", "random")}),
        "panels": {
            name: {
                **panel,
                "file": f"figures/{PANELS[name].shown}",
                "rule": "panel",
                "command": f"snakemake --cores 4 figures/small/{name}.png",
                "numbers": [name],
            }
            for name, panel in (default_panels if panels is None else panels).items()
        },
        "frames": fact_rules.frame_rows(behaviours),
        "not_measured": untried,
        **tried,
        "reach": fact_rules.reach(ledger),
        "claims": ledger,
        "answer": [f"It turns {HOSTILE}.", "Not by darkness.", "How sure that is."],
        "verdicts": claims.count_verdicts(ledger),
        "evidence": {
            "concept": "trunk",
            "layers": {
                "named": ["conv0", "conv1", "conv2"],
                "trunks": ["conv1", "conv2"],
                "gradients": "conv0",
                "circuits": "conv2",
            },
            "labelled": 9,
            "found": [{"name": "conv1/3", "auroc": 0.8, "on": False, "q": 0.01, "effect": 0.02, "rank": 3, "of": 64}],
            "attribution": [
                {
                    "name": name,
                    "verdict": "trust",
                    "deletion": {"estimate": 0.1, "interval": interval},
                    "insertion": -0.1,
                    "randomised": 0.3,
                    "sensitivity": 0.4,
                    "completeness": error,
                }
                for name, interval, error in (("gradient", [0.05, 0.2], None), ("IG", None, 0.01))
            ],
            "circuits": [{"name": "conv2/1", "share": 0.2}, {"name": "conv2/4", "share": -0.1}],
        },
        "published": fact_rules.published_rows(published, behaviours, Path()),
    }


def STEERS(*names):
    return {name: {"plus": {"key": "left"}, "minus": {"key": "right"}} for name in names}


def small_tried(*, seed=5):
    """What the stage `hands_on` stores, seeded: 8 by 8 pixels, three pieces, four frames to guess on."""
    rng = np.random.default_rng(seed)

    def picture(*, channels=3):
        return rng.integers(0, 256, (9, 12, channels), np.uint8)

    arrays = {"stills/frames": np.array(["one", HOSTILE]), "stills/turning": np.array([0.5, -0.25])}
    arrays |= {f"stills/picture/{i}": picture() for i in range(2)}
    arrays |= {"try/frame": np.array(HOSTILE), "try/donor": np.array(HOSTILE), "try/picture": picture()}
    arrays |= {"try/planes": rng.integers(0, 256, (1, 8, 8), np.uint8), "try/concept/picture": picture(channels=4)}
    for name in ("dark", "light", "concept"):
        arrays |= {f"try/{name}/levels": rng.integers(0, 256, (1, 4, 2)).astype(float), f"try/{name}/top": np.array(1)}
        arrays |= {f"try/{name}/share": rng.uniform(size=(4, 2)), f"try/{name}/turning": rng.uniform(-1, 1, (2, 7))}
    arrays |= {"guess/frames": np.array(["a", HOSTILE, "c", "d"]), "guess/layer": np.array("conv2")}
    arrays |= {f"guess/{name}": rng.uniform(-1, 1, 4) for name in ("turning", "position", "darker", "probe")}
    arrays |= {f"guess/picture/{i}": picture() for i in range(4)}
    arrays |= {"guess/number": np.array(40), "guess/darker/share": np.array(0.75), "guess/probe/share": np.array(0.625)}
    arrays |= {"dreams/name": np.array(["value", "yaw"]), "dreams/control_correlation": np.array([0.25, 0.125])}
    return arrays | {f"dreams/{name}": rng.uniform(0, 255, (2, 8, 8)) for name in ("pictures", "control")}


def small_ledger():
    """Five claims, one with each verdict."""
    found = {
        name: Estimate(40, 30, estimate, interval, 0.5, error=(interval[1] - interval[0]) / 4)._asdict()
        for name, estimate, interval in (
            ("one", 0.95, (0.92, 0.99)), ("two", 0.7, (0.6, 0.8)),
            ("three", 0.3, (0.2, 0.4)), ("four", 0.51, (0.46, 0.56)),
        )
    }  # fmt: skip
    found["five"] = missing(f"nothing was measured {HOSTILE}")._asdict()
    claim = {"source": "the post", "test": f"By looking {HOSTILE}.", "figure": "g-channel", "measurement": "units"}
    claim |= {"cases": f"frames {HOSTILE}", "exploratory": f"Looked at {HOSTILE}."}
    judged = {"what": "how often", "unit": "share", "matters": 0.1, "claimed": 0.9}
    shown = {"what": f"only shown {HOSTILE}"}
    stated = {
        name: claim | {"statement": f"Claim {name} {HOSTILE}.", "parts": {"first": judged, "second": shown}}
        for name in found
    }
    measured = {name: {"first": estimate, "second": estimate} for name, estimate in found.items()}
    turns = {"one": measured["four"], "two": measured["five"]}
    return claims.ledger(
        stated,
        measured,
        again={"on_turns": turns, "on_policy": {}},
        about=claims.About("trunk", "yaw", ["trunk"]),
        named={},
        commands={"units": "snakemake x"},
    )


RECTANGLE = '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}"><rect width="{0}" height="{1}"/></svg>'


def write_figures(folder, names, size=(1350, 500)):
    (folder / "phone").mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(sorted(names)):
        picture = Image.new("RGB", size, (16 * i, 255 - 16 * i, 128))
        picture.save(folder / f"{name}.png")
        (folder / f"{name}.svg").write_text(RECTANGLE.format(*size), encoding="utf-8")
        picture.save(folder / f"phone/{name}.webp")
    return folder


class Text(HTMLParser):
    """What a reader gets of a page from `<main>` on: text and alternative texts, and its table rows.

    What an SVG draws is not text: numbers stand beside it.
    """

    def __init__(self, page):
        super().__init__()
        self.words, self.rows, self.titles = [], [], []
        self.reading = self.row_open = self.in_title = self.in_drawing = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.reading |= tag == "main"
        self.in_drawing |= tag == "svg"
        self.in_title = tag == "h2"
        if self.reading and tag == "img":
            self.words.append(dict(attrs)["alt"])
        if tag == "tr":
            self.rows.append([])
            self.row_open = True
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.reading &= tag != "main"
        self.in_drawing &= tag != "svg"
        if tag == "tr":
            self.row_open = False

    def handle_data(self, data):
        if self.in_title:
            self.titles.append(data)
            self.in_title = False
        if self.reading and not self.in_drawing:
            self.words.append(data)
            if self.row_open and self.rows[-1]:
                self.rows[-1][-1] += data.strip("\n")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    facts = small_facts() | {"atlas": small_atlas_facts()}
    figures = pictures(facts, tmp_path_factory.mktemp("figures"))
    return facts, both_pages(facts, figures), article.render_markdown(facts, TEMPLATES)


def render_pages(facts, figures, *, field=None):
    """The story and the appendix by the names of their files."""
    tried = page_tried.pictured(small_tried(), facts)
    return article.render_html(facts, TEMPLATES, figures, figures, tried, field=field)


def both_pages(facts, figures):
    """The story's page and the appendix's, one after the other."""
    return "".join(render_pages(facts, figures).values())


def pictures(facts, folder):
    """The figures of a study, each a rectangle, as the report reads them."""
    write_figures(folder, facts["panels"])
    return {name: page_pictures.read_figure(folder / f"{name}.png") for name in facts["panels"]}


def small_atlas_facts():
    layer = {"agreement": {"value": 0.5}, "control_correlation": {"value": 0.25}}
    return {
        "affine_layer": "conv0",
        "units": {"conv0": 32},
        "dead": {"conv0": [1]},
        "saturated": {"conv0": []},
        "layers": {"conv0": layer},
        "constant": [],
    }


@pytest.fixture(scope="module")
def hugo(rendered):
    return article.render_hugo(rendered[0], TEMPLATES)


def tree(markdown):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def shown(tokens):
    """The text that a rendered Markdown shows."""
    inline = [child for token in tokens for child in token.children or []]
    return "".join(child.content for child in inline)


OPTIONAL = {"published", "panels", "claims", "evidence", "head_dreams"}


@pytest.mark.parametrize("missing", sorted(set(small_facts()) - OPTIONAL))
def test_a_missing_fact_stops_the_rendering(missing):
    facts = small_facts()
    del facts[missing]
    with pytest.raises(jinja2.UndefinedError, match=missing):
        article.render_markdown(facts, TEMPLATES)


def test_what_a_study_has_no_numbers_of_is_left_out_in_words():
    facts = small_facts(panels={})
    reasons = {"mirror": "nothing should turn round", "alignment": "this policy has no critic"}
    facts = {key: value for key, value in facts.items() if key not in reasons} | {"not_measured": reasons}
    markdown = article.render_markdown(facts, TEMPLATES)
    assert "Not measured: nothing should turn round." in markdown and "Mirror tests of the" not in markdown
    assert "is not measured: this policy has no critic." in markdown and "Cosine similarity of the" not in markdown


def test_a_missing_number_inside_a_fact_stops_the_rendering():
    facts = small_facts(panels={})
    del facts["mirror"]["all"]["bias"]
    for render in (
        lambda: both_pages(facts, {}),
        lambda: article.render_markdown(facts, TEMPLATES),
        lambda: article.render_hugo(facts, TEMPLATES),
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


def test_all_three_print_the_same_numbers_in_the_same_order(rendered, hugo):
    _, page, markdown = rendered
    numbers = re.findall(NUMBER, " ".join(Text(page).words))
    assert len(numbers) > 200
    assert re.findall(NUMBER, body(markdown)) == numbers
    assert re.findall(NUMBER, html.unescape(body(hugo_parameters(hugo)))) == numbers


def body(markdown):
    """The words of a Markdown from its first section on, without addresses, anchors and the marks of notes' words."""
    text = markdown[markdown.index("## At work") : markdown.rindex("---")]
    return re.sub(r"\]\([^)]*\)|<a id=[^>]*></a>|^\[\^\d+\]:", "]", text, flags=re.MULTILINE)


SHORTCODE = r'\{\{< figure src="([^"]*)" alt="([^"]*)" caption="([^"]*)" >\}\}'


def hugo_parameters(hugo):
    """A page of Hugo with each shortcode as what it shows: the alternative text, then the caption."""
    return re.sub(SHORTCODE, r"\2 \3", hugo)


def test_hugo_has_front_matter_and_a_shortcode_for_each_figure_that_lies_beside_it(rendered, hugo):
    facts, _, markdown = rendered
    _, front, words = hugo.split("---\n", 2)
    assert yaml.safe_load(front) == {"title": facts["title"], "summary": facts["summary"].replace("&", "&amp;"),
                                     "description": facts["summary"]}  # fmt: skip
    shown_figures = re.findall(SHORTCODE, words)
    assert [address for address, *_ in shown_figures] == re.findall(r"!\[[^\n]*\]\((figures/[^)]*)\)", markdown)
    assert sorted(address for address, *_ in shown_figures) == sorted(p["file"] for p in facts["panels"].values())
    assert all(alt and caption for _, alt, caption in shown_figures)
    assert re.findall(r"^## (.*)$", hugo, re.MULTILINE) == re.findall(r"^## (.*)$", markdown, re.MULTILINE)


def test_nothing_of_a_study_is_a_mark_of_hugo(rendered, hugo):
    words = re.sub(SHORTCODE, "", hugo.split("---\n", 2)[2])
    assert "{" not in words and "}" not in words
    tokens = tree(words)
    assert HOSTILE in shown(tokens)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or []}
    assert not {"html_inline", "html_block", "image", "code_block", "fence"} & kinds
    addresses = [c.attrs["href"] for token in tokens for c in token.children or [] if c.type == "link_open"]
    own = {POST} | {entry["url"] for entry in page_references.read_references(TEMPLATES / "references.bib")}
    assert addresses and all(address.startswith("#") or address in own for address in addresses)
    for _, alt, caption in re.findall(SHORTCODE, hugo):
        assert not set(alt + caption) & set('{}\\"') and "`" not in alt
        inline = tree(caption)[1].children
        assert {child.type for child in inline} <= {
            "text",
            "text_special",
            "strong_open",
            "strong_close",
            "code_inline",
        }
    assert any("alert(1)" in alt for _, alt, _ in re.findall(SHORTCODE, hugo))


@given(text=st.text(st.sampled_from("ab_*`~<>&[]()!|\\#+-1. $\"'{}%/"), min_size=1, max_size=20).filter(str.strip))
def test_any_text_shows_itself_in_hugo(text):
    for written in (page_text.hugo_text(text.strip()), page_text.quoted_parameter(page_text.hugo_text(text.strip()))):
        tokens = tree(f"a {written}\n")
        assert shown(tokens) == f"a {' '.join(text.split())}"
        assert not set(written) & set('{}"\\')
    assert not set(page_text.plain_parameter(page_text.hugo_text(text))) & set('{}"\\`')
    code = page_text.hugo_code(text)
    assert not set(code) & set('{}"\\')


def test_code_is_set_as_code_where_hugo_lets_it():
    assert page_text.hugo_code("snakemake --cores 4") == "`snakemake --cores 4`"


def test_notes_lead_to_their_words_and_back_and_stand_in_all_three(rendered, hugo):
    _, page, markdown = rendered
    references = re.findall(r'<a id="to-note-(\d+)" href="#note-(\d+)"', page)
    backs = re.findall(r'<li id="note-(\d+)">.*<a href="#to-note-(\d+)"', page)
    numbered = [(str(i), str(i)) for i in range(1, len(references) + 1)]
    assert references == backs == numbered and len(numbered) > 4
    for text in (markdown, hugo):
        assert re.findall(r"\[\^(\d+)\](?!:)", text) == re.findall(r"^\[\^(\d+)\]: .", text, re.MULTILINE)
        assert len(re.findall(r"^\[\^(\d+)\]: .", text, re.MULTILINE)) == len(numbered)


def html_page(facts):
    return both_pages(facts, dict.fromkeys(facts["panels"], page_pictures.Picture(b"", 1, 1)))


def below_figure(page: str, name: str) -> str:
    """What stands between a figure and the next one or the end of its section."""
    after = page.split(f'<figure id="{name}">', 1)[1].split("</figure>", 1)[1]
    return re.split("<figure|</section>", after)[0]


def ledger_rows(page: str) -> dict[str, str]:
    """Each claim's row by its anchor, with what opens below it, in the order of the page."""
    return dict(re.findall(r'<details class="claim" id="([^"]*)">(.*?)</details>', page, re.DOTALL))


FIGURES = ("e-mirror-day", "k-network", "frames", "series-units", "frames")  # of the small ledger's claims


def test_every_claim_stands_below_its_figure_and_one_without_a_figure_is_in_the_ledger_all_the_same():
    facts = small_facts()
    for claim, figure in zip(facts["claims"], FIGURES, strict=True):
        claim["figure"] = figure
    page = html_page(facts)
    assert "series-units" not in facts["panels"]
    for claim in facts["claims"]:
        row = ledger_rows(page)[page_text.slug(claim["statement"])]
        assert f"</span> {claim['verdict']}</span> (exploratory)" in row
        for name in facts["panels"]:
            there = f'href="index.html#{page_text.slug(claim["statement"])}"' in below_figure(page, name)
            assert there == (name == claim["figure"])
    assert "<li></li>" not in page


def test_a_panel_for_which_no_section_has_a_place_is_drawn_all_the_same():
    facts = small_facts()
    assert "More figures" not in html_page(facts)
    facts["panels"]["recipes-gallery"] = facts["panels"]["k-network"] | {"file": "figures/recipes-gallery.png"}
    page = html_page(facts)
    assert "More figures" in page and sorted(re.findall('<figure id="(.*?)">', page)) == sorted(facts["panels"])


def quotations():
    return page_text.html_environment(TEMPLATES).get_template("words.j2").module.quotations


def test_the_post_is_quoted_at_every_claim_of_it_and_at_no_other(tmp_path):
    asked = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))["claims"]
    asked |= {f"tree-detector-conv{layer}": asked["tree-detector"] for layer in (1, 2)}  # one of each layer
    wanted = {name for name, claim in asked.items() if claim["source"].startswith("the post")} - {"tree-detector"}
    assert set(quotations()) == wanted
    facts = small_facts()
    facts["claims"][0] |= {"id": "turns-to-rough", "source": "the post, its hypothesis"}
    facts["claims"][1] |= {"id": "trunk-moved", "source": "this project"}
    told = f', its hypothesis: "{quotations()["turns-to-rough"]}".'
    story = html.unescape(render_pages(facts, pictures(facts, tmp_path))[article.STORY])
    for text in (story, article.render_markdown(facts, TEMPLATES)):
        assert text.count(told) == 1
        assert sum(text.count(quotation) for quotation in set(quotations().values())) == 1


def test_claims_figures_units_and_frames_lead_to_each_other(rendered):
    facts, page, markdown = rendered
    figures = {name: i for i, name in enumerate(re.findall(r'<figure id="([^"]*)">', page), 1)}
    for claim in facts["claims"]:
        row = ledger_rows(page)[page_text.slug(claim["statement"])]
        figure = claim["figure"]
        assert re.search(rf'<a [^>]*href="appendix.html#{figure}"><img [^>]*> Figure {figures[figure]}</a>', row)
        assert f"[Figure {figures[claim['figure']]}](<#{claim['figure']}>)" in markdown
    assert list(figures.values()) == [int(n) for n in re.findall(r"<p><b>Figure (\d+)\.</b>", page)]
    assert '<a href="atlas.html#conv1/3">conv1/3</a>' in page and "[conv1/3](<atlas.html#conv1/3>)" in markdown
    assert '<a href="frames.html#frame/one">one</a>' in page and "[one](<frames.html#frame/one>)" in markdown
    assert f"frames.html#frame/{quote(HOSTILE, safe='')}" in page


def test_without_an_atlas_no_unit_leads_to_it():
    markdown = article.render_markdown(small_facts(), TEMPLATES)
    assert "conv1/3" in markdown and "atlas.html" not in markdown


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.j2")), ids=lambda path: path.name)
def test_templates_compute_nothing(template):
    assert computations(template.read_text(encoding="utf-8")) == []


def test_captions_compute_nothing():
    for words in article.captions(TEMPLATES).values():
        for source in words.values():
            assert computations(source) == []


def test_the_search_for_computations_finds_them():
    assert computations("{{ a + 1 }}{{ a | sum }}{{ -a }}{{ a(-1) }}") == ["Add", "Neg", "sum"]


def computations(source):
    parsed = page_text.html_environment(TEMPLATES).parse(source)
    literals = [node for node in parsed.find_all(jinja2.nodes.Neg) if isinstance(node.node, jinja2.nodes.Const)]
    operators = [type(node).__name__ for node in parsed.find_all(jinja2.nodes.Expr) if node not in literals]
    filters = [node.name for node in parsed.find_all(jinja2.nodes.Filter)]
    return sorted(
        [name for name in operators if name in ARITHMETIC] + [name for name in filters if name in ARITHMETIC_FILTERS]
    )


@pytest.mark.parametrize(
    ("flips", "words"),
    [
        (1.0, "on nearly every frame: 100\u202f%"),
        (0.7, "on most frames, but not on all: 70\u202f%"),
        (0.25, "on no more than half of the frames: 25\u202f%"),
    ],
)
def test_without_a_ledger_the_words_on_mirroring_follow_the_facts(flips, words):
    facts = small_facts()
    del facts["claims"], facts["evidence"]
    facts["mirror"]["all"]["flips"] = flips
    markdown = article.render_markdown(facts, TEMPLATES)
    assert words in markdown
    assert ("weaker than the post" in markdown) == (flips < 0.9)


def test_every_panel_stands_in_the_report_once(rendered):
    """Those with a place of their own, and those without."""
    facts, _, _ = rendered
    more = {name: {**facts["panels"]["frames"], "file": f"figures/{name}.svg"} for name in ("ledger", "play")}
    panels = facts["panels"] | more
    markdown = article.render_markdown(facts | {"panels": panels}, TEMPLATES)
    assert sorted(re.findall(r"\]\(<?figures/([\w-]+)\.(?:png|svg)>?\)", markdown)) == sorted(panels)


def test_every_claim_stands_in_the_ledger_once_under_its_verdict_and_opens_to_its_parts(rendered):
    facts, page, markdown = rendered
    rows = ledger_rows(page)
    assert list(rows) == [page_text.slug(claim["statement"]) for claim in facts["claims"]]  # sorted by verdict already
    for claim in facts["claims"]:
        anchor = page_text.slug(claim["statement"])
        parts = {row[0]: re.sub("^[●◐✕○?] ", "", row[1]) for row in Text(f"<main>{rows[anchor]}").rows[1:]}
        assert parts == {part["what"]: part["verdict"] or "shown only" for part in claim["parts"]}
        heading = page[: page.index(f'id="{anchor}"')].rsplit("<h3>", 1)[1].split("</h3>")[0]
        assert f"</span> {claim['verdict']}</span> (1)" in heading
        assert page.count(f'id="{anchor}"') == 1 and claim["command"] in rows[anchor]
        assert html.escape(claim["cases"], quote=False) in html.escape(html.unescape(rows[anchor]), quote=False)
    assert [claim["verdict"] for claim in facts["claims"]] == list(VERDICTS)
    for text in (html.unescape(page), shown(tree(markdown))):
        assert "Of the claims 5 are the post's, the others ours." in " ".join(text.split())
        assert "nothing was measured" in text


def test_the_ledger_is_sorted_by_verdict_whatever_its_order():
    facts = small_facts()
    wanted = [page_text.slug(claim["statement"]) for claim in facts["claims"]]
    facts["claims"] = facts["claims"][::-1]
    assert list(ledger_rows(html_page(facts))) == wanted


@pytest.mark.parametrize(("along", "heading"), [("training step", "Over training"), (None, "Across checkpoints")])
def test_a_series_has_a_section_with_every_checkpoint_and_every_claim(along, heading):
    facts = small_facts()
    names = ["ppo_900", "ppo_1000"]
    facts["series"] = {
        "along": along,
        "members": [{"name": name, "sha256": "0" * 64, "verdicts": facts["verdicts"]} for name in names],
        "claims": series.claims(dict.fromkeys(names, facts["claims"])),
    }
    markdown, hugo = article.render_markdown(facts, TEMPLATES), article.render_hugo(facts, TEMPLATES)
    page = html_page(facts)
    assert f"## {heading}" in markdown and f"## {heading}" in hugo and f'<h2 id="{page_text.slug(heading)}">' in page
    rows = Text(page).rows
    for claim in facts["claims"]:
        cells = [row[1:] for row in rows if row and row[0] == claim["statement"]]
        shown = [VERDICTS.index(claim["verdict"]) == row.index("2") for row in cells if row.count("2") == 1]
        assert any(shown) if along is None else any(row[-1] == "0" and row[0] == row[1] for row in cells)
    assert [row[0] for row in rows if row and row[0] in names] == names


@pytest.mark.parametrize(("difference", "words"), [(0, "All 1 numbers"), (1e-5, "Of the 1 numbers")])
def test_the_headline_says_whether_the_published_numbers_recompute(difference, words):
    facts = small_facts()
    facts["published"] |= {"agree": int(difference < 2e-6), "largest_difference": difference}
    assert words in article.render_markdown(facts, TEMPLATES)


def test_a_study_without_panels_night_or_published_numbers_has_a_shorter_report():
    facts = small_facts(night=(), names=("turn",), panels={})
    del facts["published"], facts["source"]["origin"], facts["source"]["commit"]
    del facts["claims"], facts["verdicts"], facts["evidence"]
    facts |= {"covered_boxes": 0, "training": {}, "dreams": {}}
    assert facts["mirror"]["night"] == {"n": 0, "flips": None, "correlation": None, "bias": None}
    page, markdown = both_pages(facts, {}), article.render_markdown(facts, TEMPLATES)
    titles = re.findall(r"^## (.*)$", markdown, re.MULTILINE)
    assert [*titles, "Notes on method"] == Text(page).titles  # code hosts give notes no title
    assert not {"Night", "Dreams", "Inside layers 1 to 3", "The published numbers"} & set(titles)
    assert "<figure" not in page and "![" not in markdown
    assert "Beyond the post" not in page and "numbers printed" not in markdown


def test_hostile_names_are_text_in_both_reports(rendered):
    facts, page, markdown = rendered
    assert HOSTILE in " ".join(Text(page).words)
    drawn = Elements(page)
    sources = {attrs["src"] for tag, attrs in drawn.found if tag == "img" and "src" in attrs}
    assert {source for source in sources if not source.startswith("data:image/")} == {
        panel["file"] for panel in facts["panels"].values()
    }
    assert not {name for _, attrs in drawn.found for name in attrs if name.startswith("on")}
    scripts = [attrs for tag, attrs in drawn.found if tag == "script"]
    assert scripts == [{}, {"type": "application/json", "id": "study"}, {}, {}]
    assert {tag for tag, _ in drawn.found} == Elements(plain_page(facts)).tags()
    assert 'href="javascript' not in page and "(<javascript" not in markdown
    tokens = tree(markdown)
    assert HOSTILE in shown(tokens)
    assert {c.attrs["src"] for t in tokens for c in t.children or [] if c.type == "image"} == {
        panel["file"] for panel in facts["panels"].values()
    }
    marks = [child.content for token in tokens for child in token.children or [] if child.type == "html_inline"]
    anchors = {mark for name in facts["panels"] for mark in (f'<a id="{name}">', "</a>")}
    assert set(marks) <= {"<code>", "</code>"} | anchors  # code is of the checkpoint's file name, which has a backtick


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def tags(self):
        return {tag for tag, _ in self.found}


def plain_page(facts):
    """The page of the same study with a harmless word wherever it has the hostile one."""
    plain = json.loads(json.dumps(facts).replace(json.dumps(HOSTILE)[1:-1], "harmless"))
    return html_page(plain)


@example("0)")
@given(text=st.text(max_size=40).filter(str.strip))
def test_any_text_is_one_table_cell_that_shows_itself(text):
    tokens = tree(f"| a | b |\n| :-- | --: |\n| {page_text.markdown_text(text)} | 1 |\n")
    cells = [token for token in tokens if token.type == "inline"][2:]
    visible = " ".join(shown([cells[0]]).split())
    assert len(cells) == 2
    assert visible == " ".join(page_text.one_line(text).split())
    assert {child.type for child in cells[0].children} <= {"text", "text_special"}


@example("---")
@example("-- -")
@given(text=st.text(st.sampled_from("ab_*`~<>&[]()!|\\#+-1. $\"'"), min_size=1, max_size=20).filter(str.strip))
def test_marks_at_the_start_of_a_paragraph_show_themselves(text):
    tokens = tree(f"{page_text.markdown_text(text.strip())}\n")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert " ".join(shown(tokens).split()) == " ".join(text.split())


def test_a_missing_or_damaged_panel_is_named(tmp_path):
    with pytest.raises(InputError, match=r"k-network\.png.*no such file"):
        page_pictures.read_figure(tmp_path / "k-network.png")
    (tmp_path / "k-network.png").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"k-network\.png.*must be a PNG"):
        page_pictures.read_figure(tmp_path / "k-network.png")
    write_figures(tmp_path, ["k-network"])
    (tmp_path / "k-network.png").write_bytes((tmp_path / "k-network.png").read_bytes()[:200])
    with pytest.raises(InputError, match=r"k-network\.png.*must be a PNG"):
        page_pictures.read_figure(tmp_path / "k-network.png")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_panel_that_is_damaged_inside_is_refused(tmp_path, kind):
    """Neither is its end missing, nor its head changed."""
    path = tmp_path / f"panel.{kind.lower()}"
    levels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(levels).save(path, kind, **({"lossless": True} if kind == "WEBP" else {}))
    content = path.read_bytes()
    assert page_pictures.read_figure(path, kind=kind)[1:] == (80, 60)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\xff" * 400 + content[middle + 400 :])
    with pytest.raises(InputError, match=f"must be a {kind}"):
        page_pictures.read_figure(path, kind=kind)


@pytest.mark.parametrize(("spread", "mode"), [(30, "P"), (256, "RGB")])
def test_a_figure_has_fewer_colours_only_where_no_eye_can_tell(spread, mode):
    """Few colours, as in a chart, and a photograph's many."""
    colours = np.random.default_rng(0).integers(0, spread, (90, 120, 3), np.uint8)
    content = page_pictures.figure_png(Image.fromarray(colours).convert("RGBA"))
    shown = Image.open(io.BytesIO(content))
    assert shown.mode == mode and shown.size == (120, 90)
    assert 0 < np.abs(np.asarray(shown.convert("RGB"), int) - colours).max() <= (8 if mode == "P" else 2)
    assert content == page_pictures.figure_png(Image.fromarray(colours))


def test_a_figure_of_many_colours_keeps_black_and_white_and_is_lighter():
    """Its levels are 64 of each colour, evenly from 0 to 255."""
    levels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    levels[0, :2] = [[0, 0, 0], [255, 255, 255]]
    content = page_pictures.figure_png(Image.fromarray(levels))
    shown = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(shown[0, :2], levels[0, :2])
    np.testing.assert_array_equal(np.unique(shown), np.rint(np.linspace(0, 255, 64)))
    whole = io.BytesIO()
    Image.fromarray(levels).save(whole, "PNG")
    assert len(content) < 0.9 * len(whole.getvalue())


def test_the_stage_writes_a_folder_that_stands_alone(tmp_path):
    facts = small_facts()
    write_figures(tmp_path / "panels", facts["panels"])
    files.write_json(tmp_path / "facts.json", facts)
    files.write_arrays(tmp_path / "tried.npz", **small_tried())
    stage.run(tmp_path / "facts.json", tmp_path / "tried.npz", TEMPLATES, tmp_path / "panels", tmp_path / "report")
    assert {tmp_path / "panels" / Path(panel["file"]).name for panel in facts["panels"].values()} <= files.READ.keys()
    for indices in (("index.html", "appendix.html"), ("report.md",), ("hugo/index.md",)):
        index = indices[0]
        text = "".join((tmp_path / "report" / each).read_text(encoding="utf-8") for each in indices)
        named = set(re.findall(r"figures/[\w/-]+\.(?:png|svg|webp)", text.replace("figures/small/", "")))
        own = {panel["file"] for panel in facts["panels"].values()}
        on_phones = {f"figures/phone/{name}.webp" for name in facts["panels"]} if index == "index.html" else set()
        assert own <= named <= own | on_phones
        folder = (tmp_path / "report" / index).parent
        assert all((folder / name).stat().st_size > 100 for name in named)


def test_a_disk_without_links_gets_copies(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    (tmp_path / "one").write_text("words")
    monkeypatch.setattr(stage.os, "link", refuse)
    stage.put_again(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "words"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (page_text.percent(0.6818), "68\u202f%"),
        (page_text.percent(None), "–"),
        (page_text.signed(-0.87501, 4), "−0.8750"),
        (page_text.signed(0.5, 1), "+0.5"),
        (page_text.signed(-0.00001, 3), "0.000"),
        (page_text.signed(None, 3), "–"),
        (page_text.decimal(13.70105, 1), "13.7"),
        (page_text.quantity(0.68, "share"), "68\u202f%"),
        (page_text.quantity(-0.684, None), "−0.68"),
        (page_text.quantity(0.0684, None), "0.068"),
        (page_text.quantity(0.00684, None), "0.0068"),
        (page_text.quantity(0.0, None), "0"),
        (page_text.quantity(None, None), "–"),
        (page_text.scientific(7.8e-7), "7.8e−07"),
        (page_text.as_given(-0.30800387), "−0.30800387"),
        (page_text.as_given(False), "no"),
        (page_text.count(621765), "621,765"),
        (page_text.listing([32, 64, 64]), "32, 64 and 64"),
        (page_text.listing([32]), "32"),
        (page_text.slug("What humans and the network see"), "what-humans-and-the-network-see"),
    ],
)
def test_units_are_printed_the_same_everywhere(shown, expected):
    assert shown == expected
