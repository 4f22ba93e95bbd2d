"""Does the policy turn towards what is dark, what is rough, or the concept itself?

Two experiments on labelled frames. Where a frame shows nothing of the concept, bars are pasted on its left and on its
right; where it does, the concept loses its luminance, its texture, or all of it. *Turning* is the steering behaviour
with the sign that is positive to the left; positions run from -1 (left edge) to 1 (right edge).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy

from minetest_interp.analysis import bars, intervals, interventions, paint, stats
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.analysis.paint import Place
from minetest_interp.claims.measured import Arrays, Measured, Parts
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import NO_LABELS, OFF_MIDDLE, why_none
from minetest_interp.model.policy import Policy

NO_EMPTY = "every labelled frame shows the concept, so there is none into which bars could be pasted"
NO_TEXTURE = "no labelled frame shows enough of the concept to cut a bar's texture from it"
A_PART = 0.25  # of a frame that serves as an example

# Frames [N, P, H, W] to [N]: turning.
Ask = Callable[[np.ndarray], np.ndarray]


BARS = {
    "turns-to-dark": (
        "dark", "dose", "over-bright", "share", "places", "bright", "plain", "narrow", "wide", "texture",
        "texture-flat", "texture-light", "over-texture",
    ),
    "turns-to-rough": ("rough", "over-dark", "over-plain", "share", "places", "over-dark-places", "scene"),
}  # fmt: skip
PASTED = ("dark", "bright", "rough")  # at every width and place
EDITS = ("erased", "scaled", "shifted", "local", "flattened")
RELATIONS = ("correlation", "raw", "given-halves", "brightness")
WITH_CONCEPT = {
    "trunk-beyond-brightness": (
        *RELATIONS, *EDITS, "erased-over-luminance", "erased-over-shifted", "erased-over-local",
    ),
    "follows-darker-side": ("given-side",),
}  # fmt: skip


def measure(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray] | None,
    *,
    steering: str,
    side: int = 1,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
    **settings,
) -> Measured:
    """Tests the claims about darkness, roughness and the concept beyond both; what has no frames is missing.

    Args:
      labelled: M frames: frames and group `[M]` of names; original `[M, H, W]` grey or `[M, P, H, W]` the colours of
        one picture; share `[M, H, W]`, of each pixel that is of the concept; position `[M]`, NaN without the concept.
      steering: the name of the steering behaviour. similarity: of grey levels, above which frames are near-duplicates.
      settings: as in `BarSettings`.
    """
    chosen, parts = BarSettings(**settings), BARS | WITH_CONCEPT
    if labelled is None:
        return Measured({}, {claim: dict.fromkeys(names, missing(NO_LABELS)) for claim, names in parts.items()})
    readout = objectives.readouts(table, policy.architecture)[steering]
    grey = labelled["original"].ndim == 3

    def ask(frames: np.ndarray) -> np.ndarray:
        seen = frames.astype(np.float32)
        return side * interventions.read_out(policy, [readout], seen[:, 0] if grey else seen)[:, 0].astype(np.float64)

    planes = labelled["original"][:, None] if grey else labelled["original"]
    shown = np.isfinite(labelled["position"])
    clusters = intervals.near_duplicates(labelled["original"], similarity=similarity, group=labelled["group"])
    donors = paint.textures(planes[shown], labelled["share"][shown], chosen.place.shape(*planes.shape[-2:]))
    relative = bars.relative(donors[0], planes[shown][donors[1]])
    arrays: Arrays = {}
    estimates = {claim: dict.fromkeys(names, missing(NO_EMPTY)) for claim, names in BARS.items()}
    if not shown.all():
        turned, examples = measure_bars(ask, planes[~shown], relative, chosen)
        places = measure_places(ask, planes[~shown], chosen)
        estimates = bar_estimates(turned, places.mean((1, 2)), chosen.doses, clusters[~shown], level)
        arrays = _named("bars", labelled["frames"][~shown], clusters[~shown], turned, examples)
        arrays |= {
            "bars/interval": _all_intervals(np.stack([*turned.values()]), clusters[~shown], level),
            "bars/doses": np.array(chosen.doses, np.float64),
            "bars/pasted": np.array(PASTED),
            "bars/widths": np.array(chosen.widths, np.float64),
            "bars/offsets": np.array(chosen.offsets, np.float64),
            "bars/places": places,
            "bars/place_interval": _all_intervals(places.mean(2), clusters[~shown], level),
        }
    if reason := why_none(shown):
        unknown = {claim: dict.fromkeys(names, missing(reason)) for claim, names in WITH_CONCEPT.items()}
        return Measured(arrays, estimates | unknown)
    turned, examples = measure_edits(ask, planes[shown], labelled["share"][shown], labelled["position"][shown], chosen)
    position, halves = labelled["position"][shown], stats.half_means(planes[shown])
    arrays |= _named("edits", labelled["frames"][shown], clusters[shown], turned, examples)
    arrays |= {"edits/position": position, "edits/luminance": halves}
    beyond = relation_estimates(turned["as it is"], position, halves, clusters[shown], level)
    beyond |= edit_estimates(turned, position, clusters[shown], level)
    darker = {"given-side": beyond["brightness"]}
    return Measured(arrays, estimates | {"trunk-beyond-brightness": beyond, "follows-darker-side": darker})


def measure_bars(
    ask: Ask, frames: np.ndarray, relative: np.ndarray, settings: BarSettings
) -> tuple[Arrays, tuple[list[str], np.ndarray]]:
    """Half of the turning with the bar on the left less that with it on the right, `[N]` by kind; and an example.

    The example: names of kinds and the frame of the highest contrast with a bar of each, `[kind, side, P, H, W]`.
    """
    turned, pictures, shown = {}, {}, int(frames.std((1, 2, 3)).argmax())
    for kind, (place, pairs) in bars.make(frames, relative, settings).items():
        each: list[np.ndarray] = []
        for bar in pairs:
            both = [
                paint.paste_bars(frames, own, place, left=left) for own, left in zip(bar, (True, False), strict=True)
            ]
            if len(each) == len(pairs) // 2:
                pictures[kind] = np.stack([painted[shown] for painted in both])
            each.append((ask(both[0]) - ask(both[1])) / 2)
        turned[kind] = np.mean(each, axis=0)
    return turned, (list(pictures), np.stack(list(pictures.values())))


def measure_places(ask: Ask, frames: np.ndarray, settings: BarSettings) -> np.ndarray:
    """The same of the bars `PASTED` at every width and offset, `[kind, width, offset, N]`."""

    def turned(place: Place) -> list[np.ndarray]:
        made = bars.make(frames, np.zeros((0,)), settings._replace(width=place.width))
        own = [made[kind].pairs[0][0] for kind in PASTED]
        both = [[ask(paint.paste_bars(frames, bar, place, left=left)) for left in (True, False)] for bar in own]
        return [(left - right) / 2 for left, right in both]

    found = [
        [turned(Place(width, settings.bottom, offset)) for offset in settings.offsets] for width in settings.widths
    ]
    return np.moveaxis(np.array(found), 2, 0)


def bar_estimates(
    turned: Mapping[str, np.ndarray],
    places: np.ndarray,
    darkness: Sequence[float],
    clusters: np.ndarray,
    level: Level,
) -> dict[str, Parts]:
    """The parts of `BARS`.

    Args:
      turned: kind to `[N]`, towards the bar. places: `[kind, N]`, towards the bars `PASTED`, means over widths and
        places. darkness: the doses.
    """

    def mean(numbers: np.ndarray) -> Estimate:
        return intervals.estimate(intervals.weighted_mean(numbers), clusters, level, chance=0.0)

    def share(numbers: np.ndarray) -> Estimate:
        towards = intervals.weighted_mean(numbers > 0)
        return intervals.estimate(towards, clusters, level, chance=0.5, scale="share")

    doses = np.stack([turned[f"dose {dose:g}"] for dose in darkness])
    dark_places, _, rough_places = places
    dark, rough = turned["dark"], turned["rough"]
    to_dark = {
        "dark": mean(dark),
        "dose": mean(rank_correlations(doses, darkness)),
        "over-bright": mean(dark - turned["bright"]),
        "share": share(dark),
        "places": mean(dark_places),
        **{kind: mean(turned[kind]) for kind in ("bright", "plain", "narrow", "wide")},
    }
    of_texture = ("texture", "texture-flat", "texture-light")
    if "texture" in turned:
        to_dark |= {kind: mean(turned[kind]) for kind in of_texture}
        to_dark["over-texture"] = mean(dark - turned["texture"])
    else:
        to_dark |= dict.fromkeys((*of_texture, "over-texture"), missing(NO_TEXTURE))
    to_rough = {
        "rough": mean(rough),
        "over-dark": mean(rough - dark),
        "over-plain": mean(rough - turned["plain"]),
        "share": share(rough),
        "places": mean(rough_places),
        "over-dark-places": mean(rough_places - dark_places),
        "scene": mean(turned["scene"]),
    }
    return {"turns-to-dark": to_dark, "turns-to-rough": to_rough}


def rank_correlations(responses: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Spearman's correlation of each column's responses `[L, N]` with the L levels, `[N]`; 0 for constant responses."""
    ranks, wanted = scipy.stats.rankdata(responses, axis=0), scipy.stats.rankdata(levels)
    ranks, wanted = ranks - ranks.mean(0), wanted - wanted.mean()
    lengths = np.sqrt((ranks**2).sum(0) * (wanted**2).sum())
    return np.divide(wanted @ ranks, lengths, out=np.zeros(ranks.shape[1]), where=lengths > 0)


def measure_edits(
    ask: Ask, frames: np.ndarray, share: np.ndarray, position: np.ndarray, settings: BarSettings
) -> tuple[Arrays, tuple[list[str], np.ndarray]]:
    """Turning on frames `[N, P, H, W]` as they are and after each edit, `[N]` by name; and an example.

    The example: the names and one frame, edited, `[edit, P, H, W]`; the one whose mean luminance erasing changes most
    among those in which the concept is off the middle and has less than `A_PART` of the frame, if there are such.
    """
    filled, sigma = paint.filled(frames, share), settings.sigma * frames.shape[-1]
    edited = {
        "as it is": frames,
        "erased": filled,
        "scaled": paint.luminance_scaled(frames, share, filled),
        "shifted": paint.luminance_shifted(frames, share, filled),
        "local": paint.relit(frames, share, filled, sigma=sigma),
        "flattened": paint.flattened(frames, share),
    }
    wanted = (np.abs(position) > OFF_MIDDLE) & (share.mean((1, 2)) < A_PART)
    changed = np.abs((filled - frames).mean((1, 2, 3))) + paint.WHITE * wanted
    pictures = np.stack([made[changed.argmax()] for made in edited.values()]).astype(np.float32)
    return {name: ask(made) for name, made in edited.items()}, (list(edited), pictures)


def relation_estimates(
    turning: np.ndarray, position: np.ndarray, luminance: np.ndarray, clusters: np.ndarray, level: Level
) -> Parts:
    """Rank correlations of turning left, `[N]`, with how far left the concept is, and with how much darker the left is.

    correlation: given the `luminance` `[2, N]` of left and right and their difference. raw: given nothing.
    given-halves: given left and right alone, whose ranks do not add up to that of their difference: on the frames of
    `data/demo` a policy that compares brightness and nothing else still has .40 of it. brightness: of turning and the
    darker side, given the side of the concept.
    """
    turned, left, darker, *halves = scipy.stats.rankdata(
        np.stack([turning, -position, luminance[1] - luminance[0], *luminance]), axis=1
    )

    def estimate(statistic: Statistic) -> Estimate:
        return intervals.estimate(statistic, clusters, level, chance=0.0, scale="correlation")

    partial = intervals.weighted_partial_correlation
    return {
        "correlation": estimate(partial(turned, left, [*halves, darker])),
        "raw": estimate(intervals.weighted_correlation(turned, left)),
        "given-halves": estimate(partial(turned, left, halves)),
        "brightness": estimate(partial(turned, darker, [left])),
    }


def edit_estimates(turned: Mapping[str, np.ndarray], position: np.ndarray, clusters: np.ndarray, level: Level) -> Parts:
    """What each edit takes from the turn towards the concept, and what erasing it takes more than the rest.

    Args:
      turned: turning on the frames as they are and after each edit, `[N]` by name.
    """
    # Left is negative in a picture and positive in turning.
    taken = {edit: -np.sign(position) * (turned["as it is"] - turned[edit]) for edit in EDITS}
    more = {"luminance": "scaled", "shifted": "shifted", "local": "local"}

    def mean(numbers: np.ndarray) -> Estimate:
        return intervals.estimate(intervals.weighted_mean(numbers), clusters, level, chance=0.0)

    return {edit: mean(lost) for edit, lost in taken.items()} | {
        f"erased-over-{name}": mean(taken["erased"] - taken[edit]) for name, edit in more.items()
    }


def _all_intervals(turned: np.ndarray, clusters: np.ndarray, level: Level) -> np.ndarray:
    """The interval of the mean of each row `[..., N]`, `[..., low and high]`; NaN where there is none."""
    rows = turned.reshape(-1, turned.shape[-1])
    found = [intervals.estimate(intervals.weighted_mean(numbers), clusters, level) for numbers in rows]
    bounds = np.array([estimate.bounds for estimate in found])
    return bounds.reshape(*turned.shape[:-1], 2)


def _named(
    start: str,
    frames: np.ndarray,
    clusters: np.ndarray,
    turned: Mapping[str, np.ndarray],
    example: tuple[list[str], np.ndarray],
) -> Arrays:
    kinds, pictures = example
    arrays = {"frames": frames, "clusters": clusters, "kinds": np.array(kinds), "turned": np.stack([*turned.values()])}
    return {f"{start}/{name}": array for name, array in (arrays | {"example": pictures}).items()}
