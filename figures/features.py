"""Panel "features": what channels of the first two layers follow, and the best unit beside other bases' directions."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import arrays, panel_command

LIGHT, DARK = style.MIRRORED, style.OBSERVED
GROUPS = {
    "follows brightness": LIGHT,
    "inverts brightness": DARK,
    "other features": style.ORIGINAL,
    "not explained": style.POSITIVE,
}
KINDS = {"units": "units", "random": "random", "nmf": "non-negative", "dictionary": "dictionary"}
MARKS = "osD^vP"


class Light(NamedTuple):
    """The first layer. brightness: `[C]`, correlation. gradient: `[C]`, the largest size. chosen: light and dark.

    shuffled: `[2, K, 2]`, brightness and gradient of the two that networks of shuffled weights have.
    """

    brightness: np.ndarray
    gradient: np.ndarray
    chosen: np.ndarray
    shuffled: np.ndarray


class Explained(NamedTuple):
    """The second layer's channels that vary: shares of variance `[V]`, the sign `[V]`, and the share that counts."""

    brightness: np.ndarray
    basis: np.ndarray
    sign: np.ndarray
    least: float


class Tells(NamedTuple):
    """auroc: `[C]`. on: `[C]`, whether the concept switches the channel on. brightness, least: one AUROC."""

    auroc: np.ndarray
    on: np.ndarray
    brightness: float
    least: float


class Bases(NamedTuple):
    """auroc: `[basis, concept]`, of the best direction. kinds, concepts: their names."""

    auroc: np.ndarray
    kinds: list[str]
    concepts: list[str]


def load(results: Path, *, concept: str) -> dict[str, object]:
    path = results / "evidence" / "features.npz"
    names = files.array_names(path)

    def some(*keys: str) -> list[np.ndarray] | None:
        return arrays(path, *keys) if keys[0] in names else None

    first, second = (str(name) for name in arrays(path, "first", "second"))
    light = some(*(f"light/{key}" for key in Light._fields))
    explained = some(*(f"explained/{key}" for key in ("brightness", "basis", "sign", "least")))
    tells = some(*(f"auroc/{key}" for key in ("channels", "on", "brightness", "least")))
    bases = some("bases/auroc", "bases", "concepts")
    return {
        "first": style.plain(first, limit=16),
        "second": style.plain(second, limit=16),
        "concept": style.plain(concept, limit=16),
        "light": light and Light(*light),
        "explained": explained and Explained(*explained[:3], float(explained[3])),
        "tells": tells and Tells(*tells[:2], *map(float, tells[2:])),
        "bases": bases and Bases(bases[0], *(names.tolist() for names in bases[1:])),
    }


def draw(
    first: str,
    second: str,
    concept: str,
    light: Light | None,
    explained: Explained | None,
    tells: Tells | None,
    bases: Bases | None,
) -> Figure:
    """Two scatter plots of channels, and how well channels and other directions tell concepts.

    Args:
      first, second: names of the layers, empty for none. What could not be measured is None.
    """
    figure = style.figure(aspect=0.86, phone=4.3)
    axes = style.grid(figure, 2, 2)
    upper, lower = axes
    for ax, drawn, found, title, nothing in (
        (
            upper[0],
            _light,
            light,
            f"{first or 'first layer'}: light, dark and edges",
            "no first layer\nof one grey picture",
        ),
        (
            upper[1],
            _explained,
            explained,
            f"{second or 'second layer'}: what is explained",
            "no second layer\nwith positions",
        ),
        (
            lower[0],
            _tells,
            tells,
            f"{second or 'second layer'}: telling {concept}",
            f"nothing is known\nabout {concept}",
        ),
        (
            lower[1],
            _bases,
            bases,
            f"{second or 'second layer'}: the best of each basis",
            "no labelled concepts\nto tell",
        ),
    ):
        ax.set_title(title)
        if found is None:
            style.say(ax, nothing)
            continue
        ax.spines[["top", "right"]].set_visible(False)
        drawn(ax, found)
    return figure


def _light(ax: Axes, light: Light) -> None:
    ax.plot([-1, 0, 1], [1, 0, 1], color=style.FAINT, linewidth=0.6, zorder=0, label="as much as gradients")
    ax.plot(light.brightness, light.gradient, "o", color=style.INK, ms=2.5, label="other channels")
    for channel, null, colour, name in zip(light.chosen, light.shuffled, (LIGHT, DARK), ("light", "dark"), strict=True):
        ax.plot(*null.T, "x", color=colour, ms=3, mew=0.6, zorder=1.5, label=f"{name}: shuffled weights")
        point = light.brightness[channel], light.gradient[channel]
        ax.plot(*point, "o", color=colour, ms=4.5, label=f"{name}: channel {channel}")
    ax.set(xlim=(-1.04, 1.04), ylim=(0, 1.04), xlabel="correlation with brightness", ylabel="largest with a gradient")
    _legend_above(ax)


def _explained(ax: Axes, explained: Explained) -> None:
    bright = explained.brightness >= explained.least
    kind = np.where(bright, np.where(explained.sign > 0, 0, 1), np.where(explained.basis >= explained.least, 2, 3))
    x, y = explained.sign * np.maximum(explained.brightness, 0), np.maximum(explained.basis, 0)
    for side in (-1, 1):
        ax.axvline(side * explained.least, color=style.FAINT, linewidth=0.6, zorder=0)
    ax.axhline(explained.least, color=style.FAINT, linewidth=0.6, zorder=0)
    for number, (name, colour) in enumerate(GROUPS.items()):
        of = kind == number
        ax.plot(x[of], y[of], "o", color=colour, ms=2.5, label=f"{name}: {of.sum()}")
    ax.set(xlim=(-1.04, 1.04), ylim=(0, 1.04), ylabel="explained by all features")
    ax.set_xlabel("explained by brightness (inverted: left)")
    ax.set_xticks([-1, -0.5, 0, 0.5, 1], ["1", ".5", "0", ".5", "1"])
    _legend_above(ax)


def _legend_above(ax: Axes) -> None:
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.1), ncols=2, handlelength=1, columnspacing=1, borderpad=0)


def _tells(ax: Axes, tells: Tells) -> None:
    order = np.argsort(-tells.auroc, kind="stable")
    places = np.arange(len(order))
    ax.axhline(tells.brightness, color=LIGHT, linewidth=1, ls="--", label="brightness alone")
    ax.axhline(tells.least, color=style.FAINT, linewidth=0.8, label="enough to detect")
    for on, colour, label in ((True, style.POSITIVE, "switched on"), (False, style.NEGATIVE, "switched off")):
        of = tells.on[order] == on
        ax.plot(places[of], tells.auroc[order][of], "o", color=colour, ms=2.5, label=label)
    detects = ((tells.auroc > tells.least) & (tells.auroc > tells.brightness)).sum()
    ax.set(xlabel=f"channels (of {len(order)}), best first: {detects} above both", xticks=[], ylabel="AUROC")
    ax.legend(loc="upper right", handlelength=1.4, borderpad=0, frameon=True, framealpha=1, edgecolor="none")


def _bases(ax: Axes, bases: Bases) -> None:
    places = np.arange(len(bases.kinds))
    spread = np.linspace(-0.15, 0.15, len(bases.concepts)) if len(bases.concepts) > 1 else np.zeros(1)
    for i, name in enumerate(bases.concepts):
        ax.plot(places + spread[i], bases.auroc[:, i], MARKS[i % len(MARKS)], color=style.INK, ms=4,
                mfc="none" if i else style.INK, label=style.plain(name, limit=12))  # fmt: skip
    ax.plot(places, bases.auroc.mean(1), "_", color=style.POSITIVE, ms=16, mew=2, label="mean")
    ax.set_xticks(places, [KINDS.get(kind, kind) for kind in bases.kinds])
    ax.set(xlim=(-0.5, len(places) - 0.5), ylim=(min(0.5, bases.auroc.min()) - 0.02, 1.02), ylabel="AUROC of the best")
    ax.legend(loc="lower left", ncols=2, handlelength=1, columnspacing=1, borderpad=0)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
