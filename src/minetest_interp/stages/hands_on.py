"""Choose and compute what readers of the article try: frames at work, pieces to move, and frames to guess on."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import activity, hands_on, intervals, mask_overlap
from minetest_interp.analysis.bars import BarSettings
from minetest_interp.analysis.hands_on import Ask
from minetest_interp.analysis.interventions import read_out
from minetest_interp.claims.measured import Arrays, read_labels
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, frames, labels, objectives
from minetest_interp.model.agent import Agent
from minetest_interp.model.policy import Policy, shuffled_weights

STILLS, WIDTH = 5, 320  # frames at work, and pixels of a picture for people
LABELLED = ("frames", "original", "share", "position", "group", "light")
NO_SIDES = "the steering has no left and right"


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    about: dict,
    settings: dict,
    similarity: float,
    results: Path,
    output: Path,
    atlas: Path | None = None,
    labelled: Path | None = None,
    folder: Path | None = None,
    label_settings: dict | None = None,
) -> None:
    side = 1 if about["positive"] == "left" else -1
    arrays = at_work(results, actions["steering"], side) | of_heads(atlas)
    known = None if labelled is None else read_labels(labelled, about["concept"], *LABELLED)
    if reason := why_not(about, known):
        files.write_arrays(output, **arrays, reason=np.array(reason))
        return
    assert known is not None and folder is not None and label_settings is not None
    loaded = agent.load(checkpoint_path, policy, actions)
    concept = label_settings["concepts"][about["concept"]]
    pairs = labels.find(folder, pattern=label_settings["frames"], masks=label_settings["masks"])
    arrays |= to_try(loaded, actions["steering"], side, known, BarSettings(**settings), pairs, concept)
    arrays |= to_guess(loaded, actions["steering"], side, known, similarity, settings.get("seed", 0), pairs)
    files.write_arrays(output, **arrays)


def why_not(about: dict, known: Arrays | None) -> str | None:
    """Why there is nothing to try, None where there is."""
    if {about["plus"], about["minus"]} != {"left", "right"}:
        return NO_SIDES
    if known is None:
        return labels.NO_LABELS
    shown = np.isfinite(known["position"])
    return f"every labelled frame shows the {about['concept']}" if shown.all() else labels.why_none(shown)


def at_work(results: Path, steering: str, side: int) -> Arrays:
    """Frames of the study from the most left turn to the most right one, as people see them."""
    stored = files.read_arrays(results / "pictures.npz", "pictures", "sizes")
    read = files.read_arrays(results / "readouts.npz", "frames", f"original/{steering}")
    turning = side * read[f"original/{steering}"].astype(np.float64)
    chosen = hands_on.evenly_turned(turning, count=STILLS)
    shown = [stored["pictures"][i][: stored["sizes"][i][0], : stored["sizes"][i][1]] for i in chosen]
    found = {"stills/frames": read["frames"][chosen], "stills/turning": turning[chosen]}
    return found | {f"stills/picture/{i}": frames.thumbnail(picture, width=WIDTH) for i, picture in enumerate(shown)}


def of_heads(atlas: Path | None) -> Arrays:
    """The dreams of the value and of the behaviours beside their controls, where the study has an atlas."""
    if atlas is None or "reason" in files.array_names(atlas):
        return {}
    stored = files.read_arrays(atlas, "layer", "name", "pictures", "control", "control_correlation")
    rows = np.flatnonzero(stored["layer"] == "head")
    pictures = {f"dreams/{name}": stored[name][rows, 0] for name in ("pictures", "control")}
    return pictures | {f"dreams/{name}": stored[name][rows] for name in ("name", "control_correlation")}


def to_try(
    loaded: Agent, steering: str, side: int, known: Arrays, settings: BarSettings, pairs: list, concept: int
) -> Arrays:
    """A frame, three pieces to move over it, and what the policy and one of shuffled weights answer at each place."""
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
    loaded: Agent, steering: str, side: int, known: Arrays, similarity: float, seed: int, pairs: list
) -> Arrays:
    """Frames on which to guess the turn; what the policy does there, and what two rules say."""
    policy, planes = loaded.checkpoint.policy, as_planes(known)
    ask = asking(policy, loaded, steering, side, colour=known["original"].ndim > 3)
    clusters = intervals.near_duplicates(known["original"], similarity=similarity, group=known["group"])
    layer = policy.architecture.maps[-1]
    activation = mask_overlap.activations(policy, known["original"], [layer])[layer]
    features = activity.pass_on(activation, policy.architecture.passed_through(layer))
    rules = {
        "darker": hands_on.darker_side(planes),
        "probe": hands_on.probe_of_side(features, known["position"], clusters),
    }
    chosen, arrays = hands_on.guesses(ask(planes), rules, known["position"], clusters, seed=seed)
    shown = {f"picture/{i}": frames.read(pairs[frame][0]) for i, frame in enumerate(chosen)}
    named = {"frames": known["frames"][chosen], "layer": np.array(layer)}
    return {f"guess/{name}": array for name, array in (arrays | named | shown).items()}


def as_planes(known: Arrays) -> np.ndarray:
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


if __name__ == "__main__":
    command(run)
