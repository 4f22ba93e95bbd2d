"""Test the claims about what causes the steering: channels replaced, patched from mirrored frames, and steered."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import intervals, interventions
from minetest_interp.analysis.intervals import Bootstrap, missing
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import agent
from minetest_interp.model.labels import NO_LABELS, no_trunk
from minetest_interp.model.networks import CONVOLUTIONS

DETECTOR = "conv2"  # the layer that the claims are about
TRUNK_LAYERS = ("conv1", "conv2")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    interval: dict,
    similarity: float,
    named: dict,
    side: int,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
    units: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    for layer in CONVOLUTIONS:
        if not 0 <= named[layer] < (count := loaded.geometry.shape(layer)[-1]):
            raise InputError(f"the channel named for {layer} must be 0 to {count - 1}; got {named[layer]}.")
    stored = files.read_arrays(stacks, "frames", "original", "mirrored")
    original, mirrored = stored["original"], stored["mirrored"]
    measured = files.read_arrays(units) if units else {}
    asked = interventions.quantities(table)
    questions, steering = tuple(asked.values()), list(asked).index(actions["steering"])
    bootstrap = Bootstrap(**interval)
    clusters = intervals.near_duplicates(original, similarity=similarity)
    donors = interventions.draw_donors(clusters, count=settings["donors"], seed=settings["seed"])
    kept = {"frames": stored["frames"], "clusters": clusters, "quantities": np.array(list(asked))}

    here, there = (interventions.answers(loaded, questions, greys)[:, steering] for greys in (original, mirrored))
    steered = {}
    for layer in CONVOLUTIONS:
        found = interventions.replacement_effects(loaded, questions, layer, original, mirrored, donors)
        for name, (change, size) in found.items():
            kept |= {
                f"{name}/{layer}/size": size.mean(0),
                f"{name}/{layer}/change": change.mean(0),
                f"{name}/{layer}/interval": _bounds(size[:, named[layer]], clusters, bootstrap),
            }
        steered[layer] = {
            name: interventions.Effects(*(values[..., steering] for values in of)) for name, of in found.items()
        }
        kept[f"zero/{layer}/steering"] = steered[layer]["zero"].size
        kept[f"patch/{layer}/share"] = interventions.carried_share(steered[layer]["patch"].change, there - here)

    gradient = side * interventions.gradient_sides(loaded, questions[steering], DETECTOR, original)
    kept[f"gradient/{DETECTOR}/sides"] = gradient
    # ASSUME: without labelled frames a detector is switched on by what it detects.
    off = f"{DETECTOR}/auroc" in measured and measured[f"{DETECTOR}/auroc"][named[DETECTOR]] < 0.5
    detector = interventions.detector_estimates(
        steered[DETECTOR],
        gradient,
        there - here,
        clusters,
        bootstrap,
        channel=named[DETECTOR],
        sign=-1 if off else 1,
    )

    labelled = files.read_arrays(labels, "frames", "original", "position", "group") if labels else {}
    seen = np.isfinite(labelled.get("position", []))
    unknown = missing(no_trunk(len(seen)) if labels and not seen.any() else NO_LABELS)
    relation, slope = dict.fromkeys(("rank-correlation", "before-relu"), unknown), unknown
    if all(f"{layer}/auroc" in measured for layer in TRUNK_LAYERS):
        effect = [steered[layer]["zero"].size.mean(0) for layer in TRUNK_LAYERS]
        for part, name in (("rank-correlation", "rectified"), ("before-relu", "auroc")):
            strength = [np.abs(measured[f"{layer}/{name}"] - 0.5) for layer in TRUNK_LAYERS]
            relation[part] = interventions.rank_correlation(strength, effect, bootstrap)
        kept |= {f"trunk/{layer}": np.abs(measured[f"{layer}/rectified"] - 0.5) for layer in TRUNK_LAYERS}
    if seen.any():
        groups = intervals.near_duplicates(labelled["original"], similarity=similarity, group=labelled["group"])
        (chosen, tested), greys = intervals.halves(groups), labelled["original"]
        strengths, directions = settings["strengths"], settings["directions"]
        try:
            vector = interventions.steering_vector(loaded, DETECTOR, greys[chosen], labelled["position"][chosen])
            random = interventions.random_directions(vector, count=directions, seed=settings["seed"])
            vectors = np.concatenate([vector[None], random])
            changes = interventions.dose_response(
                loaded, questions, DETECTOR, greys[tested], vectors, strengths=strengths
            )
        except InputError as reason:
            slope = missing(str(reason))
        else:
            groups = groups[tested]
            slope = interventions.slope_estimate(side * changes[..., steering], groups, bootstrap, strengths=strengths)
            kept |= {
                "dose/frames": labelled["frames"][tested],
                "dose/clusters": groups,
                "dose/strengths": np.array(strengths, float),
                "dose/vector": vector,
                "dose/change": changes[0].mean(0),
                "dose/interval": np.stack(
                    [_bounds(changes[0, :, i], groups, bootstrap) for i in range(len(strengths))]
                ),
                "dose/random": changes[1:].mean(1),
            }

    claims = {
        "tree-detector-steers": detector,
        "trunk-units-steer": relation,
        "steering-vector": {"slope": slope},
    }
    files.write_arrays(arrays, **kept)
    files.write_json(estimates, intervals.to_json(claims))


def _bounds(values: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Intervals of the means over frames of `[N, Q]`, `[Q, 2]`; NaN where there is none."""
    found = [intervals.estimate(intervals.mean(column), clusters, bootstrap).interval for column in values.T]
    return np.array([bounds or (np.nan, np.nan) for bounds in found])


if __name__ == "__main__":
    command(run)
