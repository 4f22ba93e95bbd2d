"""What the scripts of the pages are given, as text: JSON, and arrays in base64."""

import base64
import json

import numpy as np
from jaxtyping import Num, Shaped

from minetest_interp.io.errors import InputError


def script_json(content: object) -> str:
    """JSON for inside a script element: nothing in it ends the element, whatever a study calls its frames."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def float32_text(array: Shaped[np.ndarray, "..."]) -> str:
    """Little-endian float32 in base64, the last axis fastest."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def level_text(frame: Num[np.ndarray, "*plane row column"]) -> str:
    """Whole levels in base64, a byte each.

    Raises:
      InputError: the levels are not whole numbers from 0 to 255.
    """
    levels = frame.astype(np.uint8)
    if not np.array_equal(levels, frame):
        raise InputError("a frame must have whole levels from 0 to 255; these have others. Build stacks.npz anew.")
    return base64.b64encode(levels.tobytes()).decode()
