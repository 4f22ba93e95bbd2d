"""Where maps of the yaw lie, and which channels carry it, as the demo's ledger prints it, in plain numpy."""

import numpy as np
import pytest

from minetest_interp.io import files
from tests import plain
from tests.results.recomputed import CLOSE, RESULTS, check, halves, parts, shuffled_weights

READ = 60  # rows and columns that the network reads
JUDGED = "IG, mean frame"
GATES = 1e-4  # of one frame's map: some ReLU on the way is on in float32 alone
STEPS = 32
DRAWS, FEW = 100, 16


def spread_back(slopes, kernel, stride, side):
    """The gradient at a convolution's input `[N, side, side, C]` from that at its output `[N, h, w, D]`."""
    found = np.zeros((len(slopes), side, side, kernel.shape[2]))
    reach = stride * slopes.shape[1]
    for row, column in np.ndindex(kernel.shape[:2]):
        part = slopes @ kernel[row, column].T
        found[:, row : row + reach : stride, column : column + reach : stride] += part
    return found


def yaw_slopes(params, begin):
    """The gradient of the yaw at conv0 before its ReLU, `[N, 15, 15, C]`."""
    logits, _, layers = plain.run_from(params, "conv0", begin)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    signs = np.tile(np.repeat([1.0, 0.0, -1.0], 3), 4)
    of_logits = p * (signs - (p @ signs)[:, None])
    of_hidden = of_logits @ params["actor"]["kernel"].T * (layers["hidden"] > 0)
    slopes = (of_hidden @ params["hidden"]["kernel"].T).reshape(layers["conv2"].shape) * (layers["conv2"] > 0)
    slopes = spread_back(slopes, params["conv2"]["kernel"], 1, 6) * (layers["conv1"] > 0)
    return spread_back(slopes, params["conv1"]["kernel"], 2, 15) * (begin > 0)


def first_layer(params, greys):
    return plain.run(params, greys)[2]["conv0"]


def to_pixels(params, slopes):
    """The gradient at the pixels, summed over the stack's frames."""
    still = params["conv0"]["kernel"].sum(2, keepdims=True) / 255
    return spread_back(slopes, still, 4, 64)[..., 0]


def drawn(labelled):
    """The frames of up to 60 clusters with trunk in at least half of a pixel, one of each, in order."""
    inside = labelled["trunk"] >= 0.5
    shown = np.flatnonzero(inside.any((1, 2)))
    clusters = plain.near_duplicates(labelled["greys"][shown], labelled["group"][shown])
    generator = np.random.default_rng(0)
    chosen = generator.permutation(clusters.max() + 1)[:60]
    taken = shown[np.sort([generator.choice(np.flatnonzero(clusters == cluster)) for cluster in chosen])]
    return taken, inside[taken]


def maps_of(params, greys, mean):
    """Sizes of maps `[N, 64, 64]` by method."""
    begin, start = first_layer(params, greys), first_layer(params, mean[None])
    points = (start + (step + 0.5) / STEPS * (begin - start) for step in range(STEPS))
    integrated = to_pixels(params, sum(yaw_slopes(params, point) for point in points) / STEPS)
    gradient = to_pixels(params, yaw_slopes(params, begin))
    return {
        "gradient": np.abs(gradient),
        "gradient × input": np.abs(gradient * greys),
        JUDGED: np.abs(integrated * (greys - mean)),
    }


def test_where_maps_lie(claims, study, labelled):
    taken, inside = drawn(labelled)
    greys, mean = labelled["greys"][taken].astype(float), labelled["greys"].astype(float).mean(0)
    maps = {name: strength[:, :READ, :READ] for name, strength in maps_of(study["params"], greys, mean).items()}
    masks = inside[:, :READ, :READ].reshape(60, -1).astype(float)
    stored = files.read_arrays(RESULTS / "evidence/attribution.npz")
    assert stored["masks/frames"].tolist() == [labelled["names"][i] for i in taken]
    found = parts(claims, "maps-find-trunks")
    assert set(found) == {"pointing", "mass", "pointing-share", "mass-share"}
    each = np.arange(60)
    for name, strength in maps.items():
        flat = strength.reshape(60, -1)
        for score, scores in (("pointing", flat == flat.max(1, keepdims=True)), ("mass", flat)):
            matrix = scores @ masks.T / scores.sum(1, keepdims=True)
            own, others = np.diag(matrix), (matrix.sum(1) - np.diag(matrix)) / 59
            column = stored["methods"].tolist().index(name)
            np.testing.assert_allclose(stored[f"masks/{score}/own"][:, column], own, rtol=0, atol=GATES)
            np.testing.assert_allclose(stored[f"masks/{score}/others"][:, column], others, rtol=0, atol=GATES)
            if name != JUDGED:
                continue

            def above(i, matrix=matrix):
                some = matrix[np.ix_(i, i)]
                return np.mean(np.diag(some) - (some.sum(1) - np.diag(some)) / (len(i) - 1))

            check(found[score], above, each)
            check(found[f"{score}-share"], lambda i, own=own: own[i].mean(), each)
            assert found[score]["chance"] == 0
            assert found[f"{score}-share"]["chance"] == pytest.approx(others.mean(), abs=CLOSE)


class Channels:
    """The yaw of frames of which some channels of conv2 keep what they pass on and all others their means."""

    def __init__(self, params, greys, first):
        passed = plain.relu(plain.run(params, greys)[2]["conv2"])
        means, self.params = passed[first].mean(0), params
        weights = np.asarray(params["hidden"]["kernel"], float).reshape(16, 64, 512)
        self.whole = means.reshape(-1) @ weights.reshape(1024, 512) + params["hidden"]["bias"]
        self.own = np.einsum("npc,pcd->ncd", (passed - means).reshape(len(passed), 16, 64), weights, optimize=True)

    def yaw(self, i, kept):
        """`[frame, set]`. kept: 0 or 1, `[set, channel]`."""
        hidden = plain.relu(np.tensordot(self.own[i], kept.astype(float), (1, 1)).transpose(0, 2, 1) + self.whole)
        logits = hidden.reshape(-1, 512) @ self.params["actor"]["kernel"] + self.params["actor"]["bias"]
        return plain.yaw(logits).reshape(len(i), len(kept))


def explained(i, whole, kept):
    """1 less the variance of the change over that of the yaw, of every set `[frame, set]`."""
    return 1 - (kept[i] - whole[i, None]).var(0) / whole[i].var()


def random_sets(size):
    return np.random.default_rng(0).permuted(np.tile(np.arange(64) < size, (DRAWS, 1)), axis=1)


def strongest(channels, first):
    """The quarter of the channels whose holding changes the yaw most."""
    alone = channels.yaw(first, ~np.eye(64, dtype=bool)) - channels.yaw(first, np.ones((1, 64)))
    effects = np.abs(alone).mean(0)
    return np.argsort(np.argsort(-effects, kind="stable")) < FEW, effects


def test_how_much_few_channels_carry(claims, study):
    params, greys = study["params"], study["greys"]
    first, second = halves(np.arange(40))
    own = Channels(params, greys, first)
    best, effects = strongest(own, first)
    whole = own.yaw(second, np.ones((1, 64)))[:, 0]
    kept, held = own.yaw(second, np.stack([best, ~best])).T
    few, rest = own.yaw(second, random_sets(FEW)), own.yaw(second, random_sets(64 - FEW))
    each = np.arange(20)

    def quarter(i):
        return explained(i, whole, kept[:, None])[0] - explained(i, whole, few).mean()

    found = parts(claims, "few-paths-suffice")
    check(found["quarter"], quarter, each)
    check(found["explained"], lambda i: explained(i, whole, kept[:, None])[0], each)
    assert found["explained"]["chance"] == pytest.approx(explained(each, whole, few).mean(), abs=CLOSE)
    check(found["needed"], lambda i: explained(i, whole, rest).mean() - explained(i, whole, held[:, None])[0], each)

    stored = files.read_arrays(RESULTS / "evidence/circuits.npz")
    np.testing.assert_allclose(stored["kept/strength"], effects, atol=CLOSE)
    others = []
    for seed, (strong, random) in enumerate(stored["kept/shuffled"]):
        network = Channels(shuffled_weights(params, seed), greys, first)
        sets = np.concatenate([np.ones((1, 64)), strongest(network, first)[0][None], random_sets(FEW)])
        of = network.yaw(second, sets)
        np.testing.assert_allclose(
            (strong, random),
            (explained(each, of[:, 0], of[:, 1:2])[0], explained(each, of[:, 0], of[:, 2:]).mean()),
            atol=CLOSE,
        )
        others.append(of)

    def beyond(i):
        null = [explained(i, of[:, 0], of[:, 1:]) for of in others]
        return quarter(i) - np.mean([explained_[0] - explained_[1:].mean() for explained_ in null])

    null = stored["kept/shuffled"][:, 0] - stored["kept/shuffled"][:, 1]
    check(found["over-shuffled"], beyond, each, draws=null)
    assert set(found) == {"quarter", "explained", "needed", "over-shuffled"}
