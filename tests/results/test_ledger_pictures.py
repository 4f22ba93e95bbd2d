"""What edited pictures do to turning and value, as the demo's ledger prints it, computed again in plain numpy."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse
import scipy.stats

from tests import plain
from tests.results.recomputed import check, pairs, parts

SIDE, ROWS = 64, 48  # of the picture, and of a bar: three quarters
DOSES = (0, 0.25, 0.5, 0.75, 1)
WIDTHS, OFFSETS = (4, 6, 8, 12, 16, 20), (0.3, 0.5, 0.7)
USUAL, BLUR = 8, 0.05 * SIDE


def first_column(width, offset):
    """Of a bar on the left, of which the middle lies `offset` of half a picture from the picture's middle."""
    return int(np.clip(round(SIDE / 2 * (1 - offset) - width / 2), 0, SIDE / 2 - width))


def turned(params, greys, bars, width=USUAL, offset=0.5):
    """Half of the yaw with a bar on the left less that with one on the right. bars: `[N, rows, width]`, one or two."""
    start, found = first_column(width, offset), []
    for bar, first in zip(
        bars if isinstance(bars, tuple) else (bars, bars), (start, SIDE - start - width), strict=True
    ):
        painted = greys.astype(np.float32)
        painted[:, :ROWS, first : first + width] = bar
        found.append(plain.yaw(plain.run(params, painted)[0]))
    return (found[0] - found[1]) / 2


def pattern(count, width):
    """Lighter and darker pixels in equal numbers, in random order."""
    half = ROWS * width // 2
    signs = np.repeat([[-1.0, 1.0]], count, 0).repeat(half, 1)
    return np.random.default_rng(0).permuted(signs, axis=1).reshape(count, ROWS, width)


def rough_bars(mean, width):
    return mean + np.minimum(mean / 2, 255 - mean) * pattern(len(mean), width)


def largest_rectangles(masks):
    """Top, bottom, left, right of the largest of each mask; of equal ones the narrowest, highest, leftmost."""
    best = np.tile([0, SIDE, SIDE, SIDE], (len(masks), 1))  # less the area, width, bottom, left
    top_of = np.zeros(len(masks), int)
    for top in range(SIDE):
        alive = np.ones(masks[:, 0].shape, bool)
        for bottom in range(top + 1, SIDE + 1):
            alive &= masks[:, bottom - 1]
            if not alive.any():
                break
            columns = np.arange(SIDE)
            lasting = columns - np.maximum.accumulate(
                np.where(alive, -1, columns), axis=1
            )  # columns since the last gap
            width = lasting.max(1)
            left = lasting.argmax(1) - width + 1
            found = np.stack([-width * (bottom - top), width, np.full_like(width, bottom), left], 1)
            order = np.sign(found - best)
            better = (np.take_along_axis(order, (order != 0).argmax(1)[:, None], 1)[:, 0] < 0) & (width > 0)
            best[better], top_of[better] = found[better], top
    return np.stack([top_of, best[:, 2], best[:, 3], best[:, 3] + best[:, 1]], 1)


def textures(greys, trunk):
    """Bars cut from trunks, over the mean of their picture."""
    made = []
    for grey, (top, bottom, left, right) in zip(greys, largest_rectangles(trunk >= 0.95), strict=True):
        if (bottom - top) * (right - left) < USUAL**2 or not grey[top:bottom, left:right].any():
            continue
        wanted = ((0, max(0, ROWS - bottom + top)), (0, max(0, USUAL - right + left)))
        made.append(np.pad(grey[top:bottom, left:right], wanted, "symmetric")[:ROWS, :USUAL] / grey.mean())
    return np.array(made)


@pytest.fixture(scope="module")
def bars(study, labelled):
    """Turning to bars on frames without trunk by their kind, and the mean over widths and places of two of them."""
    params, empty = study["params"], np.isnan(labelled["position"])
    greys = labelled["greys"][empty].astype(float)
    mean = greys.mean((1, 2))[:, None, None]
    everywhere = [(width, offset) for width in WIDTHS for offset in OFFSETS]
    dark = {place: turned(params, greys, mean / 2, *place) for place in everywhere}
    rough = {place: turned(params, greys, rough_bars(mean, place[0]), *place) for place in everywhere}
    found = {"dark places": np.mean(list(dark.values()), 0), "rough places": np.mean(list(rough.values()), 0)}
    found |= {kind: dark[width, 0.5] for kind, width in (("dark", USUAL), ("narrow", 4), ("wide", 16))}
    found |= {"rough": rough[USUAL, 0.5], "bright": turned(params, greys, np.minimum(1.5 * mean, 255))}
    found |= {f"dose {dose:g}": turned(params, greys, (1 - dose) * mean) for dose in DOSES}
    found["plain"] = found["dose 0"]

    cut = textures(labelled["greys"][~empty].astype(float), labelled["trunk"][~empty])
    drawn = np.sort(np.random.default_rng(0).integers(len(cut), size=(4, len(greys))), axis=0)
    donors = np.argsort(cut.mean((1, 2)), kind="stable")[drawn]
    of_texture = {"texture": [], "texture-flat": [], "texture-light": []}
    for each in donors:
        bar = np.minimum(cut[each] * mean, 255)
        light = np.minimum(cut[each] / cut[each].mean((1, 2), keepdims=True) * mean, 255)
        for kind, one in zip(of_texture, (bar, bar.mean((1, 2), keepdims=True), light), strict=True):
            of_texture[kind].append(turned(params, greys, one))
    found |= {kind: np.mean(each, 0) for kind, each in of_texture.items()}

    fine = 4 * (greys - scipy.ndimage.gaussian_filter(greys, (0, BLUR, BLUR), mode="nearest"))
    start, both = first_column(USUAL, 0.5), []
    for first in (start, SIDE - start - USUAL):
        raised = fine[:, :ROWS, first : first + USUAL]
        raised = raised - raised.mean((1, 2), keepdims=True)
        low, high = raised.min((1, 2), keepdims=True), raised.max((1, 2), keepdims=True)
        both.append(mean + raised * np.minimum(1, np.minimum(mean / -low, (255 - mean) / high)))
    found["scene"] = turned(params, greys, tuple(both))
    return found, labelled["clusters"][empty]


def test_bars_that_the_policy_turns_to(claims, bars):
    found, clusters = bars
    dark, rough = found["dark"], found["rough"]
    doses = np.stack([found[f"dose {dose:g}"] for dose in DOSES], 1)
    ranks = np.array([scipy.stats.spearmanr(each, DOSES).statistic for each in doses])
    to_dark, to_rough = parts(claims, "turns-to-dark"), parts(claims, "turns-to-rough")
    expected = {kind: found[kind] for kind in to_dark if kind in found}
    expected |= {"dose": ranks, "over-bright": dark - found["bright"], "share": dark > 0}
    expected |= {"places": found["dark places"], "over-texture": dark - found["texture"]}
    assert set(expected) == set(to_dark)
    for part, each in expected.items():
        check(to_dark[part], lambda i, each=each: each[i].mean(), clusters)
    expected = {"rough": rough, "over-dark": rough - dark, "over-plain": rough - found["plain"], "share": rough > 0}
    expected |= {"places": found["rough places"], "over-dark-places": found["rough places"] - found["dark places"]}
    expected["scene"] = found["scene"]
    assert set(expected) == set(to_rough)
    for part, each in expected.items():
        check(to_rough[part], lambda i, each=each: each[i].mean(), clusters)
    for claim in (to_dark, to_rough):
        assert [part["chance"] for part in claim.values()] == [0.5 if name == "share" else 0 for name in claim]


def filled(grey, share):
    """Every pixel with some trunk is the mean of its neighbours."""
    inside = share > 0
    if inside.all() or not inside.any():
        return grey
    number = np.cumsum(inside).reshape(inside.shape) - 1
    here, there, weights, known = [], [], [], np.zeros(inside.sum())
    for axis, step in ((0, -1), (0, 1), (1, -1), (1, 1)):
        other = np.argwhere(inside)
        own = number[inside]
        other[:, axis] += step
        exists = (other[:, axis] >= 0) & (other[:, axis] < SIDE)
        own, other = own[exists], tuple(other[exists].T)
        known += np.bincount(own, np.where(inside[other], 0, grey[other]), minlength=len(known))
        unknown = inside[other]
        here += [own, own[unknown]]
        there += [own, number[other][unknown]]
        weights += [np.ones(len(own)), -np.ones(unknown.sum())]
    places = np.concatenate(here), np.concatenate(there)
    matrix = scipy.sparse.csc_matrix((np.concatenate(weights), places))
    result = grey.copy()
    result[inside] = scipy.sparse.linalg.spsolve(matrix, known)
    return result


def partial(i, x, y, given):
    """Correlation of what is left of x and y by least squares."""
    design = np.stack([np.ones(len(i)), *(z[i] for z in given)], 1)
    left = [z[i] - design @ np.linalg.lstsq(design, z[i])[0] for z in (x, y)]
    return np.corrcoef(*left)[0, 1]


def test_trunks_beyond_brightness(claims, study, labelled):
    shown = np.isfinite(labelled["position"])
    greys, trunk = labelled["greys"][shown].astype(float), labelled["trunk"][shown]
    position, clusters = labelled["position"][shown], labelled["clusters"][shown]
    without = np.stack([filled(*each) for each in zip(greys, trunk, strict=True)])

    def total(maps):
        return maps.sum((1, 2))[:, None, None]

    lost = total(trunk * (without - greys))
    below = total(trunk**2 * greys)
    scaled = greys * (1 + trunk * np.maximum(np.divide(lost, below, out=np.zeros_like(lost), where=below > 0), -1))
    above, weight = (scipy.ndimage.gaussian_filter(x, (0, BLUR, BLUR), mode="nearest") for x in (trunk * greys, trunk))
    local = np.where(trunk > 0, above / np.where(weight > 0, weight, 1), greys)
    edited = {
        "erased": without,
        "scaled": scaled.clip(0, 255),
        "shifted": (greys + trunk * lost / total(trunk**2)).clip(0, 255),
        "local": (greys + trunk * (without - local)).clip(0, 255),
        "flattened": (1 - trunk) * greys + trunk * total(trunk * greys) / total(trunk),
    }
    here = plain.yaw(plain.run(study["params"], greys)[0])
    taken = {
        edit: -np.sign(position) * (here - plain.yaw(plain.run(study["params"], made)[0]))
        for edit, made in edited.items()
    }
    taken |= {
        f"erased-over-{part}": taken["erased"] - taken[edit]
        for part, edit in (("luminance", "scaled"), ("shifted", "shifted"), ("local", "local"))
    }
    found = parts(claims, "trunk-beyond-brightness")
    for part, each in taken.items():
        check(found[part], lambda i, each=each: each[i].mean(), clusters)

    left, right = greys[..., :32].mean((1, 2)), greys[..., 32:].mean((1, 2))
    turning, side, *sides, darker = (scipy.stats.rankdata(x) for x in (here, -position, left, right, right - left))
    relations = {
        "correlation": lambda i: partial(i, turning, side, [*sides, darker]),
        "raw": lambda i: partial(i, turning, side, []),
        "given-halves": lambda i: partial(i, turning, side, sides),
        "brightness": lambda i: partial(i, turning, darker, [side]),
    }
    for part, statistic in relations.items():
        check(found[part], statistic, clusters)
    assert set(found) == {*taken, *relations}
    assert {part["chance"] for part in found.values()} == {0}
    given = parts(claims, "follows-darker-side")
    assert list(given) == ["given-side"]
    check(given["given-side"], relations["brightness"], clusters)


def covered(top, left, height, width):
    """The share of each of the network's pixels that a box of the game's 1024x600 covers."""
    rows, columns = np.zeros(600), np.zeros(1024)
    rows[top : top + height], columns[left : left + width] = 1, 1
    return np.outer(rows.repeat(8).reshape(SIDE, 75).mean(1), columns.reshape(SIDE, 16).mean(1))


def test_what_the_value_follows(claims, study, labelled):
    greys, trunk, clusters = labelled["greys"].astype(float), labelled["trunk"], labelled["clusters"]

    def value_of(frames):
        return plain.run(study["params"], frames)[1]

    value, bright = value_of(greys), greys.mean((1, 2))
    rewarded = {
        "ray": labelled["ray_trunks"].astype(float),
        "middle": trunk[:, 16:48, 16:48].mean((1, 2)).round(9),  # so that equal shares are equal
        "area": trunk.mean((1, 2)).round(9),
    }
    found = parts(claims, "value-follows-reward")
    ranked, dark = scipy.stats.rankdata(value), scipy.stats.rankdata(bright)
    for part, numbers in rewarded.items():
        ranks = scipy.stats.rankdata(numbers)
        check(found[part], lambda i, ranks=ranks: partial(i, ranked, ranks, [dark]), clusters)
    check(found["brightness"], lambda i: partial(i, ranked, dark, []), clusters)
    shown = trunk.any((1, 2))
    check(found["present"], lambda i: plain.mann_whitney(value[i][shown[i]], value[i][~shown[i]]), clusters)

    assert set(labelled["hud"]) == {"1"}
    logs = greys
    for box, level in (((544, 288, 20, 48), 136), ((564, 288, 28, 48), 46), ((578, 322, 12, 10), 255)):
        logs = logs + covered(*box) * (level - logs)
    of, _ = pairs(labelled, "no trunk", "trunk")
    without, present = of.T
    changes = {
        "logs": (value_of(logs) - value, clusters),
        "trunk": (value[present] - value[without], clusters[present]),
        "darker": (value_of(255 * (greys / 255) ** 2) - value, clusters),
    }
    for part, (change, own) in changes.items():
        check(found[part], lambda i, change=change: change[i].mean(), own)
    assert set(found) == {*rewarded, "brightness", "present", *changes}
    assert [part["chance"] for part in found.values()] == [0.5 if name == "present" else 0 for name in found]
