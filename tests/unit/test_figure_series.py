"""The panels of a series show every member, whatever their number, their order and what is known of them."""

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.text import Text

import series_behaviours
import series_claims
import series_units
import series_verdicts
import style
from minetest_interp.io import files

CLAIMS = ("A claim with a statement of some length, longer than a line, about $x_y$.", "Never measured.")


def compared(folder, count, along, *, labelled=True):
    """Results of `count` members as the comparison writes them."""
    generator = np.random.default_rng(count)
    verdicts = [list(style.VERDICTS)[i % 4] for i in range(count)]
    estimates = generator.uniform(0, 1, count).tolist()
    first = {
        "estimates": estimates,
        "intervals": [[e - 0.1, e + 0.1] if i % 3 else None for i, e in enumerate(estimates)],
        "chances": [0.0] * count,
        "verdicts": verdicts,
        "claimed": [0.5] * count,
    }
    never = {key: [None] * count for key in ("estimates", "intervals", "chances")}
    claims = [
        {"statement": CLAIMS[0], **first},
        {"statement": CLAIMS[1], **never, "verdicts": ["cannot tell"] * count, "claimed": [None] * count},
    ]
    members = [{"name": f"ppo_$x_{i}", "place": 1000 * i if along else None} for i in range(count)]
    files.write_json(folder / "series.json", {"along": along, "members": members, "claims": claims})
    similarity = generator.uniform(-1, 1, (count, count))
    similarity[0, 0] = np.nan
    arrays = {"similarity": similarity} | {
        f"quantiles/{n}": generator.normal(size=(count, 3)) for n in ("yaw", "jump", "value")
    }
    for name in ("conv1/trunk", "conv2/trunk", "conv1/steering", "conv2/steering")[0 if labelled else 2 :]:
        arrays |= {name: generator.uniform(-0.5, 0.5, (count, 6)), f"{name}/similarity": similarity}
    files.write_arrays(folder / "series.npz", **arrays)
    return claims, arrays


def drawn(module, folder, **settings):
    with matplotlib.rc_context(style.panel()):
        figure = module.draw(**module.load(folder, **settings))
        figure.draw_without_rendering()
    return figure


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize(("count", "along"), [(1, "step"), (1, None), (3, None), (6, "step"), (60, "step"), (60, None)])
def test_every_member_is_drawn_and_no_words_leave_the_page(tmp_path, count, along):
    claims, arrays = compared(tmp_path, count, along)
    figure = drawn(series_verdicts, tmp_path)
    [image] = figure.axes[0].images
    verdicts = list(style.VERDICTS)
    assert [[verdicts[i] for i in row] for row in image.get_array()] == [claim["verdicts"] for claim in claims]
    figures = [figure]

    figure = drawn(series_claims, tmp_path)
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert sorted(y for line in dots for y in line.get_ydata()) == sorted(claims[0]["estimates"])
    bars = [s for c in figure.axes[0].collections if isinstance(c, LineCollection) for s in c.get_segments()]
    assert sum(len(s) == 2 for s in bars) == sum(bounds is not None for bounds in claims[0]["intervals"])
    assert "not measured" in words(figure)
    figures.append(figure)

    figure = drawn(series_behaviours, tmp_path, behaviour="yaw")
    [middle] = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert middle.get_ydata().tolist() == arrays["quantiles/yaw"][:, 1].tolist()
    assert any(isinstance(c, PolyCollection) for c in figure.axes[0].collections) == (along is not None)
    figures.append(figure)

    figure = drawn(series_units, tmp_path, behaviour="yaw", concept="trunk")
    shown = figure.axes[0].images[0].get_array()
    assert sorted(shown[:, -1]) == sorted(arrays["conv1/trunk"][-1]) and (np.diff(shown[:, -1]) <= 0).all()
    figures.append(figure)
    for figure in figures:
        drawn_on, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(drawn_on.x0, drawn_on.y0) > -0.01 and drawn_on.x1 < width + 0.01 and drawn_on.y1 < height + 0.01


def test_without_labelled_frames_only_what_moves_the_steering_is_shown(tmp_path):
    compared(tmp_path, 3, "step", labelled=False)
    said = words(drawn(series_units, tmp_path, behaviour="yaw", concept="trunk"))
    assert "move the yaw" in said and "tell trunk" not in said


@pytest.mark.parametrize("module", [series_claims, series_verdicts, series_behaviours, series_units])
def test_the_same_results_give_the_same_bytes(tmp_path, module):
    compared(tmp_path, 4, "step")
    params = '{"behaviour": "yaw"}' if module == series_behaviours else "{}"
    params = '{"behaviour": "yaw", "concept": "trunk"}' if module == series_units else params
    for name in ("a", "b"):
        files_of = [f"--{kind}={tmp_path / f'{name}.{kind}'}" for kind in ("png", "svg")]
        module.main([f"--results={tmp_path}", f"--params={params}", *files_of])
    assert all((tmp_path / f"a.{k}").read_bytes() == (tmp_path / f"b.{k}").read_bytes() for k in ("png", "svg"))
