"""Render a study's atlas as a page of its own, with a script for each unit beside it."""

from functools import partial
from pathlib import Path

from minetest_interp.analysis import mask_overlap
from minetest_interp.cli import command
from minetest_interp.dreams import exemplars
from minetest_interp.dreams.exemplars import Observed
from minetest_interp.facts.study import Arrays
from minetest_interp.io import files
from minetest_interp.model import agent
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.policy import Policy
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
    labels: Path | None = None,
    trunk_share: float = mask_overlap.TRUNK_SHARE,
) -> None:
    loaded, table = agent.load(checkpoint_path, policy, actions)
    known, arrays = files.read_json(facts), files.read_arrays(atlas)
    seen = files.read_arrays(stacks, "frames", "original")
    made = atlas_page.render(
        known,
        arrays,
        seen,
        templates,
        policy=loaded.policy,
        behaviours=table.behaviours,
        observed=None
        if "reason" in arrays
        else _observe(loaded.policy, table, arrays, seen, labels, trunk_share, known),
        evidence=Evidence(*(files.read_arrays(path) if path else {} for path in (units, causal, circuits))),
    )
    (report / atlas_page.FOLDER).mkdir(parents=True, exist_ok=True)  # empty, where there is no atlas
    for name, content in made.items():
        files.write(report / name, partial(Path.write_bytes, data=content))


def _observe(
    policy: Policy,
    table: ActionTable,
    atlas: Arrays,
    stacks: Arrays,
    labels: Path | None,
    trunk_share: float,
    facts: dict,
) -> Observed:
    """What the study's frames, and the labelled ones where the study has some, make of the units."""
    labelled = {}
    if labels:
        stored = files.read_arrays(labels, "original", f"{facts['evidence']['concept']}/share")
        labelled = dict(zip(("labelled", "share"), stored.values(), strict=True))
    return exemplars.observe_units(policy, table.behaviours, atlas, stacks, **labelled, trunk_share=trunk_share)


if __name__ == "__main__":
    command(run)
