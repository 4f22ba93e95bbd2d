"""From facts to words: the report as an HTML page, as Markdown and as a page of Hugo, from the same templates.

Facts are the map that `facts.json` holds. The templates' folder has `body.j2` with the words of all three, `html.j2`,
`markdown.j2` and `hugo.j2` with the marks of each, `captions.yaml` with a caption and an alternative text per panel,
and the page's styles and script. Every value that a template prints is escaped; what it lacks stops the rendering.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml
from markupsafe import Markup

from minetest_interp.pages.pictures import Picture
from minetest_interp.pages.text import (
    content_digest,
    flow,
    html_environment,
    hugo_environment,
    markdown_environment,
)


def render_html(facts: Mapping, templates: Path, figures: Mapping[str, Picture]) -> str:
    """One page that needs no other file than the figures, at their addresses in the facts; style and script are inside.

    Args:
      figures: a picture for each of the study's panels.

    Raises:
      jinja2.UndefinedError: a template names a fact that is not there.
    """
    style = "\n".join((templates / name).read_text(encoding="utf-8") for name in ("style.css", "article.css"))
    script = (templates / "article.js").read_text(encoding="utf-8")
    inside = {"style": Markup(style), "script": Markup(script), "script_digest": content_digest(script)}
    return _render(html_environment(templates), "index.html.j2", facts, sizes=figures, **inside)


def render_markdown(facts: Mapping, templates: Path) -> str:
    """The same words and numbers as the page, for code hosts, with the figures as relative links."""
    return _lines(_render(markdown_environment(templates), "report.md.j2", facts))


def render_hugo(facts: Mapping, templates: Path) -> str:
    """The same once more as the `index.md` of a Hugo page bundle, which has the figures beside it and no other page."""
    return _lines(_render(hugo_environment(templates), "hugo.md.j2", facts))


def render_reproduce_html(facts: Mapping, review: Mapping, templates: Path) -> str:
    """The page for reviewers.

    Args:
      review: what `reviewer.review` gives.
    """
    style = Markup((templates / "style.css").read_text(encoding="utf-8"))
    context = {"study": facts["study"], "title": facts["title"], "panels": {}}
    return _render(html_environment(templates), "reproduce.html.j2", context, review=review, style=style)


def render_reproduce_markdown(facts: Mapping, review: Mapping, templates: Path) -> str:
    """The same in Markdown."""
    context = {"study": facts["study"], "title": facts["title"], "panels": {}}
    return _lines(_render(markdown_environment(templates), "reproduce.md.j2", context, review=review))


def captions(templates: Path) -> dict[str, dict[str, str]]:
    """Panel to its `caption` and `alt`, both Jinja sources."""
    return yaml.safe_load((templates / "captions.yaml").read_text(encoding="utf-8"))


def _render(environment: jinja2.Environment, template: str, facts: Mapping, **context) -> str:
    """The templates write twice: only when they have written once are the figures numbered that the ledger leads to."""
    assert isinstance(environment.loader, jinja2.FileSystemLoader)
    words = captions(Path(environment.loader.searchpath[0]))
    panels = {name: panel | _words(environment, words[name], panel, facts) for name, panel in facts["panels"].items()}
    numbers = dict.fromkeys(panels, 0)
    for _ in range(2):
        # Lists that the templates fill as they write; a chapter is its title and those of its sections.
        filled: dict[str, list] = {"chapters": [], "figures": [], "notes": []}
        context |= {"panels": panels, "numbers": numbers, **filled}
        text = environment.get_template(template).render({**facts, **context})
        numbers = {name: i for i, name in enumerate(filled["figures"], 1)}
    return text


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
