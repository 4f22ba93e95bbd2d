"""What the demo's ledger prints, computed again in plain numpy and scipy from frames, masks and weights."""

import functools

import numpy as np
import pytest
import scipy.stats
import yaml

from minetest_interp.io import files
from tests import plain
from tests.conftest import ROOT
from tests.results.recomputed import (
    CLOSE,
    FIELDS,
    RESULTS,
    ROUNDING,
    TENTH,
    aurocs,
    check,
    field_sums,
    halves,
    pairs,
    parts,
    shuffled_weights,
)

CONFIG = yaml.safe_load((ROOT / "config/demo.yaml").read_text(encoding="utf-8"))
NAMED = {"conv0": 6, "conv1": 14, "conv2": 6}


def test_no_two_of_the_demos_frames_are_near_duplicates(claims, study):
    flat = study["greys"].reshape(len(study["greys"]), -1)
    near = np.corrcoef(flat) > 0.9
    assert (near == np.eye(len(flat), dtype=bool)).all()
    assert claims["yaw-mirror"]["clusters"] == len(flat)


def test_what_the_policy_does(claims, study):
    params, greys = study["params"], study["greys"]
    logits = plain.run(params, greys)[0]
    here, there = plain.yaw(logits), plain.yaw(plain.run(params, study["mirrored"])[0])
    each = np.arange(len(here))
    mirror = parts(claims, "yaw-mirror")
    check(mirror["flips"], lambda i: np.mean(here[i] * there[i] < 0), each)
    check(mirror["correlation"], lambda i: np.corrcoef(here[i], -there[i])[0, 1], each)
    check(mirror["bias"], lambda i: np.mean(here[i] + there[i]) / 2, each)
    even, odd = (here + there) / 2, (here - there) / 2
    asymmetry = parts(claims, "asymmetry")

    def kept(here, there):
        return lambda i: np.sum((here[i] + there[i]) ** 2) / np.sum(2 * (here[i] ** 2 + there[i] ** 2))

    check(asymmetry["share"], lambda i: np.sum(even[i] ** 2) / np.sum(even[i] ** 2 + odd[i] ** 2), each)
    others = [shuffled_weights(params, seed) for seed in range(20)]
    seen = [[plain.run(other, study[view])[0] for view in ("greys", "mirrored")] for other in others]
    random = [kept(*map(plain.yaw, views)) for views in seen]
    check(
        asymmetry["below-shuffled"],
        lambda i: kept(here, there)(i) - np.mean([other(i) for other in random]),
        each,
        draws=[other(each) for other in random],
    )
    walking = parts(claims, "moves-forward-and-jumps")
    forward, jump = plain.probability(logits, 0), plain.probability(logits, 1)
    check(walking["forward"], lambda i: np.mean(forward[i] > 0.5), each)
    assert walking["jump"]["estimate"] == np.mean(jump >= 0.05)
    rates = [np.mean(plain.probability(views[0], 1) >= 0.05) for views in seen]
    assert walking["jump"]["chance"] == pytest.approx(np.mean(rates))


def test_what_the_policy_does_at_night(claims, study, labelled):
    dark, named = labelled["light"] == "night", CONFIG["frames"]["night"]
    own = np.isin(study["names"], named)
    assert own.sum() == len(named)
    seen = {view: np.concatenate([study[view][own], labelled[view][dark]]) for view in ("greys", "mirrored")}
    here, there = (plain.yaw(plain.run(study["params"], frames)[0]) for frames in seen.values())
    clusters = plain.near_duplicates(seen["greys"], np.concatenate([[""] * len(named), labelled["group"][dark]]))
    night = parts(claims, "yaw-mirror-night")
    check(night["flips-night"], lambda i: np.mean(here[i] * there[i] < 0), clusters)
    check(night["correlation-night"], lambda i: np.corrcoef(here[i], -there[i])[0, 1], clusters)


def test_what_brightness_explains(claims, study):
    params, greys = study["params"], study["greys"].astype(float)
    each = np.arange(len(greys))
    here = plain.yaw(plain.run(params, greys)[0])
    left, right = greys[..., :32].mean((1, 2)), greys[..., 32:].mean((1, 2))
    equal = greys.copy()
    equal[..., :32] *= (np.minimum(left, right) / left)[:, None, None]
    equal[..., 32:] *= (np.minimum(left, right) / right)[:, None, None]
    changed = {
        "equalised": equal,
        "inverted": 255 - greys,
        "darker": 255 * (greys / 255) ** 2,
        "brighter": 255 * np.sqrt(greys / 255),
    }
    found = parts(claims, "not-mere-brightness")
    for name, retouched in changed.items():
        other = plain.yaw(plain.run(params, retouched)[0])
        check(found[name], lambda i, other=other: np.corrcoef(here[i], other[i])[0, 1], each)
    check(found["explained"], lambda i: np.corrcoef(here[i], (left - right)[i])[0, 1] ** 2, each)


def test_where_trunks_stand(claims, study, labelled):
    shown = np.isfinite(labelled["position"])
    position = labelled["position"][shown]
    here, there = (plain.yaw(plain.run(study["params"], labelled[view][shown])[0]) for view in ("greys", "mirrored"))
    clusters = plain.near_duplicates(labelled["greys"][shown], labelled["group"][shown])
    following = parts(claims, "yaw-follows-trunk")
    check(following["correlation"], lambda i: np.corrcoef(here[i], -position[i])[0, 1], clusters)
    off = np.abs(position) > 0.2
    check(following["sides"], lambda i: np.mean(here[off][i] * position[off][i] < 0), clusters[off])
    mirror = parts(claims, "yaw-mirror")
    check(mirror["flips-trunk"], lambda i: np.mean(here[i] * there[i] < 0), clusters)
    check(mirror["correlation-trunk"], lambda i: np.corrcoef(here[i], -there[i])[0, 1], clusters)


def gone(before, after):
    """Mean column of the trunk that is no more."""
    lost = np.maximum(before - after, 0).sum(1)
    with np.errstate(invalid="ignore"):  # what is hidden in both frames leaves no pixel
        return lost @ (2 * (np.arange(64) + 0.5) / 64 - 1) / lost.sum(1)


def test_what_happens_when_only_one_thing_changes(claims, study, labelled):
    greys, trunk = labelled["greys"].astype(float), labelled["trunk"]
    logits, values, _ = plain.run(study["params"], greys)
    turning = plain.yaw(logits)

    of, clusters = pairs(labelled, "trunk", "no trunk")
    before, after = of.T
    change = turning[after] - turning[before]
    rolled = greys[before] + np.roll(greys[after] - greys[before], 32, axis=2)
    control = plain.yaw(plain.run(study["params"], rolled.clip(0, 255))[0]) - turning[before]
    side = np.sign(gone(trunk[before], trunk[after]))
    removed = parts(claims, "trunk-removed")
    check(removed["above-control"], lambda i: np.mean(np.abs(change[i]) - np.abs(control[i])), clusters)
    check(removed["towards"], lambda i: np.mean((side * change)[i]), clusters)
    check(removed["change"], lambda i: np.mean(np.abs(change[i])), clusters)
    check(removed["value"], lambda i: np.mean((values[before] - values[after])[i]), clusters)

    of, clusters = pairs(labelled, "trunk", "moved trunk")
    before, after = of.T
    turned = turning[after] - turning[before]
    moved = gone(trunk[after], trunk[before]) - gone(trunk[before], trunk[after])
    shown = np.isfinite(moved)
    turned, moved, clusters = turned[shown], moved[shown], clusters[shown]
    found = parts(claims, "trunk-moved")
    check(found["sides"], lambda i: np.mean(turned[i] * moved[i] < 0), clusters)
    check(found["correlation"], lambda i: np.corrcoef(turned[i], -moved[i])[0, 1], clusters)

    of, clusters = pairs(labelled, "day", "night")
    day, night = turning[of].T
    alike = {"day-night": (day, night, clusters)}
    others = [shuffled_weights(study["params"], seed) for seed in range(20)]
    random = [plain.yaw(plain.run(other, greys[of.ravel()])[0]).reshape(of.shape).T for other in others]

    def fisher(i, both):
        return np.arctanh(np.corrcoef(*both[:, i])[0, 1])

    check(
        parts(claims, "day-night")["over-shuffled"],
        lambda i, own=turning[of].T: fisher(i, own) - np.mean([fisher(i, other) for other in random]),
        clusters,
        draws=[fisher(np.arange(len(of)), other) for other in random],
    )
    of, clusters = pairs(labelled, *(f"turn {n}" for n in range(4)))
    alike["still-stacks"] = (plain.yaw(plain.run(study["params"], greys[of])[0]), turning[of[:, -1]], clusters)
    for claim, (one, other, clusters) in alike.items():
        found = parts(claims, claim)
        check(found["correlation"], lambda i, a=one, b=other: np.corrcoef(a[i], b[i])[0, 1], clusters)
        check(found["sides"], lambda i, a=one, b=other: np.mean(a[i] * b[i] > 0), clusters)
        check(found["strength"], lambda i, a=one, b=other: np.abs(b[i]).sum() / np.abs(a[i]).sum(), clusters)
    mirrored = [plain.yaw(plain.run(study["params"], greys[which][..., ::-1])[0]) for which in (of, of[:, -1])]
    for part, seen, there in zip(("flips-stack", "flips-still"), alike["still-stacks"], mirrored, strict=False):
        check(parts(claims, "still-stacks")[part], lambda i, a=seen, b=there: np.mean(a[i] * b[i] < 0), clusters)


def test_claims_repeated_on_real_stacks(claims, study, labelled):
    of, _ = pairs(labelled, *(f"turn {n}" for n in range(4)))
    stacks, mirrored = labelled["greys"][of], labelled["mirrored"][of]
    clusters = plain.near_duplicates(stacks, [""] * len(of))
    here, there = (plain.yaw(plain.run(study["params"], view)[0]) for view in (stacks, mirrored))
    check(claims["yaw-mirror"]["on_turns"], lambda i: np.mean(here[i] * there[i] < 0), clusters)
    position = labelled["position"][of[:, -1]]
    shown = np.isfinite(position)
    assert shown.all()
    check(claims["yaw-follows-trunk"]["on_turns"], lambda i: np.corrcoef(here[i], -position[i])[0, 1], clusters)
    even, odd = (here + there) / 2, (here - there) / 2
    check(
        claims["asymmetry"]["on_turns"], lambda i: np.sum(even[i] ** 2) / np.sum(even[i] ** 2 + odd[i] ** 2), clusters
    )
    for claim in ("edge-detector", "dream-value-repeats", "actor-critic-aligned"):
        again = claims[claim]["on_turns"]
        assert again is None or again["estimate"] is None


@pytest.fixture(scope="module")
def layers(study):
    return plain.run(study["params"], study["greys"])[2]


def counted(scores):
    """Scores `[..., C]` to a function of positive and negative samples that counts the pairs in the right order."""
    levels = [np.unique(x.ravel(), return_inverse=True)[1].astype(np.int32) for x in np.moveaxis(scores, -1, 0)]
    tops = [level.max() for level in levels]

    def aurocs(positive, negative):
        found, chosen = [], [np.flatnonzero(samples) for samples in (positive, negative)]
        for level, top in zip(levels, tops, strict=True):
            plus, minus = (np.bincount(level[samples], minlength=top + 1) for samples in chosen)
            found.append(plus @ (np.cumsum(minus) - minus / 2) / plus.sum() / minus.sum())
        return np.array(found)

    return aurocs


def test_which_channels_tell_trunks(claims, trunks, labelled):
    p, (_, second_half) = {}, halves(labelled["clusters"])
    for layer, (_, second, turned, shares, _) in trunks.items():
        found, channel = parts(claims, f"tree-detector-{layer}"), NAMED[layer]

        def auroc(i, which, turned=turned, shares=shares):
            positive = shares[i] >= TENTH
            return plain.mann_whitney(turned[i][positive][:, which], turned[i][shares[i] == 0][:, which])

        each, clusters = np.arange(len(turned)), labelled["clusters"][second_half]
        check(found["auroc"], lambda i, auroc=auroc, channel=channel: auroc(i, channel), clusters)
        check(found["over-brightness"], lambda i, a=auroc, c=channel: a(i, c) - a(i, -1), clusters)
        assert found["rank"]["estimate"] == pytest.approx(np.mean(np.delete(second[:-1], channel) > second[channel]))
        positive = shares >= TENTH
        kept = positive | (shares == 0)

        def iou(i, kept=kept, positive=positive, x=turned[..., channel]):
            here = positive[i][kept[i]]
            active = np.zeros(len(here), bool)
            active[np.argsort(x[i][kept[i]], kind="stable")[len(here) - here.sum() :]] = True
            return (active & here).sum() / (active | here).sum()

        assert found["iou"]["estimate"] == pytest.approx(iou(each), abs=CLOSE)
        generator = np.random.default_rng(0)
        frames_on, columns_on = generator.integers(1, len(turned), 999), generator.integers(0, 64, 999)
        null, told = [], counted(turned[..., :-1])

        @functools.cache
        def moved(columns, layer=layer, side=turned.shape[1]):
            there = field_sums(np.roll(labelled["trunk"][second_half], columns, axis=2), layer, side)
            there /= FIELDS[layer][0] ** 2
            return np.where(there < ROUNDING, 0, there)

        for f, c in zip(frames_on, columns_on, strict=True):
            there = np.roll(moved(c), f, axis=0)
            null.append(told(there >= TENTH, there == 0))
        exceeding = np.sum(np.abs(np.array(null) - 0.5) >= np.abs(second[:-1] - 0.5) - 1e-12, axis=0)
        p[layer] = (1 + exceeding) / 1000
    joined = np.concatenate(list(p.values()))
    order = np.argsort(joined)
    scaled = joined[order] * len(joined) / np.arange(1, len(joined) + 1)
    q = np.empty(len(joined))
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1]  # Benjamini and Hochberg 1995
    for start, layer in ((0, "conv1"), (64, "conv2")):
        printed = parts(claims, f"tree-detector-{layer}")["q-value"]["estimate"]
        assert printed == pytest.approx(q[start + NAMED[layer]], abs=CLOSE)


def test_which_channels_follow_edges(claims, study, layers):
    channel, kernels = NAMED["conv0"], np.asarray(study["params"]["conv0"]["kernel"], float).sum(2)
    y, x = np.mgrid[:8, :8] - 3.5
    templates = np.stack([
        (x * np.cos(a) + y * np.sin(a)) * np.exp(-(x**2 + y**2) / (2 * s**2))
        for s in (1, 1.5, 2, 3) for a in np.deg2rad(np.arange(0, 180, 15))
    ])  # fmt: skip
    templates /= np.linalg.norm(templates, axis=(1, 2), keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(study["greys"].astype(float), (8, 8), axis=(1, 2))[:, ::4, ::4]
    gradients = np.einsum("nhwij,tij->nhwt", windows, templates)
    brightness = windows.mean((3, 4))
    responses = layers["conv0"]

    def related(i, c, filtered):
        return np.corrcoef(responses[i][..., c].ravel(), filtered[i].ravel())[0, 1]

    first, second = np.arange(0, 40, 2), np.arange(1, 40, 2)
    best, signs, share = [], [], []
    for c in range(32):
        found = [related(first, c, gradients[..., t]) for t in range(48)]
        best.append(int(np.argmax(np.abs(found))))
        signs.append(np.sign(found[best[-1]]))
        energy = (kernels[..., c] ** 2).sum()
        share.append(max((kernels[..., c] * template).sum() ** 2 for template in templates) / energy)
    bright = np.sign(related(first, channel, brightness))
    following = [signs[c] * related(second, c, gradients[..., best[c]]) for c in range(32)]
    printed = parts(claims, "edge-detector")

    def response(i):
        return signs[channel] * related(second[i], channel, gradients[..., best[channel]])

    check(printed["response"], response, second)
    check(printed["over-brightness"], lambda i: response(i) - bright * related(second[i], channel, brightness), second)
    assert printed["kernel"]["estimate"] == pytest.approx(share[channel], abs=CLOSE)
    orders = np.random.default_rng(0).permuted(np.broadcast_to(kernels[..., channel].ravel(), (99, 64)), axis=1)
    shuffled = windows.reshape(*windows.shape[:3], 64) @ orders.T

    def correlations(i):
        joined = np.concatenate([shuffled[i].reshape(-1, 99), gradients[i].reshape(-1, 48)], axis=1)
        return np.corrcoef(joined.T)[:99, 99:]

    chosen = correlations(first)
    filters = np.abs(chosen).argmax(1)

    def tested(i):
        return correlations(second[i])[np.arange(99), filters] * np.sign(chosen[np.arange(99), filters])

    every = tested(np.arange(20))
    assert printed["response"]["chance"] == pytest.approx(every.mean(), abs=CLOSE)
    check(
        printed["over-shuffled"],
        lambda i: np.arctanh(response(i)) - np.arctanh(tested(i)).mean(),
        second,
        draws=np.arctanh(every),
    )
    assert printed["rank"]["estimate"] == pytest.approx(np.mean(np.delete(following, channel) > following[channel]))


def ablated(params, layers, layer, channel, values=0.0):
    """The yaw with one channel set to `values`, `[N, h, w]` or a number."""
    edited = layers[layer].copy()
    edited[..., channel] = values
    return plain.yaw(plain.run_from(params, layer, edited)[0])


def test_what_removing_channels_does(claims, study, layers, labelled, trunks):
    params, channel = study["params"], NAMED["conv2"]
    each = np.arange(len(study["greys"]))
    here, there = (plain.yaw(plain.run(params, study[view])[0]) for view in ("greys", "mirrored"))
    size = {
        layer: np.stack([np.abs(ablated(params, layers, layer, c) - here) for c in range(64)], 1)
        for layer in ("conv1", "conv2")
    }
    found = parts(claims, "tree-detector-steers")
    check(found["ablation-zero"], lambda i: size["conv2"][i, channel].mean(), each)
    assert found["ablation-zero"]["chance"] == pytest.approx(np.median(size["conv2"].mean(0)), abs=CLOSE)
    check(
        found["ablation-rank"],
        lambda i: np.mean(np.delete(size["conv2"][i].mean(0), channel) > size["conv2"][i].mean(0)[channel]),
        each,
    )
    rectified = plain.relu(layers["conv2"][..., channel])
    by_mean = np.abs(ablated(params, layers, "conv2", channel, rectified.mean(0)) - here)
    check(found["ablation-mean"], lambda i: by_mean[i].mean(), each)
    donors = (each[:, None] + 1 + np.random.default_rng(0).integers(39, size=(40, 4))) % 40
    lent = [
        np.abs(ablated(params, layers, "conv2", channel, layers["conv2"][d, ..., channel]) - here) for d in donors.T
    ]
    resampled = np.mean(lent, axis=0)
    check(found["ablation-resample"], lambda i: resampled[i].mean(), each)
    reflected = plain.run(params, study["mirrored"])[2]["conv2"]
    patched = ablated(params, layers, "conv2", channel, reflected[..., channel]) - here
    wanted = there - here
    check(found["patch"], lambda i: (patched[i] * wanted[i]).sum() / (wanted[i] ** 2).sum(), each)

    effects, told = [], []
    for layer, (*_, shares) in trunks.items():
        auroc = aurocs(plain.relu(labelled["layers"][layer]), shares)
        told.append((scipy.stats.rankdata(np.abs(auroc - 0.5)) - 0.5) / 64)
        effects.append((scipy.stats.rankdata(size[layer].mean(0)) - 0.5) / 64)
    told, effects = np.concatenate(told), np.concatenate(effects)
    relation = parts(claims, "trunk-units-steer")
    check(relation["rank-correlation"], lambda i: np.corrcoef(told[i], effects[i])[0, 1], np.arange(128))
    passed = [plain.relu(layers[layer]).reshape(-1, 64) for layer in trunks]
    given = [
        np.concatenate([scipy.stats.rankdata(f(x)) for x in passed]) for f in (lambda x: x.mean(0), lambda x: x.std(0))
    ]

    def partial(i):
        design = np.stack([np.ones(len(i)), *(ranks[i] for ranks in given)], 1)
        left = [ranks[i] - design @ np.linalg.lstsq(design, ranks[i])[0] for ranks in (told, effects)]
        return np.corrcoef(*left)[0, 1]

    check(relation["given-activity"], partial, np.arange(128))


def pushes(params, greys):
    """The gradient of the yaw at conv2, left half less right half, `[N, C]`."""
    logits, _, layers = plain.run(params, greys)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    signs = np.tile(np.repeat([1.0, 0.0, -1.0], 3), 4)  # 18 forward + 9 jump + 3 mouse_x + mouse_y
    yaw = p @ signs
    of_logits = p * (signs - yaw[:, None])
    of_hidden = of_logits @ params["actor"]["kernel"].T * (layers["hidden"] > 0)
    of_conv2 = (of_hidden @ params["hidden"]["kernel"].T).reshape(layers["conv2"].shape) * (layers["conv2"] > 0)
    return of_conv2[:, :, :2].mean((1, 2)) - of_conv2[:, :, 2:].mean((1, 2))


def test_where_a_channels_gradient_pushes(claims, study, labelled, trunks):
    channel = NAMED["conv2"]
    sides = pushes(study["params"], study["greys"])[:, channel]
    first, _ = halves(labelled["clusters"])
    scores, shares = labelled["layers"]["conv2"][first][..., channel], trunks["conv2"][-1][first]

    def auroc(i):
        return plain.mann_whitney(scores[i][shares[i] >= TENTH], scores[i][shares[i] == 0])

    low, high = plain.jackknife(auroc, labelled["clusters"][first], scale="share")
    assert low > 0.5 or high < 0.5
    sign = 1 if low > 0.5 else -1
    pushed = sign * sides
    found = parts(claims, "tree-detector-steers")
    check(found["pushes"], lambda i: np.mean((1 + np.sign(pushed[i])) / 2), np.arange(40))
    check(found["gradient"], lambda i: pushed[i].mean(), np.arange(40))
    others = [pushes(shuffled_weights(study["params"], seed), study["greys"]) for seed in range(20)]
    others = np.concatenate(others, axis=1)
    random = (1 + sign * np.sign(others[:, (others != 0).sum(0) >= np.count_nonzero(sides)])) / 2
    check(
        found["over-shuffled"],
        lambda i: np.mean((1 + np.sign(pushed[i])) / 2) - random[i].mean(),
        np.arange(40),
        draws=random.mean(0),
    )


def test_what_steering_does(claims, study, labelled):
    first, second = halves(labelled["clusters"])
    position, conv2 = labelled["position"], labelled["layers"]["conv2"]
    left, right = (first[sign * position[first] > 0.2] for sign in (-1, 1))
    vector = conv2[left].mean(0) - conv2[right].mean(0)
    drawn = np.random.default_rng(0).standard_normal((20, *vector.shape))
    random = drawn * np.linalg.norm(vector) / np.linalg.norm(drawn.reshape(20, -1), axis=1)[:, None, None, None]
    here = plain.yaw(plain.run_from(study["params"], "conv2", conv2[second])[0])
    strengths = np.array([-2, -1, -0.5, 0.5, 1, 2])

    def slopes(direction):
        moved = [
            plain.yaw(plain.run_from(study["params"], "conv2", conv2[second] + s * direction)[0]) for s in strengths
        ]
        return strengths @ (np.array(moved) - here) / (strengths @ strengths)

    greys = labelled["greys"][first].astype(float)
    difference = greys[..., :32].mean((1, 2)) - greys[..., 32:].mean((1, 2))
    darker = conv2[first][difference < 0].mean(0) - conv2[first][difference > 0].mean(0)
    along = darker / np.linalg.norm(darker)
    orthogonal = vector - (vector * along).sum() * along
    shorter = random * np.linalg.norm(orthogonal) / np.linalg.norm(vector)
    found, clusters = parts(claims, "steering-vector"), labelled["clusters"][second]
    for part, direction, controls in (("slope", vector, random), ("beyond-brightness", orthogonal, shorter)):
        null = np.array([slopes(control) for control in controls])
        beyond = slopes(direction) - null.mean(0)
        check(found[part], lambda i, b=beyond: b[i].mean(), clusters, draws=null.mean(1))
    bright = slopes(along * np.linalg.norm(vector))
    check(found["brightness"], lambda i: bright[i].mean(), clusters)
    assert found["cosine"]["estimate"] == pytest.approx((vector * along).sum() / np.linalg.norm(vector), abs=CLOSE)
    side = -np.sign(position[first])
    off = np.abs(np.nan_to_num(position[first])) > 0.2
    design = np.stack([side[off], np.ones(off.sum()), difference[off]], 1)
    fitted = np.linalg.lstsq(design, conv2[first][off].reshape(off.sum(), -1))[0][0]
    regressed = slopes(2 * fitted.reshape(vector.shape))
    check(found["regressed-out"], lambda i: regressed[i].mean(), clusters)


def test_how_far_actor_and_critic_agree(claims, study):
    whole, critic = study["params"]["actor"]["kernel"].T.astype(float), study["params"]["critic"]["kernel"][:, 0]
    actor = whole - whole.mean(0)

    def cosine(i, weights=actor):
        a, c = weights[:, i], critic[i].astype(float)
        return np.mean(np.abs(a @ c) / np.linalg.norm(a, axis=1) / np.linalg.norm(c))

    found = parts(claims, "actor-critic-aligned")
    check(found["cosine"], cosine, np.arange(512))
    check(found["with-common"], lambda i: cosine(i, whole), np.arange(512))
    generator, exceeding = np.random.default_rng(0), 0
    for size in [1024] * 9 + [9999 - 9 * 1024]:
        orders = generator.permuted(np.broadcast_to(critic, (size, 512)), axis=1).astype(float)
        lengths = np.linalg.norm(actor, axis=1) * np.linalg.norm(critic)
        exceeding += np.sum(np.mean(np.abs(orders @ actor.T) / lengths, axis=1) >= cosine(np.arange(512)))
    assert found["p-value"]["estimate"] == pytest.approx((1 + exceeding) / 10000, abs=CLOSE)


def test_what_dreams_show_follows_from_each_seeds_numbers(claims):
    """The ascents themselves are held against the notebook's elsewhere; they take too long to run in plain numpy."""
    stored = files.read_arrays(RESULTS / "evidence/dream_controls.npz")

    def both(name, key):
        return np.array([stored[f"{name}/{kind}/{key}"] for kind in ("real", "shuffled")])

    turning = (both("left", "repetition") + both("right", "repetition")) / 2
    expected = {
        ("dream-value-repeats", "repeats"): both("value", "repetition"),
        ("dream-value-repeats", "off-stride"): both("value", "off_stride"),
        ("dream-value-repeats", "over-yaw"): both("value", "repetition") - turning,
        ("dream-yaw-sides", "middle-left"): both("left", "middle_left") - both("right", "middle_left"),
        ("dream-yaw-sides", "edges"): both("right", "edges") - both("left", "edges"),
        ("dream-yaw-sides", "left-share"): both("left", "middle_left"),
        ("dream-yaw-sides", "right-share"): both("right", "edges"),
    }
    for (claim, name), (real, shuffled) in expected.items():
        part = parts(claims, claim)[name]
        assert (part["estimate"], part["chance"]) == pytest.approx((real.mean(), shuffled.mean()), abs=CLOSE)
        reach = scipy.stats.t.ppf(0.975, 19) * (real - shuffled).std(ddof=1)
        assert part["interval"] == pytest.approx((real.mean() - reach, real.mean() + reach), abs=CLOSE)
