"""Pictures for pages: a panel in fewer bytes, grey levels as PNG, colours as WebP, and both as data addresses."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

PICTURE_QUALITY = 78  # of a WebP of what people see, of 100
UNSEEN = 8  # levels of 255 by which fewer colours may move a pixel of a figure
FEWER = 16  # of red, green and blue in a figure for phones; they move a pixel by at most `UNSEEN`
LEVELS = 64  # of red, green and blue in a figure of many colours; they move a pixel by at most 2 of 255


class Picture(NamedTuple):
    """A file's content, and the picture's size in pixels."""

    content: bytes
    width: int
    height: int


def read_figure(path: Path, *, kind: str = "PNG") -> Picture:
    """A panel's picture, for pages a PNG and for phones a WEBP.

    Raises:
      InputError: the picture is missing or damaged.
    """
    try:
        content = files.read(path).read_bytes()
        with Image.open(io.BytesIO(content), formats=[kind]) as stored:
            stored.load()  # a WebP that is damaged inside is known by nothing less
            return Picture(content, *stored.size)
    except FileNotFoundError:
        raise InputError(f"{path}: the report needs this panel; there is no such file. Build it first.") from None
    except (OSError, SyntaxError):
        raise InputError(f"{path}: a panel must be a {kind}; this file is not. Delete it and build it again.") from None


def figure_png(picture: Image.Image) -> bytes:
    """A figure as PNG, in fewer colours where no eye can tell: 256, or else `LEVELS` each of red, green and blue."""
    picture = picture.convert("RGB")  # panels are opaque
    fewer = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    moved = np.abs(np.asarray(picture, np.int16) - np.asarray(fewer.convert("RGB"), np.int16)).max()
    written = io.BytesIO()
    (fewer if moved <= UNSEEN else _coarser(picture, LEVELS)).save(written, "PNG")
    return written.getvalue()


def figure_webp(picture: Image.Image) -> bytes:
    """A figure as WebP: in `FEWER` levels each of red, green and blue, or lossy where that is shorter."""
    picture = picture.convert("RGB")
    return min((_webp(_coarser(picture, FEWER), lossless=True), _webp(picture, quality=75)), key=len)


def _coarser(picture: Image.Image, levels: int) -> Image.Image:
    """The picture in so many levels each of red, green and blue."""
    steps = 255 / (levels - 1)
    return picture.point([round(round(level / steps) * steps) for level in range(256)] * 3)


def _webp(picture: Image.Image, **options: float) -> bytes:
    written = io.BytesIO()
    picture.save(written, "WEBP", method=2, **options)  # others are no smaller and take longer
    return written.getvalue()


def png(picture: np.ndarray) -> bytes:
    """Grey levels as an 8-bit PNG."""
    file = io.BytesIO()
    levels = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
    Image.fromarray(levels).save(file, "PNG", optimize=True)
    return file.getvalue()


def png_address(picture: np.ndarray) -> str:
    """The same as a data address."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


def webp_address(picture: np.ndarray, *, quality: int) -> str:
    """A picture `[h, w, 3]` as a data address, lossy."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
