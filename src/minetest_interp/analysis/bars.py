"""The kinds of bars that are pasted into frames: flat, rough, of a texture cut from frames, or the scene's own pixels.

Frames are as in `paint`: `[N, P, H, W]`, grey levels 0 to 255.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import paint
from minetest_interp.analysis.paint import Place


class BarSettings(NamedTuple):
    """How bars are made and where; darkness is the share of the scene's luminance that they lack.

    doses: of darkness. dark: that of the usual flat bar; an equally bright one has as much more. width: share of the
    picture's; a narrow bar has half of it and a wide one twice. bottom, offset: as in `Place`. widths, offsets: of bars
    that are pasted at each of both. contrast: of a rough bar, standard deviation over mean. gain: of the scene's own
    local contrast. donors: textures that a frame is given. sigma: of local means, share of the picture's width.
    seed: of patterns and donors.
    """

    doses: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)
    dark: float = 0.5
    width: float = 0.125
    widths: Sequence[float] = (0.0625, 0.09375, 0.125, 0.1875, 0.25, 0.3125)
    bottom: float = 0.75
    offset: float = 0.5
    offsets: Sequence[float] = (0.3, 0.5, 0.7)
    contrast: float = 0.5
    gain: float = 4
    donors: int = 4
    sigma: float = 0.05
    seed: int = 0

    @property
    def place(self) -> Place:
        return Place(self.width, self.bottom, self.offset)


class PairedBars(NamedTuple):
    """place: where the bars stand. pairs: one or more bars for each frame, that on the left and that on the right."""

    place: Place
    pairs: list[tuple[np.ndarray, np.ndarray]]


def make(frames: np.ndarray, textures: np.ndarray, settings: BarSettings) -> dict[str, PairedBars]:
    """Bars for frames by the name of their kind; several textures are in the order of their luminance.

    Args:
      textures: `[D, P, h, w]` in units of their own scene's luminance; without any there are no such bars.
    """
    place, mean = settings.place, paint.luminance(frames)
    size = frames.shape[-2:]
    dark = paint.flat(frames, 1 - settings.dark)
    made = {f"dose {dose:g}": [paint.flat(frames, 1 - dose)] for dose in settings.doses} | {
        "dark": [dark],
        "bright": [paint.flat(frames, 1 + settings.dark)],
        "plain": [paint.flat(frames, 1)],
        "rough": [paint.rough(frames, place.shape(*size), contrast=settings.contrast, seed=settings.seed)],
    }
    if len(textures):
        drawn = np.random.default_rng(settings.seed).integers(len(textures), size=(settings.donors, len(frames)))
        order = np.argsort(textures.mean((1, 2, 3)), kind="stable")[np.sort(drawn, axis=0)]
        even = textures / paint.luminance(textures).mean(1, keepdims=True)
        made["texture"] = [np.minimum(textures[donors] * mean, paint.WHITE) for donors in order]
        made["texture-flat"] = [paint.luminance(bar) for bar in made["texture"]]
        made["texture-light"] = [np.minimum(even[donors] * mean, paint.WHITE) for donors in order]
    kinds = {name: PairedBars(place, [(bar, bar) for bar in of]) for name, of in made.items()}
    for name, times in {"narrow": 0.5, "wide": 2.0}.items():
        kinds[name] = PairedBars(place._replace(width=times * settings.width), [(dark, dark)])
    left, right = (
        paint.roughened(
            frames, place.region(*size, left=side), gain=settings.gain, sigma=settings.sigma * frames.shape[-1]
        )
        for side in (True, False)
    )
    return kinds | {"scene": PairedBars(place, [(left, right)])}


def relative(textures: np.ndarray, scenes: np.ndarray) -> np.ndarray:
    """Textures `[D, P, h, w]` in units of their scene's luminance; those that have none or are black are left out."""
    mean = paint.luminance(scenes)
    seen = (mean > 0).all((1, 2, 3)) & (textures > 0).any((1, 2, 3))
    return textures[seen] / mean[seen]
