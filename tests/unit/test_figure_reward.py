import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text

import reward
import style

COUNT = 12


def make_results(folder, *, known: bool = True):
    (folder / "evidence").mkdir()
    generator = np.random.default_rng(0)
    ray = np.arange(COUNT) % 6.0 if known else np.full(COUNT, np.nan)
    kept = {
        "value": generator.normal(size=COUNT),
        "ray": ray,
        "middle": generator.uniform(size=COUNT),
        "means/ray": np.array([[0, 0.1, 0, 0.2], [4.5, 0.3, np.nan, np.nan]]) if known else np.empty((0, 4)),
        "means/middle": np.array([[0.5, 0.1, 0, 0.2]]),
        "correlations/names": np.array(["middle", "brightness"]),
        "correlations/estimate": np.array([0.3, -0.2]),
        "correlations/interval": np.array([[0.1, 0.5], [np.nan, np.nan]]),
        "changes/names": np.array([], str),
        "changes/estimate": np.empty(0),
        "changes/interval": np.empty((0, 2)),
    }
    np.savez(folder / "evidence/reward.npz", **kept)
    return kept


def drawn(folder):
    with mpl.rc_context(style.panel()):
        figure = reward.draw(**reward.load(folder, concept="$odd"))
        figure.draw_without_rendering()
    return figure


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_frames_and_estimates_are_where_their_numbers_are(tmp_path):
    kept = make_results(tmp_path)
    ray, middle, correlations, changes = drawn(tmp_path).axes
    np.testing.assert_allclose(middle.lines[0].get_xydata(), np.stack([kept["middle"], kept["value"]], axis=1))
    across, up = ray.lines[0].get_xydata().T
    np.testing.assert_array_equal(np.round(across), np.minimum(kept["ray"], reward.MOST_NODES))
    np.testing.assert_allclose(up, kept["value"])
    marks = [line.get_xdata()[0] for line in correlations.lines if line.get_marker() == "o"]
    assert marks == pytest.approx([0.3, -0.2])
    assert "nothing could be measured" in changes.texts[0].get_text()


def test_what_the_labels_do_not_tell_is_said(tmp_path):
    make_results(tmp_path, known=False)
    assert "the labels do not tell it" in words(drawn(tmp_path))


def test_the_reason_is_said_where_nothing_was_measured(tmp_path):
    (tmp_path / "evidence").mkdir()
    np.savez(tmp_path / "evidence/reward.npz", reason="this policy has no critic")
    assert "this policy has no critic" in words(drawn(tmp_path))
