"""Panel "paths": how much of the steering few channels carry, strongest first, against random ones."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from panel import arrays, panel_command

LOWEST = -0.6  # of the axis: intervals may reach far lower
SPREAD = (2.5, 97.5)  # percent of the random sets


def load(results: Path, *, behaviour: str) -> dict[str, object]:
    path = results / "evidence" / "circuits.npz"
    names = ("layer", "sizes", "few", "strength", "strongest", "without", "random", "shuffled")
    found = dict(zip(names, arrays(path, *(f"kept/{name}" for name in names), reason="kept/reason"), strict=True))
    channels = len(found.pop("strength"))
    return found | {
        "layer": str(found["layer"]),
        "few": int(found["few"]),
        "channels": channels,
        "behaviour": behaviour,
    }


def draw(
    layer: str,
    sizes: np.ndarray,
    few: int,
    strongest: np.ndarray,
    without: np.ndarray,
    random: np.ndarray,
    shuffled: np.ndarray,
    channels: int,
    behaviour: str,
) -> Figure:
    """Left, channels that are kept while all others are held at their means; right, channels that are held.

    Args:
      layer: whose channels. sizes: `[K]`. few: the size that is judged. strongest, without: `[3, K]`, what is explained
        with its interval while the strongest are kept, and held. random: `[K, D]`, random ones kept.
      shuffled: `[W, 2]`, strongest and random ones of networks of shuffled weights, as many as are judged.
    """
    figure = style.figure(aspect=0.44, phone=1.9)
    [axes] = style.grid(figure, 1, 2, sharey=True)
    # Where some are held, as many random ones are kept as are left.
    panels = (
        (axes[0], f"channels of {style.plain(layer, limit=24)} that are kept", strongest, random, (0.0, 1.0)),
        (axes[1], "channels that are held at their means", without, random[::-1], (1.0, 0.0)),
    )
    for ax, label, values, drawn, ends in panels:
        _curves(ax, sizes, values, drawn, ends, channels)
        ax.axvline(few, color=style.FAINT, linewidth=0.8, linestyle="--", zorder=0)
        ax.set_xlabel(label)
    axes[0].plot(np.full(len(shuffled), few), shuffled[:, 0], "_", color=style.MIRRORED, ms=7, mew=1.2, zorder=1.5,
                 label="strongest, shuffled weights")  # fmt: skip
    lowest = np.nanmin([strongest.min(initial=0), without.min(initial=0), random.min(initial=0), 0])
    axes[0].set_ylim(max(LOWEST, lowest) - 0.05, 1.05)
    axes[0].set_ylabel(f"share of the variance of\nthe {style.plain(behaviour, limit=16)} that is left")
    axes[0].set_title("Are few enough?")
    axes[1].set_title("Are they needed?")
    axes[1].annotate("a quarter", (few, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), ha="left", va="top",
                     textcoords="offset points", color="#777777", fontsize=style.small(7))  # fmt: skip
    shown = axes[0].get_legend_handles_labels()
    if style.on_phone():
        figure.legend(*shown, loc="outside lower left")
    else:
        axes[1].legend(*shown, loc="upper right", fontsize=style.small(7))
    return figure


def _curves(
    ax: Axes, sizes: np.ndarray, values: np.ndarray, random: np.ndarray, ends: tuple[float, float], channels: int
) -> None:
    """The strongest channels with intervals, and random ones with the spread of their sets."""
    x = np.r_[0, sizes, channels]
    low, high = np.percentile(random, SPREAD, axis=1)
    ax.fill_between(x, np.r_[ends[0], low, ends[1]], np.r_[ends[0], high, ends[1]], color=style.FAINT, alpha=0.5,
                    linewidth=0, label="95 % of random sets")  # fmt: skip
    ax.plot(x, np.r_[ends[0], random.mean(1), ends[1]], color=style.ORIGINAL, linewidth=1.2, label="random, mean")
    mean, lower, upper = values
    ax.vlines(sizes, lower, upper, color=style.OBSERVED, linewidth=1.2)
    ax.plot(x, np.r_[ends[0], mean, ends[1]], color=style.OBSERVED, linewidth=1.4, label="strongest, 95 % interval")
    ax.plot(sizes, mean, "o", color=style.OBSERVED, markersize=3.5)
    ax.axhline(0, color=style.INK, linewidth=0.6, zorder=0)
    ax.set_xlim(0, channels)
    ax.spines[["top", "right"]].set_visible(False)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
