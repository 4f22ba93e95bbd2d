"""Panel "guess": frames on which to name the side before the policy turns, with its answers and those of two rules."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from minetest_interp.model.frames import thumbnail
from panel import NotMeasured, arrays, panel_command

COLUMNS, FEWER = 5, 2  # on a page, on a phone


def load(results: Path) -> dict[str, object]:
    path = results / "hands_on.npz"
    frames, turning, darker, probe = arrays(path, *(f"guess/{key}" for key in ("frames", "turning", "darker", "probe")))
    if not len(frames):
        raise NotMeasured("on no labelled frame with the concept on one side does the policy clearly turn")
    pictures = arrays(path, *(f"guess/picture/{i}" for i in range(len(frames))))
    pictures = [thumbnail(picture, width=style.THUMBNAIL) for picture in pictures]
    return {"pictures": pictures, "turning": turning, "rules": {"darker half": darker, "probe": probe}}


def draw(pictures: list[np.ndarray], turning: np.ndarray, rules: dict[str, np.ndarray]) -> Figure:
    """Args: turning, rules: positive to the left, `[N]`."""
    columns = style.either(COLUMNS, FEWER)
    rows = -(-len(pictures) // columns)
    figure = style.figure(aspect=0.24 * rows, phone=0.47 * rows)
    for i, ax in enumerate(figure.subplots(rows, columns, squeeze=False).ravel()):
        if i >= len(pictures):
            ax.axis("off")
            continue
        ax.imshow(pictures[i], interpolation="none")
        said = style.either(", ", ",\n").join(
            f"{name} {'left' if rule[i] > 0 else 'right'}" for name, rule in rules.items()
        )
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel(f"{i + 1}: {style.side_words(turning[i])}\n{said}", fontsize=style.small(6))
        style.turn_arrow(ax, turning[i])
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
