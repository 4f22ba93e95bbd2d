"""Panels g, h and i: one channel's activation on a frame, and what the next layer's ReLU lets through of it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files, layout
from minetest_interp.io.errors import InputError
from panel import channel_map, item, panel_command, seen_frame


def load(results: Path, *, layer: str, frame: str, channel: int, view: str = "original") -> dict[str, object]:
    return {
        "following": next_function(results, layer),
        "read": seen_frame(results, view, frame),
        "activation": channel_map(item(layout.intermediates(results, view), layer, frame), channel, layer=layer),
        "frame": frame,
        "name": f"{layer}, channel {channel}",
    }


def draw(following: str | None, read: np.ndarray, activation: np.ndarray, frame: str, name: str) -> Figure:
    """read: `[H, W]`, grey levels, or `[H, W, 3]` colours. activation: `[h, w]`, before the function that follows."""
    figure = style.figure(aspect=0.33, phone=2.5)
    shows_relu = following == "relu"
    [[seen, before, *after]] = style.grid(figure, 1, 3 if shows_relu else 2)
    style.show_frame(seen, read, bar=True)
    seen.set_title(style.plain(frame, limit=24))
    draw_activation(before, activation, name, following)
    if shows_relu:
        _draw_passed(*after, activation)
    return figure


def _draw_passed(ax: Axes, activation: np.ndarray) -> None:
    shown = style.show_map(ax, activation > 0, cmap=style.MASK, vmin=0, vmax=1)
    ax.set(title="its ReLU lets through", ylabel="", yticks=[])  # the rows are its neighbour's
    bar = style.colour_bar(ax, shown, "", ticks=[0.25, 0.75])
    bar.ax.set_yticklabels(["≤ 0", "> 0"])


def next_function(results: Path, layer: str) -> str | None:
    """What the next layer passes this one's activation through first.

    Raises:
      InputError: the network has no such layer, or it has no positions.
    """
    layers = {row["name"]: row for row in files.read_json(results / "network.json")["layers"]}
    maps = [name for name, row in layers.items() if row["field"]]
    if layer not in maps:
        raise InputError(f"`layer` must be one of {', '.join(maps)}; got {layer!r}.")
    return layers[layer]["next"]


def draw_activation(ax, activation: np.ndarray, name: str, following: str | None):
    """A channel's activation `[h, w]` on a scale with zero in the middle, its extremes in print."""
    shown = style.show_map(ax, activation, **style.centred(activation))
    ax.set_title(name)
    low, high = style.signed(activation.min()), style.signed(activation.max())
    ax.set_xlabel(f"{ax.get_xlabel()}\nmin {low}, max {high}")
    style.colour_bar(
        ax, shown, "activation" if following is None else f"activation before {style.FUNCTIONS[following]}"
    )
    return shown


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
