"""What tests compute again of the built demo, from its frames, masks and weights, in plain numpy, and compare."""

import csv

import numpy as np
import pytest
import scipy.stats

from minetest_interp.model import checkpoint, frames
from tests import plain
from tests.conftest import ROOT

RESULTS, LABELS = ROOT / "results/demo", "data/labelled"
CLASSES = {"trunk": 1, "leaves": 2, "sky": 0}
CLOSE = 1e-5
ROUNDING = 1e-6  # of shares of trunk
TENTH = 0.1 - ROUNDING


def seen(folder, pattern):
    """Names of frames, and what the network sees of them and of their mirror images."""
    found = frames.find(ROOT / folder, pattern)
    pictures = [frames.read(path) for path in found]
    greys = np.stack([frames.grey(picture, size=64, order="notebook") for picture in pictures])
    mirrored = np.stack([frames.grey(frames.mirror(picture), size=64, order="notebook") for picture in pictures])
    return {"greys": greys, "mirrored": mirrored, "names": [path.stem for path in found]}


def read_study():
    """Weights, and the study's frames."""
    params = checkpoint.load(ROOT / "data/demo/demo.model", size=64).policy.params
    return {"params": params, **seen("data/demo", "frames/*-single-*.jpg")}


def shares_of(masks):
    """The share of each of the network's pixels that is inside, of masks of 188x320 pixels."""
    # Across, a column of the network's is 5 pixels. Down, a row is 47 / 16 pixels: each is first cut into 16.
    fine = (np.repeat(mask.reshape(188, 64, 5).mean(2), 16, axis=0) for mask in masks)
    return np.stack([each.reshape(64, 47, 64).mean(1) for each in fine])


def read_labelled(params):
    """All labelled frames: with masks, the share of trunk in each of the network's pixels, and clusters."""
    found = seen(LABELS, "frames/*.jpg")
    classes = [np.asarray(frames.Image.open(ROOT / f"{LABELS}/masks/{name}.png")) for name in found["names"]]
    assert {mask.shape for mask in classes} == {(188, 320)}
    shares = {name: shares_of(mask == number for mask in classes) for name, number in CLASSES.items()}
    masks = [mask == CLASSES["trunk"] for mask in classes]
    centres = [2 * (np.arange(m.shape[1]) + 0.5) / m.shape[1] - 1 for m in masks]
    position = np.array([m.sum(0) @ c / m.sum() if m.any() else np.nan for m, c in zip(masks, centres, strict=True)])
    with (ROOT / LABELS / "frames.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    said = ("group", "role", "light", "hud", "ray_trunks")
    told = {column: np.array([rows[name][column] for name in found["names"]]) for column in said}
    belongs = {"clusters": plain.near_duplicates(found["greys"], told["group"]), "position": position}
    layers = plain.run(params, found["greys"])[2]
    return found | told | belongs | {"shares": shares, "trunk": shares["trunk"], "layers": layers}


def halves(clusters):
    """Frames of even clusters, and of odd ones."""
    return np.flatnonzero(clusters % 2 == 0), np.flatnonzero(clusters % 2)


def pairs(labelled, *roles):
    """Where the frames of each group with these roles are, `[P, 2]`, and their clusters, told by the last frame."""
    where = dict(zip(zip(labelled["group"], labelled["role"], strict=True), range(len(labelled["role"])), strict=True))
    groups = sorted({g for g, _ in where if all((g, role) in where for role in roles)}, key=frames.natural_key)
    found = np.array([[where[group, role] for role in roles] for group in groups])
    return found, plain.near_duplicates(labelled["greys"][found[:, -1]], [""] * len(found))


def parts(claims, identifier):
    return {part["name"]: part for part in claims[identifier]["parts"]}


def check(part, statistic, clusters, *, draws=()):
    """A part's estimate and interval against `statistic`, a function of frame indices.

    draws: of which the mean is subtracted in it, so that another of them could have stood in its place.
    """
    whole = statistic(np.arange(len(clusters)))
    assert part["estimate"] == pytest.approx(whole, abs=CLOSE)
    assert part["n"] == len(clusters) and part["clusters"] == len(set(clusters))
    if part["interval"] is None:
        return
    if part["scale"] == "share" and whole == 1:  # all agree: Clopper and Pearson's
        assert part["interval"] == pytest.approx((0.025 ** (1 / part["clusters"]), 1), abs=CLOSE)
        return
    expected = plain.jackknife(statistic, np.asarray(clusters) % 500, scale=part["scale"])
    if len(draws):
        freedom = min(part["clusters"], 500) - 1
        of_frames = ((expected[1] - expected[0]) / 2 / scipy.stats.t.ppf(0.975, freedom)) ** 2
        of_draws = np.var(draws, ddof=1) * (len(draws) + 1) / len(draws)
        both = of_frames + of_draws
        degrees = both**2 / (of_frames**2 / freedom + of_draws**2 / (len(draws) - 1))
        reach = scipy.stats.t.ppf(0.975, degrees) * np.sqrt(both)
        expected = np.array([whole - reach, whole + reach])
    assert part["interval"] == pytest.approx(expected, abs=CLOSE)


def shuffled_weights(params, seed):
    """The numbers of every array in random order, drawn array by array in the order of their names."""
    generator = np.random.default_rng(seed)
    return {
        layer: {name: generator.permutation(of[name].ravel()).reshape(of[name].shape) for name in sorted(of)}
        for layer, of in sorted((layer, params[layer]) for layer in params)
    }


FIELDS = {"conv1": (20, 8), "conv2": (36, 8)}  # size and stride of the receptive fields


def field_sums(maps, layer, side):
    """Sums of `[N, 64, 64]` over each position's receptive field, `[N, side, side]`."""
    size, stride = FIELDS[layer]
    spans = [slice(stride * i, stride * i + size) for i in range(side)]
    rows = np.stack([maps[:, span].sum(1) for span in spans], axis=1)
    return np.stack([rows[..., span].sum(2) for span in spans], axis=2)


def directed(scores, shares, clusters):
    """AUROC of each half of the frames in the first half's direction, with the samples of the second."""
    one, other = halves(clusters)
    first = [plain.mann_whitney(x[shares[one] >= TENTH], x[shares[one] == 0]) for x in np.moveaxis(scores[one], -1, 0)]
    turned = scores[other] * np.where(np.array(first) < 0.5, -1, 1)
    second = aurocs(turned, shares[other])
    return np.maximum(first, 1 - np.array(first)), second, turned


def aurocs(scores, shares):
    """Mann and Whitney's from ranks, of every channel."""
    positive = shares >= TENTH
    kept = positive | (shares == 0)
    ranks = scipy.stats.rankdata(scores[kept], axis=0)
    chosen = positive[kept]
    plus, minus = chosen.sum(), (~chosen).sum()
    return (ranks[chosen].sum(0) - plus * (plus + 1) / 2) / (plus * minus)


def trunks_in_fields(labelled):
    """For conv1 and conv2: scores of the channels and of brightness, shares of trunk in the fields, second half's."""
    found, layers = {}, labelled["layers"]
    for layer, (size, _) in FIELDS.items():
        side = layers[layer].shape[1]
        brightness = field_sums(labelled["greys"].astype(float), layer, side) / size**2
        scores = np.concatenate([layers[layer], brightness[..., None]], -1)
        shares = field_sums(labelled["trunk"], layer, side) / size**2
        shares[shares < ROUNDING] = 0
        found[layer] = (
            *directed(scores, shares, labelled["clusters"]),
            shares[halves(labelled["clusters"])[1]],
            shares,
        )
    return found
