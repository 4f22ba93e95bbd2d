"""A record says all of a panel: its script takes what it is given, it has its words, and its old name is refused."""

import importlib
import inspect
import itertools

import pytest
import yaml

from minetest_interp import panels
from minetest_interp.io.errors import InputError
from minetest_interp.pages import article
from tests.conftest import ROOT
from tests.unit.test_study import changed, load

RECORDS, OWN_SCHEMA = ROOT / "figures/panels.yaml", ROOT / "workflow/schemas/panels.schema.yaml"
PANELS = panels.read(RECORDS, OWN_SCHEMA)
GIVEN = dict.fromkeys(("behaviour", "plus", "minus", "positive", "concept", "named"), "given")
CLAIMS = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))
RENAMED_PANELS = {
    "l-frames": "frames", "m-gallery": "recipes-gallery", "n-methods": "recipes", "o-atlas-conv0": "atlas-1",
    "p-atlas-conv1": "atlas-2", "q-atlas-conv2": "atlas-3", "r-atlas-hidden": "atlas-4", "atlas-conv0": "atlas-1",
    "s-atlas-heads": "atlas-heads", "t-ledger": "ledger", "u-yaw": "behaviour", "v-units": "units",
    "w-causal": "causal", "x-attribution": "attribution", "y-circuits": "circuits", "z-controls": "dream-controls",
    "aa-pairs": "pairs", "ab-series-claims": "series-claims", "ac-series-verdicts": "series-verdicts",
    "ad-series-behaviours": "series-behaviours", "ae-series-units": "series-units",
    "g-conv0": "g-channel", "j-conv2-gradient": "j-channel-gradient",
}  # fmt: skip


@pytest.mark.parametrize("panel", PANELS.values(), ids=list(PANELS))
def test_a_script_takes_what_its_panel_gives_it(panel):
    parameters = inspect.signature(importlib.import_module(panel.script).load).parameters.values()
    takes = {parameter.name for parameter in parameters} - {"results"}
    needs = {parameter.name for parameter in parameters if parameter.default is parameter.empty} - {"results"}
    may_be_left_out = {*panel.optional, *panel.defaults} & set(panel.options)
    everything = panel.settings(dict.fromkeys(panel.options, "own"), GIVEN)
    least = panel.settings(dict.fromkeys(panel.options.keys() - may_be_left_out, "own"), GIVEN)
    assert needs <= set(least) and set(everything) <= takes


def test_every_script_draws_some_panel_and_every_panel_has_its_words():
    scripts = {path.stem for path in (ROOT / "figures").glob("*.py") if "panel_command(load, draw)" in path.read_text()}
    assert {panel.script for panel in PANELS.values()} == scripts
    captions = article.captions(ROOT / "report")
    assert captions.keys() == PANELS.keys()
    assert all(set(words) == {"caption", "alt"} for words in captions.values())


def test_a_study_s_own_settings_come_before_the_defaults():
    channel = PANELS["h-channel"]
    own = {"frame": "one", "layer": "pool1", "channel": 3}
    assert channel.settings(own, GIVEN) == {"view": "original", **own}
    assert channel.settings({**own, "view": "mirrored"}, GIVEN)["view"] == "mirrored"


def test_patterns_name_the_results_of_a_view_and_the_places_of_the_numbers():
    slope = PANELS["j-channel-gradient"]
    settings = slope.settings({"frame": "a {b}", "channel": 0, "view": "mirrored", "gradient": "yaw"}, GIVEN)
    names = ["network.json", "stacks.npz", "intermediates/mirrored.npz", "gradients/mirrored/yaw.npz"]
    assert [str(file) for file in slope.files(ROOT / "results/x", settings)] == [f"{ROOT}/results/x/{n}" for n in names]
    assert slope.facts(settings) == ["channels/j-channel-gradient"]
    [*_, activations] = PANELS["g-channel"].files(ROOT, {"view": "original"})
    assert activations == ROOT / "intermediates/original.npz"
    assert PANELS["e-mirror-day"].facts({"frame": "a {b}"}) == ["frames/a {b}"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"reads": ["dreams/{dreem}.npz"]}, "must have names of the panel's settings in braces; got 'dreem'"),
        ({"numbers": ["dreams/{}"]}, "in braces"),
        ({"script": "dream-value"}, "script"),
        ({"options": {"dream": {"from": "night"}}}, "night"),
        ({"section": "dreams"}, "section"),
        ({"draws": "it"}, "unknown key 'draws'"),
    ],
)
def test_a_record_that_is_not_understood_is_refused(tmp_path, wrong, named):
    path = tmp_path / "panels.yaml"
    record = {"shows": "a dream", "script": "dream", "reads": ["dreams/{dream}.npz"], "options": {"dream": {}}}
    path.write_text(yaml.safe_dump({"a-dream": record}))
    assert panels.read(path, OWN_SCHEMA)["a-dream"].shows == "a dream"
    path.write_text(yaml.safe_dump({"a-dream": record | wrong}))
    with pytest.raises(InputError, match=named):
        panels.read(path, OWN_SCHEMA)


@pytest.mark.parametrize(("old", "new"), RENAMED_PANELS.items())
def test_an_old_name_of_a_panel_is_refused_with_the_new_one(tmp_path, old, new):
    with pytest.raises(InputError, match=rf"at panels: unknown key '{old}', which is called '{new}' now; rename it"):
        load(tmp_path, changed(panels={old: {}}))
    assert old in PANELS[new].formerly


def test_an_old_key_of_a_study_or_of_the_claims_is_refused_with_the_new_one(tmp_path):
    recipes = {"units": ["value"], "gallery": ["value"], "seeds": [0, 1], "seed": 0}
    for section, named in (
        ({"methods": {**recipes, "recipes": {}}}, "at the top level: unknown key 'methods', which is called 'recipes'"),
        ({"recipes": {**recipes, "recipes": {}}}, "at recipes: unknown key 'recipes', which is called 'compared'"),
    ):
        with pytest.raises(InputError, match=named):
            load(tmp_path, changed(**section))


def claim(**changes):
    [(name, first), *_] = CLAIMS["claims"].items()
    entry = {key: value for key, value in (first | changes).items() if value is not None}
    return {"measure": CLAIMS["measure"], "claims": {name: entry}}


def old_measure():
    old = dict(CLAIMS["measure"])
    old["dreams"] = old.pop("dream_controls")
    return CLAIMS | {"measure": old}


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        *(
            (claim(former=1, **{key: None}), rf"unknown key 'former'; did you mean '{key}'\?")
            for key in ("measurement", "parts", "statement")
        ),
        (old_measure(), "at measure: unknown key 'dreams', which is called 'dream_controls' now"),
        (claim(figure="u-yaw"), "figure must be a panel, one of .*; got 'u-yaw', which is called 'behaviour' now"),
        (claim(figure="behavior"), "figure must be a panel, one of .*; got 'behavior'"),
    ],
)
def test_an_old_or_unknown_word_in_a_claims_file_is_refused(tmp_path, claims, named):
    settings = changed(evidence={"claims": "claims.yaml", "named": {"conv0": 0, "conv1": 0, "conv2": 0}})
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claims))
    with pytest.raises(InputError, match=named):
        load(tmp_path, settings)


def test_no_panel_has_the_former_name_of_another():
    names = [*PANELS, *(old for panel in PANELS.values() for old in panel.formerly)]
    assert [name for name, group in itertools.groupby(sorted(names)) if len(list(group)) > 1] == []
