"""What readers of the article try, as arrays by name: pieces to move over a frame, and frames on which to guess.

*known* is what is known of N labelled frames: frames, their names; original `[N, H, W]` grey or `[N, 3, H, W]`, levels
0 to 255; share `[N, H, W]` and position `[N]` of the concept, NaN where it is not; group and light, names. *pairs* are
the files of their pictures and masks. *side* is 1 where positive steering turns left, -1 where it turns right.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minetest_interp.analysis import activity, hands_on, intervals, mask_overlap, probes
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.analysis.hands_on import Ask
from minetest_interp.analysis.interventions import read_out
from minetest_interp.model import frames, labels, objectives
from minetest_interp.model.agent import Agent
from minetest_interp.model.policy import Policy, shuffled_weights


def to_try(
    loaded: Agent,
    steering: str,
    side: int,
    known: dict[str, np.ndarray],
    settings: BarSettings,
    pairs: list,
    concept: int,
) -> dict[str, np.ndarray]:
    """A frame, the pieces to move over it, and what the policy and one of shuffled weights answer at each place.

    Args:
      concept: the class of the masks of which a piece is cut out. settings: of the bars.
    """
    policy = loaded.checkpoint.policy
    networks = (policy, shuffled_weights(policy, seed=settings.seed))
    asks = [asking(own, loaded, steering, side, colour=known["original"].ndim > 3) for own in networks]
    planes, empty = as_planes(known), ~np.isfinite(known["position"])
    usable = empty & (known["light"] != "night")
    stage = hands_on.choose_stage(planes, asks[0](planes), usable if usable.any() else empty)
    arrays = {"try/frame": known["frames"][stage], "try/planes": planes[stage].astype(np.uint8)}
    arrays |= {"try/picture": frames.read(pairs[stage][0])}
    pieces = hands_on.bars(planes[stage], settings)
    if cut := hands_on.cut_out(planes, known["share"], settings.place.shape(*planes.shape[-2:])):
        pieces["concept"] = cut.piece
        arrays |= {"try/donor": known["frames"][cut.donor]}
        arrays["try/concept/picture"] = cut_picture(pairs[cut.donor], concept, cut, planes.shape[-2:])
    for name, piece in pieces.items():
        everywhere = hands_on.at_every_column(planes[stage], piece)
        arrays |= {f"try/{name}/{field}": np.asarray(value) for field, value in piece._asdict().items()}
        arrays[f"try/{name}/turning"] = np.stack([ask(everywhere) for ask in asks])
    return arrays


def to_guess(
    loaded: Agent,
    steering: str,
    side: int,
    known: dict[str, np.ndarray],
    pairs: list,
    *,
    similarity: float = 0.9,
    penalties: Sequence[float] = probes.PENALTIES,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Frames on which to guess the turn; what the policy does there, and what two rules say.

    Args:
      similarity: above which frames are near-duplicates. penalties: of the probe, see `probes.predict`.
      seed: of the draw.
    """
    policy, planes = loaded.checkpoint.policy, as_planes(known)
    ask = asking(policy, loaded, steering, side, colour=known["original"].ndim > 3)
    clusters = intervals.near_duplicates(known["original"], similarity=similarity, group=known["group"])
    layer = policy.architecture.maps[-1]
    activation = mask_overlap.activations(policy, known["original"], [layer])[layer]
    features = activity.pass_on(activation, policy.architecture.passed_through(layer))
    rules = {
        "darker": hands_on.darker_side(planes),
        "probe": hands_on.probe_of_side(features, known["position"], clusters, penalties=penalties),
    }
    chosen, arrays = hands_on.guesses(ask(planes), rules, known["position"], clusters, seed=seed)
    shown = {f"picture/{i}": frames.read(pairs[frame][0]) for i, frame in enumerate(chosen)}
    named = {"frames": known["frames"][chosen], "layer": np.array(layer)}
    return {f"guess/{name}": array for name, array in (arrays | named | shown).items()}


def as_planes(known: dict[str, np.ndarray]) -> np.ndarray:
    """Frames `[N, P, H, W]`, grey or in colours."""
    return known["original"][:, None] if known["original"].ndim == 3 else known["original"]


def asking(policy: Policy, loaded: Agent, steering: str, side: int, *, colour: bool) -> Ask:
    """What the steering is on frames `[N, P, H, W]`, positive to the left."""
    readout = objectives.readouts(loaded.table, policy.architecture)[steering]

    def ask(planes: np.ndarray) -> np.ndarray:
        seen = planes.astype(np.float32)
        return side * read_out(policy, [readout], seen if colour else seen[:, 0])[:, 0].astype(np.float64)

    return ask


def cut_picture(pair: tuple[Path, Path], concept: int, cut: hands_on.CutOut, size: tuple[int, ...]) -> np.ndarray:
    """The cut-out as people see it, `[h, w, 4]`, with nothing outside the mask."""
    picture, mask = pair
    colours, classes = frames.read(picture), labels.read_mask(mask)
    height, width = cut.piece.share.shape
    down, across = (full / own for full, own in zip(classes.shape, size, strict=True))
    rows = slice(round(cut.piece.top * down), round((cut.piece.top + height) * down))
    columns = slice(round(cut.left * across), round((cut.left + width) * across))
    alpha = 255 * (classes[rows, columns] == concept).astype(np.uint8)
    return np.dstack([colours[rows, columns], alpha])
