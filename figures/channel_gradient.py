"""Panel j: a channel's activation, and which way an objective would have it change."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from channel import draw_activation, next_function
from minetest_interp.io import layout
from panel import channel_map, item, panel_command, seen_frame


def load(
    results: Path, *, layer: str, frame: str, channel: int, gradient: str, view: str = "original"
) -> dict[str, object]:
    activations = layout.intermediates(results, view)
    gradients = layout.gradients(results, view, gradient)
    return {
        "following": next_function(results, layer),
        "read": seen_frame(results, view, frame),
        "activation": channel_map(item(activations, layer, frame), channel, layer=layer),
        "gradient": channel_map(item(gradients, layer, frame), channel, layer=layer),
        "frame": f"{frame}, {view}",
        "name": f"{layer}, channel {channel}",
        "objective": gradient,
    }


def draw(
    following: str | None,
    read: np.ndarray,
    activation: np.ndarray,
    gradient: np.ndarray,
    frame: str,
    name: str,
    objective: str,
) -> Figure:
    """read: `[H, W]`, grey levels, or `[H, W, 3]` colours.

    activation, gradient (objective per unit of activation): `[h, w]`.
    """
    figure = style.figure(aspect=0.33, phone=2.5)
    [[seen, before, slope]] = style.grid(figure, 1, 3)
    style.show_frame(seen, read, bar=True)
    seen.set_title(style.plain(frame, limit=24))
    draw_activation(before, activation, name, following)
    shown = style.show_map(slope, gradient, **style.centred(gradient))
    objective = style.plain(objective, limit=16)
    slope.set(title=f"gradient of {objective}", ylabel="", yticks=[])  # the rows are its neighbour's
    style.colour_bar(slope, shown, f"∂ {objective} / ∂ activation")
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
