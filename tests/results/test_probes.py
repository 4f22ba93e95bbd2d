"""What the demo's probes give, computed again in plain numpy from frames, masks, weights and frames.csv."""

import csv
import json

import numpy as np
import pytest

from minetest_interp.io import files
from minetest_interp.model import checkpoint, frames
from tests import plain
from tests.conftest import ROOT

RESULTS = ROOT / "results/demo/evidence"
PENALTIES = (100, 10, 1, 0.1, 0.01)
CLOSE = 1e-5


@pytest.fixture(scope="module")
def labelled():
    if not (RESULTS / "probes.json").is_file():
        pytest.skip("NOT CHECKED: the demo study has not been built; run make first")
    params = checkpoint.load(ROOT / "data/demo/demo.model", size=64).policy.params
    found = frames.find(ROOT / "data/labelled", "frames/*.jpg")
    greys = np.stack([frames.grey(frames.read(path), size=64, order="notebook") for path in found])
    masks = [np.asarray(frames.Image.open(ROOT / f"data/labelled/masks/{path.stem}.png")) == 1 for path in found]
    centres = [2 * (np.arange(mask.shape[1]) + 0.5) / mask.shape[1] - 1 for mask in masks]
    position = [m.sum(0) @ c / m.sum() if m.any() else np.nan for m, c in zip(masks, centres, strict=True)]
    with (ROOT / "data/labelled/frames.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    said = {key: np.array([rows[path.stem][key] for path in found]) for key in ("group", "species", "biome")}
    logits, _, layers = plain.run(params, greys)
    clusters = plain.near_duplicates(greys, said["group"])
    given = {"greys": greys, "position": np.array(position), "clusters": clusters, "turning": plain.yaw(logits)}
    return given | said | {"layers": layers}


def part(claim, name):
    return json.loads((RESULTS / "probes.json").read_text())[claim][name]


def check(found, statistic, clusters, scale):
    assert found["estimate"] == pytest.approx(statistic(np.arange(len(clusters))), abs=CLOSE)
    assert (found["n"], found["clusters"]) == (len(clusters), len(set(clusters)))
    assert found["interval"] == pytest.approx(plain.jackknife(statistic, clusters, scale=scale), abs=CLOSE)


def ridge(products, fits, tests, y, penalty):
    """Predictions of some rows by ridge regression on others, with an intercept that is not penalised.

    products: of any two rows of the features, `[N, N]`; the mean of the fitted rows is taken off within them.
    """
    inner, across = products[np.ix_(fits, fits)], products[np.ix_(tests, fits)]
    centred = inner - inner.mean(0) - inner.mean(1)[:, None] + inner.mean()
    weights = np.linalg.solve(centred + penalty * np.eye(len(fits)), y[fits] - y[fits].mean())
    return (across - across.mean(1)[:, None] - inner.mean(0) + inner.mean()) @ weights + y[fits].mean()


def right(features, side, clusters):
    """Whether the side of each frame is right by a probe that is fitted on the other half of the clusters."""
    found, flat = np.empty(len(side), bool), features.reshape(len(features), -1).astype(float)
    y = side.astype(float)
    for half in (0, 1):
        fits, tests = np.flatnonzero(clusters % 2 == half), np.flatnonzero(clusters % 2 != half)
        spread = flat[fits].std(0)
        x = (flat - flat[fits].mean(0)) / np.where(spread > 0, spread, np.inf)
        products = x @ x.T
        size = np.trace(products[np.ix_(fits, fits)]) / len(fits)
        errors = np.zeros(len(PENALTIES))
        for i, penalty in enumerate(PENALTIES):
            for name in set(clusters[fits]):
                left, kept = fits[clusters[fits] == name], fits[clusters[fits] != name]
                errors[i] += np.sum((ridge(products, kept, left, y, penalty * size) - y[left]) ** 2)
        found[tests] = (ridge(products, fits, tests, y, PENALTIES[errors.argmin()] * size) > 0.5) == side[tests]
    return found


def test_the_side_that_is_decoded(labelled):
    off = np.abs(labelled["position"]) > 0.2
    side, clusters = labelled["position"][off] > 0, labelled["clusters"][off]
    brightness = labelled["greys"][off].reshape(-1, 4, 16, 4, 16).mean((2, 4))
    steps = {"brightness": brightness, "pixels": labelled["greys"][off]}
    steps |= {name: np.maximum(layer[off], 0) for name, layer in labelled["layers"].items()}
    stored = files.read_arrays(RESULTS / "probes.npz")
    assert stored["steps"].tolist() == list(steps)
    found = {name: right(features, side, clusters) for name, features in steps.items()}
    np.testing.assert_array_equal(stored["side/gained"], list(found.values()))
    one, rival = found["conv2"].astype(float), found["brightness"].astype(float)
    check(part("side-is-encoded", "over-brightness"), lambda i: (one - rival)[i].mean(), clusters, "plain")
    check(part("side-is-encoded", "accuracy"), lambda i: one[i].mean(), clusters, "share")
    check(part("side-is-encoded", "brightness"), lambda i: rival[i].mean(), clusters, "share")


@pytest.mark.parametrize(("name", "label"), [("kinds", "species"), ("surroundings", "biome")])
def test_the_turning_in_every_group(name, label, labelled):
    shown = np.isfinite(labelled["position"])
    lowest = np.inf
    for group in set(labelled[label][shown]) - {""}:
        own = shown & (labelled[label] == group)
        turning, position, clusters = (labelled[key][own] for key in ("turning", "position", "clusters"))
        if len(set(clusters)) < 20:
            continue

        def following(i, turning=turning, position=position):
            return np.corrcoef(turning[i], -position[i])[0, 1]

        low, _ = plain.jackknife(following, clusters, scale="correlation")
        if low < lowest:
            lowest, worst = low, (following, clusters)
    check(part("species", name), *worst, "correlation")
