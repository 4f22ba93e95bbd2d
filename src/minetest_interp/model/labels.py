"""Labelled frames: a folder of pictures with a mask each, as the network sees them and where what is in them.

`frames/NAME.png` or `.jpg` are pictures; `masks/NAME.png` are 8-bit images of the same size whose pixels are class
numbers. A *concept* is a class with a name, such as trunk.
"""

import io
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, NotRequired, TypedDict, cast

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, UnidentifiedImageError

from minetest_interp.io.errors import InputError
from minetest_interp.io.files import inside, read_bytes, within
from minetest_interp.model import frames

PATTERN, MASKS = "frames/*.[jp]*g", "masks"
CONCEPTS = {"trunk": 1}  # where a study names none
OFF_MIDDLE = 0.2  # of half the frame: what is further from the middle is on a side
NO_LABELS = "no labelled frames; name some in the study or pass --config probe=FOLDER"


class LabelSettings(TypedDict):
    """frames: pattern of the pictures. masks: their folder. concepts: names of the masks' class numbers.

    folder: with both, where the study names it.
    """

    frames: str
    masks: str
    concepts: Mapping[str, int]
    folder: NotRequired[str]


def why_none(shown: Bool[np.ndarray, " frame"]) -> str | None:
    """Why nothing can be said of a concept, None where something can.

    Args:
      shown: which of the labelled frames show it.
    """
    if shown.any():
        return None
    return f"no pixel of its class in {len(shown)} masks. Label more frames, with what is asked about among them."


class Labelled(NamedTuple):
    """One frame. original, mirrored: grey, or colours. share: of each pixel that is of a concept, 0 to 1, by its name.

    position: by concept, mean column of its pixels in the picture, -1 (left edge) to 1 (right edge); NaN without any.
    """

    original: Float[np.ndarray, "*colour row column"]
    mirrored: Float[np.ndarray, "*colour row column"]
    share: dict[str, Float[np.ndarray, "row column"]]
    position: dict[str, float]


def settings(written: Mapping) -> LabelSettings:
    """A study's section `labels`, with the usual values where it has none."""
    return cast(LabelSettings, {"frames": PATTERN, "masks": MASKS, "concepts": CONCEPTS, **written})


def find(folder: Path, *, pattern: str = PATTERN, masks: str = MASKS) -> list[tuple[Path, Path]]:
    """Pictures in natural order, each with the mask of the same name.

    Raises:
      InputError: no picture, a picture without a mask, or one of them outside the folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: labelled frames must be a folder with frames/ and masks/; there is none.")
    beside = inside(folder, masks, key="`labels.masks`")
    pairs = [(picture, beside / f"{picture.stem}.png") for picture in frames.find(folder, pattern)]
    for picture, mask in pairs:
        within(folder, mask, key="a mask")
        if not mask.is_file():
            raise InputError(f"{mask}: every labelled frame must have a mask; {picture.name} has none. Add it.")
    return pairs


def read_mask(path: Path) -> UInt8[np.ndarray, "height width"]:
    """Class numbers.

    Raises:
      InputError: not an 8-bit PNG of one channel, or an animated one.
    """
    content = read_bytes(path, what="a mask", limit=frames.LIMIT_BYTES, advice="Restore it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
                if image.mode not in ("L", "P") or image.width * image.height > frames.LIMIT_PIXELS:
                    raise InputError(
                        f"{path}: a mask must be 8-bit with one channel and at most {frames.LIMIT_PIXELS:,} pixels; "
                        f"got {image.mode}, {image.width}x{image.height}. Save it again."
                    )
                frames.check_single(image, path)
                return np.asarray(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: a mask must be a whole 8-bit PNG; it is no PNG. Replace it.") from error
    except Exception as error:  # damaged bytes raise nearly anything in a decoder
        raise InputError(
            f"{path}: a mask must be a whole 8-bit PNG; got {type(error).__name__}: {error}. Replace it."
        ) from error


def read(
    picture: Path,
    mask: Path,
    *,
    size: frames.Size,
    order: str,
    colour: bool = False,
    concepts: Mapping[str, int] = MappingProxyType(CONCEPTS),
) -> Labelled:
    """One labelled frame at the network's size.

    Args:
      size, order, colour: as in `frames.for_network`. concepts: names of the masks' class numbers.

    Raises:
      InputError: a file is damaged, or the two differ in size.
    """
    colours, classes = frames.read(picture), read_mask(mask)
    if colours.shape[:2] != classes.shape:
        raise InputError(
            f"{mask}: a mask must be as large as its picture, {colours.shape[1]}x{colours.shape[0]}; "
            f"got {classes.shape[1]}x{classes.shape[0]}."
        )
    shown = {name: classes == number for name, number in concepts.items()}
    original, mirrored = (
        frames.for_network(seen, size=size, order=order, colour=colour) for seen in (colours, frames.mirror(colours))
    )
    return Labelled(
        original=original,
        mirrored=mirrored,
        share={name: frames.resize(of.astype(np.float32), size=size).clip(0, 1) for name, of in shown.items()},
        position={name: horizontal_centre(of) for name, of in shown.items()},
    )


def check_classes(
    classes: Iterable[UInt8[np.ndarray, "height width"]], concepts: Mapping[str, int], folder: Path
) -> None:
    """Refuses masks that label other things than the concepts alone: these most likely have other class numbers.

    Masks of zeros alone say that there is none of them, which is an answer.

    Args:
      classes: of every mask, as `read_mask` gives them. concepts: names of the class numbers that were asked for.

    Raises:
      InputError: no pixel of these classes, but others that are not 0.
    """
    found = sorted({int(value) for each in classes for value in np.unique(each)})
    if not {*concepts.values()} & {*found} and any(found):
        asked = " or ".join(f"{number} ({name})" for name, number in concepts.items())
        values = " and ".join(filter(None, [", ".join(map(str, found[:-1])), str(found[-1])]))
        raise InputError(
            f"{folder}: masks must have pixels of class {asked}; the values found are {values}. "
            "Set `labels.concepts` to the names of the classes and their numbers."
        )


def horizontal_centre(mask: Bool[np.ndarray, "row column"]) -> float:
    """Mean column of a mask, pixels counted at their centres: -1 left edge, 1 right edge; NaN if empty."""
    columns = np.nonzero(mask)[1]
    return float(2 * (columns.mean() + 0.5) / mask.shape[1] - 1) if len(columns) else float("nan")
