"""What a rendered view shows, in numbers: shares of the classes, and the trunk that is nearest to the eye."""

from typing import NamedTuple

import numpy as np

from minetest_interp.capture import classes
from minetest_interp.capture.march import Rendered, Scene, node_at
from minetest_interp.capture.types import Node
from minetest_interp.model.labels import horizontal_centre

SAME_TRUNK = 1.5  # nodes sideways, so that the four columns of a giant tree are one trunk


class Nearest(NamedTuple):
    """The nearest trunk in view.

    node: the nearest of its nodes. distance: nodes from the eye to its surface. column: mean column of its pixels, -1
    (left edge) to 1 (right edge). share: of the picture that is this trunk.
    """

    node: Node
    distance: float
    column: float
    share: float


def shares(rendered: Rendered) -> dict[str, float]:
    """Share of the picture of every class by its name; plants are see-through and have none."""
    return {name: float((rendered.classes == kind).mean()) for kind, name in classes.NAMES.items()}


def nearest_trunk(rendered: Rendered, shown: Scene) -> Nearest | None:
    """The trunk whose surface is nearest to the eye, None where no trunk is in view; of one view, `[h, w]`.

    Pixels whose nodes lie within `SAME_TRUNK` sideways of the nearest one belong to it.
    """
    is_trunk = rendered.classes == classes.TRUNK
    if not is_trunk.any():
        return None
    distance = np.where(is_trunk, rendered.distance, np.inf)
    first = np.unravel_index(distance.argmin(), distance.shape)
    x, _, z = np.unravel_index(rendered.cell[is_trunk], shown.classes.shape)
    near_x, _, near_z = np.unravel_index(rendered.cell[first], shown.classes.shape)
    own = is_trunk.copy()
    own[is_trunk] = np.maximum(np.abs(x - near_x), np.abs(z - near_z)) <= SAME_TRUNK
    return Nearest(
        node_at(shown, int(rendered.cell[first])), float(distance[first]), horizontal_centre(own), float(own.mean())
    )
