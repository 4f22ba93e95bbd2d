"""Panel c: how much actor and critic read the same features."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from panel import arrays, panel_command

BINS = 24


def load(results: Path) -> dict[str, np.ndarray]:
    similarity, random = arrays(results / "alignment.npz", "similarity", "random")
    return {"similarity": similarity, "random": random}


def draw(similarity: np.ndarray, random: np.ndarray) -> Figure:
    """Two histograms over the same bins, each action also a tick below; cosines `[A]`."""
    figure = style.figure(aspect=0.42, phone=0.9)
    ax = figure.subplots()
    limit = 1.05 * max(np.abs(similarity).max(), np.abs(random).max(), 1e-6)
    bins = np.linspace(-limit, limit, BINS + 1)
    ax.hist(similarity, bins, color=style.OBSERVED, alpha=0.75, label="with the critic's weights")
    ax.hist(random, bins, histtype="step", color=style.NULL, linewidth=1.3, label="with one random vector")
    for values, height, colour in ((similarity, -0.05, style.OBSERVED), (random, -0.1, style.NULL)):
        # below the bars, where the two groups cannot hide each other
        ax.plot(values, np.full(len(values), height), "|", color=colour, transform=ax.get_xaxis_transform(), ms=4,
                clip_on=False)  # fmt: skip
    ax.axvline(0, color=style.FAINT, linewidth=0.6, zorder=0)
    ax.set_xlim(-limit, limit)
    ax.tick_params(axis="x", pad=17)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel="cosine similarity of an action's weights", ylabel=f"actions (of {len(similarity)})")
    ax.spines[["top", "right"]].set_visible(False)
    if style.on_phone():
        figure.legend(loc="outside upper left")
    else:
        ax.legend(loc="upper left")
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
