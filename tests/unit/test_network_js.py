"""The page's scripts in node, held against JAX, numpy, scipy and OpenCV."""

import base64
import json
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from minetest_interp.analysis import attribution, frame_edits, interventions
from minetest_interp.analysis.attribution import Readouts
from minetest_interp.model import frames, networks, objectives
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import LAYERS, Geometry, nature
from minetest_interp.pages import explorer
from tests import kinds
from tests.conftest import ROOT, random_policy, random_stacks
from tests.kinds import BEHAVIOURS, KINDS, policy_of
from tests.samples import smooth_frames

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="NOT CHECKED: the page's scripts, for want of `node` on the PATH")

CLOSE = 1e-4
SCRIPTS = ("operations", "network", "attribution", "edits", "experiments", "repeat")
SMALL = Geometry(2, 50, (5, 6, 7), (6, 4, 3), (3, 2, 1), 9, 6)
FACTORS = {"policy": {"a": ["-", "go"], "b": ["-", "up"], "x": ["l", "-", "r"], "y": ["u", "-", "d"]},
           "small": kinds.FACTORS}  # fmt: skip
SETTINGS = {"steps": 5, "samples": 4, "noise": 20.0, "patch": 12, "patch_stride": 7}
# Of a frame in the page: a grey picture that is repeated, or a stack itself.
PLANES = pytest.mark.parametrize("planes", [1, SMALL.frames], ids=["repeated", "stack"])
SILENCED = [("conv0", 1), ("conv0", 4), ("conv1", 0), ("conv2", 6), ("conv2", 2), ("hidden", 3), ("hidden", 8)]
SILENCED = [{"layer": layer, "channel": channel, "factor": 0} for layer, channel in SILENCED]
SCALED = [
    {"layer": "conv0", "channel": 2, "factor": -1.5},
    {"layer": "conv1", "channel": 3, "factor": 2},
    {"layer": "hidden", "channel": 5, "factor": 0.25},
]
PATCHED = [{"layer": "conv1", "channel": 1, "source": ""}, {"layer": "conv2", "channel": 4, "source": "other"}]
UNITS = pytest.mark.parametrize(
    "units", [[], SILENCED, SCALED, PATCHED + SCALED], ids=["whole", "silenced", "scaled", "patched"]
)


def node(tmp_path, body: str, **given):
    """What `body`, a function's, returns in node with the page's pure scripts and `given` at hand."""
    scripts = [(ROOT / "report" / f"{name}.js").read_text("utf-8") for name in SCRIPTS]
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in given.items()}
    (tmp_path / "given.json").write_text(json.dumps(plain))
    run = f"""
    const given = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
    const levels = (array) => Float32Array.from(array.flat(Infinity));
    const sources = (layers) => new Map([["", layers], ["other", layers]]);
    const found = ((given) => {{ {body} }})(given);
    const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
    process.stdout.write(JSON.stringify(found, plain));
    """
    (tmp_path / "run.js").write_text("\n".join([*scripts, run]), "utf-8")
    command = [NODE, str(tmp_path / "run.js"), str(tmp_path / "given.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, seed=3, gain=50.0)


def stored(policy, name, planes=1):
    """What the page is given of a policy, its table, and a mean frame of some planes."""
    table = action_table(FACTORS[name], BEHAVIOURS)
    mean = smooth_frames(planes, policy.architecture.stack[1], seed=8)
    computed = {key: np.ones((2, 6)) for key in (*policy.architecture.targets[1:], *policy.architecture.outputs)}
    script = explorer.policy_script(policy, table, sha256="", mean=mean, computed=computed, attribution=SETTINGS)
    return json.loads(script.removeprefix("window.studyPolicy = ").removesuffix(";\n")), table, mean


def close(found, expected):
    atol = CLOSE * max(1, np.abs(expected).max())
    np.testing.assert_allclose(np.ravel(found), np.ravel(expected), atol=atol, rtol=0)


def edit_of(policy, units, source):
    """The library's edit for changes of units; patched ones become what they are in the layers of `source`."""

    def one(layer, channel, factor=None, **patched):
        chosen = np.arange(policy.architecture.shape(layer)[-1]) == channel
        if patched:
            return interventions.replace(layer, chosen, source[layer])
        return interventions.rescale(layer, chosen, factor) if factor else interventions.replace(layer, chosen, 0.0)

    return interventions.in_turn(*(one(**unit) for unit in units))


@pytest.mark.parametrize("name", ["policy", "small"])
@UNITS
def test_the_network_gives_what_jax_gives_in_every_layer(name, units, request, tmp_path):
    policy = request.getfixturevalue(name)
    stacks = random_stacks(2, policy.geometry, seed=4)
    found = node(
        tmp_path,
        """const policy = network.decode(given.policy);
        const [one, other] = given.stacks.map((stack) => network.forward(policy, levels(stack)).layers);
        return given.stacks.map((stack, i) =>
          network.forward(policy, levels(stack), network.changes(given.units, sources(i ? one : other))));""",
        policy=stored(policy, name)[0], stacks=stacks, units=units,
    )  # fmt: skip
    source = {layer: activation[::-1] for layer, activation in policy.run(stacks).layers.items()}
    trace = policy.run(stacks, edit=edit_of(policy, units, source))
    for i, run in enumerate(found):
        for layer in LAYERS:
            np.testing.assert_allclose(run["layers"][layer], np.ravel(trace.layers[layer][i]), atol=CLOSE, rtol=0)
        np.testing.assert_allclose(run["logits"], trace.logits[i], atol=CLOSE, rtol=0)
        np.testing.assert_allclose(run["value"], trace.value[i], atol=CLOSE, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_gives_the_layers_heads_and_gradients_of_jax(kind, tmp_path):
    """Whole, and with a channel of each layer silenced."""
    policy = policy_of(kind, tmp_path)
    network = policy.architecture
    stack = np.random.default_rng(5).uniform(0, 255, (1, *network.stack)).astype(np.float32)
    given, table, _ = stored(policy, "small")
    weighed = objectives.return_difference if "q" in network.outputs else objectives.behaviour_probability
    asked = {name: weighed(behaviour) for name, behaviour in table.behaviours.items()}
    asked |= {"value": objectives.value()} if "value" in network.outputs else {}
    kept = {name: np.ones(network.shape(name)[-1:], np.float32) for name in network.targets[1:]}
    masks = {name: np.where(np.arange(len(mask)) == 2, np.float32(0), mask) for name, mask in kept.items()}

    @jax.jit
    def jax_gives(stack, masks):
        def answers(x):
            trace = policy.run(x, edit=lambda name, layer: layer * masks[name] if name in masks else layer)
            return jnp.stack([objective(trace)[0] for objective in asked.values()]), trace

        (found, trace), slopes = answers(stack), jax.jacrev(lambda x: answers(x)[0])(stack)
        return trace, found, slopes

    found = node(
        tmp_path,
        """const [policy, stack] = [network.decode(given.policy), levels(given.stack)];
        return [[], given.units].map((units) => {
          const changed = network.changes(units, null);
          const run = network.forward(policy, stack, changed);
          return [run, given.questions.map((question) => [
            network.answer(policy, run, question), network.gradient(policy, stack, question, changed)])];
        });""",
        policy=given, stack=stack, questions=list(asked),
        units=[{"layer": name, "channel": 2, "factor": 0} for name in masks],
    )  # fmt: skip
    assert given["ends"].keys() == asked.keys()
    with jax.numpy_rank_promotion("allow"):
        expected = [jax_gives(stack, each) for each in (kept, masks)]
    for (run, answers), (trace, numbers, slopes) in zip(found, expected, strict=True):
        for name in network.targets[1:]:
            close(run["layers"][name], trace.layers[name])
        assert run.keys() == {"layers", *network.outputs}
        for name in network.outputs:
            close(run[name], getattr(trace, name))
        for (answer, gradient), number, slope in zip(answers, numbers, slopes, strict=True):
            close(answer, number)
            assert np.abs(slope).max() > 0
            np.testing.assert_allclose(gradient, np.ravel(slope), atol=CLOSE * np.abs(slope).max(), rtol=0)


@UNITS
def test_answers_and_gradients_are_those_of_jax(small, units, tmp_path):
    given, table, _ = stored(small, "small")
    stack, other = random_stacks(2, SMALL, seed=6)[:, None]
    edit = edit_of(small, units, small.run(other).layers)
    found = node(
        tmp_path,
        """const policy = network.decode(given.policy);
        const [stack, other] = [given.stack, given.other].map(levels);
        const changed = network.changes(given.units, sources(network.forward(policy, other).layers));
        const run = network.forward(policy, stack, changed);
        return given.questions.map((question) => [
          network.answer(policy, run, question), network.gradient(policy, stack, question, changed)]);""",
        policy=given, stack=stack, other=other, units=units, questions=[*BEHAVIOURS, "value"],
    )  # fmt: skip
    asked = [*(objectives.behaviour_probability(behaviour) for behaviour in table.behaviours.values())]
    for (answer, gradient), objective in zip(found, [*asked, objectives.value()], strict=True):

        def score(x, objective=objective):
            return objective(small.run(x, edit=edit))[0]

        expected, slope = jax.value_and_grad(score)(stack)
        assert answer == pytest.approx(float(expected), abs=CLOSE)
        size = float(jnp.abs(slope).max())
        assert size > 0
        np.testing.assert_allclose(gradient, np.ravel(slope), atol=CLOSE * size, rtol=0)


MAP = """const policy = network.decode(given.policy);
const steps = attribution.METHODS[given.method]({ policy, question: "yaw", changed: {} }, levels(given.frame));
const shares = [];
for (;;) { const { done, value } = steps.next(); if (done) return [shares, value]; shares.push(value); }"""


def as_stack(frame):
    """A frame's one plane again and again, or the stack that it is."""
    return np.broadcast_to(frame, (SMALL.frames, *frame.shape[1:]))


@PLANES
def test_a_frame_of_one_plane_is_repeated_and_a_stack_is_left_alone(planes, small, tmp_path):
    frame = smooth_frames(planes, SMALL.size, seed=2)
    found = node(
        tmp_path,
        "return network.still(given.policy, levels(given.frame));",
        policy=stored(small, "small")[0], frame=frame,
    )  # fmt: skip
    np.testing.assert_array_equal(np.float32(found), as_stack(frame).ravel())


@PLANES
def test_maps_are_those_of_the_study(planes, small, tmp_path):
    given, table, mean = stored(small, "small", planes)
    frame = smooth_frames(planes, SMALL.size, seed=2)
    stack = as_stack(frame)[None]
    scores = Readouts(networks.fast(small), (objectives.behaviour_probability(table.behaviours["yaw"]),))
    how = {**SETTINGS, "seed": 0, "read": nature(SMALL).reads}
    methods = attribution.methods(as_stack(mean), **how)
    for name in ("gradient", "gradient × input", "IG, black", "IG, mean frame"):
        expected = methods[name].attribute(scores, stack)[0, 0].sum(0)
        shares, found = node(tmp_path, MAP, policy=given, frame=frame, method=name)
        np.testing.assert_allclose(found, expected.ravel(), atol=CLOSE * np.abs(expected).max(), rtol=0)
        assert shares[0] == 0 and shares == sorted(shares) and shares[-1] < 1


@PLANES
def test_occlusion_shares_out_what_each_window_loses(planes, small, tmp_path):
    given, table, mean = stored(small, "small", planes)
    frame = smooth_frames(planes, SMALL.size, seed=2)
    weights, (side, patch, stride) = table.behaviours["yaw"].weights, (nature(SMALL).reads[0], 12, 7)

    def yaw(shown):
        return jax.nn.softmax(small.run(np.stack([as_stack(each) for each in shown])).logits) @ weights

    starts = [*range(0, side - patch, stride), side - patch]
    windows = [np.s_[..., top : top + patch, left : left + patch] for top in starts for left in starts]
    covered = [frame.copy() for _ in windows]
    for each, window in zip(covered, windows, strict=True):
        each[window] = mean[window]
    total, times = np.zeros_like(frame[0]), np.zeros_like(frame[0])
    for loss, window in zip(np.asarray(yaw([frame])[0] - yaw(covered)), windows, strict=True):
        total[window] += loss / patch**2
        times[window] += 1
    expected = total / np.maximum(times, 1)
    assert not times[side:].any() and times[:side, :side].min() == 1
    shares, found = node(tmp_path, MAP, policy=given, frame=frame, method="occlusion, all frames at once")
    np.testing.assert_allclose(found, expected.ravel(), atol=2e-3 * np.abs(expected).max(), rtol=0)
    assert len(shares) == len(windows)


@PLANES
def test_smoothgrad_is_the_mean_gradient_under_the_settings_noise(planes, small, tmp_path):
    given, *_ = stored(small, "small", planes)
    frame = smooth_frames(planes, SMALL.size, seed=2)
    maps = {}
    for key, method, noise, samples in (
        ("gradient", "gradient", 0, 1), ("silent", "SmoothGrad", 0, 2), ("noisy", "SmoothGrad", 20, 40),
        ("again", "SmoothGrad", 20, 40), ("longer", "SmoothGrad", 20, 160),
    ):  # fmt: skip
        given["attribution"] |= {"noise": noise, "samples": samples}
        maps[key] = np.array(node(tmp_path, MAP, policy=given, frame=frame, method=method)[1])
    np.testing.assert_allclose(maps["silent"], maps["gradient"], rtol=1e-6)
    np.testing.assert_array_equal(maps["noisy"], maps["again"])
    # More draws settle on one map, which is not the gradient.
    to_gradient, to_longer = (np.corrcoef(maps["noisy"], maps[key])[0, 1] for key in ("gradient", "longer"))
    assert to_gradient < to_longer > 0.97


def test_every_edit_is_what_it_says(tmp_path):
    grey = smooth_frames(1, 40, seed=1)[0, :30]
    found = node(
        tmp_path,
        """const grey = levels(given.grey);
        const none = edits.none(30, 40);
        const once = { ...none, paint: edits.stroke(none, 3, 5, 4, 200) };
        const painted = { ...none, paint: edits.stroke(once, 39, 29, 3, 0) };
        return { mirror: edits.mirror(grey, 40), right: edits.shift(grey, 40, 3, 0), up: edits.shift(grey, 40, -50, -7),
          blur: edits.blur(grey, 40, 1.5), wide: edits.blur(grey, 40, 6), still: edits.blur(grey, 40, 0),
          invert: edits.invert(grey), brighter: edits.gamma(grey, 1), darker: edits.gamma(grey, -2),
          painted: edits.apply(grey, grey, painted), none: [edits.isNone(none), edits.isNone(painted)] };""",
        grey=grey,
    )
    unit = grey.astype(float) / 255
    painted = grey.copy()
    painted[4:8, 2:6], painted[28:, 38:] = 200, 0
    expected = {
        "mirror": grey[:, ::-1],
        "right": np.pad(grey, ((0, 0), (3, 0)), mode="edge")[:, :40],
        "up": np.repeat(np.pad(grey, ((0, 7), (0, 0)), mode="edge")[7:, -1:], 40, axis=1),
        "blur": scipy.ndimage.gaussian_filter(grey, 1.5, mode="nearest"),
        "wide": scipy.ndimage.gaussian_filter(grey, 6, mode="nearest"),
        "still": grey,
        "invert": 255 - grey,
        "brighter": 255 * np.sqrt(unit),
        "darker": 255 * unit**4,
        "painted": painted,
    }
    assert found.pop("none") == [True, False]
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        np.testing.assert_allclose(found[name], frame.ravel(), atol=1e-3, err_msg=name)


def test_a_stack_is_edited_plane_by_plane(tmp_path):
    """Nothing crosses from one plane into the next: not the border, not the blur, not the paint."""
    frame = smooth_frames(3, 40, seed=1)[:, :30]
    frame[1] = 255 - frame[1]  # so that what crosses is seen
    found = node(
        tmp_path,
        """const [frame, other] = [levels(given.frame), levels(given.other)];
        const none = edits.none(30, 40);
        const paint = edits.stroke(none, 39, 29, 3, 200);
        const asked = { mirror: { mirror: true }, right: { shiftX: 3 }, up: { shiftY: -7 }, blur: { blur: 6 },
          invert: { invert: true }, darker: { gamma: -2 }, painted: { paint }, none: {} };
        return Object.fromEntries(
          Object.entries(asked).map(([name, each]) => [name, edits.apply(frame, other, { ...none, ...each })]));""",
        frame=frame, other=frame[..., ::-1],
    )  # fmt: skip
    painted = frame.copy()
    painted[:, 28:, 38:] = 200
    expected = {
        "mirror": frame[..., ::-1],
        "right": np.pad(frame, ((0, 0), (0, 0), (3, 0)), mode="edge")[..., :40],
        "up": np.pad(frame, ((0, 0), (0, 7), (0, 0)), mode="edge")[:, 7:],
        "blur": np.stack([scipy.ndimage.gaussian_filter(plane, 6, mode="nearest") for plane in frame]),
        "invert": 255 - frame,
        "darker": 255 * (frame.astype(float) / 255) ** 4,
        "painted": painted,
        "none": frame,
    }
    assert found.keys() == expected.keys()
    for name, edited in expected.items():
        np.testing.assert_allclose(found[name], edited.ravel(), atol=1e-3, err_msg=name)


@PLANES
def test_the_mirror_image_gets_the_mirror_image_of_every_edit(planes, tmp_path):
    frame = smooth_frames(planes, 32, seed=1)[:, :28]
    found = node(
        tmp_path,
        """const [frame, other, none] = [levels(given.frame), levels(given.other), edits.none(28, 32)];
        const asked = { ...none, mirror: true, shiftX: 3, shiftY: -2, blur: 1, invert: true, gamma: 0.7,
          paint: edits.stroke(none, 4, 9, 5, 30) };
        return [edits.apply(frame, other, asked), edits.apply(frame, other, edits.mirrored(asked))];""",
        frame=frame, other=frame[..., ::-1],
    )  # fmt: skip
    here, there = (np.reshape(edited, frame.shape) for edited in found)
    np.testing.assert_allclose(here[..., ::-1], there, atol=1e-3)
    assert np.abs(here - frame).mean() > 10


@pytest.mark.parametrize(
    ("order", "colour"),
    [*((order, False) for order in frames.ORDERS), ("notebook", True)],
    ids=[*frames.ORDERS, "colour"],
)
def test_a_screenshot_becomes_a_frame_as_the_study_does_it(order, colour, tmp_path):
    for height, width, size in ((150, 256, 64), (128, 192, 64), (90, 161, 84)):
        rng = np.random.default_rng(height)
        picture = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8).repeat(5, 0).repeat(5, 1)
        picture = np.ascontiguousarray(picture[:height, :width])
        alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
        pixels = base64.b64encode(np.concatenate([picture, alpha], 2).tobytes()).decode()
        found = node(
            tmp_path,
            """const pixels = network.numbers(given.pixels, Uint8Array);
            return edits[given.way](pixels, given.width, given.height, [given.size, given.size], given.order);""",
            pixels=pixels, width=picture.shape[1], height=picture.shape[0], size=size, order=order,
            way="colours" if colour else "grey",
        )  # fmt: skip
        expected = frames.for_network(picture, size=size, order=order, colour=colour)
        difference = np.abs(np.reshape(found, expected.shape) - expected)
        assert difference.max() <= 1 and (difference > 0).mean() < 0.05


def test_a_screenshot_is_cut_about_its_middle(tmp_path):
    asked = [(1920, 1080, 512 / 300), (300, 900, 2.0), (640, 640, 1.0)]
    found = node(tmp_path, "return given.asked.map((box) => edits.crop(...box));", asked=asked)
    for (width, height, aspect), box in zip(asked, found, strict=True):
        assert box["width"] / box["height"] == pytest.approx(aspect, rel=0.01)
        assert box["width"] == width or box["height"] == height
        assert box["left"] == (width - box["width"]) // 2 and box["top"] == (height - box["height"]) // 2


STUDY = """const study = { frames: ["one", "a, b/@*1 ä%2C"], size: [6, 7],
  channels: { conv0: 5, "a b/c,@": 4 }, steering: "yaw", method: "occlusion",
  questions: ["yaw", "value", "<b>&?=#"], methods: ["gradient", "occlusion", "IG, black"] };
const none = edits.none(6, 7);
const painted = edits.stroke({ ...none, paint: edits.stroke(none, 1, 2, 3, 17) }, 5, 4, 2, 255);
const whole = { frame: "100% ä/?&=#🌳", edits: { ...none, mirror: true, invert: true, gamma: -0.30000000000000004,
  blur: 2.5, shiftX: -3, shiftY: 2, paint: painted }, units: [{ layer: "conv0", channel: 4, factor: 0 },
  { layer: "a b/c,@", channel: 0, factor: -1.2345678901234567 }, { layer: "conv0", channel: 1, source: "" },
  { layer: "conv0", channel: 3, source: "a, b/@*1 ä%2C" },
  { layer: "conv0", channel: 2, factor: 1e-9 }], selected: { layer: "a b/c,@", channel: 3 },
  pinned: [{ layer: "conv0", channel: 0 }], question: "<b>&?=#", method: "IG, black" };
"""


def test_an_address_brings_the_same_experiment_back_to_the_last_digit(tmp_path):
    """Also through what a browser does to an address, and without a map."""
    found = node(
        tmp_path,
        STUDY + """const plainly = { ...experiments.fresh(study), frame: "one" };
        return [whole, { ...whole, method: "" }, plainly].map((asked) => {
          const text = new URL("file:///a#" + experiments.write(asked, study)).hash.slice(1);
          const back = experiments.read(text, study);
          const plain = (one) => ({ ...one, edits: { ...one.edits, paint: Array.from(one.edits.paint, String) } });
          return [text, plain(asked), plain(back)];
        });""",
    )  # fmt: skip
    for _, asked, back in found:
        assert back == asked
    assert found[2][0] == "frame/one"


def test_what_an_address_may_not_ask_for_is_left_out(tmp_path):
    text = "frame/one?units=conv0/5*0,conv9/1*0,conv0/1*x,conv0/2*0,conv0/2*3,conv0,conv0/1@frame/none,conv0/1@frame/"
    text += "&unit=conv0/9&pins=conv1/1"
    text += "&of=nothing&map=nothing&gamma=x&blur=-2&x=1.4&paint=3.2.900_1.2_40.9.7&=&&invert=2"
    [found, fresh] = node(
        tmp_path,
        STUDY + "return [experiments.read(given.text, study), experiments.fresh(study)];",
        text=text,
    )
    assert found["units"] == [{"layer": "conv0", "channel": 2, "factor": 3}]
    assert found["edits"].pop("shiftX") == 1 and fresh["edits"].pop("shiftX") == 0
    assert [i for i, level in enumerate(found["edits"].pop("paint")) if level is not None] == [40, 41]
    fresh["edits"].pop("paint")
    assert found | {"units": []} == fresh | {"frame": "one"}


def test_each_change_is_listed_and_taken_back_by_itself(tmp_path):
    found = node(
        tmp_path,
        STUDY
        + """return experiments.listed(whole).map(({ kind, rest }) =>
          [kind, experiments.listed({ ...whole, ...rest }).map((one) => one.kind)]);""",
    )
    kinds_of = ["mirror", "invert", "gamma", "blur", "shiftX", "shiftY", "paint"]
    kinds_of += ["silence", "scale", "patch", "borrow", "scale"]
    assert [kind for kind, _ in found] == kinds_of
    for i, (_, others) in enumerate(found):
        assert others == kinds_of[:i] + kinds_of[i + 1 :]


@PLANES
def test_the_librarys_edits_of_a_frame_are_the_pages(planes, tmp_path):
    frame = smooth_frames(planes, 12, seed=1).round()
    mirrored = frame[..., ::-1].copy()
    asked = {"width": 12, "mirror": True, "shiftX": -3, "shiftY": 2, "blur": 1.5, "invert": True, "gamma": -0.7}
    runs = [(0, 2, 17), (30, 14, 255)]
    paint = np.full(144, np.nan, np.float32)
    for start, length, level in runs:
        paint[start : start + length] = level
    for keys in (["mirror"], ["shiftX", "shiftY"], ["blur"], ["invert"], ["gamma"], [], list(asked)):
        kept = {key: asked[key] if key in keys or key == "width" else type(asked[key])() for key in asked}
        shown = node(
            tmp_path,
            """const paint = Float32Array.from(given.paint, (level) => (level === null ? NaN : level));
            const asked = { ...given.asked, paint };
            const [frame, other] = [levels(given.frame), levels(given.other)];
            return [edits.apply(frame, other, asked), edits.apply(frame, other, edits.mirrored(asked))];""",
            frame=frame, other=mirrored, asked=kept, paint=[None if np.isnan(x) else float(x) for x in paint],
        )  # fmt: skip
        made = frame_edits.apply_to_both(
            frame,
            mirrored,
            frame_edits.FrameEdits(
                kept["mirror"],
                (kept["shiftX"], kept["shiftY"]),
                kept["blur"],
                kept["invert"],
                kept["gamma"],
                tuple(runs),
            ),
        )
        np.testing.assert_allclose(np.float32(shown), np.stack(made).reshape(2, -1), atol=2e-3, err_msg=str(keys))
