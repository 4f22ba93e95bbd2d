import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text

import play
import style
from minetest_interp.io import files
from panel import NotMeasured

AGENTS = ["own", "random", "out-of-order"]
PARTS = 5


def make_results(folder, *, known: bool = True):
    random = np.random.default_rng(0)
    kept = {"agents": np.array(AGENTS)}
    kept |= {
        f"distance/{agent}": random.uniform(1, 9, (PARTS, 3)) if known else np.full((PARTS, 3), np.nan)
        for agent in AGENTS
    }
    kept |= {f"compared/{name}": random.normal(size=(len(AGENTS), 3)) for name in play.COMPARED}
    groups = random.normal(size=(8 if known else 0, 4))
    kept |= {"followed": groups, "turned/direction": groups + 1, "turned/darker": groups + 2}
    files.write_arrays(folder / "evidence/play.npz", **kept)
    return kept


def drawn(folder):
    with mpl.rc_context(style.panel()):
        figure = play.draw(**play.load(folder, behaviour="$odd"))
        figure.draw_without_rendering()
    return figure


def words(artist):
    return " ".join(text.get_text() for text in artist.findobj(Text))


def test_means_and_groups_are_where_their_numbers_are(tmp_path):
    kept = make_results(tmp_path)
    time, *bars, foresight, direction, darker = drawn(tmp_path).axes
    for agent, line in zip(AGENTS, time.lines, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), kept[f"distance/{agent}"][:, 0])
    for name, ax in zip(play.COMPARED, bars, strict=True):
        marks = [line.get_ydata()[0] for line in ax.lines if line.get_marker() not in ("None", "")]
        np.testing.assert_array_equal(marks, kept[f"compared/{name}"][:, 0])
    for name, ax in (("followed", foresight), ("turned/direction", direction), ("turned/darker", darker)):
        np.testing.assert_array_equal(ax.lines[0].get_xydata(), kept[name][:, :2])


def test_agents_that_have_no_line_of_their_own_are_left_out(tmp_path):
    kept = make_results(tmp_path)
    others = {
        name: np.concatenate([kept[name][:1] + 5, kept[name]]) for name in map("compared/{}".format, play.COMPARED)
    }
    files.write_arrays(tmp_path / "evidence/play.npz", **kept | others | {"agents": np.array(["night", *AGENTS])})
    shown = play.load(tmp_path, behaviour="yaw")
    assert list(shown["distance"]) == AGENTS
    for name, of in shown["compared"].items():
        np.testing.assert_array_equal(list(of.values()), kept[f"compared/{name}"])


def test_left_is_drawn_on_the_left(tmp_path):
    make_results(tmp_path)
    *_, foresight, direction, darker = drawn(tmp_path).axes
    assert [ax.xaxis.get_inverted() for ax in (foresight, direction, darker)] == [False, True, True]


def test_every_agent_has_its_own_name_colour_line_and_mark(tmp_path):
    for told in zip(*play.AGENTS.values(), strict=True):
        assert len(set(told)) == len(play.AGENTS)
    make_results(tmp_path)
    (legend,) = (legend for part in drawn(tmp_path).subfigs for legend in part.legends)
    assert [text.get_text() for text in legend.texts] == [play.AGENTS[agent][0] for agent in AGENTS]


def test_what_is_not_known_is_said(tmp_path):
    make_results(tmp_path, known=False)
    said = words(drawn(tmp_path))
    assert all(each in said for each in ("no trunk is known", "no value", "hardly ever in front"))


def test_the_reason_is_said_where_nothing_was_measured(tmp_path):
    files.write_arrays(tmp_path / "evidence/play.npz", reason=np.array("the study names no episodes"))
    with pytest.raises(NotMeasured, match="the study names no episodes"):
        play.load(tmp_path, behaviour="yaw")
