"""Text for pages: what a study says is escaped for HTML, for Markdown and for Hugo; numbers become words.

The functions in `FILTERS` are Jinja filters. Every value that a template of these environments prints is escaped, and
a name that the template's context lacks stops the rendering.
"""

import base64
import functools
import hashlib
import html
import importlib.metadata
import json
import os
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

MINUS, NO_VALUE = "−", "–"
KEPT = "COMPILED_TEMPLATES"  # the variable that names a folder for them
Number = float | jinja2.Undefined | None
"""What a template gives a filter; one that is undefined stops the rendering when it is used."""


@functools.cache
def html_environment(templates: Path) -> jinja2.Environment:
    """Jinja for HTML. There is one for a folder, since it takes seconds to compile what templates include."""
    return _environment(templates, "html", code=html_code, link=html_link)


@functools.cache
def markdown_environment(templates: Path) -> jinja2.Environment:
    """Jinja for Markdown: whatever comes from a study is escaped as Markdown text."""
    # Jinja escapes for HTML; what is marked as safe by `finalize` before that stays as it is.
    return _environment(templates, "markdown", code=markdown_code, link=markdown_link, finalize=markdown_text)


@functools.cache
def hugo_environment(templates: Path) -> jinja2.Environment:
    """Jinja for Hugo: the same, and no brace or quotation mark of a study is left for Hugo to read."""
    environment = _environment(templates, "hugo", code=hugo_code, link=lambda text, address: text, finalize=hugo_text)
    environment.filters |= {"yaml": yaml_text, "plain": plain_parameter, "quoted": quoted_parameter}
    return environment


def missing_page(heading: str, reason: str, facts: Mapping, templates: Path) -> str:
    """The page that says why there is none of that heading."""
    style = Markup((templates / "style.css").read_text(encoding="utf-8"))
    page = html_environment(templates).get_template("missing.html.j2")
    return page.render({**facts, "style": style, "heading": heading, "reason": reason})


def content_digest(text: str) -> str:
    """What a page's policy says of the one script that it lets run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def deflated(content: bytes) -> str:
    """Content in fewer bytes as base64, for a script that inflates it in the reader's browser (RFC 1950)."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def markdown_text(value: object) -> Markup:
    """Text that renders on a code host as itself: no mark-up, no table cell and no line break comes of it."""
    if isinstance(value, Markup):
        return value
    text = str(escape(one_line(str(value)))).replace("&#34;", '"').replace("&#39;", "'")
    text = re.sub(r"([\\`*\[\]|~$])", r"\\\1", text)
    # Inside a word an underscore is only itself, and names stay readable.
    text = re.sub(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])", r"\\_", text)
    # A list's number keeps its digits, which no backslash can escape; dashes alone would be a line.
    return Markup(re.sub(r"^(\d*)([-+>]|#+|(?<=\d)[.)])(?=\s|$)|^(-)(?=[-\s]*$)", r"\1\\\2\3", text))


def markdown_code(value: object) -> Markup:
    """A code span; where the text has marks that would end it, the same in HTML's tags."""
    text = one_line(str(value))
    return Markup(f"`{text}`") if not re.search(r"[`|]", text) else Markup(f"<code>{markdown_text(text)}</code>")


def hugo_text(value: object) -> Markup:
    """The same for Hugo, whose shortcodes begin with braces, also inside a shortcode's quoted parameter."""
    if isinstance(value, Markup):
        return value
    return Markup(re.sub(r"\\(.)|([\"{}])", lambda m: f"&#{ord(m[1] or m[2])};", markdown_text(value)))


def hugo_code(value: object) -> Markup:
    """A code span, or text where the span would not be safe: Hugo leaves raw HTML out and reads shortcodes in code."""
    text = one_line(str(value))
    return Markup(f"`{text}`") if not re.search(r"[`|{}\"\\]", text) else hugo_text(text)


def yaml_text(value: object) -> Markup:
    """A quoted string of YAML, which reads JSON's; themes escape what they take from it."""
    return Markup(json.dumps(one_line(str(value)), ensure_ascii=False))


def plain_parameter(value: Markup) -> Markup:
    """A shortcode's quoted parameter that Hugo shows as it stands; marks that would end it are put as their likes."""
    return Markup(html.unescape(str(value)).translate(str.maketrans('"`\\{}', "”’/()")))


def quoted_parameter(value: Markup) -> Markup:
    """A shortcode's quoted parameter that Hugo reads as Markdown."""
    return Markup(str(value).replace('"', "&#34;"))


def html_link(text: str, address: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, text)


def markdown_link(text: str, address: str) -> Markup:
    return Markup(f"[{markdown_text(text)}](<{address}>)")


def verbatim(value: object) -> Markup:
    """A line of an indented block of code, where Markdown escapes nothing."""
    return Markup(one_line(str(value)))


def html_code(value: object) -> Markup:
    return Markup("<code>{}</code>").format(one_line(str(value)))


def percent(share: Number) -> str:
    """A share between 0 and 1 in percent: 0.68 as 68 %."""
    return NO_VALUE if share is None else f"{_decimal(100 * share, 0)}\u202f%"


def signed(number: Number, digits: int) -> str:
    """A number with its sign, always: +0.7286, −0.8750."""
    return NO_VALUE if number is None else _decimal(number, digits, sign="+")


def decimal(number: Number, digits: int) -> str:
    return NO_VALUE if number is None else _decimal(number, digits)


def quantity(number: Number, unit: str | None) -> str:
    """An estimate in its unit: a share in percent, anything else with two digits, or up to four where it is small."""
    if number is None:
        return NO_VALUE
    if unit == "share":
        return percent(number)
    if number == 0:
        return "0"
    return _decimal(number, 2 if abs(number) >= 0.1 else 3 if abs(number) >= 0.01 else 4)


def scientific(number: Number) -> str:
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


def listing(items: Iterable) -> str:
    """a, b and c."""
    items = [str(item) for item in items]
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def short_digest(digest: str) -> str:
    """The first twelve digits, enough to tell digests apart."""
    return digest[:12]


def slug(title: str) -> str:
    """The anchor that code hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def anchors(names: Sequence[str]) -> list[str]:
    """Names as fragments of an address: no spaces, no two the same, and no colon, which the page uses itself."""
    taken: list[str] = []
    for name in names:
        link, count = re.sub(r"[\s:]+", "-", name), 1
        while (numbered := link if count == 1 else f"{link}-{count}") in taken:
            count += 1
        taken.append(numbered)
    return taken


def flow(text: str) -> str:
    """One paragraph on one line, its hard spaces kept."""
    return type(text)(re.sub(r"[ \t\r\n]+", " ", text).strip())


def one_line(text: str) -> str:
    """Without controls, marks that turn the direction of writing, and line breaks; hard spaces stay."""
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    return re.sub(" +", " ", text)


FILTERS = {
    function.__name__: function
    for function in (
        percent,
        signed,
        decimal,
        quantity,
        scientific,
        as_given,
        count,
        listing,
        short_digest,
        slug,
        flow,
        verbatim,
    )
} | {"address": quote}


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Templates as Jinja compiled them, kept for the next process; a file that is damaged is made again."""

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # whatever unpickling other bytes comes to
            bucket.reset()


def _kept(kind: str) -> CompiledTemplates | None:
    """What is kept in the folder that `COMPILED_TEMPLATES` names, if it names one, apart for each version of Jinja."""
    if not (folder := os.environ.get(KEPT)):
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return CompiledTemplates(folder, f"{importlib.metadata.version('jinja2')}-{kind}-%s")


def _environment(templates: Path, kind: str, *, code: Callable, link: Callable, **options) -> jinja2.Environment:
    """Args: code: a value as a code span. link: a text and a relative address to what leads to another page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        bytecode_cache=_kept(kind),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
        **options,
    )

    @jinja2.pass_context
    def unit(context: jinja2.runtime.Context, name: str) -> str:
        return link(name, f"atlas.html#{quote(name)}") if "atlas" in context else name

    def frame(name: str) -> str:
        return link(name, f"frames.html#frame/{quote(name, safe='')}")

    environment.filters |= FILTERS | {"code": code, "page": link, "unit": unit, "frame": frame}
    environment.tests["web_address"] = lambda text: re.match(r"https?://[^\s]+$", text) is not None
    return environment


def _decimal(number: float | jinja2.Undefined, digits: int, *, sign: str = "-") -> str:
    text = f"{float(number):{sign}.{digits}f}"  # float() of what is undefined says so
    # What rounds to zero has no sign to speak of.
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", MINUS)
