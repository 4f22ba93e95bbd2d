"""The film of an episode: its pictures with what the policy does and earns below them, and all of them on one sheet."""

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageDraw, ImageFont, ImageSequence

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

LIMIT_BYTES, LIMIT_PICTURES = 2**24, 2**10  # of a recorded film
LARGEST = 1_500_000  # bytes of a film, which is shown at the head of a page
QUALITIES = 60, 50, 40, 30, 20, 10  # WebP's, of 100: the first with which a film is small enough
SHEET_QUALITY = 60
WIDTH, STRIP = 320, 56  # pixels of the film, and of what stands below its pictures
STEP_MS = 50  # how long a step is shown, as fast as the game
PAPER, INK, QUIET, TURN = "#191816", "#fdfcfa", "#a8a196", "#56b4e9"
SMOOTH = 4  # the dial is drawn so many times as large


class Sheet(NamedTuple):
    """How pictures lie on a sheet, in lines of `columns`, each of `width` and `height` pixels."""

    columns: int
    width: int
    height: int


def read_pictures(path: Path, *, steps: int) -> UInt8[np.ndarray, "picture height width 3"]:
    """The pictures of an animated WebP, the first of step 0, equally far apart over an episode of so many steps.

    Raises:
      InputError: the file is no animated WebP, or has no picture for each of a whole number of steps.
    """
    advice = "Make it again with `make gathered`."
    content = files.read_bytes(path, what="a film", limit=LIMIT_BYTES, advice=advice)
    try:
        with Image.open(io.BytesIO(content), formats=["WEBP"]) as film:
            if not 1 < (count := getattr(film, "n_frames", 1)) <= LIMIT_PICTURES:
                raise ValueError(f"it has {count}")
            frames = ImageSequence.Iterator(film)
            pictures = [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in frames]
            each = math.gcd(*(duration for _, duration in pictures))
            # The same picture several times in a row is in the file as one that lasts longer.
            taken = np.stack([picture for picture, duration in pictures for _ in range(duration // each)])
    except Exception as error:  # hostile bytes raise nearly anything in here
        raise InputError(f"{path}: must be a WebP of 2 to {LIMIT_PICTURES} pictures; {error}. {advice}") from None
    if -(-steps // every(len(taken), steps)) != len(taken):
        raise InputError(f"{path}: must have a picture for every so many of {steps} steps; got {len(taken)}. {advice}")
    return taken


def every(pictures: int, steps: int) -> int:
    """Steps from a picture to the next."""
    return -(-steps // pictures)


def sheet_of(pictures: UInt8[np.ndarray, "picture height width 3"]) -> Sheet:
    """A sheet that is about as wide as it is high."""
    count, height, width, _ = pictures.shape
    return Sheet(max(1, round((count * height / width) ** 0.5)), width, height)


def picture_sheet(pictures: UInt8[np.ndarray, "picture height width 3"]) -> bytes:
    """All pictures on one, line by line, as WebP: a page shows any of them without looking for it in a film."""
    columns, width, height = sheet_of(pictures)
    whole = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * height))
    for i, picture in enumerate(pictures):
        whole.paste(Image.fromarray(picture), (i % columns * width, i // columns * height))
    written = io.BytesIO()
    whole.save(written, "WEBP", quality=SHEET_QUALITY, method=4)
    return written.getvalue()


def moving_picture(
    pictures: UInt8[np.ndarray, "picture height width 3"],
    shown: Mapping[str, Shaped[np.ndarray, "..."]],
    *,
    side: int,
    largest: int = LARGEST,
) -> bytes:
    """The film as animated WebP that begins anew at its end: at most `largest` bytes.

    Args:
      shown: turn, value, earned and dug by step. side: 1 where a positive turn is to the left, -1 where to the right.

    Raises:
      InputError: no quality makes it small enough.
    """
    apart = every(len(pictures), len(shown["turn"]))
    drawn = [film_picture(picture, shown, i * apart, side=side) for i, picture in enumerate(pictures)]
    for quality in QUALITIES:
        written = io.BytesIO()
        options = {"save_all": True, "append_images": drawn[1:], "duration": apart * STEP_MS, "loop": 0}
        drawn[0].save(written, "WEBP", quality=quality, method=4, **options)
        if written.tell() <= largest:
            return written.getvalue()
    raise InputError(f"a film must be at most {largest} bytes; {len(drawn)} pictures are more. Film fewer steps.")


def film_picture(
    picture: UInt8[np.ndarray, "height width 3"],
    shown: Mapping[str, Shaped[np.ndarray, "..."]],
    step: int,
    *,
    side: int,
) -> Image.Image:
    """A picture of the film, and below it: where the policy turns, its value, the return so far, and the trunks dug."""
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    whole = Image.new("RGB", (WIDTH, height + STRIP), PAPER)
    whole.paste(Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS))
    whole.paste(dial(side * float(shown["turn"][step]), STRIP - 8), (6, height + 4))
    value, earned = float(shown["value"][step]), float(shown["earned"][step])
    said = [("return so far", _number(earned)), ("trunks dug", str(shown["dug"][: step + 1].sum(dtype=int)))]
    said = [("value", _number(value)), *said] if np.isfinite(value) else said
    draw = ImageDraw.Draw(whole)
    small, large = ImageFont.load_default(12), ImageFont.load_default(22)
    for i, (name, number) in enumerate(said):
        left = 70 + 84 * i
        draw.text((left, height + 6), name, QUIET, font=small)
        draw.text((left, height + 21), number, INK, font=large)
    draw.rectangle((0, height + STRIP - 3, round(WIDTH * (step + 1) / len(shown["turn"])), height + STRIP), TURN)
    return whole


def dial(turning: float, size: int) -> Image.Image:
    """An arrow in a circle that points up for straight on and to the left for a turn of +1."""
    large = size * SMOOTH
    whole = Image.new("RGB", (large, large), PAPER)
    draw = ImageDraw.Draw(whole)
    draw.ellipse((SMOOTH, SMOOTH, large - SMOOTH, large - SMOOTH), outline=QUIET, width=SMOOTH)
    angle = -np.pi / 2 * max(-1.0, min(1.0, turning))
    # Of the page's arrow, see `plots.arrow`.
    points = np.array([[0, -40], [18, -8], [7, -8], [7, 36], [-7, 36], [-7, -8], [-18, -8]]) * large / 100
    turned = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + large / 2
    draw.polygon([tuple(point) for point in turned], fill=TURN)
    return whole.resize((size, size), Image.Resampling.LANCZOS)


def _number(x: float) -> str:
    return f"{x:.2f}" if round(x, 2) else "0.00"  # the font has no minus, only a hyphen
