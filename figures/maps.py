"""Panel "maps": do the maps of each attribution method find what is labelled?"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import style
from panel import arrays, panel_command

TITLES = {"pointing": "largest attribution on the {concept}", "mass": "share of the attribution on the {concept}"}
EDGE, LABEL, NUMBER, GAP = 0.05, 1.2, 0.78, 0.12  # inches across
MOST, HEAD, KEY, LINE, FOOT = 1.2, 0.36, 0.54, 0.24, 0.42  # inches down
STRENGTH = "Greys"


def load(results: Path, *, behaviour: str, concept: str) -> dict[str, object]:
    path = results / "evidence" / "attribution.npz"
    names = ("judged", "shown/grey", "shown/inside", "shown/strength", "shown/score")
    judged, grey, inside, strength, score = arrays(path, *(f"masks/{name}" for name in names), reason="masks/reason")
    (methods,) = arrays(path, "methods")
    kinds = ("above_others", "own", "others")
    found = {score: arrays(path, *(f"masks/{score}/{kind}" for kind in kinds)) for score in TITLES}
    return {
        "grey": grey,
        "inside": inside,
        "strength": strength,
        "score": float(score),
        "methods": [str(name) for name in methods],
        "judged": str(judged),
        "above": {name: above for name, (above, _, _) in found.items()},
        "shares": {name: np.stack([own.mean(0), others.mean(0)]) for name, (_, own, others) in found.items()},
        "behaviour": behaviour,
        "concept": concept,
    }


def draw(
    grey: np.ndarray,
    inside: np.ndarray,
    strength: np.ndarray,
    score: float,
    methods: list[str],
    judged: str,
    above: dict[str, np.ndarray],
    shares: dict[str, np.ndarray],
    behaviour: str,
    concept: str,
) -> Figure:
    """Above, a labelled frame and its maps, the mask outlined; below, a line for each of M methods.

    Args:
      grey, inside: `[H, W]`. strength: `[M, H, W]`. score: of the behaviour on this frame.
      judged: the method that the claim is about. above: by score, `[3, M]`, own masks less others' with its interval.
      shares: by score, `[2, M]`, with own masks and with others'.
    """
    width, concept = style.width(), style.plain(concept, limit=12)
    across = style.either(len(methods) + 1, 3)
    tile = min(MOST, (width - 2 * EDGE) / across)
    rows = -(-(len(methods) + 1) // across)
    top, high = rows * (HEAD + tile) + KEY, LINE * len(methods)
    stacked = style.either(1, len(above))
    height = top + high + FOOT + (stacked - 1) * (high + 2 * FOOT)
    figure = Figure(figsize=(width, height))

    def add(x: float, y: float, wide: float, high: float) -> Axes:
        """Axes whose top left corner lies x inches from the left and y from the top."""
        return figure.add_axes((x / width, 1 - (y + high) / height, wide / width, high / height))

    ax = add(EDGE, HEAD, tile - 0.04, tile - 0.04)
    style.show_grey(ax, grey)
    _outline(ax, inside)
    ax.set_title(f"{style.plain(behaviour, limit=9)}\n{style.signed(score, digits=2)}")
    for m, name in enumerate(methods):
        row, column = divmod(m + 1, across)
        ax = add(EDGE + column * tile, HEAD + row * (HEAD + tile), tile - 0.04, tile - 0.04)
        ax.imshow(strength[m], cmap=STRENGTH, vmin=0, vmax=strength[m].max() or 1.0, interpolation="none")
        ax.set(xticks=[], yticks=[])
        _outline(ax, inside)
        row, column = np.unravel_index(strength[m].argmax(), inside.shape)
        ax.plot(column, row, "+", color=style.POSITIVE, markersize=9, markeredgewidth=1.4)
        ax.set_title(style.plain(name, limit=24).replace(" ", "\n", 1))
    key = [
        Line2D([], [], color=style.OBSERVED, linewidth=1.2, label=f"{concept}"),
        Line2D([], [], color=style.POSITIVE, marker="+", linestyle="", markersize=7, label="largest attribution"),
    ]
    figure.legend(handles=key, loc="center left", ncols=2, fontsize=style.small(7), borderaxespad=0,
                  bbox_to_anchor=(EDGE / width, 1 - (top - KEY + 0.08) / height))  # fmt: skip

    wide = (width - LABEL - EDGE) * stacked / len(above)
    ends = np.concatenate([values.ravel() for values in above.values()])
    limit = 1.1 * max(0.1, np.abs(ends[np.isfinite(ends)]).max(initial=0))
    for i, (name, values) in enumerate(above.items()):
        right, down = style.either((i, 0), (0, i))
        place = top + down * (high + 2 * FOOT)
        ax = add(LABEL + right * wide, place, wide - NUMBER - GAP, high)
        lines = np.arange(len(methods))
        for m, (mean, low, high_end) in enumerate(values.T):
            colour = style.OBSERVED if methods[m] == judged else style.ORIGINAL
            ax.hlines(m, low, high_end, color=colour, linewidth=1.4)
            ax.plot(mean, m, "o", markersize=4, color=colour)
        ax.axvline(0, color=style.INK, linewidth=0.6, zorder=0)
        ax.set(xlim=(-limit, limit), ylim=(len(methods) - 0.5, -0.5), yticks=lines)
        ax.set_yticklabels([style.plain(name, limit=18) for name in methods] if right == 0 else [])
        for label, method in zip(ax.get_yticklabels(), methods, strict=True):
            label.set_fontweight("bold" if method == judged else "normal")
        ax.locator_params(axis="x", nbins=style.either(5, 3))
        ax.set_title(TITLES[name].format(concept=concept), x=style.either(0, -0.7), ha="left")
        ax.set_xlabel("own masks less others'", fontsize=style.small(7))
        ax.grid(axis="y", color="#EEEEEE", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        ax.tick_params(axis="x", labelsize=style.small(7))
        numbers = add(LABEL + (right + 1) * wide - NUMBER - GAP, place, NUMBER, high)
        numbers.set(xlim=(0, 1), ylim=(len(methods) - 0.5, -0.5))
        numbers.set_axis_off()
        for m, (own, others) in enumerate(shares[name].T):
            numbers.text(
                0.5, m, f"{_percent(own)} / {_percent(others)}", ha="center", va="center", fontsize=style.small(7)
            )
        numbers.annotate("own / others'", (0.5, 0), xycoords="axes fraction", xytext=(0, -8),
                         textcoords="offset points", ha="center", va="top", fontsize=style.small(7))  # fmt: skip
    return figure


def _outline(ax: Axes, inside: np.ndarray) -> None:
    """The mask's edge."""
    if inside.any() and not inside.all():
        ax.contour(inside.astype(float), levels=[0.5], colors=[style.OBSERVED], linewidths=1)


def _percent(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{100 * value:.0f} %"


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
