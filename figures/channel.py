"""Panels g, h and i: one channel's activation on a frame, before its ReLU and after it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from minetest_interp.io import layout
from panel import channel_map, item, panel_command


def load(results: Path, *, layer: str, frame: str, channel: int, view: str = "original") -> dict[str, object]:
    return {
        "grey": item(results / "stacks.npz", view, frame),
        "activation": channel_map(item(layout.intermediates(results, view), layer, frame), channel, layer=layer),
        "frame": frame,
        "name": f"{layer}, channel {channel}",
    }


def draw(grey: np.ndarray, activation: np.ndarray, frame: str, name: str) -> Figure:
    """grey: `[S, S]`, grey levels. activation: `[h, w]` before the ReLU."""
    figure = style.figure(aspect=0.33)
    seen, before, after = figure.subplots(1, 3)
    shown = style.show_grey(seen, grey)
    seen.set_title(style.plain(frame, limit=24))
    style.colour_bar(seen, shown, "grey level", ticks=[0, 128, 255])
    draw_activation(before, activation, name)
    shown = style.show_map(after, activation > 0, cmap=style.MASK, vmin=0, vmax=1)
    after.set(title="its ReLU lets through", ylabel="", yticks=[])  # the rows are its neighbour's
    bar = style.colour_bar(after, shown, "", ticks=[0.25, 0.75])
    bar.ax.set_yticklabels(["≤ 0", "> 0"])
    return figure


def draw_activation(ax, activation: np.ndarray, name: str):
    """A channel's activation `[h, w]` on a scale with zero in the middle, its extremes in print."""
    shown = style.show_map(ax, activation, **style.centred(activation))
    ax.set_title(name)
    low, high = style.signed(activation.min()), style.signed(activation.max())
    ax.set_xlabel(f"{ax.get_xlabel()}\nmin {low}, max {high}")
    style.colour_bar(ax, shown, "activation before ReLU")
    return shown


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
