"""Ways to dream compared on a study's own policy: pictures, controls, scores, and what real frames reach."""

from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from minetest_interp.cli import command
from minetest_interp.dreams import judging, parametrisations, recipe, recipes, scores
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import agent

KEYS = ("units", "gallery", "seeds", "seed", "compared")


def run(checkpoint_path: Path, policy: dict, actions: dict, stacks: Path, settings: dict, output: Path) -> None:
    if set(settings) != set(KEYS):
        raise InputError(f"the settings must be {', '.join(KEYS)}; got {', '.join(map(repr, settings))}.")
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    greys = files.read_arrays(stacks, "original")["original"]
    # Every unit is dreamed and scored; means are taken over `units`, the gallery is for the eye.
    names = list(dict.fromkeys([*settings["units"], *settings["gallery"]]))
    listed = recipes.choose(names, loaded.architecture, table.behaviours)
    if reason := scores.why_no_halves(greys):
        files.write_arrays(output, reason=reason)
        return
    fitted, judged = (greys[half] for half in scores.halves(greys))
    prior = parametrisations.fit_prior(fitted, loaded.network)
    compared = [recipe.read_recipe(name, made, prior, loaded.network) for name, made in settings["compared"].items()]
    columns = (TextColumn("recipes"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("recipes", total=recipes.work(compared, listed, settings["seeds"]))
        arrays = recipes.compare(
            loaded,
            listed,
            compared,
            fitted=fitted,
            judged=judged,
            seeds=settings["seeds"],
            shuffle_seed=settings["seed"],
            progress=lambda done: bar.advance(task, done),
        )
    shown = {"measured": settings["units"], "gallery": settings["gallery"]}
    layers = list(judging.path_layers(loaded.architecture).values())
    files.write_arrays(output, **arrays, **shown, path_layers=layers)


if __name__ == "__main__":
    command(run)
