"""Share behaviours and value out over pixels and channels by every method, and measure how far to trust each."""

from pathlib import Path

import jax
import numpy as np

from minetest_interp.analysis import attribution, faithfulness, intervals
from minetest_interp.analysis.attribution import Method, Questions
from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, frames, objectives
from minetest_interp.model.batches import map_batches
from minetest_interp.model.networks import fast
from minetest_interp.model.policy import LAYERS

BATCH = 24  # frames at a time: more do not fit into a processor's cache
EXAMPLES = 4  # frames whose maps are kept


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    interval: dict,
    similarity: float,
    settings: dict,
    arrays: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    depth, side = loaded.geometry.frames, loaded.geometry.read_size
    draws, seed = settings["draws"], settings["seed"]
    stored = files.read_arrays(stacks, "frames", "original")
    names, greys = stored["frames"], stored["original"]
    mean = greys.mean(0)
    asked = {name: objectives.behaviour_probability(behaviour) for name, behaviour in table.behaviours.items()}
    asked["value"] = objectives.value()
    judged = (actions["steering"], "value")
    rows = [list(asked).index(name) for name in judged]
    network, every = fast(loaded), tuple(asked.values())
    all_scores, scores = Questions(network, every), Questions(network, tuple(asked[name] for name in judged))
    how = {name: settings[name] for name in ("steps", "samples", "noise", "patch", "patch_stride", "seed")}
    methods = attribution.methods(np.stack([mean] * depth), side=side, **how)

    by_channel = jax.jit(lambda objective, stack: attribution.channel_attributions(loaded, objective, stack))

    def measure(batch: np.ndarray, items: np.ndarray) -> dict[str, np.ndarray]:
        stack = frames.as_stacks(batch, depth)
        maps = [method.attribute(all_scores, stack) for method in methods.values()]
        own, random = faithfulness.removals(
            scores,
            batch[:, None],  # one frame stands for a stack whose frames are the same
            mean,
            [each[:, rows] for each in maps],
            items,
            side=side,
            steps=settings["removals"],
            draws=draws,
            seed=seed,
        )
        pairs = zip(methods.values(), maps, strict=True)
        channels = [by_channel(objective, stack) for objective in every]
        return {
            "channels": {layer: np.stack([each[layer] for each in channels], axis=1) for layer in LAYERS},
            "scores": attribution.run(all_scores, stack),
            "completeness": np.stack([faithfulness.completeness_error(all_scores, stack, *pair) for pair in pairs], 1),
            **own._asdict(),
            **{f"random_{name}": values for name, values in random._asdict().items()},
        }

    def check(method: Method) -> tuple[np.ndarray, ...]:
        maps = method.attribute(scores, stack)
        moved = faithfulness.max_sensitivity(
            method, scores, stack, maps, radius=settings["radius"], draws=draws, seed=seed
        )
        others = [method.attribute(Questions(fast(each), scores.objectives), stack) for each in shuffled]
        kept = [faithfulness.rank_correlation(maps, each, side=side) for each in others]
        return maps, moved, np.stack(kept, axis=-1)

    size = -(-len(greys) // -(-len(greys) // BATCH))  # equal batches: little is filled up
    measured = map_batches(measure, greys, np.arange(len(greys)), size=size)
    channels = measured.pop("channels")
    checked = _evenly_spaced(len(greys), settings["frames"])
    shown = _evenly_spaced(len(checked), EXAMPLES)
    stack = frames.as_stacks(greys[checked], depth)
    shuffled = list(faithfulness.cascade(loaded, seed=seed))
    maps, moved, kept = (np.stack(values, axis=1) for values in zip(*map(check, methods.values()), strict=True))
    checks = {"sensitivity": moved, "randomisation": kept}

    clusters, bootstrap = intervals.near_duplicates(greys, similarity=similarity), Bootstrap(**interval)
    above = measured["deletion"] - measured["random_deletion"][:, None]
    below = measured["random_insertion"][:, None] - measured["insertion"]
    means = {
        "deletion_above_random": _means(above, clusters, bootstrap),
        "insertion_below_random": _means(below, clusters, bootstrap),
        **{name: _means(values, clusters[checked], bootstrap) for name, values in checks.items()},
    }
    failed = faithfulness.failures(
        means["deletion_above_random"][1, :, 0], means["randomisation"][0, :, 0, -1], means["sensitivity"][0, :, 0]
    )
    files.write_arrays(
        arrays,
        frames=names,
        clusters=clusters,
        methods=list(methods),
        objectives=list(asked),
        judged=judged,
        replacements=faithfulness.REPLACEMENTS,
        cascade=faithfulness.CASCADE,
        failures=faithfulness.FAILURES,
        failed=failed,
        verdicts=[faithfulness.verdict(each) for each in failed],
        checked_frames=names[checked],
        maps=maps[shown].transpose(1, 2, 0, 3, 4, 5),
        maps_frames=names[checked][shown],
        completeness_median=np.median(measured["completeness"], axis=0),
        **{f"frame/{name}": values for name, values in (measured | checks).items()},
        **{f"mean/{name}": values for name, values in means.items()},
        **{f"channels/{layer}": values.mean(0) for layer, values in channels.items()},
        **{f"channels/{layer}/size": np.abs(values).mean(0) for layer, values in channels.items()},
    )


def _evenly_spaced(count: int, most: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def _means(values: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Means over frames with their intervals, `[N, ...]` to (mean, low, high) `[3, ...]`; NaN where there is none."""

    def summarise(column: np.ndarray) -> list[float]:
        found = intervals.estimate(intervals.mean(column), clusters, bootstrap)
        return [np.nan if found.estimate is None else found.estimate, *(found.interval or (np.nan, np.nan))]

    return np.apply_along_axis(summarise, 0, values)


if __name__ == "__main__":
    command(run)
