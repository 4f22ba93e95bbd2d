"""Read the behaviours off the logits: yaw, pitch and the rest, in every view."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files, layout
from minetest_interp.model import frames
from minetest_interp.model.actions import action_table, behaviour_values


def run(results: Path, actions: dict, readouts: Path) -> None:
    table = action_table(actions["factors"], actions["behaviours"])
    columns = {}
    for view in frames.VIEWS:
        computed = files.read_arrays(layout.intermediates(results, view), "frames", "logits", "value")
        columns["frames"] = computed["frames"]
        for name, values in behaviour_values(computed["logits"], table).items():
            columns[f"{view}/{name}"] = values
        columns[f"{view}/value"] = computed["value"]
    files.write_arrays(readouts, **columns)


if __name__ == "__main__":
    command(run)
