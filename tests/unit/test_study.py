import copy
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from minetest_interp import study
from minetest_interp.io.errors import InputError
from tests.conftest import ROOT

SCHEMA = ROOT / "workflow/schemas/study.schema.yaml"
BASE = {
    "title": "A small study",
    "summary": "Made by a test.",
    "source": {"folder": "files", "attribution": "Made by a test."},
    "policy": {"checkpoint": "a.model"},
    "frames": {"files": "*.png"},
    "actions": {
        "factors": {"move": ["-", "left", "right"]},
        "behaviours": {"yaw": {"plus": {"move": "left"}, "minus": {"move": "right"}}},
        "steering": "yaw",
    },
    "dreams": {"value": {"objective": {"kind": "value"}, "steps": 2, "seed": 1}},
    "gradients": {},
    "panels": {"a-dream-value": {"dream": "value"}, "d-views": {"frame": "one"}},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    for name in ("one", "two"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"files/{name}.png")
    return tmp_path


def load(folder, config, **options):
    path = folder / "small.yaml"
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))
    return study.load(path, SCHEMA, **options)


def test_settings_stay_as_written_and_what_they_leave_to_files_and_defaults_stands_beside_them(folder):
    (folder / "actions.yaml").write_text(yaml.safe_dump(BASE["actions"]))
    loaded = load(folder, changed(actions="actions.yaml"))
    assert loaded.settings == changed(actions="actions.yaml")
    assert loaded.actions == loaded.config["actions"] == BASE["actions"] | {"mirrored": True}
    assert loaded.claims is loaded.label_settings is None and loaded.config.keys() == BASE.keys()


def changed(**paths):
    """BASE with dotted keys (written with __) set; `...` removes."""
    config = copy.deepcopy(BASE)
    for path, value in paths.items():
        *parents, last = path.split("__")
        node = config
        for parent in parents:
            node = node[parent]
        if value is ...:
            del node[last]
        else:
            node[last] = value
    return config


def test_a_study_names_its_files_in_order(folder):
    loaded = load(folder, BASE)
    assert loaded.name == "small" and not loaded.fetched
    assert [frame.stem for frame in loaded.frames] == ["one", "two"]
    assert loaded.checkpoint == folder / "files/a.model"


def test_a_study_that_names_no_panels_draws_those_that_need_no_settings(folder):
    few = {key: BASE[key] for key in ("title", "summary", "source", "policy", "frames", "actions")}
    loaded = load(folder, few)
    assert loaded.settings["dreams"] == loaded.settings["gradients"] == {}
    without = ("stills", "try-it", "guess", "c-alignment", "k-network", "frames")
    assert loaded.settings["panels"] == {name: {} for name in without}
    assert all(not loaded.panels[name].required for name in loaded.settings["panels"])


def test_a_study_may_name_no_behaviour_that_changes_sign_in_a_mirror(folder):
    loaded = load(folder, changed(actions__steering=...))
    assert loaded.actions["steering"] == "yaw" and not loaded.actions["mirrored"]


def test_claims_are_about_behaviours_that_the_study_has(folder):
    claims = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
    config = changed(evidence={"claims": "claims.yaml", "named": {"pool0": 0}})
    claims["claims"]["yaw-mirror"]["readout"] = "yaw"
    (folder / "claims.yaml").write_text(yaml.safe_dump(claims), encoding="utf-8")
    assert load(folder, config).claims == claims
    claims["claims"]["yaw-mirror"]["readout"] = "roll"
    (folder / "claims.yaml").write_text(yaml.safe_dump(claims), encoding="utf-8")
    with pytest.raises(InputError, match=r"yaw-mirror.readout must be one of .*yaw.*; got 'roll'"):
        load(folder, config)


OWN = {"module": "agent.py", "class": "Network", "size": 64, "frames": 4}


def test_a_network_of_ones_own_lies_beside_the_study_and_its_answers_with_the_checkpoint(folder):
    loaded = load(folder, changed(policy={"checkpoint": "a.model", "check": "answers.npz", **OWN}))
    assert loaded.module == folder / "agent.py" and loaded.answers == folder / "files/answers.npz"
    assert (
        loaded.config["policy"]["module"] == str(folder / "agent.py")
        and loaded.settings["policy"]["module"] == "agent.py"
    )
    assert load(folder, BASE).module is load(folder, BASE).answers is None


MISTAKES = [
    (changed(titel="x"), "unknown key 'titel'; did you mean 'title'"),
    (changed(title=...), "'title' is a required property"),
    (changed(dreams__value__steps="many"), "at dreams.value.steps"),
    (changed(dreams__value__stepz=3), "at dreams.value: unknown key 'stepz'; did you mean 'steps'"),
    (changed(policy__strides=[]), "at policy.strides"),
    (
        changed(policy={"checkpoint": "a.model", **OWN, "module": "../agent.py"}),
        "`policy.module` must be a path inside",
    ),
    (changed(policy={"checkpoint": "a.model", **OWN, "outputs": ["critic"]}), "at policy.outputs"),
    (changed(policy={"checkpoint": "a.model", "module": "agent.py"}), "at policy: 'class' is a dependency of 'module'"),
    (changed(policy={"checkpoint": "a.model", "frames": 3}), "at policy: 'module' is a dependency of 'frames'"),
    (changed(policy={"checkpoint": "a.model", "check": "/a.npz"}), "`policy.check` must be a path inside"),
    (changed(labels={"folder": ".", "trunk": 2}), "'trunk', which is called 'concepts' now"),
    (changed(panels__d_views={}), "unknown key 'd_views'; did you mean 'd-views'"),
    (changed(series={"checkpoints": ["*.model"]}), "`series` must have the section `evidence`"),
    (changed(series={"checkpoints": ["*.model"], "allong": "step"}), "unknown key 'allong'; did you mean 'along'"),
    (changed(panels={"series-units": {}}), "panels.series-units must have the section `series`"),
    (changed(actions__steering="roll"), "actions.steering must be one of ..yaw..; got 'roll'"),
    (changed(panels={"a-dream-value": {"dream": "vaule"}}), r"panels.a-dream-value.dream must be one of \['value'\]"),
    (
        changed(panels={"d-views": {"frame": "tow"}}),
        "panels.d-views.frame must name one of .* 'tow'. Did you mean 'two'",
    ),
    (changed(panels={"recipes": {}}), "panels.recipes must have the section `recipes`"),
    (changed(panels={"atlas-1": {"layer": "conv0"}}), "panels.atlas-1 must have the section `atlas`"),
    (changed(panels={"pairs": {}}), "panels.pairs must have the section `evidence`"),
    (changed(frames__night=["dusk"]), "frames.night must name one of the study's 2 frames; got 'dusk'"),
    (changed(frames__files="*.jpg"), r"at least one frame must match '\*.jpg'"),
    (changed(source__folder="nowhere"), "the study's data must be a folder"),
    (changed(source__repository="https://x.example"), "'origin' is a dependency of 'repository'|dependency"),
    (changed(actions="no-such.yaml"), "there must be a YAML file at this path"),
    (
        changed(
            dreams={"a": {"objective": {"kind": "behaviour_probability", "behaviour": "up"}, "steps": 1, "seed": 1}}
        ),
        "dreams.a: behaviour must be one of",
    ),
    ("title: [", "must be a YAML file"),
    ("- a list", "must be a YAML mapping; got list"),
]


@pytest.mark.parametrize(("config", "message"), MISTAKES, ids=[message[:30] for _, message in MISTAKES])
def test_mistakes_are_named_in_one_line(folder, config, message):
    with pytest.raises(InputError, match=message) as error:
        load(folder, config)
    assert "\n" not in str(error.value)


def test_an_unknown_study_gets_the_list(folder):
    load(folder, BASE)
    with pytest.raises(InputError, match=r"Choose a study from \['small'\]"):
        study.load(folder / "smal.yaml", SCHEMA)


@pytest.mark.parametrize("line", ["../up.png", "/etc/passwd", ""])
def test_checksums_cannot_name_files_outside_the_folder(folder, line):
    (folder / "sums").write_text(f"{'0' * 64}  {line}\n")
    with pytest.raises(InputError, match="line 1 must be"):
        load(folder, changed(source__checksums="sums"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(BASE)), value=JSON)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_crashes_the_loader(folder, key, value):
    try:
        load(folder, changed(**{key: value}))
    except InputError as error:
        assert "\n" not in str(error)


def test_recorded_stacks_are_named_by_file_and_number(folder):
    np.save(folder / "files/run.npy", np.zeros((12, 2, 8, 8), np.uint8))
    every = changed(
        frames__files="*.[pn]*", panels={"d-views": {"frame": "run-0011"}, "e-mirror-day": {"frame": "one"}}
    )
    assert [file.name for file in load(folder, every).frames] == ["one.png", "run.npy", "two.png"]
    with pytest.raises(InputError, match="one of the study's 14 frames; got 'run-0012'. Did you mean 'run-0011'"):
        load(folder, changed(frames__files="*.[pn]*", panels={"d-views": {"frame": "run-0012"}}))
    np.savez(folder / "files/run.npz", a=np.zeros((8, 8, 2), np.uint8), b=[])
    named = changed(frames={"files": "*.npz", "array": "a", "layout": "NHWC", "night": ["run"]}, panels={})
    assert load(folder, named).frames == (folder / "files/run.npz",)


def test_published_files_may_have_several_sources(folder):
    (folder / "sums").write_text(f"{'0' * 64}  one.png\n")
    source = {"folder": "../data/x", "attribution": "-", "origin": "-", "commit": "0" * 40, "checksums": "sums"}
    several = ["https://x.example", "https://y.example/{sha256}"]
    for written, asked in ((several[0], several[:1]), (several, several)):
        config = changed(source=source | {"repository": written}, frames={"files": "*.png"}, panels={})
        assert load(folder, config).repositories == asked
    for wrong in ([], "ftp://x.example", [several[0], "y.example"]):
        with pytest.raises(InputError, match=r"source\.repository"):
            load(folder, changed(source=source | {"repository": wrong}, frames={"files": "*.png"}, panels={}))


def test_names_in_recorded_stacks_that_are_not_fetched_yet_are_not_judged(folder):
    (folder / "sums").write_text(f"{'0' * 64}  run.npy\n")
    source = {"folder": "../data/x", "attribution": "-", "repository": "https://x.example", "origin": "-"}
    source |= {"commit": "0" * 40, "checksums": "sums"}
    config = changed(source=source, frames={"files": "*.npy", "night": ["run-0003"]}, panels={})
    assert load(folder, config).fetched


@pytest.mark.parametrize("name", ["demo", "treechop"])
def test_the_shipped_studies_are_valid(name):
    if name == "treechop":  # needs no files: they are fetched
        loaded = study.load(ROOT / "config/treechop.yaml", SCHEMA)
        assert len(loaded.frames) == 66 and loaded.fetched
    else:
        assert len(study.load(ROOT / "config/demo.yaml", SCHEMA).frames) >= 30


def test_a_study_is_named_or_given_by_its_path():
    assert study.locate("demo", Path("config")) == Path("config/demo.yaml")
    assert study.locate("../elsewhere/mine.yml", Path("config")) == Path("../elsewhere/mine.yml")
