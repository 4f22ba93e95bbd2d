"""Panel "ledger": every claim with the effects of its parts on one scale, and the verdict."""

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.claims.strength import TICKS, can_stand, effect, place
from minetest_interp.io import files
from panel import panel_command

LINE_INCHES, ROW_INCHES, HEAD_INCHES, FOOT_INCHES = 0.13, 0.42, 0.3, 0.42
# Left edges in inches: statement, strip, numbers, verdict; and what a statement stands above of the rest, on a phone.
PAGE, PHONE = (0.0, 2.45, 4.25, 5.5, 0.0), (0.0, 0.1, 1.55, 2.6, 0.46)
STRIP_INCHES = 1.7, 1.4


def load(results: Path) -> dict[str, object]:
    return {"claims": files.read_json(results / "ledger.json")}


def draw(claims: list[dict]) -> Figure:
    """One row a claim; all effects share the scale below, which is linear near chance and logarithmic away from it."""
    statement, strip, numbers, verdict_left, above = style.either(PAGE, PHONE)
    row = ROW_INCHES + above
    width, height = style.width(), HEAD_INCHES + FOOT_INCHES + row * len(claims)
    figure = style.figure(aspect=height / width)
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    heads = ((statement, "claim"), (strip, "effect, by what matters"), (verdict_left, "verdict"))
    for x, words in style.either(heads, heads[1:]):
        ax.text(x + 0.05, 0.15, words, va="center", color=style.INK, fontweight="bold")
    bottom = HEAD_INCHES + row * len(claims)
    _scale(ax, HEAD_INCHES, bottom)
    for i, claim in enumerate(claims):
        middle = HEAD_INCHES + row * (i + 0.5)
        ax.axhline(middle - row / 2, color=style.FAINT, linewidth=0.5)
        words = "\n".join(textwrap.wrap(style.plain(claim["statement"], limit=150), style.either(47, 54)))
        ax.text(statement + 0.05, middle - style.either(0, ROW_INCHES / 2), words, va="center", linespacing=1.05,
                fontsize=style.small(7))  # fmt: skip
        middle += above / 2
        symbol, colour = style.VERDICTS[claim["verdict"]]
        _strip(ax, claim, middle)
        ax.text(numbers, middle, _numbers(claim), va="center", fontsize=style.small(7))
        verdict = "\n".join(textwrap.wrap(f"{symbol} {claim['verdict']}", style.either(17, 14)))
        ax.text(verdict_left + 0.05, middle, verdict, va="center", color=colour, fontweight="bold", linespacing=1.05)
    return figure


def _inches(strength: float) -> float:
    """Where an effect, in units of what matters, stands on the strip, from the figure's left."""
    return style.either(PAGE, PHONE)[1] + style.either(*STRIP_INCHES) * place(strength)


def _scale(ax: Axes, top: float, bottom: float) -> None:
    ax.fill_betweenx([top, bottom], _inches(-1), _inches(1), color="#EFEFEF", linewidth=0, zorder=0)
    for tick in TICKS:
        ax.plot(
            [_inches(tick)] * 2, [top, bottom], color=style.NULL if tick == 0 else style.FAINT, linewidth=0.5, zorder=0
        )
        ax.text(
            _inches(tick),
            bottom + 0.1,
            f"{tick}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=style.small(6.5),
        )
    words = "0 chance, ±1 the smallest effect that matters"
    ax.text(
        style.either(_inches(0), style.width() / 2),
        bottom + 0.27,
        words,
        ha="center",
        va="center",
        fontsize=style.small(6.5),
    )


def _strip(ax: Axes, claim: dict, middle: float) -> None:
    """The judged parts below one another, the claim's own first; each in the colour of its verdict."""
    judged = [part for part in claim["parts"] if part["verdict"]]
    step = min(LINE_INCHES, (ROW_INCHES - 0.06) / max(1, len(judged)))
    for i, part in enumerate(judged):
        if not can_stand(part):
            continue
        y, colour = middle + step * (i - (len(judged) - 1) / 2), style.VERDICTS[part["verdict"]][1]
        if part["interval"]:
            ends = [_inches(effect(part, bound)) for bound in part["interval"]]
            ax.plot(ends, [y, y], color=colour, linewidth=2 if i == 0 else 1, solid_capstyle="butt")
        goal = effect(part, part["claimed"])
        if goal > 1 + 1e-9:
            ax.plot([_inches(goal)] * 2, [y - 0.045, y + 0.045], color=style.INK, linewidth=0.8)
        size = 4 if i == 0 else 2.5
        ax.plot(_inches(effect(part, part["estimate"])), y, "o", color=colour, markersize=size, markeredgewidth=0)


def _numbers(claim: dict) -> str:
    if claim["estimate"] is None:
        return "–"
    digits = 2 if abs(claim["estimate"]) >= 0.1 else 3
    low_high = [f"{bound:.{digits}f}" for bound in claim["interval"] or []]
    text = f"{claim['estimate']:.{digits}f}" + (f"\n[{low_high[0]}, {low_high[1]}]" if low_high else "")
    return text.replace("-", "−")


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
