"""What the receptive fields of a layer hold of pictures, wherever these are moved to in a circle of columns."""

from typing import NamedTuple

import numpy as np

from minetest_interp.model.architecture import Architecture


class Columns(NamedTuple):
    """Where the fields of a layer's w columns begin: at `first` `[w]` in pixels, in a table that begins at `tables`.

    width: of a picture. What a border cuts off makes a field narrower, and the fields of each width have a table.
    """

    first: np.ndarray
    tables: np.ndarray
    width: int


def means(maps: np.ndarray, network: Architecture, layer: str) -> np.ndarray:
    """The mean of maps `[M, H, W]` over receptive fields that begin at every column: `[M, h, D * W]` float64.

    The rows are those of the layer's positions, and so are the widths, D of them, those of its columns. What lies
    beyond the right border is what lies at the left one.
    """
    spans = [network.box(layer, (row, 0))[::2] for row in range(network.shape(layer)[0])]
    rows = np.stack([maps[:, top : top + height].sum(1, dtype=np.float64) for top, height in spans], 1)
    heights = np.array([[height] for _, height in spans])

    def across(width: int) -> np.ndarray:
        wrapped = np.concatenate([rows, rows[..., : width - 1]], -1)
        return np.lib.stride_tricks.sliding_window_view(wrapped, width, axis=-1).sum(-1) / (heights * width)

    return np.concatenate([across(width) for width in _widths(network, layer)], -1)


def columns(network: Architecture, layer: str) -> Columns:
    """Where the receptive fields of a layer's columns begin."""
    boxes = [network.box(layer, (0, column)) for column in range(network.shape(layer)[1])]
    width, widths = network.stack[2], _widths(network, layer)
    tables = np.array([widths.index(box[3]) * width for box in boxes])
    return Columns(np.array([box[1] for box in boxes]), tables, width)


def _widths(network: Architecture, layer: str) -> list[int]:
    """The widths of a layer's receptive fields, each once, in pixels."""
    return sorted({network.box(layer, (0, column))[3] for column in range(network.shape(layer)[1])})
