"""The frame explorer's files: what they carry comes back exactly, and nothing that a study names becomes markup."""

import base64
import hashlib
import html
import io
import json
import re
from functools import cache

import numpy as np
import pytest
from PIL import Image

from minetest_interp.io.errors import InputError
from minetest_interp.model import frames, intermediates, op_list
from minetest_interp.model.actions import action_table
from minetest_interp.model.description import describe
from minetest_interp.model.policy import Geometry, nature
from minetest_interp.pages import explorer
from tests import kinds
from tests.conftest import random_policy
from tests.kinds import KINDS, policy_of
from tests.unit.test_article import HOSTILE, TEMPLATES, small_facts

NAMES = ("one", HOSTILE, "</script><script>alert(2)</script>", "100% & <!-- ünïcødé", "a" * 90)
GEOMETRY = Geometry(2, 44, (3, 4, 5), (8, 4, 3), (4, 2, 1), 6, 3)
NETWORK = nature(GEOMETRY)


@cache
def policy_of_a_study():
    return random_policy(GEOMETRY, gain=50.0)


def pictures(count):
    return list(np.random.default_rng(3).integers(0, 256, (count, 30, 51, 3), dtype=np.uint8))


def facts_of(names, network=NETWORK):
    facts = small_facts(frames=names, night=())
    facts["evidence"]["attribution"][0]["name"] = HOSTILE
    facts["network"] |= describe(network)
    return facts


def table_of_a_study():
    return action_table({"x": ["left", HOSTILE, "right"]}, behaviours())


def frames_of_a_study(policy, names=NAMES, kind="grey"):
    """As in its stacks.npz."""
    stack = policy.architecture.stack
    shape = (len(names), *(stack[1:] if kind == "grey" else stack))
    return np.random.default_rng(4).integers(0, 256, shape).astype(np.float32)


def write_study(folder, policy, table, names=NAMES, kind="grey"):
    """A made-up study's explorer in `folder`; kind: as of `explorer.render`."""
    seen = frames_of_a_study(policy, names, kind)
    script = explorer.policy_script(
        policy, table, sha256="0" * 64, mean=seen.mean(0), computed=computed_by(policy, seen), attribution={}
    )
    (folder / "explore/frames").mkdir(parents=True)
    (folder / "explore/policy.js").write_text(script)
    for i, (picture, frame) in enumerate(zip(pictures(len(names)), seen, strict=True)):
        (folder / f"explore/frames/{i}.js").write_text(explorer.frame_script(i, picture, frame, frame[..., ::-1]))
    page, facts = folder / "frames.html", facts_of(names, policy.architecture)
    known = facts["definitions"]
    facts["definitions"] = {name: known.get(name, {"plus": {"x": name}}) for name in table.behaviours}
    page.write_text(explorer.render(facts, pictures(len(names)), TEMPLATES, kind=kind), "utf-8")
    return page


def computed_by(policy, seen):
    return intermediates.compute(policy, frames.as_stacks(seen, policy.architecture.frames))


def layers_of(network, level):
    """One number in all places of all layers, on two frames."""
    return {name: np.full((2, *network.shape(name)), level) for name in network.targets[1:]}


def behaviours():
    return {"yaw": {"plus": {"x": "left"}, "minus": {"x": "right"}}, HOSTILE: {"plus": {"x": HOSTILE}}}


@pytest.fixture(scope="module")
def page():
    return explorer.render(facts_of(NAMES), pictures(len(NAMES)), TEMPLATES)


def content(script):
    """What a script of ours gives its global."""
    return json.loads(re.fullmatch(r"window\.\w+(?:\[\d+\])? = (.*);\n", script, re.DOTALL)[1])


@pytest.mark.parametrize("shape", [(44, 44), (2, 44, 44)], ids=["grey", "stack"])
def test_weights_and_settings_come_back_exactly(shape):
    policy, table = policy_of_a_study(), table_of_a_study()
    mean, computed = np.random.default_rng(0).random(shape), layers_of(NETWORK, -0.5)
    computed |= {"logits": np.ones((3, 3)), "value": np.full(3, 0.25)}
    script = explorer.policy_script(
        policy, table, sha256="ab", mean=mean, computed=computed, attribution={"steps": 9, "draws": 4}
    )
    assert "<" not in script
    found = content(script)
    for layer, parameters in policy.params.items():
        for key, array in parameters.items():
            stored = np.frombuffer(base64.b64decode(found["weights"][layer][key]), "<f4")
            np.testing.assert_array_equal(stored, np.ravel(array))
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(found["mean"]), "<f4"), mean.ravel().astype("<f4"))
    for key, parts in (("layers", op_list.layers(NETWORK)), ("heads", op_list.heads(NETWORK))):
        assert found[key] == json.loads(json.dumps(parts))
    assert found["stack"] == [2, 44, 44] and found["reads"] == [nature(GEOMETRY).reads[0]] * 2
    assert found["actions"] == ["left", HOSTILE, "right"] and found["sha256"] == "ab"
    assert found["ranges"] == dict.fromkeys(("conv0", "conv1", "conv2", "hidden"), 0.5)
    assert found["behaviours"] == {"yaw": [1, 0, -1], HOSTILE: [0, 1, 0]}
    assert found["ends"] == {"yaw": 1, HOSTILE: 1, "value": 0.25} and found["returns"] is None
    assert found["attribution"] == explorer.ATTRIBUTION | {"steps": 9}


def test_behaviours_of_q_values_are_differences_of_means_whose_bars_end_where_the_frames_do(tmp_path):
    policy, table = policy_of("Q values", tmp_path), action_table(kinds.FACTORS, kinds.BEHAVIOURS)
    q = np.float32([[0, 3, 1, 1, 5, 2], [6, 0, 0, 0, 0, 0]])
    computed = layers_of(policy.architecture, 1.0) | {"q": q, "value": q.max(-1)}
    found = content(
        explorer.policy_script(policy, table, sha256="", mean=np.zeros((44, 40)), computed=computed, attribution={})
    )
    np.testing.assert_allclose(found["behaviours"]["yaw"], [0.5, 0.5, 0, 0, -0.5, -0.5])
    np.testing.assert_allclose(found["behaviours"]["go"], np.array([-1, 1] * 3) / 3, rtol=1e-6)
    assert found["returns"] == [0, 6]
    assert found["ends"] == pytest.approx({"yaw": 3, "go": 2, "value": 6}, rel=0.01)


@pytest.mark.parametrize(
    ("kind", "words", "caption"),
    [
        ("grey", "It sees 3 equal grey frames of", "As a player sees it"),
        ("stack", "It sees stacks of 3 grey frames of", "The newest frame as the network sees it"),
        ("colours", "It sees the red, the green and the blue of one picture of", "As people see it"),
    ],
)
def test_the_page_says_what_a_frame_is(kind, words, caption):
    facts = facts_of(NAMES)
    facts["network"]["frames"] = 3
    shown = explorer.render(facts, pictures(len(NAMES)), TEMPLATES, kind=kind)
    assert words in shown and caption in shown
    assert json.loads(re.search(r'id="study">(.*?)</script>', shown)[1])["colour"] == (kind == "colours")


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_network_it_runs(kind, tmp_path):
    network = policy_of(kind, tmp_path).architecture
    shown = html.unescape(explorer.render(facts_of(NAMES, network), pictures(len(NAMES)), TEMPLATES))
    frames_, height, width = network.stack
    words = "one grey frame" if frames_ == 1 else f"{frames_} equal grey frames"
    assert f"It sees {words} of {width} × {height} pixels" in shown
    assert [name for name in network.targets[1:] if f'<canvas id="{name}" ' in shown] == list(network.targets[1:])
    returns = "q" in network.outputs
    assert ("What each action is worth" in shown) == returns == ("the largest Q value" in shown)
    assert ("How likely each action is" in shown) == (not returns) == ("Behaviours are probabilities" in shown)
    assert ("The value is" in shown) == ("value" in network.outputs)


@pytest.mark.parametrize("shape", [(44, 44), (3, 44, 44)], ids=["grey", "stack"])
def test_a_frame_comes_back_exactly_and_its_picture_nearly(shape):
    picture = np.asarray(Image.fromarray(pictures(1)[0][:4, :6]).resize((48, 32), 2))
    frame = np.random.default_rng(1).integers(0, 256, shape).astype(np.float32)
    found = content(explorer.frame_script(7, picture, frame, frame[..., ::-1]))
    for key, expected in (("original", frame), ("mirrored", frame[..., ::-1])):
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(found[key]), np.uint8), expected.ravel())
    assert (found["width"], found["height"]) == (48, 32)
    shown = Image.open(io.BytesIO(base64.b64decode(found["picture"].removeprefix("data:image/webp;base64,"))))
    assert np.abs(np.asarray(shown.convert("RGB"), float) - picture).mean() < 8
    with pytest.raises(InputError, match="must have whole levels"):
        explorer.frame_script(0, picture, frame + 0.5, frame)


def test_the_range_leaves_out_the_few_strongest_and_is_never_zero():
    activations = np.r_[np.full(999, -0.51234), 77.0]
    assert explorer.drawing_range(activations) == 0.512
    assert explorer.drawing_range(np.zeros(4)) == 1.0


def test_exemplars_are_the_strongest_frames_with_what_the_channel_saw_there():
    rng = np.random.default_rng(7)
    for layer in ("conv1", "hidden"):
        activation = rng.normal(size=(9, *NETWORK.shape(layer)))
        found = explorer.exemplars(NETWORK, layer, activation, count=3)
        assert len(found) == NETWORK.shape(layer)[-1]
        for channel, rows in enumerate(found):
            strongest = activation[..., channel].reshape(9, -1).max(1)
            assert [frame for frame, *_ in rows] == sorted(range(9), key=lambda frame: -strongest[frame])[:3]
            for frame, *box in rows:
                if layer == "hidden":
                    assert not box
                    continue
                [place] = np.argwhere(activation[frame, ..., channel] == strongest[frame]).tolist()
                assert tuple(box) == NETWORK.box(layer, tuple(place))


def test_without_scripts_the_page_has_the_numbers_of_the_build(page):
    """In words, as tables, and as bars that point to the side that they tell."""
    facts = facts_of(NAMES)
    [shown] = re.findall(r"<noscript>\s*(<p>.*?)</noscript>", page, re.DOTALL)
    assert "needs JavaScript" in shown and "data:image/webp;base64," in shown
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', shown, re.DOTALL)
    assert len(rows) == len(NAMES)
    for row, frame in zip(rows, facts["frames"], strict=True):
        cells = [cell.split("<")[0].strip() for cell in re.findall(r'<td class="number">(.*?)</td>', row, re.DOTALL)]
        numbers = [*(frame[name] for name in facts["behaviours"]), frame["mirrored"]["yaw"]]
        np.testing.assert_allclose([float(cell.replace("−", "-")) for cell in cells], numbers, atol=0.00051)
        ends = [float(end) for end in re.findall(r"M0 0H(-?[\d.]+)V", row)]
        np.testing.assert_allclose(ends, [-100 * frame["yaw"], -100 * frame["mirrored"]["yaw"]], atol=0.051)


def test_names_are_text_wherever_they_stand(page):
    assert "<img src=x" not in page and "<script>alert" not in page and "alert(2)</" not in page
    assert page.count("<script") == 2 and page.count("</script>") == 2 and "<!-- ü" not in page
    study = json.loads(re.search(r'id="study">(.*?)</script>', page)[1])
    assert study["frames"] == list(NAMES) and HOSTILE in study["verdicts"]
    for name in NAMES:
        assert f'alt="{html.escape(name).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}"' in page


def test_only_the_pages_own_script_and_files_beside_it_may_run(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; ") and "unsafe-eval" not in policy
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}' 'self' file:" in policy


def test_a_study_without_evidence_or_atlas_has_its_page():
    facts = {
        key: value for key, value in facts_of(NAMES).items() if key not in ("evidence", "claims", "verdicts", "atlas")
    }
    page = explorer.render(facts, pictures(len(NAMES)), TEMPLATES)
    assert 'href="atlas.html"' not in page
    assert 'href="atlas.html"' in explorer.render(facts | {"atlas": {}}, pictures(len(NAMES)), TEMPLATES)


def test_the_same_study_gives_the_same_bytes(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_study(tmp_path / name, policy_of_a_study(), table_of_a_study())
    made = [
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in "ab"
    ]
    assert made[0] == made[1] and len(made[0]) == 2 + len(NAMES)
