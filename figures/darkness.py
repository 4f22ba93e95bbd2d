"""Panel "darkness": bars pasted into frames and the turn towards each, and what edits take from the concept."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import style
from minetest_interp.io import files
from panel import panel_command

MATTERS = 0.1  # of a difference of behaviours; docs/planned-claims.md
BARS = {
    "dark": "dark, flat",
    "bright": "as much\nbrighter",
    "plain": "flat, scene's\nluminance",
    "rough": "rough, scene's\nluminance",
    "scene": "scene's pixels\nroughened",
    "texture": "{concept} texture,\nits darkness",
    "texture-flat": "the same,\nflattened",
    "texture-light": "{concept} texture,\nscene's lum.",
}
LINES = {"dark": (style.OBSERVED, "o"), "bright": (style.MIRRORED, "^"), "rough": (style.NULL, "s")}
WIDTHS = {"narrow": "dark, half as wide", "wide": "dark, twice as wide"}
EDITS = {
    "as it is": "as it is",
    "erased": "erased",
    "scaled": "luminance\nscaled",
    "shifted": "luminance\nshifted",
    "local": "luminance,\neach place",
    "flattened": "texture\nflattened",
}
RELATIONS = {
    "raw": "its side",
    "correlation": "its side, given the luminance\nleft, right, difference",
    "given-halves": "its side, given the luminance\nleft and right alone",
    "brightness": "the darker side,\ngiven its side",
}


def load(results: Path, *, behaviour: str, concept: str) -> dict[str, object]:
    arrays = files.read_arrays(results / "evidence/darkness.npz")
    bars, edits = (
        {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
        for start in ("bars/", "edits/")
    )
    beyond = files.read_json(results / "evidence/darkness.json")["trunk-beyond-brightness"]
    probable = "logits" in files.read_json(results / "network.json")["outputs"]
    return {
        "behaviour": style.plain(behaviour, limit=16),
        "concept": style.plain(concept, limit=12),
        "bars": bars,
        "edits": edits,
        "beyond": beyond,
        "matters": MATTERS if probable else 0.0,
    }


def draw(
    behaviour: str,
    concept: str,
    bars: dict[str, np.ndarray],
    edits: dict[str, np.ndarray],
    beyond: Mapping[str, Mapping],
    matters: float,
) -> Figure:
    """Three bands: bars and the turn towards each; the response to darkness beside it; edits and correlations.

    Args:
      bars, edits: what `docs/results.md` lists, without the beginning of its names; empty without such frames.
      beyond: estimates by part of the claim about the concept beyond brightness.
      matters: the smallest turn that does; 0 where that is not known.
    """
    figure = style.figure(aspect=1.5, phone=10)
    examples, responses, edited, effects = figure.subfigures(
        4, 1, height_ratios=style.either([1.55, 3.1, 1.15, 2.0], [3.7, 3.1, 0.9, 2.1])
    )
    _examples(examples, bars, concept)
    _responses(responses, bars, behaviour, concept, matters)
    _edited(edited, edits, concept)
    _effects(effects, beyond, behaviour, concept, matters)
    return figure


def _examples(part: Figure, bars: dict[str, np.ndarray], concept: str) -> None:
    if not bars:
        return style.say(part.subplots(), f"every labelled frame shows the {concept}: no bars were pasted")
    shown = [kind for kind in BARS if kind in bars["kinds"]]
    pairs = style.either((2, len(shown)), (len(shown), 2))
    axes = part.subplots(*pairs, squeeze=False)
    axes = style.either(axes, axes.T)
    for column, kind in enumerate(shown):
        both = bars["example"][list(bars["kinds"]).index(kind)]
        for ax, picture in zip(axes[:, column], both, strict=True):
            style.show_frame(ax, _visible(picture))
        words = BARS[kind].format(concept=concept)
        axes[0, column].set_title(
            style.either(words, words.replace("\n", " ")), fontsize=style.small(7), loc=style.either("center", "left")
        )
    for first, last, side in zip(axes[:, 0], axes[:, -1], ("bar left", "bar right"), strict=True):
        style.either(first.set_ylabel, last.set_xlabel)(side)


def _responses(part: Figure, bars: dict[str, np.ndarray], behaviour: str, concept: str, matters: float) -> None:
    if not bars:
        return
    axes = part.subplot_mosaic(
        style.either([["kinds", "doses"], ["kinds", "widths"]], [["kinds"], ["kinds"], ["doses"], ["widths"]]),
        width_ratios=style.either([1.6, 1], [1]),
    )
    place = {kind: i for i, kind in enumerate(bars["kinds"])}
    words = {
        kind: style.either(" ", "\n").join(name.split("\n")).format(concept=concept)
        for kind, name in (BARS | WIDTHS).items()
    }
    shown = [kind for kind in words if kind in place]
    ax = axes["kinds"]
    for row, kind in enumerate(shown):
        values, colour = bars["turned"][place[kind]], style.OBSERVED if kind in BARS else style.NULL
        ax.plot(values, row + _spread(len(values)), "o", color=style.FAINT, markersize=2.2, zorder=1)
        _mark(ax, row, values.mean(), bars["interval"][place[kind]], colour)
    count = bars["turned"].shape[1]
    ax.set(
        yticks=range(len(shown)),
        yticklabels=[words[kind] for kind in shown],
        xlabel=f"{behaviour} away ← → towards the bar",
        title=f"turn towards the bar, {count} {_frames(count)} without a {concept}",
    )
    _zero(ax, matters, len(shown))
    _doses(axes["doses"], bars, place, matters)
    _widths(axes["widths"], bars, matters)


def _doses(ax: Axes, bars: dict[str, np.ndarray], place: Mapping[str, int], matters: float) -> None:
    order = np.sort(bars["doses"])
    rows = [place[f"dose {dose:g}"] for dose in order]
    means, bounds = bars["turned"][rows].mean(1), bars["interval"][rows]
    ax.axhspan(-matters, matters, color="#EEEEEE", linewidth=0, zorder=0)
    ax.axhline(0, color=style.INK, linewidth=0.6)
    ax.plot(order, means, "o-", color=style.OBSERVED, markersize=4, linewidth=1)
    ax.vlines(order, *bounds.T, color=style.OBSERVED, linewidth=1.6)
    ax.set(
        xlim=(-0.08, 1.08),
        xticks=[0, 0.5, 1],
        xticklabels=["0\nas the scene", "0.5\n", "1\nblack"],
        xlabel="darkness of a flat bar",
        title="darker bars",
    )
    ax.spines[["top", "right"]].set_visible(False)


def _widths(ax: Axes, bars: dict[str, np.ndarray], matters: float) -> None:
    order = np.argsort(bars["widths"])
    widths = 100 * bars["widths"][order]
    ax.axhspan(-matters, matters, color="#EEEEEE", linewidth=0, zorder=0)
    ax.axhline(0, color=style.INK, linewidth=0.6)
    for kind, numbers, bounds in zip(bars["pasted"], bars["places"], bars["place_interval"], strict=True):
        colour, mark = LINES[str(kind)]
        ax.plot(widths, numbers.mean((1, 2))[order], f"{mark}-", color=colour, markersize=4, linewidth=1)
        ax.annotate(str(kind), (widths[-1], numbers[order[-1]].mean()), xytext=(5, 0), textcoords="offset points",
                    color=colour, va="center")  # fmt: skip
        ax.vlines(widths, *bounds[order].T, color=colour, linewidth=1.6)
    ax.set_xlim(0, 1.3 * widths[-1])
    ax.set(xlabel="width of the bar, % of the picture", title=f"wider bars, mean of {len(bars['offsets'])} places")
    ax.spines[["top", "right"]].set_visible(False)


def _edited(part: Figure, edits: dict[str, np.ndarray], concept: str) -> None:
    if not edits:
        return style.say(part.subplots(), f"no labelled frame shows the {concept}")
    [axes] = style.grid(part, 1, len(EDITS), phone=3)
    for ax, (kind, words) in zip(axes, EDITS.items(), strict=True):
        style.show_frame(ax, _visible(edits["example"][list(edits["kinds"]).index(kind)]))
        ax.set_title(words, fontsize=style.small(7))
    axes[0].set_ylabel(f"the {concept}")


def _effects(part: Figure, beyond: Mapping[str, Mapping], behaviour: str, concept: str, matters: float) -> None:
    taken = [kind for kind in EDITS if kind in beyond and beyond[kind]["estimate"] is not None]
    related = [kind for kind in RELATIONS if beyond[kind]["estimate"] is not None]
    [axes] = style.grid(part, 1, 2)
    for ax, shown, words, label in (
        (axes[0], taken, EDITS, f"what it takes from the {behaviour} towards the {concept}"),
        (axes[1], related, RELATIONS, f"rank correlation of the {behaviour} with …"),
    ):
        if not shown:
            style.say(ax, "not measured")
            continue
        for row, kind in enumerate(shown):
            _mark(ax, row, beyond[kind]["estimate"], beyond[kind]["interval"], style.OBSERVED)
        ax.set(yticks=range(len(shown)), yticklabels=[words[kind].replace("its side", f"{concept}'s side")
                                                      for kind in shown])  # fmt: skip
        count = beyond[shown[0]]["n"]
        ax.set(title=label, xlabel=f"{count} {_frames(count)} with a {concept}")
        _zero(ax, matters if words is EDITS else MATTERS, len(shown))


def _mark(ax: Axes, row: int, value: float, interval: Sequence[float] | None, colour: str) -> None:
    ax.plot(value, row, "o", color=colour, markersize=5, zorder=3)
    if interval is not None:
        ax.hlines(row, *interval, color=colour, linewidth=1.8, zorder=3)


def _zero(ax: Axes, matters: float, rows: int) -> None:
    """The first row on top; what is too small to matter shaded."""
    ax.axvspan(-matters, matters, color="#EEEEEE", linewidth=0, zorder=0)
    ax.axvline(0, color=style.INK, linewidth=0.6, zorder=1)
    ax.set_ylim(rows - 0.5, -0.5)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _spread(count: int) -> np.ndarray:
    """Small offsets, the same for every row, so that the dots of one row can be seen apart."""
    return 0.3 * ((np.arange(count) * 0.618) % 1 - 0.5)


def _visible(planes: np.ndarray) -> np.ndarray:
    """One plane as grey, three as colours."""
    return np.moveaxis(planes, 0, -1) if len(planes) == 3 else planes[-1]


def _frames(count: int) -> str:
    return "frame" if count == 1 else "frames"


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
