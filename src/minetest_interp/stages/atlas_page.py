"""Render a study's atlas as a page of its own, with a script for each unit beside it."""

from functools import partial
from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent
from minetest_interp.pages import atlas as atlas_page
from minetest_interp.pages.atlas import Evidence


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    atlas: Path,
    stacks: Path,
    facts: Path,
    templates: Path,
    report: Path,
    units: Path | None = None,
    causal: Path | None = None,
    circuits: Path | None = None,
) -> None:
    loaded, table = agent.load(checkpoint_path, policy, actions)
    made = atlas_page.render(
        files.read_json(facts),
        files.read_arrays(atlas),
        files.read_arrays(stacks, "frames", "original"),
        templates,
        policy=loaded.policy,
        behaviours=table.behaviours,
        evidence=Evidence(*(files.read_arrays(path) if path else {} for path in (units, causal, circuits))),
    )
    (report / atlas_page.FOLDER).mkdir(parents=True, exist_ok=True)  # empty, where there is no atlas
    for name, content in made.items():
        files.write(report / name, partial(Path.write_bytes, data=content))


if __name__ == "__main__":
    command(run)
