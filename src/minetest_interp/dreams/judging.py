"""Scores of dreams, beside those of shuffled weights and of the best real frames."""

from collections.abc import Mapping

import numpy as np

from minetest_interp.analysis import stats
from minetest_interp.dreams import dreaming, scores, units
from minetest_interp.dreams.dreaming import Dreams, Subject
from minetest_interp.model.architecture import Architecture, Trace

# The layers in whose channels a dream's path is compared with real frames', by where they stand (see `path_layers`).
PLACES = ("middle", "last")
PATHS = tuple(f"path_{place}{form}" for form in ("", "_standardised") for place in PLACES)
SCORES = ("z", "hf", *PATHS, "fd", "agreement", "control_correlation")


def path_layers(network: Architecture) -> dict[str, str]:
    """For each of `PLACES`, the layer that stands there among those with positions."""
    return {"middle": network.maps[len(network.maps) // 2], "last": network.maps[-1]}


def score(subject: Subject, shown: Dreams, control: Dreams) -> dict[str, np.ndarray]:
    """Every score of `SCORES`, `[U]`, its mean over the seeds; and the controls', the name ending in _control.

    HF, agreement and control correlation look at the stack's last frame, agreement and control correlation at the
    unit's receptive field alone; the others see what the policy sees. z is NaN where the frames do not vary.

    Args:
      subject: the real policy on the judged frames.
    """
    result = _scores(subject, shown)
    result |= {f"{name}_control": values for name, values in _scores(subject, control).items()}
    changes, others = (dreams.pictures[:, :, -1] - dreams.bases[:, None] for dreams in (shown, control))
    nothing = np.zeros(shown.bases.shape[1:], np.float32)
    result["control_correlation"] = np.array(
        [
            scores.control_correlation(change, other, nothing, mask)
            for change, other, mask in zip(changes, others, _masks(subject), strict=True)
        ]
    )
    return result


def ceilings(subject: Subject, *, mean: np.ndarray, seeds: int) -> dict[str, np.ndarray]:
    """What the judged frames that drive a unit most reach, `[U]`, the names ending in _real.

    z and HF: the mean over the best 9. path: each of them against the others. FD: the best `seeds` of them, as many as
    a dream has pictures. agreement: of the best 9 within the receptive field, `mean` `[H, W]` taken off.
    """
    layers = path_layers(subject.policy.architecture)
    reference, features, rows = _reference(subject), _features(subject.trace, layers), []
    for natural, mask in zip(subject.natural, _masks(subject), strict=True):
        strongest = stats.highest(natural, count=scores.TOP)
        few = scores.gaussian(subject.trace.layers[layers["middle"]][strongest[:seeds]])
        row = {
            "z": scores.z_score(natural[strongest], natural).mean(),
            "hf": scores.high_frequency(subject.frames[strongest]).mean(),
            "fd": scores.frechet(few, reference),
            "agreement": scores.agreement(subject.frames[strongest], mean, mask),
        }
        for place, real in features.items():
            row |= _named(place, scores.path_ceiling(real[strongest], real))
        rows.append(row)
    return {f"{name}_real": np.array([row[name] for row in rows], np.float64) for name in rows[0]}


def _scores(subject: Subject, shown: Dreams) -> dict[str, np.ndarray]:
    """The scores that need no control, `[U]`."""
    count, seeds = shown.pictures.shape[:2]
    stacks = shown.pictures.reshape(count * seeds, *shown.pictures.shape[2:])
    trace, reached = dreaming.run_on_stacks(subject.policy, subject.listed, stacks)
    layers = path_layers(subject.policy.architecture)
    features, real = _features(trace, layers), _features(subject.trace, layers)
    reference, rows = _reference(subject), []
    for i, mask in enumerate(_masks(subject)):
        own, natural, last = slice(i * seeds, (i + 1) * seeds), subject.natural[i], shown.pictures[i, :, -1]
        strongest = stats.highest(natural, count=scores.TOP)
        row = {
            "z": scores.z_score(reached[i, own], natural).mean(),
            "hf": scores.high_frequency(last).mean(),
            "fd": scores.frechet(scores.gaussian(trace.layers[layers["middle"]][own]), reference),
            "agreement": scores.agreement(last, shown.bases[i], mask) if seeds > 1 else np.nan,
        }
        for place in PLACES:
            each = [scores.path(f, real[place][strongest], real[place]) for f in features[place][own]]
            row |= _named(place, scores.Path(*np.mean(each, axis=0)))
        rows.append(row)
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}


def _features(trace: Trace, layers: Mapping[str, str]) -> dict[str, np.ndarray]:
    return {place: scores.channel_features(trace.layers[layer]) for place, layer in layers.items()}


def _named(place: str, path: scores.Path) -> dict[str, float]:
    return {f"path_{place}": path.raw, f"path_{place}_standardised": path.standardised}


def _reference(subject: Subject) -> scores.Gaussian:
    return scores.gaussian(subject.trace.layers[path_layers(subject.policy.architecture)["middle"]])


def _masks(subject: Subject) -> list[np.ndarray]:
    return [units.receptive_mask(unit, subject.policy.architecture) for unit in subject.listed]
