"""Panel d: one frame as humans see it and as the network does."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from panel import item, panel_command


def load(results: Path, *, frame: str) -> dict[str, object]:
    picture = item(results / "pictures.npz", "pictures", frame)
    height, width = item(results / "pictures.npz", "sizes", frame)
    return {
        "frame": frame,
        "picture": picture[:height, :width],
        "grey": item(results / "stacks.npz", "original", frame),
    }


def draw(frame: str, picture: np.ndarray, grey: np.ndarray) -> Figure:
    """picture: uint8 `[h, w, 3]`. grey: `[S, S]`, grey levels."""
    figure = style.figure(aspect=0.36)
    wide = picture.shape[1] / picture.shape[0]
    human, network = figure.subplots(1, 2, width_ratios=(min(max(wide, 0.5), 2.5), 1))
    human.imshow(picture)
    human.set(xticks=[], yticks=[], title=f"what humans see: {style.plain(frame)}")
    shown = style.show_grey(network, grey)
    network.set_title(f"what the network sees: {grey.shape[1]} × {grey.shape[0]}")
    style.colour_bar(network, shown, "grey level", ticks=[0, 128, 255])
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
