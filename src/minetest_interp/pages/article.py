"""From facts to words: the report as HTML pages, as Markdown and as a page of Hugo, from the same templates.

Facts are the map that `facts.json` holds. The templates' folder has `story.j2` and `body.j2` with the words of all
three, the story first and then the appendix, `html.j2`, `markdown.j2` and `hugo.j2` with the marks of each,
`captions.yaml` with a caption and an alternative text per panel, `references.bib`, and the pages' styles and scripts.
Every value that a template prints is escaped; what it lacks stops the rendering.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jinja2
import yaml
from markupsafe import Markup

from minetest_interp.pages import plots
from minetest_interp.pages.field import Slider
from minetest_interp.pages.hands_on import Trial
from minetest_interp.pages.pictures import Picture
from minetest_interp.pages.references import read_references
from minetest_interp.pages.text import (
    content_digest,
    flow,
    html_environment,
    hugo_environment,
    markdown_environment,
)

STORY, APPENDIX = "index.html", "appendix.html"
# In the order in which they build on one another.
SCRIPTS = {
    STORY: ("operations", "network", "page", "data", "dial", "hands", "guess", "film"),
    APPENDIX: ("page", "dial", "field"),
}


class Written(NamedTuple):
    """text: of a page. places: anchor to the page that it is on."""

    text: str
    places: dict[str, str]


def render_html(
    facts: Mapping,
    templates: Path,
    figures: Mapping[str, Picture],
    phones: Mapping[str, Picture],
    shown: Trial,
    *,
    field: Slider | None = None,
) -> dict[str, str]:
    """The story and the appendix by the names of their files, which lead to each other.

    They need no other file than the figures, at their addresses in the facts, and the folder `explore` for the network;
    styles and scripts are inside.

    Args:
      figures, phones: a picture for each of the study's panels, and one for narrow screens.
      shown: what `hands_on.pictured` gives. field: what `field.slider` gives.

    Raises:
      jinja2.UndefinedError: a template names a fact that is not there.
    """
    environment = html_environment(templates)
    script = (templates / "article.js").read_text(encoding="utf-8")
    style = "\n".join((templates / name).read_text(encoding="utf-8") for name in ("style.css", "article.css"))
    inside: dict[str, object] = {
        "style": Markup(style),
        "script": Markup(script),
        "script_digest": content_digest(script),
    }
    inside |= {**shown._asdict(), "strip": plots.strip, "scale": plots.scale, "arrow": plots.arrow}
    inside |= {"sizes": figures, "phones": phones, "field_shown": field}
    known = {STORY: shown.study_json, APPENDIX: field and field.study_json}
    pages = {}
    for page, names in SCRIPTS.items():
        live = "\n" + "\n".join((templates / f"{name}.js").read_text(encoding="utf-8") for name in names)
        inside |= {"study_json": known[page], "live_script": Markup(live), "live_digest": content_digest(live)}
        pages[page] = _render(environment, "article.html.j2", facts, page=page, **inside).text
    return pages


def render_markdown(facts: Mapping, templates: Path) -> str:
    """The same words and numbers as the pages, one after the other, for code hosts; the figures are relative links."""
    return _lines(_render(markdown_environment(templates), "report.md.j2", facts).text)


def render_hugo(facts: Mapping, templates: Path) -> str:
    """The same once more as the `index.md` of a Hugo page bundle, which has the figures beside it and no other page."""
    return _lines(_render(hugo_environment(templates), "hugo.md.j2", facts).text)


def render_reproduce_html(facts: Mapping, review: Mapping, templates: Path) -> str:
    """The page for reviewers.

    Args:
      review: what `reviewer.review` gives.
    """
    style = Markup((templates / "style.css").read_text(encoding="utf-8"))
    context = {"study": facts["study"], "title": facts["title"], "panels": {}}
    return _render(html_environment(templates), "reproduce.html.j2", context, review=review, style=style).text


def render_reproduce_markdown(facts: Mapping, review: Mapping, templates: Path) -> str:
    """The same in Markdown."""
    context = {"study": facts["study"], "title": facts["title"], "panels": {}}
    return _lines(_render(markdown_environment(templates), "reproduce.md.j2", context, review=review).text)


def captions(templates: Path) -> dict[str, dict[str, str]]:
    """Panel to its `caption` and `alt`, both Jinja sources."""
    return yaml.safe_load((templates / "captions.yaml").read_text(encoding="utf-8"))


def _render(environment: jinja2.Environment, template: str, facts: Mapping, *, page: str = STORY, **context) -> Written:
    """The templates write twice: only when they have written once are the figures numbered, and the places of anchors
    known, that words lead to."""
    assert isinstance(environment.loader, jinja2.FileSystemLoader)
    folder = Path(environment.loader.searchpath[0])
    words = captions(folder)
    panels = {name: panel | _words(environment, words[name], panel, facts) for name, panel in facts["panels"].items()}
    context |= {"panels": panels, "page": page, "references": read_references(folder / "references.bib")}
    numbers, places = dict.fromkeys(panels, 0), dict[str, str]()
    for _ in range(2):
        # Filled by the templates as they write; a chapter is its title and those of its sections.
        filled: dict[str, list] = {"chapters": [], "figures": [], "notes": []}
        anchors: dict[str, str] = {}
        context |= {"numbers": numbers, "places": places, "anchors": anchors, "writing": {"page": page}, **filled}
        text = environment.get_template(template).render({**facts, **context})
        numbers, places = {name: i for i, name in enumerate(filled["figures"], 1)}, anchors
    return Written(text, places)


def _words(environment: jinja2.Environment, words: Mapping, panel: Mapping, facts: Mapping) -> dict[str, Markup]:
    """A panel's `caption` and `alt`; both say why there is nothing to see, if what it draws was not measured."""
    sections = {place.removeprefix("evidence/").split("/")[0] for place in panel["numbers"]}
    reasons = [reason for section, reason in facts.get("not_measured", {}).items() if section in sections]
    if reasons:
        words = dict.fromkeys(words, "Not measured: {{ reasons | first }}.")
    rendered = {
        key: environment.from_string(text).render(facts, panel=panel, reasons=reasons) for key, text in words.items()
    }
    return {key: Markup(flow(text)) for key, text in rendered.items()}


def _lines(markdown: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", markdown).strip() + "\n"
