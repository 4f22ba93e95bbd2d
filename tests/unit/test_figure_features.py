"""Panel "features" shows every channel where its numbers are, and says what was not measured."""

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

import features
import style

CHANNELS = 30
PLACES = {"light": (0, 0), "explained": (0, 1), "auroc": (1, 0), "bases/auroc": (1, 1)}


def make_results(folder, *, without=()):
    generator = np.random.default_rng(0)
    kept = {
        "first": np.array("conv0"),
        "second": np.array("a $very_long^ name of a layer"),
        "light/chosen": np.array([3, 7]),
        "light/brightness": generator.uniform(-1, 1, 8),
        "light/gradient": generator.uniform(0, 1, 8),
        "light/shuffled": generator.uniform(0, 1, (2, 5, 2)),
        "explained/brightness": generator.uniform(-0.2, 1, CHANNELS),
        "explained/basis": generator.uniform(-0.2, 1, CHANNELS),
        "explained/sign": generator.choice([-1, 1], CHANNELS),
        "explained/least": np.array(0.25),
        "auroc/channels": generator.uniform(0.4, 0.9, CHANNELS),
        "auroc/on": generator.random(CHANNELS) < 0.5,
        "auroc/brightness": np.array(0.62),
        "auroc/least": np.array(0.7),
        "bases": np.array(["units", "random", "nmf", "dictionary"]),
        "concepts": np.array(["trunk", "leaves & $x$"]),
        "bases/auroc": generator.uniform(0.5, 1, (4, 2)),
    }
    kept = {name: array for name, array in kept.items() if not name.startswith(tuple(f"{part}" for part in without))}
    (folder / "evidence").mkdir()
    np.savez(folder / "evidence" / "features.npz", **kept)
    return kept


def drawn(folder):
    with matplotlib.rc_context(style.panel()):
        figure = features.draw(**features.load(folder, concept="trunk"))
        figure.draw_without_rendering()
    return figure


def marks(ax):
    return np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() not in ("None", "_")])


def same_points(found, x, y):
    expected = np.stack([x, y], 1)
    np.testing.assert_allclose(*(each[np.lexsort(each.T)] for each in (found, expected)))


def test_every_channel_is_where_its_numbers_are(tmp_path):
    kept = make_results(tmp_path)
    light, explained, tells, bases = drawn(tmp_path).axes
    bright, gradient, chosen, null = (kept[f"light/{key}"] for key in ("brightness", "gradient", "chosen", "shuffled"))
    x, y = null.reshape(-1, 2).T
    same_points(marks(light), np.r_[bright, bright[chosen], x], np.r_[gradient, gradient[chosen], y])
    sign, share, basis = (kept[f"explained/{key}"] for key in ("sign", "brightness", "basis"))
    same_points(marks(explained), sign * np.maximum(share, 0), np.maximum(basis, 0))
    np.testing.assert_allclose(np.sort(marks(tells)[:, 1]), np.sort(kept["auroc/channels"]))
    np.testing.assert_allclose(np.sort(marks(bases)[:, 1]), np.sort(kept["bases/auroc"].ravel()))
    means = next(line for line in bases.lines if line.get_marker() == "_")
    np.testing.assert_allclose(means.get_ydata(), kept["bases/auroc"].mean(1))


def test_channels_that_invert_are_on_the_left_and_all_groups_are_counted(tmp_path):
    kept = make_results(tmp_path)
    explained = drawn(tmp_path).axes[1]
    groups = {line.get_label().split(":")[0]: line for line in explained.lines if ":" in str(line.get_label())}
    assert set(groups) == set(features.GROUPS)
    assert (groups["follows brightness"].get_xdata() > 0).all() and (groups["inverts brightness"].get_xdata() < 0).all()
    assert (groups["not explained"].get_ydata() < 0.25).all()
    counts = [int(line.get_label().split(":")[1]) for line in groups.values()]
    assert counts == [len(line.get_xdata()) for line in groups.values()] and sum(counts) == CHANNELS
    assert counts[1] == ((kept["explained/brightness"] >= 0.25) & (kept["explained/sign"] < 0)).sum()


@pytest.mark.parametrize("without", [("light",), ("explained",), ("auroc",), ("bases", "concepts"), tuple(PLACES)])
def test_what_was_not_measured_is_said_in_its_place(without, tmp_path):
    make_results(tmp_path, without=without)
    axes = drawn(tmp_path).axes
    said = [any("no" in text.get_text() for text in ax.texts) and not ax.axison for ax in axes]
    expected = [any(part.startswith(name) for part in without) for name in ("light", "explained", "auroc", "bases")]
    assert said == expected


def test_nothing_is_drawn_outside_the_figure(tmp_path):
    make_results(tmp_path)
    figure = drawn(tmp_path)
    whole = figure.bbox
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text() and text.axes is not None:
            box = text.get_window_extent()
            assert whole.x0 - 1 <= box.x0 and box.x1 <= whole.x1 + 1, text.get_text()
