"""Panel "try-it": pieces moved over a frame, at three places, and the turn at every place beside shuffled weights."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import style
from minetest_interp.analysis.hands_on import Piece, at_every_column
from minetest_interp.io import files
from panel import arrays, panel_command

WORDS = {"rough": "rough bar", "dark": "dark bar", "light": "light bar"}


def load(results: Path, *, concept: str) -> dict[str, object]:
    path = results / "hands_on.npz"
    (planes,) = arrays(path, "try/planes")
    pieces, turning = {}, {}
    for name in (*WORDS, "concept"):
        if name == "concept" and "try/concept/top" not in files.array_names(path):
            continue
        levels, share, top, turned = arrays(path, *(f"try/{name}/{key}" for key in (*Piece._fields, "turning")))
        words = WORDS.get(name, f"real {concept}")
        pieces[words], turning[words] = Piece(levels, share, int(top)), turned
    return {"planes": planes, "pieces": pieces, "turning": turning}


def draw(planes: np.ndarray, pieces: dict[str, Piece], turning: dict[str, np.ndarray]) -> Figure:
    """One row a piece.

    Args:
      planes: the frame, `[P, H, W]`. turning: of policy and control at each place, `[2, place]`, positive to the left.
    """
    figure = style.figure(aspect=0.27 * len(pieces), phone=0.95 * len(pieces))
    axes = style.either(_rows, _rows_of_two)(figure, len(pieces))
    for row, (words, piece) in zip(axes, pieces.items(), strict=True):
        everywhere, (policy, control) = at_every_column(planes, piece), turning[words]
        last = len(policy) - 1
        row[0].set_ylabel(words)
        for ax, column in zip(row, (0, last // 2, last), strict=False):
            style.show_frame(ax, np.moveaxis(everywhere[column], 0, -1) if len(planes) == 3 else everywhere[column, -1])
            ax.set_xlabel(style.side_words(policy[column]))
            style.turn_arrow(ax, policy[column])
        places = np.arange(last + 1)
        row[3].plot(policy, places, color=style.OBSERVED, label="policy")
        row[3].plot(control, places, color=style.CONTROL, linestyle="--", label="shuffled weights")
        row[3].axvline(0, color=style.FAINT, linewidth=0.6, zorder=0)
        row[3].set(xlim=(1, -1), ylim=(last, 0), yticks=[0, last], yticklabels=["left", "right"])
    axes[-1, 3].set_xlabel("turns left ← → turns right")
    axes[0, 3].legend(loc="lower left", fontsize=style.small(7))
    axes[0, 3].set_title("place of the piece")
    return figure


def _rows(figure: Figure, count: int) -> np.ndarray:
    """Axes of three pictures and of a plot for each piece, `[count, 4]`."""
    return figure.subplots(count, 4, squeeze=False, width_ratios=[1, 1, 1, 2])


def _rows_of_two(figure: Figure, count: int) -> np.ndarray:
    """The same for a phone, each plot below its pictures."""
    cells = figure.add_gridspec(2 * count, 3, height_ratios=[1.25, 1] * count)
    return np.array(
        [
            [*(figure.add_subplot(cells[2 * i, j]) for j in range(3)), figure.add_subplot(cells[2 * i + 1, :])]
            for i in range(count)
        ]
    )


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
