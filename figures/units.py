"""Panel "units": which channels tell trunks from the rest, and which of the first layer follow oriented gradients."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import arrays, panel_command

KEYS = ("second", "null", "brightness/second", "counts")
NAMED, FOUND = style.POSITIVE, style.OBSERVED


class Tells(NamedTuple):
    """auroc: `[C]`, on the held-out half. null: `[3, C]`, its low, middle and high end with shifted masks.

    brightness: AUROC of the mean grey level alone. counts: of places with trunk and of those without, `[2, 3]`: places,
    frames, independent frames.
    """

    auroc: np.ndarray
    null: np.ndarray
    brightness: np.ndarray
    counts: np.ndarray


def load(results: Path, *, named: dict[str, int], concept: str) -> dict[str, object]:
    path = results / "evidence" / "units.npz"
    names = files.array_names(path)
    layers = arrays(path, "layers")[0].tolist()
    follows, shapeless, tells, found = None, None, dict.fromkeys(layers), []
    [first] = [layer for layer in named if layer not in layers] or [None]
    if f"{first}/kernel" in names:
        follows = np.stack(arrays(path, f"{first}/gradient/second", f"{first}/brightness/second"))
        shapeless = arrays(path, f"{first}/shuffled")[0]
    if "found" in names:
        tells = {layer: Tells(*arrays(path, *(f"{layer}/{key}" for key in KEYS))) for layer in layers}
        found = arrays(path, "found")[0].tolist()
    shown = {"named": named, "concept": style.plain(concept, limit=16)}
    return {**shown, "first": first, "follows": follows, "shapeless": shapeless, "tells": tells, "found": found}


def draw(
    named: dict[str, int],
    concept: str,
    first: str | None,
    follows: np.ndarray | None,
    shapeless: np.ndarray | None,
    tells: Mapping[str, Tells | None],
    found: list[str],
) -> Figure:
    """For the layers that are asked about trunks every channel's AUROC, best first; for the first its correlations.

    Args:
      first: the layer that is asked about gradients, None without one. follows: `[2, C]`, with gradients and with
        brightness; None of stacks whose frames differ, and of colours. shapeless: of the named kernel with its pixels
        in random orders, with gradients. tells: None where no labelled frames say.
    """
    figure = style.figure(aspect=0.47, phone=0.85 * (len(tells) + (first is not None)) + 0.25)
    [axes] = style.grid(figure, 1, len(tells) + (first is not None))
    known = [tell for tell in tells.values() if tell is not None]
    for ax, (layer, tell) in zip(axes, tells.items(), strict=False):
        ax.set_title(style.plain(layer))
        if tell is None:
            style.say(ax, f"too few labelled frames:\nnothing is known\nabout {concept}")
            continue
        units = [int(name.rpartition("/")[2]) for name in found if name.rpartition("/")[0] == layer]
        _tell(ax, tell, named[layer], units)
        ax.set_ylim(*_limits(known))
        ax.tick_params(labelleft=style.on_phone() or ax is axes[0])
    if known:
        axes[0].set_ylabel(f"AUROC, {concept} against no {concept}")
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=style.either(3, 2), handlelength=1.4
        )
    if first is not None:
        axes[-1].set_title(style.plain(first))
        if follows is None:
            style.say(axes[-1], "no single grey picture is read:\nnothing is known\nabout gradients in one")
        else:
            _follow(axes[-1], follows[0], np.abs(follows[1]), named[first], shapeless)
    return figure


def _limits(tells: Iterable[Tells]) -> tuple[float, float]:
    """One scale for all layers, with space for the labels above."""
    values = np.concatenate([np.ravel(part) for tell in tells for part in tell[:-1]])
    low, high = values.min(), values.max()
    return low - 0.03 * (high - low), high + 0.15 * (high - low)


def _tell(ax: Axes, tell: Tells, named: int, found: list[int]) -> None:
    order = np.argsort(-tell.auroc, kind="stable")
    ranks, count = np.argsort(order), len(order)
    ax.vlines(np.arange(count), *tell.null[[0, 2]][:, order], color=style.FAINT, linewidth=min(3, 80 / count),
              label="95 % of shifted masks")  # fmt: skip
    ax.axhline(tell.brightness, color=style.MIRRORED, linewidth=1, ls="--", label="brightness alone")
    ax.plot(np.arange(count), tell.auroc[order], "o", color=style.INK, ms=2, label="channel")
    for units, colour, label in ((found, FOUND, "found by the data"), ([named], NAMED, "named by the claim")):
        ax.plot(ranks[units], tell.auroc[units], "o", color=colour, ms=4, label=label)
    labelled = sorted({*found, named}, key=lambda unit: ranks[unit])
    for unit, x in zip(labelled, _spread([ranks[unit] / count for unit in labelled]), strict=True):
        # The points fall to the right, so above them nothing is in the way.
        colour = NAMED if unit == named else FOUND
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
        ax.annotate(str(unit), (ranks[unit], tell.auroc[unit]), (x, 0.94), textcoords="axes fraction", color=colour,
                    ha="center", arrowprops=line)  # fmt: skip
    (_, shown, _), (_, without, _) = tell.counts
    classes = f"frames with: {shown}, without: {without}"
    ax.set(xlabel=f"channels (of {count}), best first\n{classes}", xticks=[])
    ax.spines[["top", "right"]].set_visible(False)


def _spread(places: list[float]) -> list[float]:
    """Ascending places in 0 to 1, moved apart so that the labels there do not touch."""
    gap, spread = min(0.13, 0.9 / len(places)), []
    for place in places:
        spread.append(max(place, spread[-1] + gap if spread else 0.05))
    return [min(place, 0.95 - gap * (len(places) - 1 - i)) for i, place in enumerate(spread)]


def _follow(ax: Axes, gradient: np.ndarray, brightness: np.ndarray, named: int, shapeless: np.ndarray) -> None:
    ax.axline((0, 0), slope=1, color=style.FAINT, linewidth=0.6, zorder=0)
    ax.axhspan(*np.percentile(shapeless, (2.5, 97.5)), color=style.FAINT, alpha=0.5, linewidth=0, zorder=-1)
    ax.axhline(shapeless.mean(), color=NAMED, linewidth=0.8, ls=":", zorder=0)
    ax.plot(brightness, gradient, "o", color=style.INK, ms=2)
    ax.plot(brightness[named], gradient[named], "o", color=NAMED, ms=4)
    right = brightness[named] > 0.8
    ax.annotate(str(named), (brightness[named], gradient[named]), (-4 if right else 4, 0), color=NAMED,
                textcoords="offset points", ha="right" if right else "left", va="center")  # fmt: skip
    ax.set(xlim=(0, 1.02), ylim=(min(0, 1.05 * gradient.min()), 1.02), xticks=[0, 0.5, 1])
    ax.set(xlabel="correlation with brightness\n(shuffled kernel: 95 %, mean)", ylabel="correlation with gradients")
    ax.spines[["top", "right"]].set_visible(False)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
