"""Pictures to what the network reads; the only place that resizes or drops colour.

A *picture* is uint8 `[height, width, 3]` RGB. A *grey frame* is float32 `[row, column]`, 0 (black) to 255; a stack has
T of them, or the colours of one picture, `[T, row, column]`. Frames are named by their file's stem and sorted in
natural order (screenshot_2 before screenshot_10).
"""

import io
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Num, Shaped, UInt8
from PIL import Image, UnidentifiedImageError

from minetest_interp.io.errors import InputError
from minetest_interp.io.files import inside, read_bytes, within

LIMIT_PIXELS = 40_000_000
LIMIT_BYTES = 2**28
LEAST_SIDE = 8  # pixels; enlarged for the network, fewer would be a gradient of grey and no scene
ORDERS = ("notebook", "environment")
VIEWS = ("original", "mirrored", "unrounded", "reordered", "masked", "masked-mirrored")
ROUNDINGS = ("uint8", "float32")
Size = int | tuple[int, int]  # of a frame: height and width in pixels, or one number for both


def natural_key(name: str) -> tuple:
    """Sort key that compares runs of digits as numbers, and tells apart names that differ in leading zeros."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [_number_key(part) if part.isdecimal() else (1, 0, part) for part in parts], name


def _number_key(digits: str) -> tuple[int, int, str]:
    """Orders as the number does; Python makes no integer of more than 4300 digits."""
    significant = digits.lstrip("0")
    return 0, len(significant), significant


def find(folder: Path, pattern: str) -> list[Path]:
    """The frame files of a study in natural order of their stems.

    Raises:
      InputError: the pattern or a file leads out of the folder, nothing matches, or two files share a stem.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: the study's data must be a folder; there is none. Check `source` or pass --config data=FOLDER."
        )
    inside(folder, pattern, key="`frames.files`")
    try:
        found = sorted(folder.glob(pattern), key=lambda path: natural_key(path.stem))
    except (ValueError, OSError) as error:
        raise InputError(
            f"{folder}: {pattern!r} must be a pattern of file names; {error}. Check `frames.files`."
        ) from None
    if not found:
        raise InputError(f"{folder}: at least one frame must match {pattern!r}; none does. Check `frames.files`.")
    stems = [within(folder, path, key="a frame").stem for path in found]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise InputError(
            f"{folder}: frame names must be unique without their extension; {twice[0]!r} comes twice. Rename one."
        )
    return found


def read(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """A picture. Palette, grey and 16-bit images are converted.

    Raises:
      InputError: missing, empty, damaged, rotated by EXIF, animated, transparent, 16-bit with the values of 8-bit, more
        than `LIMIT_PIXELS`, or less than `LEAST_SIDE` on a side.
    """
    advice = "Restore it or take it off the study's list."
    content = read_bytes(path, what="a picture", limit=LIMIT_BYTES, advice=advice)
    if not content:
        raise InputError(f"{path}: the frame is empty (0 bytes). Replace it with a PNG or JPEG screenshot.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # From memory: of an open file Pillow would read as much as a damaged length says.
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "BMP", "TIFF")) as image:
                pixels = image.width * image.height
                if pixels > LIMIT_PIXELS:
                    raise InputError(
                        f"{path}: a frame must have at most {LIMIT_PIXELS:,} pixels; "
                        f"got {image.width}x{image.height}. Scale it down."
                    )
                if min(image.size) < LEAST_SIDE:
                    raise InputError(
                        f"{path}: a frame must have at least {LEAST_SIDE} pixels on each side; "
                        f"got {image.width}x{image.height}. Replace it with a screenshot."
                    )
                check_single(image, path)
                if image.getexif().get(0x0112, 1) != 1:
                    raise InputError(
                        f"{path}: a frame must be stored upright; its EXIF data ask for a rotation, "
                        "which would turn left into up. Save it again without EXIF."
                    )
                return _to_rgb(image, path)
    except InputError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: a frame must have at most {LIMIT_PIXELS:,} pixels; this one claims more. Scale it down."
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: the frame must be a whole PNG or JPEG; it is no picture. Replace it.") from error
    except Exception as error:  # damaged bytes raise nearly anything in a decoder
        raise InputError(
            f"{path}: the frame must be a whole PNG or JPEG; got {type(error).__name__}: {error}. Replace it."
        ) from error


def check_single(image: Image.Image, path: Path) -> None:
    """Refuses a file of several pictures, such as an animation or pages.

    Raises:
      InputError: more than one picture in it.
    """
    pictures = getattr(image, "n_frames", 1)
    if pictures > 1:
        raise InputError(f"{path}: a file must hold one picture; it holds {pictures}. Save the one that is meant.")


def _to_rgb(image: Image.Image, path: Path) -> UInt8[np.ndarray, "height width 3"]:
    if image.mode.startswith("I;16") or image.mode == "I":
        # ASSUME: 16-bit greys span 0..65535; the high byte is what an 8-bit save would keep.
        values = np.asarray(image)
        if 0 < values.max() <= 255:
            raise InputError(
                f"{path}: a 16-bit frame must have values from 0 to 65,535; the largest is {values.max()}, as in an "
                "8-bit picture. Save it with 8 bits."
            )
        return np.repeat((values >> 8).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        if share := np.mean(rgba[..., 3] < 255):
            raise InputError(
                f"{path}: a frame must be opaque; {share:.1%} of its pixels are transparent, and what lies behind them "
                "is not known. Save it without transparency."
            )
        return rgba[..., :3]
    return np.asarray(image.convert("RGB"))


def grey(
    picture: Num[np.ndarray, "height width 3"], *, size: Size, order: str = "notebook", rounding: str = "uint8"
) -> Float[np.ndarray, "row column"]:
    """What a network of grey frames sees of a picture.

    Args:
      picture: levels 0 to 255.
      order: "notebook" drops colour first and resizes second; "environment", how the policy was trained, the reverse.
      rounding: "uint8" rounds to whole grey levels after each of the two steps; "float32" never rounds.
    """
    if order not in ORDERS or rounding not in ROUNDINGS:
        raise InputError(
            f"`order` must be one of {ORDERS} and `rounding` one of {ROUNDINGS}; got {order!r}, {rounding!r}."
        )
    image = np.ascontiguousarray(picture).astype(rounding)

    def drop_colour(x):
        return cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)

    image = resize(drop_colour(image), size=size) if order == "notebook" else drop_colour(resize(image, size=size))
    return image.astype(np.float32)


def colours(
    picture: Num[np.ndarray, "height width 3"], *, size: Size, rounding: str = "uint8"
) -> Float[np.ndarray, "3 row column"]:
    """What a network of colours sees of a picture: red, green and blue; `size` and `rounding` as in `grey`."""
    resized = resize(np.ascontiguousarray(picture).astype(rounding), size=size)
    return np.moveaxis(resized, -1, 0).astype(np.float32)


def resize(image: Num[np.ndarray, "_ _ *colour"], *, size: Size) -> Num[np.ndarray, "row column *colour"]:
    """The image at another size; where it shrinks, each pixel is the mean of what it covers."""
    height, width = (size, size) if isinstance(size, int) else size
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def for_network(
    picture: Num[np.ndarray, "height width 3"],
    *,
    size: Size,
    order: str,
    rounding: str = "uint8",
    colour: bool = False,
) -> Float[np.ndarray, "*colour row column"]:
    """What the network sees of a picture: its colours or, as usual, one grey frame; options as in `grey`."""
    if colour:
        return colours(picture, size=size, rounding=rounding)
    return grey(picture, size=size, order=order, rounding=rounding)


def views(
    picture: Num[np.ndarray, "height width 3"],
    *,
    size: Size,
    order: str,
    overlay: Sequence[Sequence[float]] = (),
    colour: bool = False,
) -> dict[str, Float[np.ndarray, "*colour row column"]]:
    """Every way in which a study shows a picture to the network: name in `VIEWS` to a grey frame, or its colours.

    original: as the study's config says, rounded to whole levels. mirrored: left and right exchanged.
    unrounded: the original without rounding. reordered: the other order of resizing and dropping colour; of colours,
    which are not dropped, the original.
    masked, masked-mirrored: original and mirrored with `overlay` covered in both.

    Args:
      overlay: boxes (left, top, right, bottom) in fractions of the frame, where hand and display are drawn.
    """
    other = ORDERS[1 - ORDERS.index(order)]
    original = for_network(picture, size=size, order=order, colour=colour)
    mirrored = for_network(mirror(picture), size=size, order=order, colour=colour)
    return {
        "original": original,
        "mirrored": mirrored,
        "unrounded": for_network(picture, size=size, order=order, rounding="float32", colour=colour),
        "reordered": for_network(picture, size=size, order=other, colour=colour),
        "masked": cover(original, overlay),
        "masked-mirrored": cover(mirrored, overlay),
    }


def stack_views(
    stack: UInt8[np.ndarray, "frame row column"], *, overlay: Sequence[Sequence[float]] = ()
) -> dict[str, Float[np.ndarray, "frame row column"]]:
    """The views of a recorded stack, which is not made grey or resized: unrounded and reordered are the original."""
    original = stack.astype(np.float32)
    mirrored = mirror_frames(original)
    return {
        **dict.fromkeys(("original", "unrounded", "reordered"), original),
        "mirrored": mirrored,
        "masked": cover(original, overlay),
        "masked-mirrored": cover(mirrored, overlay),
    }


def cover(
    frames: Float[np.ndarray, "*frame row column"], boxes: Sequence[Sequence[float]]
) -> Float[np.ndarray, "*frame row column"]:
    """Paints boxes and their mirror images in the mean level of what stays visible, so that no side gives itself away.

    Args:
      frames: one, or a stack, each of whose frames has a mean of its own.
      boxes: (left, top, right, bottom) in fractions of the frame; pixels that they touch are covered.
    """
    height, width = frames.shape[-2:]
    covered = np.zeros((height, width), bool)
    for left, top, right, bottom in boxes:
        rows = slice(int(np.floor(top * height)), int(np.ceil(bottom * height)))
        covered[rows, int(np.floor(left * width)) : int(np.ceil(right * width))] = True
    covered |= mirror(covered)
    if covered.all() or not covered.any():
        return frames
    return np.where(covered, frames[..., ~covered].mean(-1)[..., None, None], frames)


def mirror(picture: Shaped[np.ndarray, "row column *colour"]) -> Shaped[np.ndarray, "row column *colour"]:
    """Left and right exchanged, for pictures, single grey frames and masks."""
    return picture[:, ::-1]


def mirror_frames(frames: Shaped[np.ndarray, "*frame row column"]) -> Shaped[np.ndarray, "*frame row column"]:
    """Left and right exchanged in every frame, for what the network reads."""
    return frames[..., ::-1]


def as_stacks(
    greys: Float[np.ndarray, "batch row column"] | Float[np.ndarray, "batch {frames} row column"], frames: int
) -> Float[np.ndarray, "batch {frames} row column"]:
    """What the network reads.

    Args:
      greys: single frames, each of which is repeated as the post does, or real stacks, which stay as they are.
    """
    return np.repeat(greys[:, None], frames, axis=1) if greys.ndim == 3 else greys


def thumbnail(picture: UInt8[np.ndarray, "height width 3"], *, width: int) -> UInt8[np.ndarray, "_ _ 3"]:
    """The picture scaled down to a width of `width` pixels; never scaled up."""
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_AREA)


def enlarge(picture: UInt8[np.ndarray, "height width 3"], *, side: int) -> UInt8[np.ndarray, "_ _ 3"]:
    """The picture with each pixel repeated along rows and columns, as often as it fits into `side` pixels."""
    times = max(1, side // max(picture.shape[:2]))
    return picture.repeat(times, 0).repeat(times, 1)


def same_size(pictures: Iterable[UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "picture height width 3"]:
    """Pictures of mixed sizes as one array, each padded with white below and on the right."""
    pictures = list(pictures)
    height, width = (max(p.shape[axis] for p in pictures) for axis in (0, 1))
    return np.stack(
        [np.pad(p, ((0, height - p.shape[0]), (0, width - p.shape[1]), (0, 0)), constant_values=255) for p in pictures]
    )
