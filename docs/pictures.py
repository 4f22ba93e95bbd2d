"""Pictures that are committed: small rather than exact."""

import io

from PIL import Image


def few_colours(picture: Image.Image, *, count: int = 256) -> bytes:
    """A PNG of so many colours, chosen so that greys stay grey."""
    written = io.BytesIO()
    few = picture.convert("RGB").quantize(count, kmeans=4, dither=Image.Dither.NONE)
    few.save(written, "PNG", optimize=True)
    return written.getvalue()
