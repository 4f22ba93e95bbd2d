"""Panel a: a deep dream, frame by frame, and the objective on the way there."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from panel import arrays, panel_command


def load(results: Path, *, dream: str) -> dict[str, np.ndarray]:
    image, scores = arrays(results / "dreams" / f"{dream}.npz", "image", "scores")
    return {"image": image, "scores": scores}


def draw(image: np.ndarray, scores: np.ndarray) -> Figure:
    """Frames `[T, S, S]` side by side, oldest first, above the score of every step, `[steps + 1]` in reward units."""
    figure = style.figure(aspect=0.52, phone=1.75)
    above, below = figure.subfigures(2, 1, height_ratios=style.either((1.35, 1), (2.2, 1)))
    [axes] = style.grid(above, 1, len(image), phone=2)
    for age, (ax, frame) in enumerate(zip(axes, image, strict=True)):
        shown = style.show_grey(ax, frame)
        back = len(image) - 1 - age
        ax.set_title(f"frame t−{back}" if back else "frame t")
    style.colour_bar(axes[-1], shown, "grey level", ticks=[0, 128, 255])
    ax = below.subplots()
    ax.plot(scores, color=style.OBSERVED, linewidth=1.2)
    ax.set(xlabel="step of gradient ascent", ylabel="critic's value\n(reward units)")
    ax.set_xlim(0, max(len(scores) - 1, 1))
    ax.spines[["top", "right"]].set_visible(False)
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
