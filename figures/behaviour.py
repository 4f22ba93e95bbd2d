"""Panel "behaviour": the steering on every frame against its mirror image, against the trunk, and under other light."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from panel import arrays, panel_command, reach

LABELLED = ("labelled/position", "labelled/original")
NIGHT = ("night/original", "night/mirrored")  # of the study's frames and labelled ones
# What was done to the frame, and what a mere comparison of brightness would make of it.
RETOUCHED = {
    "equalised": ("halves equally bright", "a brightness rule predicts 0"),
    "inverted": ("black and white exchanged", "a brightness rule predicts a flip"),
}


def load(results: Path, *, behaviour: str, positive: str, concept: str) -> dict[str, object]:
    path = results / "evidence/behaviour.npz"
    here, there, night, *changed = arrays(path, "original", "mirrored", "night", *RETOUCHED)
    with np.load(path, allow_pickle=False) as stored:
        labelled, dark = ([stored[name] for name in of] if of[0] in stored else None for of in (LABELLED, NIGHT))
    return {
        "behaviour": behaviour,
        "positive": positive,
        "concept": style.plain(concept, limit=16),
        "here": here,
        "there": there,
        "day": ~night,
        "dark": dark,
        "retouched": dict(zip(RETOUCHED, changed, strict=True)),
        "labelled": labelled,
        "limit": reach(results, here, there, *changed, *(labelled or [])[1:], *(dark or [])),
    }


def draw(
    behaviour: str,
    positive: str,
    concept: str,
    here: np.ndarray,
    there: np.ndarray,
    day: np.ndarray,
    dark: list[np.ndarray] | None,
    retouched: dict[str, np.ndarray],
    labelled: list[np.ndarray] | None,
    limit: float,
) -> Figure:
    """Scatter plots, a dot a frame; shaded is where a claim puts the dots.

    Args:
      positive: the side to which a positive behaviour turns, "left" or "right". concept: what labels are of.
      day: which of the study's frames were not taken at night. dark: the behaviour on all frames that were, and on
        their mirror images; None without any.
      labelled: position and behaviour.
      limit: the largest size that the behaviour can have.
    """
    figure = style.figure(aspect=0.96, phone=4.3)
    axes = style.grid(figure, 2, 2)
    name = style.plain(behaviour, limit=16)
    ax = axes[0, 0]
    words = f"{name} of the frame{', left on the left' if positive == 'left' else ''}"
    _square(ax, words, f"{name} of its mirror image", (limit, limit), corners=((-1, 0), (0, -1)))
    style.left_on_the_left(ax, positive)
    ax.plot(here[day], there[day], "o", color=style.OBSERVED, markersize=3, alpha=0.8, label="day")
    if dark is not None:
        ax.plot(*dark, "^", color=style.NULL, markersize=3.5, alpha=0.8, label="night, with labelled frames", zorder=1)
        ax.legend(loc="best", handletextpad=0.1, borderaxespad=0)
    ax.set_title(f"{day.sum() + (0 if dark is None else len(dark[0]))} frames and their mirror images")
    ax = axes[0, 1]
    if labelled is None:
        ax.axis("off")
        ax.text(0.5, 0.5, "no labelled frames", ha="center", va="center", transform=ax.transAxes)
    else:
        position, turned = labelled
        sign, ends = (-1, ("+1", "−1")) if positive == "left" else (1, ("−1", "+1"))
        words = f"{concept}, from left ({ends[0]}) to right ({ends[1]})"
        _square(ax, words, name, (1.0, limit), corners=((0, 0), (-1, -1)))
        style.left_on_the_left(ax, positive)
        ax.plot(sign * position, turned, "o", color=style.OBSERVED, markersize=3, alpha=0.8)
        ax.set_title(f"{len(position)} labelled frames with a {concept}")
    for ax, (kind, (words, expected)) in zip(axes[1], RETOUCHED.items(), strict=True):
        _square(ax, f"{name} of the frame", f"{name}, {words}", (limit, limit), corners=((0, 0), (-1, -1)))
        style.left_on_the_left(ax, positive)
        ax.plot(here, retouched[kind], "o", color=style.OBSERVED, markersize=3, alpha=0.8)
        ax.set_title(expected)
    return figure


def _square(ax: Axes, x: str, y: str, limits: tuple[float, float], *, corners: tuple[tuple[int, int], ...]) -> None:
    """Axes to plus and minus the limits, across and up; corners: the shaded quarters, -1 below zero and 0 above."""
    across, up = limits
    for left, bottom in corners:
        ax.fill_between([left * across, (left + 1) * across], bottom * up, (bottom + 1) * up, color="#E8EEF4",
                        linewidth=0, zorder=0)  # fmt: skip
    ax.axhline(0, color=style.FAINT, linewidth=0.6)
    ax.axvline(0, color=style.FAINT, linewidth=0.6)
    ax.set(xlim=(-1.05 * across, 1.05 * across), ylim=(-1.05 * up, 1.05 * up), xlabel=x, ylabel=y)
    if limits == (1, 1):
        ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.set_aspect(across / up)
    ax.spines[["top", "right"]].set_visible(False)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
