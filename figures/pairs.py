"""Panel "pairs": the turning on frames that differ in one thing: the trunk, its place, the light, motion."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.analysis.stats import correlation
from minetest_interp.io import files
from panel import panel_command, reach

CONTRASTS = ("removed", "moved", "light", "motion")


def load(results: Path, *, behaviour: str, concept: str) -> dict[str, object]:
    arrays = files.read_arrays(results / "evidence/pairs.npz")
    own = {
        name: {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
        for name in CONTRASTS
    }
    turnings = [of["turning"] for of in own.values() if of]
    return {
        "behaviour": behaviour,
        "concept": style.plain(concept, limit=16),
        **own,
        "limit": reach(results, *turnings),
    }


def draw(
    behaviour: str,
    concept: str,
    removed: dict[str, np.ndarray],
    moved: dict[str, np.ndarray],
    light: dict[str, np.ndarray],
    motion: dict[str, np.ndarray],
    limit: float,
) -> Figure:
    """Four plots, one mark a pair; shaded is where a claim puts the marks.

    Args:
      removed, moved, light, motion: `turning` `[P, 2]`, positive to the left, and what the contrast has besides
        (`position` or `moved`); empty where no frames differ so. limit: the largest size that the turning can have.
    """
    figure = style.figure(aspect=1.0, phone=4.2)
    axes = style.grid(figure, 2, 2)
    name = style.plain(behaviour, limit=16)
    if _begin(axes[0, 0], removed, f"the {concept} taken away", "pairs"):
        _towards(axes[0, 0], removed["turning"], removed["position"], name, concept)
    if _begin(axes[0, 1], moved, f"the {concept} moved aside", "pairs"):
        ax, turned = axes[0, 1], np.diff(moved["turning"], axis=1)[:, 0]
        _quadrants(ax, 1.05 * max(np.abs(moved["moved"]).max(), 0.1), 1.05 * max(np.abs(turned).max(), 0.01))
        # A move to the left is negative in a picture; here it has the sign of a turn to the left.
        ax.plot(-moved["moved"], turned, "o", color=style.OBSERVED, markersize=4, alpha=0.8)
        ax.set(xlabel=f"the {concept} moved, left (+) or right (−)", ylabel=f"{name} to the left, change")
        style.left_on_the_left(ax, "left")
    for ax, pairs, title, counted, x, y in (
        (axes[1, 0], light, "day and night", "pairs", "by day", "by night"),
        (axes[1, 1], motion, "four frames and one", "turns", "on four successive frames", "on the newest, four times"),
    ):
        if _begin(ax, pairs, title, counted):
            end = 1.05 * limit
            _quadrants(ax, end, end)
            ax.plot([-end, end], [-end, end], color=style.FAINT, linewidth=0.6)
            ax.plot(*pairs["turning"].T, "o", color=style.OBSERVED, markersize=4, alpha=0.8)
            ax.set(xlabel=f"{name} to the left, {x}", ylabel=f"{name} to the left, {y}")
            ax.set_aspect("equal")
            _correlation(ax, **{name: pairs[name] for name in ("turning", "shuffled") if name in pairs})
            style.left_on_the_left(ax, "left")
    return figure


def _begin(ax: Axes, pairs: dict[str, np.ndarray], title: str, counted: str) -> bool:
    ax.spines[["top", "right"]].set_visible(False)
    if pairs:
        ax.set_title(f"{title}: {len(pairs['turning'])} {counted}")
        return True
    ax.axis("off")
    ax.text(0.5, 0.5, f"{title}: no such frames", ha="center", va="center", transform=ax.transAxes)
    return False


def _towards(ax: Axes, turning: np.ndarray, position: np.ndarray, name: str, concept: str) -> None:
    # Left is negative in a picture and positive in turning.
    towards = -np.sign(position)[:, None] * turning
    for pair in towards:
        ax.plot([0, 1], pair, "-", color=style.FAINT, linewidth=0.8, zorder=1)
    for x, values, colour in zip((0, 1), towards.T, (style.OBSERVED, style.NULL), strict=True):
        ax.plot(np.full(len(values), x), values, "o", color=colour, markersize=4, alpha=0.8)
        ax.plot([x - 0.12, x + 0.12], [values.mean()] * 2, color=colour, linewidth=2.5)
    ax.axhline(0, color=style.FAINT, linewidth=0.6)
    ax.set(
        xlim=(-0.4, 1.4),
        xticks=[0, 1],
        xticklabels=[f"{concept} there", f"{concept} gone"],
        ylabel=f"{name} towards the {concept}",
    )


def _correlation(ax: Axes, turning: np.ndarray, shuffled: np.ndarray | None = None) -> None:
    """The correlation, in the corner that a claim leaves empty, and those of shuffled weights, `[P, K, 2]`."""
    words = []
    if np.isfinite(own := correlation(*turning.T)):
        words += [f"r = {own:.2f}"]
    null = [] if shuffled is None else [correlation(*each.T) for each in np.moveaxis(shuffled, 1, 0)]
    if known := [one for one in null if np.isfinite(one)]:
        words += ["shuffled weights:", f"{min(known):.2f} to {max(known):.2f}"]
    text = "\n".join(words).replace("-", "−")
    ax.text(0.03, 0.03, text, transform=ax.transAxes, ha="left", va="bottom", fontsize=style.small(7))


def _quadrants(ax: Axes, right: float, top: float) -> None:
    """Axes through zero, the two quadrants shaded where both numbers have one sign."""
    for side in (-1, 1):
        ax.fill_between([0, side * right], 0, side * top, color="#E8EEF4", linewidth=0, zorder=0)
    ax.axhline(0, color=style.FAINT, linewidth=0.6)
    ax.axvline(0, color=style.FAINT, linewidth=0.6)
    ax.set(xlim=(-right, right), ylim=(-top, top))


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
