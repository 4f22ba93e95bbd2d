"""Panel "ledger": every claim with its number, its interval, what chance would give, and the verdict."""

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import panel_command

ROW_INCHES, HEAD_INCHES = 0.37, 0.3
# Left edges in inches: statement, strip, numbers, verdict.
STATEMENT, STRIP, NUMBERS, VERDICT = 0.0, 2.68, 4.0, 5.5
STRIP_INCHES = 1.25


def load(results: Path) -> dict[str, object]:
    return {"claims": files.read_json(results / "ledger.json")}


def draw(claims: list[dict]) -> Figure:
    """One row a claim; each strip has its own scale, on which chance and what is claimed are marked."""
    width, height = style.WIDTH_INCHES["page"], HEAD_INCHES + ROW_INCHES * len(claims)
    figure = style.figure(aspect=height / width)
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    for x, words in ((STATEMENT, "claim"), (STRIP, "estimate and 95 % interval"), (VERDICT, "verdict")):
        ax.text(x + 0.05, 0.15, words, va="center", color=style.INK, fontweight="bold")
    for i, claim in enumerate(claims):
        middle = HEAD_INCHES + ROW_INCHES * (i + 0.5)
        ax.axhline(middle - ROW_INCHES / 2, color=style.FAINT, linewidth=0.5)
        words = "\n".join(textwrap.wrap(style.plain(claim["statement"], limit=110), 46))
        ax.text(STATEMENT + 0.05, middle, words, va="center", fontsize=7.5, linespacing=1.05)
        symbol, colour = style.VERDICTS[claim["verdict"]]
        _strip(ax, claim, middle, colour)
        ax.text(NUMBERS, middle, _numbers(claim), va="center", fontsize=7.5)
        ax.text(VERDICT + 0.05, middle, f"{symbol} {claim['verdict']}", va="center", color=colour, fontweight="bold")
    return figure


def _strip(ax: Axes, claim: dict, y: float, colour: str) -> None:
    """The first part's estimate and interval; a short stroke at chance, a long one at what is claimed."""
    part = claim["parts"][0]
    if part["estimate"] is None:
        return
    known = [part["estimate"], *(part["interval"] or [])]
    known += [part[key] for key in ("chance", "claimed") if part[key] is not None]
    low, high = min(known), max(known)
    scale = (STRIP_INCHES - 0.2) / ((high - low) or 1)

    def place(value: float) -> float:
        return STRIP + 0.1 + (value - low) * scale

    ax.plot([STRIP + 0.05, STRIP + STRIP_INCHES - 0.05], [y, y], color=style.FAINT, linewidth=0.5, zorder=0)
    for key, half, look in (("chance", 0.05, style.NULL), ("claimed", 0.11, style.INK)):
        if part[key] is not None:
            dots = {"linestyle": (0, (2, 1.2))} if key == "claimed" else {}
            ax.plot([place(part[key])] * 2, [y - half, y + half], color=look, linewidth=1, **dots)
    if part["interval"]:
        ends = [place(bound) for bound in part["interval"]]
        ax.plot(ends, [y, y], color=colour, linewidth=2.5, solid_capstyle="butt")
    ax.plot(place(part["estimate"]), y, "o", color=colour, markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)


def _numbers(claim: dict) -> str:
    if claim["estimate"] is None:
        return "–"
    digits = 2 if abs(claim["estimate"]) >= 0.1 else 3
    low_high = [f"{bound:.{digits}f}" for bound in claim["interval"] or []]
    text = f"{claim['estimate']:.{digits}f}" + (f" [{low_high[0]}, {low_high[1]}]" if low_high else "")
    return text.replace("-", "−")


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
