"""Test the claims about what the policy does on the study's frames and on labelled ones."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Bootstrap, missing
from minetest_interp.claims import behaviour as behaviour_claims
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent
from minetest_interp.model.labels import NO_LABELS, no_trunk

VIEWS = ("original", "mirrored")
COVERED = ("masked", "masked-mirrored")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    night: list,
    interval: dict,
    similarity: float,
    side: int,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    bootstrap = Bootstrap(**interval)
    views = [view for view in (*VIEWS, *COVERED) if view in files.array_names(stacks)]
    stored = files.read_arrays(stacks, "frames", *views)

    def ask(greys: np.ndarray) -> dict[str, np.ndarray]:
        return behaviour_claims.behaviours(loaded, table, greys)

    values = {view: ask(stored[view]) for view in views}
    steering = {view: named[actions["steering"]] for view, named in values.items()}
    here, there = steering["original"], steering["mirrored"]
    clusters = intervals.near_duplicates(stored["original"], similarity=similarity)
    dark = np.isin(stored["frames"], night)
    changed = {
        name: ask(frames)[actions["steering"]]
        for name, frames in behaviour_claims.retouched(stored["original"]).items()
    }
    difference = behaviour_claims.brightness_difference(stored["original"])
    kept = {"frames": stored["frames"], "clusters": clusters, "night": dark, "difference": difference}
    kept |= steering
    kept |= changed
    kept |= {name: values["original"][name] for name in ("forward", "jump") if name in table.behaviours}

    mirror = behaviour_claims.mirror_estimates(here, there, clusters, bootstrap)
    by_day = behaviour_claims.mirror_estimates(here[~dark], there[~dark], clusters[~dark], bootstrap)
    by_night = behaviour_claims.mirror_estimates(here[dark], there[dark], clusters[dark], bootstrap)
    if not np.array_equal(stored.get(COVERED[0], stored["original"]), stored["original"]):
        one, other = (steering[view] for view in COVERED)
        covered = behaviour_claims.mirror_estimates(one, other, clusters, bootstrap)
    else:
        covered = dict.fromkeys(mirror, missing("no hand or display is named to be covered"))
    bias = intervals.estimate(intervals.mean((here + there) / 2), clusters, bootstrap, chance=0.0)
    asymmetry = intervals.estimate(behaviour_claims.unchanged_share(here, there), clusters, bootstrap, chance=0.0)

    labelled = files.read_arrays(labels, "frames", "original", "mirrored", "position", "group") if labels else {}
    seen = np.isfinite(labelled.get("position", []))
    if seen.any():
        labelled = {name: array[seen] for name, array in labelled.items()}
        position = labelled["position"]
        groups = intervals.near_duplicates(labelled["original"], similarity=similarity, group=labelled["group"])
        turns = {view: ask(labelled[view])[actions["steering"]] for view in VIEWS}
        by_trunk = behaviour_claims.mirror_estimates(turns["original"], turns["mirrored"], groups, bootstrap)
        following = behaviour_claims.trunk_estimates(turns["original"], position, groups, bootstrap, side=side)
        parts = {"frames": labelled["frames"], "clusters": groups, "position": position, **turns}
        kept |= {f"labelled/{name}": array for name, array in parts.items()}
    else:
        by_trunk = following = dict.fromkeys(
            ("flips", "correlation", "sides"), missing(no_trunk(len(seen)) if labels else NO_LABELS)
        )

    found = {
        "yaw-mirror": {
            **mirror,
            "flips-day": by_day["flips"],
            "flips-trunk": by_trunk["flips"],
            "correlation-trunk": by_trunk["correlation"],
            "flips-covered": covered["flips"],
            "correlation-covered": covered["correlation"],
            "bias": bias,
        },
        "yaw-mirror-night": {"flips-night": by_night["flips"], "correlation-night": by_night["correlation"]},
        "yaw-follows-trunk": {name: following[name] for name in ("correlation", "sides")},
        "asymmetry": {"share": asymmetry},
        "moves-forward-and-jumps": behaviour_claims.walking_estimates(values["original"], clusters, bootstrap),
        "not-mere-brightness": behaviour_claims.brightness_estimates(here, changed, difference, clusters, bootstrap),
    }
    files.write_arrays(arrays, **kept)
    files.write_json(estimates, intervals.to_json(found))


if __name__ == "__main__":
    command(run)
