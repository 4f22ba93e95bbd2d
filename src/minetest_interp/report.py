"""From facts to words: the report as one HTML page and as Markdown, from the same templates.

Facts are the map that `facts.json` holds. The templates' folder has `body.j2` with the words of both reports, `html.j2`
and `markdown.j2` with the marks of each, `captions.yaml` with a caption and an alternative text per panel, and
`style.css`. Every value that a template prints is escaped; what it lacks stops the rendering.
"""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2
import yaml
from markupsafe import Markup, escape

from minetest_interp.errors import InputError

MINUS, NO_VALUE = "−", "–"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def render_html(facts: Mapping, templates: Path, figures: Path) -> str:
    """One page that needs no other file: style and figures are inside.

    Args:
      figures: folder of the panels' PNGs.

    Raises:
      jinja2.UndefinedError: a template names a fact that is not there.
      InputError: a panel's PNG is missing or damaged.
    """
    embedded = {name: read_png(figures / f"{name}.png") for name in facts["panels"]}
    style = Markup((templates / "style.css").read_text(encoding="utf-8"))
    return _render(html_environment(templates), "index.html.j2", facts, embedded=embedded, style=style)


def render_markdown(facts: Mapping, templates: Path) -> str:
    """The same words and numbers as the page, with the figures as relative links."""
    text = _render(markdown_environment(templates), "report.md.j2", facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def html_environment(templates: Path) -> jinja2.Environment:
    return _environment(templates, code=html_code)


def markdown_environment(templates: Path) -> jinja2.Environment:
    """Jinja for Markdown: whatever comes from a study is escaped as Markdown text."""
    # Jinja escapes for HTML; what is marked as safe by `finalize` before that stays as it is.
    environment = _environment(templates, code=markdown_code, finalize=markdown_text)
    environment.filters["verbatim"] = verbatim
    return environment


def captions(templates: Path) -> dict[str, dict[str, str]]:
    """Panel to its `caption` and `alt`, both Jinja sources."""
    return yaml.safe_load((templates / "captions.yaml").read_text(encoding="utf-8"))


def read_png(path: Path) -> dict:
    """A PNG as a data address, with its width and height in pixels."""
    try:
        content = path.read_bytes()
    except OSError:
        raise InputError(f"{path}: the report needs this panel; there is no such file. Build it first.") from None
    if not content.startswith(PNG_SIGNATURE) or len(content) < 24:
        raise InputError(f"{path}: a panel must be a PNG; this file is not. Delete it and build it again.")
    # The header chunk comes first and begins with width and height.
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    return {"address": f"data:image/png;base64,{base64.b64encode(content).decode()}", "width": width, "height": height}


def markdown_text(value: object) -> Markup:
    """Text that renders on a code host as itself: no mark-up, no table cell and no line break comes of it."""
    if isinstance(value, Markup):
        return value
    text = str(escape(one_line(str(value)))).replace("&#34;", '"').replace("&#39;", "'")
    text = re.sub(r"([\\`*\[\]|~$])", r"\\\1", text)
    # Inside a word an underscore is only itself, and names stay readable.
    text = re.sub(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])", r"\\_", text)
    return Markup(re.sub(r"^([-+>]|#+|\d+[.)])(?=\s|$)", r"\\\1", text))


def markdown_code(value: object) -> Markup:
    """A code span; where the text has marks that would end it, the same in HTML's tags."""
    text = one_line(str(value))
    return Markup(f"`{text}`") if not re.search(r"[`|]", text) else Markup(f"<code>{markdown_text(text)}</code>")


def verbatim(value: object) -> Markup:
    """A line of an indented block of code, where Markdown escapes nothing."""
    return Markup(one_line(str(value)))


def html_code(value: object) -> Markup:
    return Markup("<code>{}</code>").format(one_line(str(value)))


def percent(share: float | None) -> str:
    """A share between 0 and 1 in percent: 0.68 as 68 %."""
    return NO_VALUE if share is None else f"{_decimal(100 * share, 0)}\u202f%"


def signed(number: float | None, digits: int) -> str:
    """A number with its sign, always: +0.7286, −0.8750."""
    return NO_VALUE if number is None else _decimal(number, digits, sign="+")


def decimal(number: float | None, digits: int) -> str:
    return NO_VALUE if number is None else _decimal(number, digits)


def scientific(number: float | None) -> str:
    """Two significant digits: 7.8e−07."""
    return NO_VALUE if number is None else f"{float(number):.1e}".replace("-", MINUS)


def as_given(value: object) -> str:
    """A number with the digits it was given, a setting as it was set."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("-", MINUS) if isinstance(value, int | float) else str(value)


def count(number: int) -> str:
    """A whole number with its thousands set apart: 621,765."""
    return f"{int(number):,}"


def listing(items: Sequence) -> str:
    """a, b and c."""
    items = [str(item) for item in items]
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def short_digest(digest: str) -> str:
    """The first twelve digits, enough to tell digests apart."""
    return digest[:12]


def slug(title: str) -> str:
    """The anchor that code hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def flow(text: str) -> str:
    """One paragraph on one line, its hard spaces kept."""
    return type(text)(re.sub(r"[ \t\r\n]+", " ", text).strip())


def one_line(text: str) -> str:
    """Without controls, marks that turn the direction of writing, and line breaks; hard spaces stay."""
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    return re.sub(" +", " ", text)


FILTERS = {
    function.__name__: function
    for function in (percent, signed, decimal, scientific, as_given, count, listing, short_digest, slug, flow)
} | {"address": quote}


def _environment(templates: Path, *, code: Callable[[object], Markup], **options) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
        **options,
    )
    environment.filters |= FILTERS | {"code": code}
    environment.tests["web_address"] = lambda text: re.match(r"https?://[^\s]+$", text) is not None
    return environment


def _render(environment: jinja2.Environment, template: str, facts: Mapping, **context) -> str:
    """`sections` and `figures` are lists that the templates fill as they write, for the contents and the numbering."""
    words = captions(Path(environment.loader.searchpath[0]))
    panels = {
        name: {
            **panel,
            **{
                key: Markup(flow(environment.from_string(words[name][key]).render(facts, panel=panel)))
                for key in ("caption", "alt")
            },
        }
        for name, panel in facts["panels"].items()
    }
    context |= {"sections": [], "figures": [], "panels": panels}
    return environment.get_template(template).render({**facts, **context})


def _decimal(number: float, digits: int, *, sign: str = "-") -> str:
    text = f"{float(number):{sign}.{digits}f}"  # float() of what is undefined says so
    # What rounds to zero has no sign to speak of.
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", MINUS)
