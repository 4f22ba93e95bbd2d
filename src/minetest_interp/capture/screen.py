"""The picture on a virtual screen, read from the file that Xvfb keeps it in."""

import mmap
import struct
from pathlib import Path

import numpy as np

from minetest_interp.capture.types import HEIGHT, WIDTH

# Of an X window dump (X11/XWDFile.h): 25 big-endian words, of which these are used.
HEADER = struct.Struct(">25I")
HEADER_SIZE, PIXELS_WIDTH, PIXELS_HEIGHT, BITS_PER_PIXEL, BYTES_PER_LINE, COLOURS = 0, 4, 5, 11, 12, 19
COLOUR_BYTES = 12


class Screen:
    """The screen in `folder`, where Xvfb was started with -fbdir."""

    def __init__(self, folder: Path, width: int = WIDTH, height: int = HEIGHT):
        with (folder / "Xvfb_screen0").open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        words = HEADER.unpack_from(self._memory)
        size = words[PIXELS_WIDTH], words[PIXELS_HEIGHT], words[BITS_PER_PIXEL]
        if size != (width, height, 32):
            raise RuntimeError(f"the screen must be {width}x{height} with 32 bits a pixel; got {size}.")
        start = words[HEADER_SIZE] + COLOUR_BYTES * words[COLOURS]
        shape, strides = (height, width, 4), (words[BYTES_PER_LINE], 4, 1)
        self._pixels = np.ndarray(shape, np.uint8, self._memory, start, strides)  # blue, green, red, nothing

    def grab(self) -> np.ndarray:
        """What the screen shows now, RGB, uint8 `[height, width, 3]`."""
        return np.ascontiguousarray(self._pixels[..., 2::-1])
