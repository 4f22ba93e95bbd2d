"""What channels of the first two layers follow, as the demo's ledger prints it, computed again in plain numpy."""

import numpy as np
import pytest
import scipy.ndimage
import sklearn.decomposition

from minetest_interp.io import files
from tests import plain
from tests.results.recomputed import CLOSE, RESULTS, ROUNDING, TENTH, check, field_sums, halves, parts, shuffled_weights

HALF = 0.5  # the correlation of which the square is the quarter that counts as explained
NETWORKS = 20


def same(part, number, frames, clusters):
    """The estimate; the interval of a number of channels is another method's, which has tests of its own."""
    assert part["estimate"] == pytest.approx(number, abs=CLOSE)
    assert (part["n"], part["clusters"]) == (frames, clusters)


def gradients():
    y, x = np.mgrid[:8, :8] - 3.5
    found = np.stack([
        (x * np.cos(a) + y * np.sin(a)) * np.exp(-(x**2 + y**2) / (2 * s**2))
        for s in (1, 1.5, 2, 3) for a in np.deg2rad(np.arange(0, 180, 15))
    ])  # fmt: skip
    return found.reshape(len(found), -1)


def standard(x):
    """Samples `[S, C]` about their mean and of unit length; 0 where they are all the same."""
    x = x - x.mean(0)
    length = np.linalg.norm(x, axis=0)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 1e-6 * np.sqrt(len(x)))


def correlations(x, y):
    """Of every column with every column, over frames and positions."""
    return standard(x.reshape(-1, x.shape[-1])).T @ standard(y.reshape(-1, y.shape[-1]))


def test_light_and_dark(claims, study):
    greys, (first, second) = study["greys"].astype(float), halves(np.arange(40))
    windows = np.lib.stride_tricks.sliding_window_view(greys, (8, 8), axis=(1, 2))[:, ::4, ::4].reshape(40, 225, 64)
    filtered = np.concatenate([windows @ gradients().T, windows.mean(-1, keepdims=True)], -1)

    def chosen(params):
        """Responses of the second half's frames, and the lightest and the darkest channel of the first half."""
        kernels = np.asarray(params["conv0"]["kernel"], float).sum(2).reshape(64, 32) / 255
        responses = windows @ kernels
        found = correlations(responses[first], filtered[first])
        bright, gradient = found[:, -1], np.abs(found[:, :-1]).max(1)
        alive = (bright != 0) | (gradient > 0)
        return responses[second], [int(np.where(alive, s * bright - gradient, -9).argmax()) for s in (1, -1)]

    def follows(responses, i):
        """The correlation of each channel with brightness, and the largest size with a gradient."""
        found = correlations(responses[i], filtered[second][i])
        return found[:, -1], np.abs(found[:, :-1]).max(1)

    stored = files.read_arrays(RESULTS / "evidence/features.npz")
    own, channels = chosen(study["params"])
    assert stored["light/chosen"].tolist() == channels
    others = [chosen(shuffled_weights(study["params"], seed)) for seed in range(NETWORKS)]
    found, each = parts(claims, "light-and-dark-detectors"), np.arange(20)
    for k, (name, sign) in enumerate((("light", 1), ("dark", -1))):
        # The channel of this network first, and after it those of the others.
        picked = np.stack([responses[..., of[k]] for responses, of in ((own, channels), *others)], -1)

        def over(i, picked=picked, sign=sign):
            bright, gradient = follows(picked, i)
            return sign * bright - gradient

        check(found[name], lambda i, over=over: over(i)[0], each)
        check(
            found[f"{name}-correlation"], lambda i, sign=sign, own=picked[..., :1]: sign * follows(own, i)[0][0], each
        )
        np.testing.assert_allclose(stored["light/shuffled"][k], np.stack(follows(picked, each), 1)[1:], atol=CLOSE)
        beyond = found[f"{name}-over-shuffled"]
        check(beyond, lambda i, over=over: over(i)[0] - over(i)[1:].mean(), each, draws=over(each)[1:])
    every = np.abs(correlations(own, filtered[second]))
    same(found["brightness-first"], np.mean(every[:, -1] > every[:, :-1].max(1)), 20, 20)
    assert len(found) == 7


def positions(layer):
    """Responses `[N, 36, C]` of the channels that are not the same everywhere."""
    flat = layer.reshape(len(layer), 36, -1)
    return flat[..., np.ptp(flat, axis=(0, 1)) > 0]


def in_fields(maps):
    """Means over what the positions of conv1 see, `[N, 36]`."""
    return field_sums(maps, "conv1", 6).reshape(len(maps), 36) / 400


def test_which_channels_follow_brightness(claims, study, labelled):
    greys = study["greys"].astype(float)
    bright, conv1 = in_fields(greys)[..., None], plain.run(study["params"], greys)[2]["conv1"]
    found = parts(claims, "follows-brightness")
    of = correlations(positions(conv1), bright)[:, 0]
    share = np.mean(np.abs(of) >= HALF)
    for part in ("share", "this-network"):
        same(found[part], share, 40, 40)
        assert found[part]["chance"] == 0.5
    same(found["inverted"], np.mean(of <= -HALF), 40, 40)
    passed = positions(plain.relu(conv1))
    same(found["passed-on"], np.mean(np.abs(correlations(passed, bright)) >= HALF), 40, 40)
    shifts = np.random.default_rng(0).permutation(np.arange(1, 40))[:19]
    moved = [np.abs(correlations(positions(conv1), np.roll(bright, shift, 0))) >= HALF for shift in shifts]
    same(found["shifted"], np.mean(moved), 40, 40)
    there = correlations(positions(labelled["layers"]["conv1"]), in_fields(labelled["greys"].astype(float))[..., None])
    same(found["labelled"], np.mean(np.abs(there) >= HALF), 752, len(set(labelled["clusters"])))
    stored = files.read_arrays(RESULTS / "evidence/features.npz")["bright/shuffled"]
    for seed, number in enumerate(stored):
        other = positions(plain.run(shuffled_weights(study["params"], seed), greys)[2]["conv1"])
        assert number == pytest.approx(np.mean(np.abs(correlations(other, bright)) >= HALF), abs=CLOSE)
    same(found["over-shuffled"], share - stored.mean(), 40, 40)
    assert len(stored) == NETWORKS and len(found) == 7


def test_what_simple_features_explain(claims, labelled):
    greys = labelled["greys"].astype(float)
    bright = in_fields(greys)
    features = [bright, np.sqrt(np.maximum(in_fields(greys**2) - bright**2, 0))]
    middles = 8 * np.arange(6) + 10
    for sigma in (5, 2.5):
        for order in ((0, 0, 1), (0, 1, 0)):
            turned = scipy.ndimage.gaussian_filter(greys, (0, sigma, sigma), order=order)
            features.append(turned[:, middles[:, None], middles].reshape(-1, 36))
    across, down = (scipy.ndimage.gaussian_filter(greys, (0, 1, 1), order=o) for o in ((0, 0, 1), (0, 1, 0)))
    for angle in np.deg2rad([0, 45, 90, 135]):
        features.append(in_fields(np.abs(across * np.cos(angle) + down * np.sin(angle))))
    pictures = len(features)
    features = np.stack(features + [in_fields(share) for share in labelled["shares"].values()], -1)
    first, second = halves(labelled["clusters"])
    clusters = labelled["clusters"][second]

    def misses(responses, basis):
        """Squared errors on the second half's frames, and the responses, `[N, C]`."""
        mean, spread = basis[first].mean((0, 1)), basis[first].std((0, 1))
        design = np.concatenate([np.ones((*basis.shape[:2], 1)), (basis - mean) / spread], -1)
        fitted = np.linalg.lstsq(
            design[first].reshape(-1, design.shape[-1]), responses[first].reshape(len(first) * 36, -1)
        )
        y = responses[second]
        return ((y - design[second] @ fitted[0]) ** 2).sum(1), y.sum(1), (y**2).sum(1)

    def explained(i, error, y, squares):
        variation = squares[i].sum(0) - y[i].sum(0) ** 2 / (36 * len(i))
        return np.divide(variation - error[i].sum(0), variation, out=np.zeros_like(variation), where=variation > 0)

    conv1, each = labelled["layers"]["conv1"], np.arange(len(second))
    whole = misses(positions(conv1), features)
    alone = explained(each, *misses(positions(conv1), features[..., :pictures]))
    passed = explained(each, *misses(positions(plain.relu(conv1)), features))
    found, count = parts(claims, "uninterpreted"), len(set(clusters))
    for part, of in (("share", explained(each, *whole)), ("pictures-alone", alone), ("passed-on", passed)):
        same(found[part], np.mean(of < 0.25), len(second), count)
        assert found[part]["chance"] == 0.25
    same(found["this-network"], found["share"]["estimate"], len(second), count)
    check(found["explained"], lambda i: explained(i, *whole).mean(), clusters)
    stored = files.read_arrays(RESULTS / "evidence/features.npz")
    np.testing.assert_allclose(stored["explained/basis"], explained(each, *whole), atol=CLOSE)
    assert len(found) == 5


def test_how_many_channels_detect_trunks(claims, trunks, labelled):
    _, second, turned, _, _ = trunks["conv1"]
    clusters = labelled["clusters"]
    _, held_out = halves(clusters)
    told = (len(held_out), len(set(clusters[held_out])))
    detects = (second[:-1] > 0.7) & (second[:-1] > second[-1])
    found = parts(claims, "one-tree-detector")
    for part, chance in (("at-least-one", 0.5), ("at-most-one", 1.5)):
        same(found[part], detects.sum(), *told)
        assert found[part]["chance"] == chance
    same(found["any-brightness"], np.sum(second[:-1] > 0.7), *told)
    as_they_are = labelled["layers"]["conv1"][held_out]
    up = [np.array_equal(turned[..., c], as_they_are[..., c]) for c in range(64)]
    same(found["switched-on"], np.mean(detects & up), *told)
    assert len(found) == 4


def improved(codes, samples, directions, penalty, steps):
    """FISTA's: least squares of at least 0 with a penalty on their sum (Beck and Teboulle 2009)."""
    gram, target = directions @ directions.T, samples @ directions.T - penalty
    rate, ahead, t = 1 / np.linalg.norm(gram, 2), codes, 1.0
    for _ in range(steps):
        new = np.maximum(0, ahead - rate * (ahead @ gram - target))
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = new + (t - 1) / following * (new - codes)
        codes, t = new, following
    return codes


def dictionary(samples, weight):
    """30 rounds: 15 steps of the codes, then each direction to where its own residual is least (Mairal et al. 2010)."""
    lengths = np.linalg.norm(samples, axis=1)
    start = np.random.default_rng(0).permutation(np.flatnonzero(lengths > 0))[: samples.shape[1]]
    directions = samples[start] / lengths[start, None]
    codes = np.zeros((len(samples), len(directions)))
    for _ in range(30):
        codes = improved(codes, samples, directions, weight, 15)
        for j, own in enumerate(codes.T):
            if own.any():
                missed = own @ samples - own @ codes @ directions
                best = np.maximum(missed + own @ own * directions[j], 0)
                directions[j] = best / np.linalg.norm(best) if best.any() else directions[j]
    return directions


def factors(samples):
    rank = np.linalg.matrix_rank(samples)
    model = sklearn.decomposition.NMF(rank, init="nndsvda", random_state=0, max_iter=200, tol=0.0)
    strength = model.fit_transform(samples).sum(0) * np.linalg.norm(model.components_, axis=1)
    kept = model.components_[np.argsort(-strength)][: np.sum(strength > 1e-4 * strength.max())]
    return kept / np.linalg.norm(kept, axis=1, keepdims=True)


def by_frames(scores, shares):
    """The AUROC to first order in how often frames count (DeLong et al. 1988), of scores and shares `[N, 36]`."""
    positive, negative = shares >= TENTH, shares < ROUNDING
    lower, upper = np.sort(scores[negative]), np.sort(scores[positive])
    below = (np.searchsorted(lower, scores) + np.searchsorted(lower, scores, "right")) / 2 / len(lower)
    above = 1 - (np.searchsorted(upper, scores) + np.searchsorted(upper, scores, "right")) / 2 / len(upper)
    won, lost = (positive * below).sum(1), (negative * above).sum(1)
    whole = won.sum() / positive.sum()
    return lambda i: won[i].sum() / positive[i].sum() + lost[i].sum() / negative[i].sum() - whole


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_units_against_other_bases(claims, labelled):
    first, second = halves(labelled["clusters"])
    passed = plain.relu(labelled["layers"]["conv1"]).reshape(-1, 36, 64)
    passed = passed[..., passed[first].any((0, 1))]
    size = passed.shape[-1]
    fitted = passed[first].reshape(-1, size)
    some, weight = fitted[:: len(fitted) // 2000], 0.1 * np.sqrt((fitted**2).sum(1).mean())
    q, r = np.linalg.qr(np.random.default_rng(0).standard_normal((4, size, size)))
    rotations = [one * np.sign(np.diag(of)) for one, of in zip(q, r, strict=True)]
    parted, learned, none = factors(some), dictionary(some, weight), np.zeros((len(passed) * 36, 1))

    def coded(directions, penalty):
        samples = passed.reshape(-1, size)
        return improved(none + np.zeros(len(directions)), samples, directions, penalty, 60)

    made = {
        "units": [(np.eye(size), passed)],
        "random": [(turned, passed @ turned.T) for turned in rotations],
        "nmf": [(parted, coded(parted, 0))],
        "dictionary": [(learned, coded(learned, weight))],
    }
    concepts = [in_fields(share) for share in labelled["shares"].values()]

    def best(directions, shares):
        scores = passed @ directions.T
        positive, negative = shares[first] >= TENTH, shares[first] < ROUNDING
        chosen = plain.mann_whitney(scores[first][positive], scores[first][negative])
        which = np.abs(chosen - 0.5).argmax()
        return by_frames(np.sign(chosen[which] - 0.5) * scores[second][..., which], shares[second])

    def sparseness(codes):
        codes = codes.reshape(len(passed), 36, -1)
        sizes = np.abs(codes[second] - np.median(codes[first], axis=(0, 1)))
        total, squares = sizes.sum(1), (sizes**2).sum(1)

        def of(i):
            energy = 36 * len(i) * squares[i].sum(0)
            return np.mean(1 - np.divide(total[i].sum(0) ** 2, energy, out=np.ones_like(energy), where=energy > 0))

        return of

    auroc = {kind: [best(basis, shares) for basis, _ in of for shares in concepts] for kind, of in made.items()}
    sparse = {kind: [sparseness(codes) for _, codes in of] for kind, of in made.items()}
    found, clusters = parts(claims, "axis-aligned"), labelled["clusters"][second]
    for start, of in (("", auroc), ("sparsity-", sparse)):
        for kind in ("random", "nmf", "dictionary"):

            def less(i, of=of, kind=kind):
                return np.mean([one(i) for one in of["units"]]) - np.mean([one(i) for one in of[kind]])

            check(found[start + kind], less, clusters)
            assert found[start + kind]["chance"] == 0
    assert len(found) == 6
