"""Pictures that are committed: small rather than exact."""

import io

from PIL import Image


def few_colours(picture: Image.Image) -> bytes:
    """A PNG of 256 colours, chosen so that greys stay grey."""
    written = io.BytesIO()
    few = picture.convert("RGB").quantize(256, kmeans=4, dither=Image.Dither.NONE)
    few.save(written, "PNG", optimize=True)
    return written.getvalue()
