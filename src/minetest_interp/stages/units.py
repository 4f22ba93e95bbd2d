"""What single channels respond to: oriented gradients in conv0, trunks in conv1 and conv2; both against controls."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minetest_interp.analysis import edges, intervals, mask_overlap
from minetest_interp.analysis.intervals import Bootstrap, Estimate, Statistic
from minetest_interp.analysis.mask_overlap import Detection
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import agent
from minetest_interp.model.labels import NO_LABELS, no_trunk
from minetest_interp.model.policy import Policy

LAYERS = ("conv1", "conv2")
EDGE_PARTS = ("response", "over-brightness", "kernel", "rank")
PARTS = ("auroc", "over-brightness", "q-value", "iou", "rank")
MOVING = "oriented gradients are those of one picture; a real stack has four"

Arrays = dict[str, np.ndarray]
Claims = dict[str, dict[str, Estimate]]


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    interval: dict,
    similarity: float,
    named: dict,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    loaded, bootstrap = agent.load(checkpoint_path, policy, actions).checkpoint.policy, Bootstrap(**interval)
    for layer, channel in named.items():
        width = loaded.geometry.shape(layer)[-1]
        if not 0 <= channel < width:
            raise InputError(f"`evidence.named` must be 0 to {width - 1} in {layer}; got {channel}.")
    stored = _read(stacks, "frames", "original", similarity=similarity)
    saved = {"frames": stored["frames"], "clusters": stored["clusters"]}
    if stored["original"].ndim == 3:
        more, claims = _edges(loaded, stored, named["conv0"], settings, bootstrap)
        saved |= more
    else:
        claims = {"edge-detector": dict.fromkeys(EDGE_PARTS, intervals.missing(MOVING))}
    try:
        if labels is None:
            raise InputError(NO_LABELS)
        labelled = _read(labels, "frames", "original", "trunk", "group", similarity=similarity)
        if not labelled["trunk"].any():
            raise InputError(no_trunk(len(labelled["trunk"])))
        more, judged = _trunks(loaded, labelled, named, settings, bootstrap)
        saved, claims = saved | more, claims | judged
    except InputError as error:
        unknown = dict.fromkeys(PARTS, intervals.missing(str(error)))
        claims |= {f"tree-detector-{layer}": unknown for layer in LAYERS}
    files.write_arrays(arrays, **saved)
    files.write_json(estimates, intervals.to_json(claims))


def _read(path: Path, *names: str, similarity: float) -> Arrays:
    stored = files.read_arrays(path, *names)
    clusters = intervals.near_duplicates(stored["original"], similarity=similarity, group=stored.get("group"))
    return stored | {"clusters": clusters}


def _edges(
    policy: Policy, stored: Arrays, channel: int, settings: Mapping, bootstrap: Bootstrap
) -> tuple[Arrays, Claims]:
    kernels = edges.still_kernels(policy)
    templates, grey = edges.templates(kernels.shape[1]), edges.mean_filter(kernels.shape[1])
    filters = np.concatenate([templates, grey])
    sums = edges.moments(stored["original"], kernels, filters, stride=policy.geometry.strides[0])
    halves = intervals.halves(stored["clusters"])
    first, second = (sums.take(half) for half in halves)
    by_gradient = edges.choose(first, range(len(templates)))
    by_brightness = edges.choose(first, [len(templates)])
    gradient, brightness = (edges.following(second, choice) for choice in (by_gradient, by_brightness))

    def estimate(statistic: Statistic, chance: float) -> Estimate:
        return intervals.estimate(statistic, stored["clusters"][halves[1]], bootstrap, chance=chance)

    share = edges.kernel_share(kernels, templates)
    shuffled = edges.shuffled_share(kernels, templates, seed=settings["seed"])
    once = np.ones(halves[1].sum())
    arrays = {
        "conv0/kernel": share,
        "conv0/template": by_gradient.filters,
        "conv0/gradient/first": by_gradient.correlation,
        "conv0/gradient/second": gradient(once),
        "conv0/brightness/first": by_brightness.correlation,
        "conv0/brightness/second": brightness(once),
    }
    parts = {
        "response": estimate(lambda weights: gradient(weights)[..., channel], 0.0),
        "over-brightness": estimate(lambda weights: (gradient(weights) - brightness(weights))[..., channel], 0.0),
        "kernel": intervals.exact(share[channel], n=len(share), chance=shuffled),
        "rank": estimate(lambda weights: mask_overlap.larger(gradient(weights), channel), 0.5),
    }
    return arrays, {"edge-detector": parts}


def _trunks(
    policy: Policy, stored: Arrays, named: Mapping, settings: Mapping, bootstrap: Bootstrap
) -> tuple[Arrays, Claims]:
    greys, halves = stored["original"], intervals.halves(stored["clusters"])
    newest = greys if greys.ndim == 3 else greys[:, -1]
    draws = {key: settings[key] for key in ("shifts", "seed")}
    found, rectified = {}, {}
    for layer, activation in mask_overlap.activations(policy, greys, LAYERS).items():
        scores = mask_overlap.with_brightness(activation, newest, policy.geometry, layer)
        labels = mask_overlap.field_labels(stored["trunk"], policy.geometry, layer, trunk_share=settings["trunk_share"])
        found[layer] = mask_overlap.detect(scores, labels, halves, **draws)
        rectified[layer] = mask_overlap.observed(
            mask_overlap.auroc, mask_overlap.samples(np.maximum(activation, 0), labels)
        )
    q = mask_overlap.corrected({layer: detection.p[:-1] for layer, detection in found.items()})
    arrays = {"labelled/frames": stored["frames"], "labelled/clusters": stored["clusters"]}
    arrays["found"] = np.array(_best(found, q, settings["false_discovery"])[: settings["named"]], dtype=str)
    for layer, detection in found.items():
        arrays |= {f"{layer}/{name}": array for name, array in _channels(detection, q[layer]).items()}
        arrays[f"{layer}/rectified"] = rectified[layer]  # the AUROC of what the channel passes on
    held_out = stored["clusters"][halves[1]]
    claims = {
        f"tree-detector-{layer}": _tree_detector(detection, q[layer], named[layer], held_out, bootstrap)
        for layer, detection in found.items()
    }
    return arrays, claims


def _best(found: Mapping[str, Detection], q: Mapping[str, np.ndarray], false_discovery: float) -> list[str]:
    """Units that tell trunks on the second half too, those first that told them best on the first."""
    units = [
        (-detection.first[channel], f"{layer}/{channel}")
        for layer, detection in found.items()
        for channel in np.flatnonzero((q[layer] < false_discovery) & (detection.second[:-1] > 0.5))
    ]
    return [name for _, name in sorted(units, key=lambda unit: unit[0])]


def _channels(detection: Detection, q: np.ndarray) -> Arrays:
    """What panels and tests read: `[C]` for the channels, one number for brightness."""
    names = ("auroc", "first", "second", "iou", "iou_chance", "p", "null")
    values = {name: getattr(detection, name) for name in names}
    arrays = {name: value[..., :-1] for name, value in values.items()} | {"q": q}
    arrays |= {f"brightness/{name}": values[name][-1] for name in ("auroc", "first", "second")}
    positive, negative = detection.held_out.labels.moved()
    return arrays | {"positives": positive.sum(), "negatives": negative.sum()}


def _tree_detector(
    detection: Detection, q: np.ndarray, channel: int, clusters: np.ndarray, bootstrap: Bootstrap
) -> dict[str, Estimate]:
    auroc = mask_overlap.weighted(mask_overlap.auroc, detection.held_out, [channel, -1])
    every_auroc = mask_overlap.linear_auroc(detection.held_out)
    iou = mask_overlap.weighted(mask_overlap.iou, detection.held_out, [channel])

    def estimate(statistic: Statistic, chance: float) -> Estimate:
        return intervals.estimate(statistic, clusters, bootstrap, chance=chance)

    return {
        "auroc": estimate(lambda weights: auroc(weights)[..., 0], 0.5),
        "over-brightness": estimate(lambda weights: auroc(weights) @ np.array([1, -1]), 0.0),
        "q-value": intervals.exact(q[channel], n=len(clusters)),
        "iou": estimate(lambda weights: iou(weights)[..., 0], float(detection.iou_chance[channel])),
        "rank": estimate(lambda weights: mask_overlap.larger(every_auroc(weights)[..., :-1], channel), 0.5),
    }


if __name__ == "__main__":
    command(run)
