"""Panel aa shows every pair, and says where there are none."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

import pairs
import style

ODD = "turn $x_y$ & <b>"


def make_results(folder, *, missing=()):
    generator = np.random.default_rng(0)
    kept = {}
    for name in (name for name in pairs.CONTRASTS if name not in missing):
        kept[f"{name}/turning"] = generator.uniform(-1, 1, (7, 2))
        kept[f"{name}/position"] = kept[f"{name}/moved"] = generator.uniform(-1, 1, 7)
    if "light" not in missing:
        kept["light/shuffled"] = generator.uniform(-1, 1, (7, 3, 2))
    (folder / "evidence").mkdir()
    np.savez(folder / "evidence" / "pairs.npz", **kept)
    (folder / "network.json").write_text(json.dumps({"outputs": ["logits"]}))
    return kept


def drawn(folder):
    with matplotlib.rc_context(style.panel()):
        figure = pairs.draw(**pairs.load(folder, behaviour=ODD, concept="trunk"))
        figure.draw_without_rendering()
    return figure


def marks(ax):
    return np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() == "o"])


def test_every_pair_is_where_its_numbers_are(tmp_path):
    kept = make_results(tmp_path)
    removed, moved, light, motion = drawn(tmp_path).axes
    towards = -np.sign(kept["removed/position"])[:, None] * kept["removed/turning"]
    np.testing.assert_allclose(marks(removed)[:, 1], towards.T.ravel())
    np.testing.assert_allclose(marks(moved)[:, 0], -kept["moved/moved"])
    np.testing.assert_allclose(marks(moved)[:, 1], np.diff(kept["moved/turning"])[:, 0])
    assert all(ax.xaxis_inverted() for ax in (moved, light, motion))  # what is left, and positive, is drawn on the left
    for ax, name in ((light, "light"), (motion, "motion")):
        np.testing.assert_allclose(marks(ax), kept[f"{name}/turning"])
        assert f"r = {np.corrcoef(*kept[f'{name}/turning'].T)[0, 1]:.2f}".replace("-", "−") in ax.texts[-1].get_text()
    null = [np.corrcoef(*kept["light/shuffled"][:, k].T)[0, 1] for k in range(3)]
    assert light.texts[-1].get_text().endswith(f"{min(null):.2f} to {max(null):.2f}".replace("-", "−"))
    assert "shuffled" not in motion.texts[-1].get_text()


@pytest.mark.parametrize("missing", [("moved",), pairs.CONTRASTS])
def test_what_was_not_captured_is_said(tmp_path, missing):
    make_results(tmp_path, missing=missing)
    words = [text.get_text() for text in drawn(tmp_path).findobj(Text)]
    assert sum("no such frames" in word for word in words) == len(missing)
