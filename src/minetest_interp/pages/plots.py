"""Small plots inside a page's tables, as SVG that takes the page's colours; numbers stand beside them as text."""

from collections.abc import Mapping

from markupsafe import Markup

from minetest_interp.claims.strength import TICKS, can_stand, effect, place
from minetest_interp.pages.text import MINUS, slug

OWN, DECIDING = (32, 4.5), (78, 3)  # height in percent of the strip, and radius in pixels


def strip(claim: Mapping) -> Markup:
    """A claim on the ledger's scale: its own number above and, where another part decides the verdict, that one below.

    Grey is the band that does not matter; a bar is an interval, a stroke what is needed. Places are in percent of the
    width, so that it fits any column. What is not measured shows the scale alone.
    """
    own = claim["parts"][0]
    deciding = [part for part in claim["parts"] if part["name"] == claim["due_to"] and part is not own]
    low, width = _percent(place(-1)), _percent(place(1) - place(-1))
    drawn = [f'<rect class="band" x="{low}" y="0" width="{width}" height="100%"/>', _line("zero", 0, 0, (0, 100))]
    for part, (height, radius) in [(own, OWN), *((part, DECIDING) for part in deciding)]:
        if can_stand(part):
            drawn += _mark(part, height, radius)
    return Markup(f'<svg class="strip" aria-hidden="true" focusable="false">{"".join(drawn)}</svg>')


def _mark(part: Mapping, height: float, radius: float) -> list[str]:
    """A part's interval, what it needs, and its estimate, in the colour of its verdict."""
    kind, drawn = slug(part["verdict"]), []
    if part["interval"]:
        low, high = (effect(part, bound) for bound in part["interval"])
        drawn.append(_line(f"interval {kind}", low, high, (height, height)))
    if (needed := effect(part, part["claimed"])) > 1 + 1e-9:
        drawn.append(_line("needed", needed, needed, (height - 18, height + 18)))
    at = _percent(place(effect(part, part["estimate"])))
    return [*drawn, f'<circle class="{kind}" cx="{at}" cy="{height}%" r="{radius}"/>']


def scale() -> Markup:
    """The scale's numbers, for above the strips."""
    labels = "".join(
        f'<text x="{_percent(place(tick))}" y="12">{str(tick).replace("-", MINUS)}</text>' for tick in TICKS
    )
    return Markup(f'<svg class="strip scale" aria-hidden="true" focusable="false">{labels}</svg>')


def arrow(turning: float) -> Markup:
    """An arrow that points up for straight on, to the left for a turn of +1 and to the right for one of −1."""
    angle = -90 * max(-1.0, min(1.0, turning))
    return Markup(
        '<svg class="arrow" viewBox="-50 -50 100 100" aria-hidden="true" focusable="false">'
        '<circle class="face" r="47"/>'
        f'<path class="hand" transform="rotate({angle:.0f})" d="M0-40 18-8H7V36H-7V-8H-18Z"/></svg>'
    )


def _line(kind: str, start: float, end: float, heights: tuple[float, float]) -> str:
    """From one effect to another, and between two heights in percent."""
    return (
        f'<line class="{kind}" x1="{_percent(place(start))}" x2="{_percent(place(end))}"'
        f' y1="{heights[0]}%" y2="{heights[1]}%"/>'
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
