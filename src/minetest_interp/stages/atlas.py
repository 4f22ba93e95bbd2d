"""One dream, control and set of scores for every unit of a policy; an interrupted run is taken up where it left off."""

import hashlib
import json
import shutil
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from minetest_interp.analysis import factors
from minetest_interp.cli import command
from minetest_interp.dreams import atlas, judging, scores, units
from minetest_interp.dreams.ascent import Method
from minetest_interp.io import files
from minetest_interp.model import agent, networks
from minetest_interp.model.architecture import Architecture


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    code: str,
    folder: Path,
    output: Path,
) -> None:
    loaded, table = agent.load(checkpoint_path, policy, actions)
    stored = files.read_arrays(stacks)
    greys = stored["original"]
    if reason := scores.why_no_halves(greys):
        files.write_arrays(output, reason=reason)
        return
    fitted, judged = scores.halves(greys)
    trace = networks.run(networks.plain(loaded.policy), greys[fitted][:, None])
    directions = factors.leading_directions(trace, count=settings["directions"], seed=settings["seed"])
    plan = atlas.prepare(
        loaded.policy,
        units.list_units(loaded.policy.architecture, table.behaviours, directions),
        fitted=greys[fitted],
        judged=greys[judged],
        seeds=settings["seeds"],
        shuffle_seed=settings["seed"],
        method=Method(**settings["method"]),
    )
    parts = (loaded.sha256, files.sha256(stacks), json.dumps([policy, actions, settings]), code)
    stamp = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    columns = (TextColumn("atlas"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("atlas", total=atlas.work(plan))
        arrays = atlas.compute(plan, folder, stamp=stamp, progress=lambda done: bar.advance(task, done))
    kept = {f"{layer}/directions": rows for layer, rows in directions.items()}
    kept |= _named_layers(loaded.policy.architecture)
    files.write_arrays(output, **arrays, **kept, frames=stored["frames"][judged], mean=plan.mean)
    shutil.rmtree(folder)  # the finished atlas holds all that the batches hold


def _named_layers(network: Architecture) -> dict:
    return {
        "path_layers": list(judging.path_layers(network).values()),
        "affine_layer": network.affine or "",
    }


if __name__ == "__main__":
    command(run)
