"""Read the behaviours off the logits or Q values: yaw, pitch and the rest, in every view."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files, layout
from minetest_interp.model import frames
from minetest_interp.model.actions import action_table, behaviours_of


def run(results: Path, actions: dict, readouts: Path) -> None:
    table = action_table(actions["factors"], actions["behaviours"])
    columns = {}
    for view in frames.VIEWS:
        path = layout.intermediates(results, view)
        outputs = {"logits", "q", "value"}.intersection(files.array_names(path))
        computed = files.read_arrays(path, "frames", *outputs)
        columns["frames"] = computed["frames"]
        found = behaviours_of(computed, table) | {name: computed[name] for name in outputs & {"value"}}
        columns |= {f"{view}/{name}": values for name, values in found.items()}
    files.write_arrays(readouts, **columns)


if __name__ == "__main__":
    command(run)
