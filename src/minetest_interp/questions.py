"""The objectives that a study's config describes: `{"kind": ...}` with the settings of that kind."""

from collections.abc import Mapping

from minetest_interp import objectives
from minetest_interp.actions import ActionTable
from minetest_interp.errors import InputError
from minetest_interp.policy import Objective


def ask(settings: Mapping, table: ActionTable) -> Objective:
    """Builds one objective.

    Raises:
      InputError: no such kind.
    """
    match settings:
        case {"kind": "value"}:
            return objectives.value()
        case {"kind": "behaviour_probability", "behaviour": name}:
            return objectives.behaviour_probability(table.behaviours[name], sign=settings.get("sign", 1))
    raise InputError(f"an objective's `kind` must be value or behaviour_probability; got {dict(settings)}.")
