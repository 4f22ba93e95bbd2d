"""Panel d: one frame as humans see it and as the network does."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from panel import item, panel_command, seen_frame


def load(results: Path, *, frame: str) -> dict[str, object]:
    picture = item(results / "pictures.npz", "pictures", frame)
    height, width = item(results / "pictures.npz", "sizes", frame)
    return {
        "frame": frame,
        "picture": picture[:height, :width],
        "read": seen_frame(results, "original", frame),
    }


def draw(frame: str, picture: np.ndarray, read: np.ndarray) -> Figure:
    """picture: uint8 `[h, w, 3]`. read: `[H, W]`, grey levels, or `[H, W, 3]` colours."""
    figure = style.figure(aspect=0.36, phone=1.6)
    ratios = [min(max(shown.shape[1] / shown.shape[0], 0.5), 2.5) for shown in (picture, read)]
    [[human, network]] = style.grid(figure, 1, 2, width_ratios=ratios)
    human.imshow(picture)
    human.set(xticks=[], yticks=[], title=f"what humans see: {style.plain(frame)}")
    style.show_frame(network, read, bar=True)
    network.set_title(f"what the network sees: {read.shape[1]} × {read.shape[0]}")
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
