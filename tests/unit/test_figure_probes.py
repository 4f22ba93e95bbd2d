"""The panel of probes shows every step with its controls and every group, and says what the labels do not decode."""

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

import probes
import style

ODD = "turn $x_y$ & <b>"
STEPS = ["brightness", "pixels", "conv0", "a layer of $odd$ and very long name"]


def make_results(folder, *, decoded=probes.TARGETS, groups=5, names="group_{}"):
    generator = np.random.default_rng(0)
    kept = {"steps": np.array(STEPS)}
    for name in decoded:
        score = generator.uniform(0.4, 0.9, 4)
        kept |= {
            f"{name}/score": score,
            f"{name}/interval": np.stack([score - 0.1, score + 0.1], 1),
            f"{name}/chance": np.float64(0.5),
            f"{name}/shuffled_labels": generator.uniform(0.4, 0.6, (4, 3)),
            f"{name}/shuffled_weights": np.concatenate([np.full((2, 2), np.nan), generator.uniform(0.4, 0.6, (2, 2))]),
            f"{name}/classes": np.array(["left", "right"]),
        }
    for name in probes.GROUPINGS:
        correlation = generator.uniform(-1, 1, groups)
        kept |= {
            f"{name}/names": np.array([names.format(i) for i in range(groups)], dtype=str),
            f"{name}/independent": np.arange(groups),
            f"{name}/correlation": correlation,
            f"{name}/interval": np.stack([correlation - 0.1, correlation + 0.1], 1),
            f"{name}/asked": np.arange(groups) > 1,
        }
    (folder / "evidence").mkdir()
    np.savez(folder / "evidence" / "probes.npz", **kept)
    return kept


def drawn(folder):
    with matplotlib.rc_context(style.panel()):
        figure = probes.draw(**probes.load(folder, behaviour=ODD, concept="trunk"))
        figure.draw_without_rendering()
    return figure


def words(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


def line(ax, marker):
    return [each.get_xydata() for each in ax.lines if each.get_marker() == marker]


def test_every_step_is_drawn_with_its_controls_and_every_group(tmp_path):
    kept = make_results(tmp_path)
    *upper, lower = drawn(tmp_path).axes
    for ax, name in zip(upper, probes.TARGETS, strict=True):
        [scores], [weights] = line(ax, "o"), line(ax, "_")
        np.testing.assert_allclose(scores[:, 1], kept[f"{name}/score"])
        np.testing.assert_allclose(weights[:, 1], kept[f"{name}/shuffled_weights"].ravel())
        labels, intervals = (np.stack(each.get_segments())[..., 1] for each in ax.collections)
        np.testing.assert_allclose(intervals, kept[f"{name}/interval"])
        assert np.allclose(labels[:, 0], kept[f"{name}/shuffled_labels"].min(1))
    np.testing.assert_allclose(
        np.concatenate(line(lower, "o"))[:, 1],
        [kept[f"{name}/correlation"][i] for name in probes.GROUPINGS for i in range(5)],
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"decoded": ("side",)}, "a trunk on the view ray:\nthe labels do not say it"),
        ({"decoded": (), "groups": 0}, "the labels name no kinds of tree"),
    ],
)
def test_what_labels_do_not_tell_is_said(options, said, tmp_path):
    make_results(tmp_path, **options)
    assert said in words(drawn(tmp_path))


def test_nothing_at_all_is_drawn_in_words(tmp_path):
    (tmp_path / "evidence").mkdir()
    np.savez(tmp_path / "evidence/probes.npz", nothing=np.zeros(0))
    assert "the labels name no kinds of tree" in words(drawn(tmp_path))


def test_of_many_groups_those_with_most_independent_frames_are_shown(tmp_path):
    make_results(tmp_path, groups=30, names="a long name with $ and _ {}")
    lower = drawn(tmp_path).axes[-1]
    shown = [label.get_text() for label in lower.get_xticklabels()]
    assert len(shown) == 2 * probes.MOST_GROUPS
    assert all(int(label.rpartition("(")[2].rstrip(")")) >= 18 for label in shown)
