"""`python -m minetest_interp.episodes.gather`: an agent's episodes to one file, small enough to be kept with the code.

What a policy saw is kept of some steps only, and as a film of one episode: the one whose shaped reward is the median.
Of a policy with an edited picture or network, by night, or with decoys it is not kept.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from minetest_interp.cli import command  # isort: skip
from minetest_interp.capture import march
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Pose
from minetest_interp.episodes import labels, names, places
from minetest_interp.episodes.places import Start
from minetest_interp.io import files
from minetest_interp.io.errors import InputError

EVERY = 50  # steps between two whose stacks and masks are kept
MASK_WIDTH, MASK_HEIGHT = 128, 75
NEARBY = 40  # nodes from the agent's way in which trunks are kept
FILM_EVERY, FILM_QUALITY, FILM_MS = 2, 60, 100  # steps a picture, WebP's quality of 100, milliseconds a picture
VARIED = tuple(f"-{variant}" for variant in names.VARIANTS)  # what the names of varied policies end with
KINDS = {
    "action": np.uint8,
    "on_trunk": bool,
    "dug": np.uint8,
    "distance": np.float32,
    "direction": np.float32,
    "crossed": np.float32,
    "shaped": np.float32,
    "pose": np.float32,
    "hp": np.uint8,
}
SEEN = {"logits": np.float16, "value": np.float32}


def gather_episodes(episodes: Path, output: Path) -> None:
    """Writes AGENT.npz for each agent with an episode from every place; of those that see also a film of one.

    Raises:
      InputError: `episodes` is no folder of recorded episodes, or one of them does not say how many frames a stack has.
    """
    if not (episodes / places.LIST).exists():
        raise InputError(f"{episodes}: must be a folder of `make episodes`; it has no {places.LIST}.")
    listed = [Start(name, Pose(*pose)) for name, pose in files.read_json(episodes / places.LIST)["places"]]
    output.mkdir(parents=True, exist_ok=True)
    for folder in sorted(path for path in episodes.iterdir() if path.name not in (places.GAME, places.WORLD)):
        if not folder.is_dir():
            continue
        paths = [folder / f"{place.name}.npz" for place in listed]
        if missing := [path for path in paths if not path.exists()]:
            print(f"{folder}: left out, since {len(missing)} of {len(paths)} episodes are missing")
            continue
        of_all = [files.read_arrays(path) for path in paths]
        sees = "frames" in of_all[0] and not folder.name.endswith(VARIED)
        if sees:
            files.require_arrays(of_all[0], ["stack"], paths[0])
        arrays = by_step(of_all, [place.name for place in listed], sees=sees)
        if sees:
            arrays |= _seen(episodes, listed, of_all)
            _film(output, folder.name, of_all)
        kept = output / f"{folder.name}.npz"
        files.write_compressed(kept, **arrays)
        print(f"{kept}: {len(paths)} episodes, {kept.stat().st_size / 1e6:.1f} MB")


def by_step(of_all: list[dict[str, np.ndarray]], names: list[str], *, sees: bool) -> dict[str, np.ndarray]:
    """What every agent's file has by place and step; of one that sees also its answers and which side was darker."""
    kinds = KINDS | (SEEN if sees else {})
    arrays = {name: np.stack([of[name] for of in of_all]).astype(kind) for name, kind in kinds.items()}
    if sees:
        frames = np.stack([of["frames"] for of in of_all]).astype(np.float32)
        halves = np.split(frames, 2, axis=3)
        arrays["darker"] = (halves[1].mean((2, 3)) - halves[0].mean((2, 3))).astype(np.float32)
    return {"place": np.array(names), "step_s": of_all[0]["step_s"]} | arrays


def stacks_at(frames: np.ndarray, steps: np.ndarray, length: int) -> np.ndarray:
    """Stacks `[step, frame, row, column]` as the agent saw them, from its frames `[step, row, column]`.

    Before the first frame there is the first.
    """
    return frames[np.maximum(steps[:, None] + np.arange(1 - length, 1), 0)]


def _seen(episodes: Path, listed: list[Start], of_all: list[dict]) -> dict[str, np.ndarray]:
    steps = list(range(0, len(of_all[0]["action"]), EVERY))
    masks, trees = [], []
    for number, (place, of) in enumerate(zip(listed, of_all, strict=True)):
        shown = places.around(episodes, place)
        dug = labels.read_events(of["events/dug"])
        masks.append([_mask(labels.after_digging(shown, dug, step), of["pose"][step]) for step in steps])
        columns = labels.tree_columns(shown)
        near = np.abs(columns[:, None] - of["pose"][None, :, [0, 2]]).max(2).min(1) <= NEARBY
        trees.append(np.column_stack([np.full(near.sum(), number), columns[near]]))
    return {
        "kept": np.array(steps, np.uint16),
        "stacks": np.stack([stacks_at(of["frames"], np.array(steps), int(of["stack"])) for of in of_all]),
        "masks": np.array(masks, np.uint8),
        "trees": np.concatenate(trees).astype(np.int16),
    }


def _mask(shown: Scene, pose: np.ndarray) -> np.ndarray:
    return march.render(shown, Pose(*map(float, pose)), width=MASK_WIDTH, height=MASK_HEIGHT).classes


def _film(output: Path, agent: str, of_all: list[dict]) -> None:
    """Writes a film of one episode, and in a file of their own which place it is and all of its frames."""
    earned = np.array([of["shaped"].sum() for of in of_all])
    middle = int(np.argsort(earned, kind="stable")[(len(earned) - 1) // 2])
    first, *others = map(Image.fromarray, of_all[middle]["pictures"][::FILM_EVERY])
    options = {"save_all": True, "append_images": others, "duration": FILM_MS, "quality": FILM_QUALITY, "loop": 0}
    files.write(output / f"{agent}.webp", lambda part: first.save(part, "WebP", **options))
    files.write_compressed(output / f"{agent}-film.npz", filmed=np.array(middle), film=of_all[middle]["frames"])


if __name__ == "__main__":
    command(gather_episodes, record=False)
