"""Panel b: where a dream of turning left and one of turning right put their contrast."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from panel import arrays, panel_command


def load(results: Path, *, left: str, right: str, behaviour: str) -> dict[str, object]:
    drawn = {"behaviour": behaviour}
    for side, dream in (("left", left), ("right", right)):
        drawn[side], scores = arrays(results / "dreams" / f"{dream}.npz", "energy", "scores")
        drawn[f"{side}_scores"] = scores
    return drawn


def draw(
    left: np.ndarray, right: np.ndarray, left_scores: np.ndarray, right_scores: np.ndarray, behaviour: str
) -> Figure:
    """Squared deviation of each dream's last frame from its mean, blurred, `[S, S]`, on one colour scale."""
    figure = style.figure(aspect=0.47, phone=1.75)
    colours = {"vmin": 0, "vmax": max(left.max(), right.max()), "cmap": "magma"}
    [axes] = style.grid(figure, 1, 2)
    for ax, energy, scores, side in zip(
        axes, (left, right), (left_scores, right_scores), ("left", "right"), strict=True
    ):
        shown = style.show_map(ax, energy, row="pixel row", column="pixel column", **colours)
        ax.set_title(
            f"dream of {style.plain(behaviour)} to the {side}\n"
            f"objective {style.signed(scores[0], digits=2)} → {style.signed(scores[-1], digits=2)}"
            f" in {len(scores) - 1} steps"
        )
    style.colour_bar(axes[-1], shown, "squared deviation, blurred 5 × 5\n(grey levels squared)")
    return figure


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
