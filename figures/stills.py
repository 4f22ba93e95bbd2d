"""Panel "stills": frames from the most left turn to the most right one, each with the turn as an arrow."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from minetest_interp.model.frames import thumbnail
from panel import arrays, panel_command


def load(results: Path) -> dict[str, object]:
    path = results / "hands_on.npz"
    frames, turning = arrays(path, "stills/frames", "stills/turning", reason="none")
    pictures = arrays(path, *(f"stills/picture/{i}" for i in range(len(frames))), reason="none")
    return {"pictures": [thumbnail(picture, width=style.THUMBNAIL) for picture in pictures], "turning": turning}


def draw(pictures: list[np.ndarray], turning: np.ndarray) -> Figure:
    """Args: turning: positive to the left, `[N]`."""
    figure = style.figure(aspect=0.24, phone=0.32 * -(-len(pictures) // 3))
    for ax, picture, turned in zip(style.grid(figure, 1, len(pictures), phone=3)[0], pictures, turning, strict=True):
        ax.imshow(picture, interpolation="none")
        ax.set(xticks=[], yticks=[], xlabel=style.side_words(turned))
        style.turn_arrow(ax, turned)
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
