"""Panel "causal": what the steering loses without each channel, whether trunk units matter more, a steering vector."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io.errors import InputError
from panel import arrays, panel_command

# Replacement to its words and colour; the first is the headline, by which channels are ordered.
REPLACEMENTS = {
    "zero": ("set to zero", style.INK),
    "mean": ("to its mean", style.FAINT),
    "resample": ("as on other frames", style.MIRRORED),
}
NAMED, FOUND = style.POSITIVE, style.OBSERVED
# What else is added beside the vector: words, and line.
DIRECTIONS = {"brightness": ("darker left less right", "-"), "orthogonal": ("trunk without brightness", "--")}
MARKERS = "os^vDP"  # of layers, in turn


class Removal(NamedTuple):
    """One layer. sizes: replacement to mean absolute changes `[C]`. interval: low, high of the named channel at zero.

    strength: `[C]`, |AUROC - 0.5| for trunk after the ReLU, None where nothing is known. activity: `[C]`, the standard
    deviation of what a channel passes on, None likewise. found: the channels that the data found.
    """

    sizes: dict[str, np.ndarray]
    interval: np.ndarray
    strength: np.ndarray | None
    activity: np.ndarray | None
    found: list[int]


class Dose(NamedTuple):
    """strengths: `[S]`. change: `[S]`. interval: `[S, 2]`. random: `[R, S]`, of random directions.

    brightness, orthogonal: `[S]`, of a direction of brightness and of the part that is orthogonal to it; or None.
    """

    strengths: np.ndarray
    change: np.ndarray
    interval: np.ndarray
    random: np.ndarray
    brightness: np.ndarray | None
    orthogonal: np.ndarray | None


def load(results: Path, *, named: dict[str, int], behaviour: str, concept: str) -> dict[str, object]:
    quantities, causal = _stored(results / "evidence" / "causal.npz", "quantities")
    if behaviour not in quantities:
        raise InputError(f"`behaviour` must be one of {', '.join(quantities)}; got {behaviour!r}.")
    asked = quantities.tolist().index(behaviour)
    _, units = _stored(results / "evidence" / "units.npz", "frames")
    found = [str(name).rpartition("/")[::2] for name in units.get("found", ())]
    removals = {}
    for layer in named:
        sizes = {name: causal.get(f"{name}/{layer}/size") for name in REPLACEMENTS}
        if not 0 <= named[layer] < len(sizes["zero"]):
            raise InputError(f"`named` must be 0 to {len(sizes['zero']) - 1} in {layer}; got {named[layer]}.")
        removals[layer] = Removal(
            sizes={name: size[:, asked] for name, size in sizes.items() if size is not None},
            interval=causal[f"zero/{layer}/interval"][asked],
            strength=causal.get(f"trunk/{layer}"),
            activity=causal[f"activity/{layer}"][1] if f"activity/{layer}" in causal else None,
            found=[int(channel) for of, channel in found if of == layer],
        )
    dose = None
    if "dose/strengths" in causal:
        tried = (causal[f"dose/{part}"] for part in ("change", "interval", "random"))
        change, interval, random = (np.take(part, asked, axis) for part, axis in zip(tried, (1, 1, 2), strict=True))
        others = (causal[f"dose/{part}"][:, asked] if f"dose/{part}" in causal else None for part in DIRECTIONS)
        dose = Dose(causal["dose/strengths"], change, interval, random, *others)
    shown = {"named": named, "behaviour": behaviour, "concept": style.plain(concept, limit=16)}
    return {**shown, "removals": removals, "dose": dose}


def draw(
    named: dict[str, int], behaviour: str, concept: str, removals: dict[str, Removal], dose: Dose | None
) -> Figure:
    """Above, each channel's removal, largest effect first; below, the same against trunk strength, and the dose."""
    figure, name = style.figure(aspect=0.85, phone=4.9), style.plain(behaviour, limit=16)
    above, below = figure.subfigures(2, 1, height_ratios=style.either((1.15, 1), (1.7, 1)))
    [axes] = style.grid(above, 1, len(removals))
    for ax, (layer, removal) in zip(axes, removals.items(), strict=True):
        _draw_removal(ax, removal, named[layer], layer, concept)
    axes[0].set_ylabel(f"mean |change of {name}|")
    entries = {word: handle for ax in axes for handle, word in zip(*ax.get_legend_handles_labels(), strict=True)}
    above.legend(
        entries.values(),
        entries.keys(),
        loc="outside lower center",
        ncols=style.either(5, 1),
        handlelength=1,
        columnspacing=1,
    )
    [[left, right]] = style.grid(below, 1, 2)
    _draw_strength(left, {layer: of for layer, of in removals.items() if of.strength is not None}, named, name, concept)
    _draw_dose(right, dose, list(removals)[-1], name, concept)
    return figure


def _stored(path: Path, always: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The array that such a file always has, and all of them by name."""
    (array,) = arrays(path, always)
    with np.load(path, allow_pickle=False) as stored:
        return array, dict(stored)


def _draw_removal(ax: Axes, removal: Removal, named: int, layer: str, concept: str) -> None:
    zero = removal.sizes["zero"]
    order = np.argsort(-zero, kind="stable")
    ranks, count = np.argsort(order), len(order)
    for i, (replacement, sizes) in enumerate(removal.sizes.items()):
        words, colour = REPLACEMENTS[replacement]
        line = "" if i else "-"
        ax.plot(sizes[order], "o", ls=line, color=colour, ms=1.8, lw=0.8, label=words, zorder=3 - i)
    marks = {"marker": "o", "ls": "", "ms": 4, "clip_on": False, "zorder": 4}
    if removal.found:
        ax.plot(
            ranks[removal.found], zero[removal.found], color=FOUND, label=f"{concept} units found by the data", **marks
        )
    ax.vlines(ranks[named], *removal.interval, color=NAMED, lw=1.2, zorder=4)
    ax.plot(ranks[named], zero[named], color=NAMED, label="named by the claim", **marks)
    # The points fall to the right, so the upper right corner is free.
    others = sorted({*removal.found} - {named}, key=ranks.item)
    for row, channel in enumerate([named, *others]):
        words, colour = f"{channel}: rank {1 + (zero > zero[channel]).sum()}", FOUND if row else NAMED
        ax.text(1, 0.97 - 0.1 * row, words, transform=ax.transAxes, ha="right", va="top", color=colour)
    ax.set(title=style.plain(layer), xticks=[], xlabel=f"channels (of {count}), largest first", ylim=(0, None))
    ax.spines[["top", "right"]].set_visible(False)


def _draw_strength(ax: Axes, removals: dict[str, Removal], named: dict[str, int], name: str, concept: str) -> None:
    if not removals:
        return style.say(ax, f"too few labelled frames:\nnothing is known about {concept}")
    # Matplotlib lays a line without points out at the figure's corner.
    marks = {"ms": 4, "clip_on": False, "in_layout": not style.on_phone()}
    for (layer, removal), marker in zip(removals.items(), itertools.cycle(MARKERS), strict=False):
        x, y, own = removal.strength, removal.sizes["zero"], named[layer]
        label = style.plain(layer)
        if removal.activity is not None:  # black is the most active of a layer
            shade = np.argsort(np.argsort(removal.activity)) / max(1, len(y) - 1)
            ax.scatter(x, y, s=6, marker=marker, c=shade, cmap="Greys", vmin=0, vmax=1, linewidths=0, zorder=1.5)
        ax.plot(x, y, marker, color=style.INK, ms=2.5, markerfacecolor="none", mew=0.6, label=label)
        ax.plot(x[removal.found], y[removal.found], marker, color=FOUND, **marks)
        ax.plot(x[own], y[own], marker, color=NAMED, **marks)
    ax.set(
        xlabel=f"tells {concept}: |AUROC − 0.5| of what is passed on", ylabel=f"mean |change of {name}|,\nset to zero"
    )
    ax.set(xlim=(0, None), ylim=(0, None))
    if any(removal.activity is not None for removal in removals.values()):
        ax.set_title("filled darker: more active")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="best", handletextpad=0.1, borderaxespad=0)


def _draw_dose(ax: Axes, dose: Dose | None, layer: str, name: str, concept: str) -> None:
    if dose is None:
        return style.say(ax, "too few labelled frames\nfor a steering vector")
    x = np.append(dose.strengths, 0.0)  # strength 0 changes nothing
    order = np.argsort(x, kind="stable")

    def through_zero(values: np.ndarray) -> np.ndarray:
        return np.append(values, 0.0)[order]

    ax.axhline(0, color=style.INK, lw=0.6, zorder=0)
    for i, line in enumerate(dose.random):
        label = None if i else f"{len(dose.random)} random directions"
        ax.plot(x[order], through_zero(line), color=style.FAINT, lw=0.6, label=label)
    ax.fill_between(x[order], *map(through_zero, dose.interval.T), color=FOUND, alpha=0.3, lw=0)
    ax.plot(x[order], through_zero(dose.change), "o-", color=FOUND, ms=3, lw=1, label=f"{concept} left less right")
    for part, (words, line) in DIRECTIONS.items():
        if (values := getattr(dose, part)) is not None:
            label = words.replace("trunk", concept)
            ax.plot(x[order], through_zero(values), line, color=style.MIRRORED, lw=1, label=label)
    ax.set(xlabel=f"multiples of the vector added to {style.plain(layer)}", ylabel=f"mean change of {name}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="best", borderaxespad=0, handlelength=1.4)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
