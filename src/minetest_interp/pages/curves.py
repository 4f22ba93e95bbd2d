"""Curves over the steps of an episode, and its way from above, as SVG that takes the page's colours."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from markupsafe import Markup

HEIGHT = 100  # units of a curve's drawing; its width is a unit a step
MARGIN = 0.08  # share of the range that is left free above and below
AROUND = 6.0  # nodes around the way that the map shows
NODE = 0.5  # half of a node


class Curve(NamedTuple):
    """low, high: the ends of its scale. drawing: an SVG."""

    name: str
    low: float
    high: float
    drawing: Markup


def curve(
    name: str,
    values: Float[np.ndarray, " step"],
    *,
    within: Float[np.ndarray, " known"] | None = None,
    symmetric: bool = False,
    zero: bool = False,
    spikes: bool = False,
    marks: Int[np.ndarray, " mark"] | None = None,
) -> Curve | None:
    """A curve on a scale of its own, broken where a number is not known; None where none is.

    Args:
      within: what the scale is made for, if not `values`; what is larger is cut off. symmetric: whether zero is in the
        middle. zero: whether the scale has zero. spikes: whether each step is a stroke from zero. marks: steps that are
        marked, on top with spikes, else on the curve.
    """
    known = values[np.isfinite(values)] if within is None else within[np.isfinite(within)]
    if not len(known):
        return None
    low, high = float(known.min()), float(known.max())
    if symmetric:
        high = max(abs(low), abs(high))
        low = -high
    if zero or spikes:
        low, high = min(low, 0.0), max(high, 0.0)
    free = MARGIN * (high - low) or 1.0
    bottom, top = low - free, high + free

    def y(x: float) -> float:
        return round(HEIGHT * float(np.clip((top - x) / (top - bottom), 0, 1)), 1)

    drawn = [f'<path class="axis" d="M0 {y(0.0)}H{len(values) - 1}"/>'] if bottom < 0 < top else []
    known_steps = [(step, float(x)) for step, x in enumerate(values) if np.isfinite(x)]
    if spikes:
        drawn.append(f'<path class="line" d="{"".join(f"M{step} {y(0.0)}V{y(x)}" for step, x in known_steps if x)}"/>')
    else:
        drawn.append(f'<path class="line" d="{_line(known_steps, y)}"/>')
    dots = [(int(step), 0.0 if spikes else y(float(values[step]))) for step in (marks if marks is not None else ())]
    drawn += [f'<path class="mark" d="M{step} {height}h0"/>' for step, height in dots]
    return Curve(name, low, high, _svg(f"0 0 {len(values) - 1} {HEIGHT}", drawn, stretched=True))


def from_above(
    pose: Float[np.ndarray, "step 5"], trees: Num[np.ndarray, "column 2"], dug: Bool[np.ndarray, " step"]
) -> Markup:
    """The agent's way seen from above, with north up and a node as the unit: columns of trunks, where it dug some, and
    where it began; also an arrow of the class `agent` at the first step, which looks up where it is not turned.

    Args:
      pose: feet x, y, z in nodes, yaw and pitch in degrees; a yaw of 0 looks north. trees: x and z of columns.
    """
    way = np.column_stack([pose[:, 0], -pose[:, 2]])
    low, high = way.min(0) - AROUND, way.max(0) + AROUND
    side = float((high - low).max())
    left, top = (high + low - side) / 2
    at = np.column_stack([trees[:, 0], -trees[:, 1]])
    shown = at[((at > [left - NODE, top - NODE]) & (at < [left + side + NODE, top + side + NODE])).all(1)]
    squares = "".join(f"M{x - NODE:.1f} {y - NODE:.1f}h1v1h-1Z" for x, y in shown)
    line = "".join(f"{'L' if i else 'M'}{x:.2f} {y:.2f}" for i, (x, y) in enumerate(way))
    rings = "".join(f'<circle class="dug" cx="{x:.2f}" cy="{y:.2f}" r="{side / 50:.2f}"/>' for x, y in way[dug])
    length = next(nodes for nodes in (50, 20, 10, 5, 2) if nodes <= side / 3 or nodes == 2)
    start, base = left + side * 0.04, top + side * 0.96
    scale = f'<path class="scale" d="M{start:.2f} {base:.2f}h{length}"/>'
    above, size = base - side * 0.02, side * 0.05
    words = f'<text x="{start:.2f}" y="{above:.2f}" font-size="{size:.2f}">{length} nodes</text>'
    place, turned = f"translate({way[0, 0]:.2f} {way[0, 1]:.2f})", f"rotate({-float(pose[0, 3]):.1f})"
    agent = f'<path class="agent" transform="{place} {turned} scale({side / 100:.3f})" d="M0-5 3.5 4 0 2-3.5 4Z"/>'
    drawn = [f'<path class="trees" d="{squares}"/>', f'<path class="way" d="{line}"/>', rings]
    begun = f'<circle class="begun" cx="{way[0, 0]:.2f}" cy="{way[0, 1]:.2f}" r="{side / 80:.2f}"/>'
    return _svg(f"{left:.2f} {top:.2f} {side:.2f} {side:.2f}", [*drawn, begun, scale, words, agent], stretched=False)


def _line(known: list[tuple[int, float]], y) -> str:
    parts, last = [], None
    for step, x in known:
        parts.append(f"{'L' if last == step - 1 and last is not None else 'M'}{step} {y(x)}")
        last = step
    return "".join(parts)


def _svg(box: str, drawn: list[str], *, stretched: bool) -> Markup:
    fit = ' preserveAspectRatio="none"' if stretched else ""
    return Markup(f'<svg viewBox="{box}"{fit} aria-hidden="true" focusable="false">{"".join(drawn)}</svg>')
