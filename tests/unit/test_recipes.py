"""Ways to dream compared: recipes, controls, scores, facts."""

import json

import jax
import numpy as np
import pytest

from minetest_interp.analysis import stats
from minetest_interp.dreams import dreaming, judging, notebook, parametrisations, recipe, scores, units
from minetest_interp.dreams import recipes as dream_recipes
from minetest_interp.facts.recipes import recipe_summary
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.model.policy import Geometry, Policy, nature, shuffled_weights
from minetest_interp.stages import recipes as stage
from tests.samples import FORWARD, YAW, smooth_frames

SMALL = Geometry(channels=(4, 6, 5), hidden=32)
FITTED, JUDGED = smooth_frames(10, seed=1), smooth_frames(11, seed=2)
NAMES = ("conv2/0", "conv2/3")  # of one layer, so that every recipe compiles once
PRIOR = parametrisations.fit_prior(FITTED, SMALL)
TARGET = {"kind": "frame prior", "steps": 4, "copies": 1, "form": "target", "lr": 0.005}
RECIPES = {
    "notebook": {"kind": "notebook", "steps": 6},
    "frame prior": {"kind": "frame prior", "steps": 4, "copies": 1},
    "motion": {"kind": "frame prior", "steps": 4, "copies": 1, "frames": "motion", "strength": 32},
    "accentuate": {"kind": "frame prior", "steps": 4, "copies": 1, "start": "best frame"},
}


@pytest.fixture(scope="module")
def small():
    """Normal weights that keep activations of one size, drawn in numpy since the network's own start compiles long."""
    generator, g = np.random.default_rng(0), SMALL
    inputs = (g.frames, *g.channels[:2])
    shapes = {f"conv{i}": (k, k, c, d) for i, (k, c, d) in enumerate(zip(g.kernels, inputs, g.channels, strict=True))}
    shapes |= {"hidden": (g.sides[2] ** 2 * g.channels[2], g.hidden), "actor": (g.hidden, 36), "critic": (g.hidden, 1)}

    def layer(shape):
        kernel = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))
        return {"kernel": kernel.astype(np.float32), "bias": np.full(shape[-1], 0.3, np.float32)}

    return Policy(SMALL, {name: layer(shape) for name, shape in shapes.items()})


@pytest.fixture(scope="module")
def listed():
    return dream_recipes.choose(NAMES, nature(SMALL), {"yaw": YAW, "forward": FORWARD})


def recipes(*names):
    return [recipe.read_recipe(name, RECIPES[name], PRIOR, SMALL) for name in names or RECIPES]


@pytest.fixture(scope="module")
def made(small, listed):
    return dream_recipes.compare(small, listed, recipes(), fitted=FITTED, judged=JUDGED, seeds=(3, 4))


def stacks(made, recipe, *, control=False):
    """The stacks `[U, K, T, S, S]` that a recipe showed the policy, from the saved arrays."""
    prefix, pictures = ("control_", "controls") if control else ("", "pictures")
    if f"{prefix}frames/{recipe}" in made:
        return made[f"{prefix}frames/{recipe}"]
    last = made[pictures][list(made["recipes"]).index(recipe)]
    return np.repeat(last[:, :, None], 4, axis=2)


def test_the_notebook_recipe_is_the_notebook_s_dream(small, listed):
    shown = dreaming.dream(recipes("notebook")[0], dreaming.run_on_frames(small, listed, FITTED), seeds=(3, 4)).pictures
    start = notebook.grey_start(SMALL, seed=4)
    alone = notebook.deep_dream(small, listed[1].objective, start, lr=1e3, steps=6)
    assert np.abs(alone.image - start).max() > 0.1
    np.testing.assert_allclose(shown[1, 1], alone.image[0], atol=1e-2)


def test_the_same_settings_give_the_same_bytes_and_other_seeds_other_pictures(small, listed, made):
    again = dream_recipes.compare(small, listed, recipes(), fitted=FITTED, judged=JUDGED, seeds=(3, 4))
    assert made.keys() == again.keys()
    for name, array in made.items():
        assert array.tobytes() == again[name].tobytes(), name
    assert (np.abs(made["pictures"][:, :, 0] - made["pictures"][:, :, 1]).max((2, 3)) > 0).all()


def test_a_control_is_the_same_recipe_on_the_shuffled_policy_and_nothing_else(small, listed, made):
    other = dreaming.run_on_frames(shuffled_weights(small, seed=0), listed, FITTED)
    for name in ("notebook", "accentuate"):
        shown, m = dreaming.dream(recipes(name)[0], other, seeds=(3, 4)), list(RECIPES).index(name)
        np.testing.assert_array_equal(shown.pictures[:, :, -1], made["controls"][m])
        np.testing.assert_array_equal(shown.bases, made["control_bases"][m])
    assert (np.abs(made["controls"] - made["pictures"]).max((2, 3, 4)) > 0).all()


@pytest.mark.parametrize("control", [False, True])
def test_the_scores_are_those_of_the_saved_pictures_on_the_real_policy(small, listed, made, control):
    suffix, pictures = ("_control", "controls") if control else ("", "pictures")
    run = jax.jit(small.run)
    real = run(np.repeat(JUDGED[:, None], 4, axis=1))
    for m, name in enumerate(RECIPES):
        for i, unit in enumerate(listed):
            trace = run(stacks(made, name, control=control)[i])
            natural = np.asarray(unit.objective(real))
            expected = {
                "z": np.mean((np.asarray(unit.objective(trace)) - natural.mean()) / natural.std()),
                "hf": scores.high_frequency(made[pictures][m, i]).mean(),
                "fd": scores.frechet(*(scores.gaussian(t.layers["conv1"]) for t in (trace, real))),
            }
            for place, layer in (("middle", "conv1"), ("last", "conv2")):
                shown, frames = (scores.channel_features(np.asarray(t.layers[layer])) for t in (trace, real))
                each = [scores.path(f, frames[stats.highest(natural, count=scores.TOP)], frames) for f in shown]
                expected[f"path_{place}"], expected[f"path_{place}_standardised"] = np.mean(each, axis=0)
            for score, value in expected.items():
                np.testing.assert_allclose(made[f"{score}{suffix}"][m, i], value, rtol=1e-3, atol=1e-4, err_msg=score)


def test_agreement_is_of_what_the_unit_sees_beyond_where_the_picture_began(listed, made):
    for m in range(len(RECIPES)):
        for i, unit in enumerate(listed):
            mask = units.receptive_mask(unit, nature(SMALL))
            own, other = (
                [(picture - made[base][m, i])[mask] for picture in made[which][m, i]]
                for which, base in (("pictures", "bases"), ("controls", "control_bases"))
            )
            assert made["agreement"][m, i] == pytest.approx(np.corrcoef(*own)[0, 1], abs=1e-5)
            pairs = [np.corrcoef(a, b)[0, 1] for a, b in zip(own, other, strict=True)]
            assert made["control_correlation"][m, i] == pytest.approx(np.mean(pairs), abs=1e-5)


def test_the_ceilings_are_those_of_the_best_judged_frames(small, listed, made):
    trace = small.run(np.repeat(JUDGED[:, None], 4, axis=1))
    for i, unit in enumerate(listed):
        natural = np.asarray(unit.objective(trace))
        order = np.argsort(-natural)
        np.testing.assert_array_equal(made["real"][i], JUDGED[order[:2]])
        top = (natural[order[:9]] - natural.mean()) / natural.std()
        assert made["z_real"][i] == pytest.approx(top.mean(), rel=1e-4)


def test_shared_pictures_are_one_frame_and_deltas_are_kept(small, listed, made):
    kept = {name.split("/", 1)[1] for name in made if name.startswith("frames/")}
    assert kept == {"notebook", "motion"}
    shared = dreaming.dream(recipes("frame prior")[0], dreaming.run_on_frames(small, listed, FITTED), seeds=(3, 4))
    assert shared.pictures.shape == (2, 2, 1, 64, 64)
    frames = made["frames/motion"]
    assert frames.shape == (2, 2, 4, 64, 64) and np.ptp(frames, axis=2).max() > 0
    np.testing.assert_allclose(made["motion/motion"], frames[:, 0] - frames[:, 0].mean(1, keepdims=True), atol=1e-5)


def test_accentuation_begins_at_the_best_fitted_frame(small, listed):
    subject = dreaming.run_on_frames(small, listed, FITTED)
    still = recipe.read_recipe("still", RECIPES["accentuate"] | {"lr": 0.0}, PRIOR, SMALL)
    shown = dreaming.dream(still, subject, seeds=(3, 4))
    for base, natural in zip(shown.bases, subject.natural, strict=True):
        assert stats.correlation(base, FITTED[natural.argmax()]) > 0.98


def test_the_target_lies_a_margin_above_the_best_fitted_frame(small, listed):
    """Above its target the picture is only pulled to the mean frame; one that starts below is moved otherwise."""
    subject = dreaming.run_on_frames(small, listed, FITTED)
    begun, content, wanting = (
        dreaming.dream(recipe.read_recipe("t", TARGET | changes, PRIOR, SMALL), subject, seeds=(0,)).pictures
        - PRIOR.mean
        for changes in ({"lr": 0.0}, {"margin": -50.0}, {"margin": 50.0})
    )
    size, start = (np.square(pictures).mean((1, 2, 3, 4)) for pictures in (content, begun))
    assert (size < start).all() and np.abs(wanting - content).max() > 1


def test_a_unit_that_never_varies_has_no_z_and_none_in_the_facts(small, listed):
    params = {name: {key: np.array(a) for key, a in layer.items()} for name, layer in small.params.items()}
    params["conv2"]["kernel"][..., 3] = 0
    broken = Policy(SMALL, params)
    found = dream_recipes.compare(broken, listed, recipes("notebook"), fitted=FITTED, judged=JUDGED, seeds=(3, 4))
    facts = recipe_summary(found)["notebook"]["z"]
    assert facts["units"]["conv2/3"] is None and facts["mean"] == facts["units"]["conv2/0"]


def test_the_facts_are_means_over_the_asked_units_with_control_and_ceiling(made):
    facts = recipe_summary(made, over=["conv2/3", "conv2/0"])
    json.dumps(facts, allow_nan=False)
    assert list(facts) == list(RECIPES) and set(facts["motion"]) == set(judging.SCORES)
    for m, name in enumerate(RECIPES):
        for score in judging.SCORES:
            fact, both = facts[name][score], made[score][m]
            assert list(fact["units"]) == ["conv2/3", "conv2/0"]
            assert [fact["units"]["conv2/0"], fact["units"]["conv2/3"]] == [v if np.isfinite(v) else None for v in both]
            known = both[np.isfinite(both)]
            assert fact["mean"] == (pytest.approx(known.mean()) if len(known) else None)
        assert facts[name]["control_correlation"]["control"] is facts[name]["control_correlation"]["real"] is None
        assert facts[name]["hf"]["control"] == pytest.approx(made["hf_control"][m].mean())
        assert facts[name]["z"]["real"] == pytest.approx(made["z_real"].mean())
    assert recipe_summary(made, over=["conv2/0"])["notebook"]["z"]["mean"] == pytest.approx(made["z"][0, 0])


def test_the_progress_adds_up_to_the_work(small, listed):
    done, chosen = [], recipes("notebook")
    dream_recipes.compare(small, listed, chosen, fitted=FITTED, judged=JUDGED, seeds=(3, 4), progress=done.append)
    assert sum(done) == dream_recipes.work(chosen, listed, (3, 4)) == 2 * 2 * 2 * 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "recipe 'r': `kind` must be one of notebook, pixels, .*; got None"),
        ({"kind": "dream"}, "got 'dream'"),
        ({"kind": "notebook", "jitter": 4}, "takes steps, lr; got 'jitter'"),
        ({"kind": "maco", "decay": 1}, "of kind 'maco' takes .*; got 'decay'"),
        ({"kind": "fourier", "speed": 1, "colour": 2}, "got 'speed', 'colour'"),
        ({"kind": "frame prior", "start": "frame"}, "`start` must be one of noise, best frame; got 'frame'"),
        ({"kind": "frame prior", "form": "best"}, "`form` must be one of penalty, target; got 'best'"),
        ({"kind": "frame prior", "frames": "two"}, "`frames` must be one of"),
        ({"kind": "frame prior", "steps": "many"}, "`steps` must be a number; got 'many'"),
    ],
)
def test_unknown_settings_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        recipe.read_recipe("r", settings, PRIOR, SMALL)


def test_one_step_is_compiled_for_each_shape_not_for_each_unit_policy_or_form(small, compiled):
    """Nine steps, for three kinds of unit: of the notebook, of the frame prior in both forms, and of MACO."""
    names = ["conv1/0", "conv1/1", "conv1/3", "conv2/0", "conv2/1", "conv2/3", "value", "yaw"]
    frames = smooth_frames(32)
    settings = {
        "notebook": {"kind": "notebook"},
        "weak": {"kind": "frame prior", "copies": 1},
        "strong": {"kind": "frame prior", "copies": 1, "strength": 32},
        "target": {"kind": "frame prior", "copies": 1, "form": "target"},
        "MACO": {"kind": "maco", "copies": 1},
    }
    made = [recipe.read_recipe(name, kind | {"steps": 1}, PRIOR, SMALL) for name, kind in settings.items()]
    chosen = dream_recipes.choose(names, nature(SMALL), {"yaw": YAW})
    dream_recipes.compare(small, chosen, made, fitted=frames[:16], judged=frames[16:])
    assert sorted(compiled) == 2 * ["jit(_render)"] + ["jit(_run)"] + 9 * ["jit(_step)"]


def test_unknown_units_and_frames_on_both_sides_are_refused(small, listed):
    with pytest.raises(InputError, match="like conv0/0, or one of value, yaw, .*; got 'conv1/64'"):
        dream_recipes.choose(["value", "conv1/64"], nature(SMALL), {"yaw": YAW})
    both = np.append(JUDGED, FITTED[:1], axis=0)
    with pytest.raises(InputError, match="both among the fitted and the judged"):
        dream_recipes.compare(small, listed, recipes("notebook"), fitted=FITTED, judged=both)
    with pytest.raises(InputError, match="at least one unit"):
        dream_recipes.compare(small, [], recipes("notebook"), fitted=FITTED, judged=JUDGED)


def test_an_objective_that_is_not_finite_is_named_with_its_step(small, listed):
    params = {name: {key: np.array(a) for key, a in layer.items()} for name, layer in small.params.items()}
    params["conv2"]["bias"][0] = np.nan
    subject = dreaming.run_on_frames(Policy(SMALL, params), listed[1:2], FITTED)
    with pytest.raises(FloatingPointError, match="conv2/3 must stay finite .* at step 0"):
        dreaming.dream(recipes("notebook")[0], subject, seeds=(3,))


def test_the_stage_writes_what_the_panels_read(small, tmp_path):
    names = np.array([f"frame_{i}" for i in range(8)])
    files.write_arrays(tmp_path / "stacks.npz", frames=names, original=smooth_frames(8))
    checkpoint.save(tmp_path / "small.model", small, {})
    do = [str(action) for action in range(small.geometry.actions)]
    actions = {"factors": {"do": do}, "behaviours": {"yaw": {"plus": {"do": "0"}, "minus": {"do": "1"}}}}
    settings = {"units": ["conv2/0"], "gallery": ["value", "conv2/0"], "seeds": [3, 4], "seed": 0}
    settings["compared"] = {"notebook": RECIPES["notebook"]}
    options = {"checkpoint_path": tmp_path / "small.model", "policy": {"size": small.geometry.size}, "actions": actions}
    options |= {"stacks": tmp_path / "stacks.npz", "output": tmp_path / "recipes.npz"}
    stage.run(**options, settings=settings)
    written = files.read_arrays(tmp_path / "recipes.npz")
    assert list(written["units"]) == ["conv2/0", "value"] and list(written["measured"]) == ["conv2/0"]
    assert written["pictures"].shape == written["controls"].shape == (1, 2, 2, 64, 64)
    with pytest.raises(InputError, match="must be units, gallery, seeds, seed, compared; got 'units'"):
        stage.run(**options, settings={"units": []})


def test_the_fast_networks_serve_every_unit_s_recipe(small, listed):
    """A receptive field's picture is the whole network's, outside it untouched."""
    unit, subject = listed[0], dreaming.run_on_frames(small, listed, FITTED)
    shown = dreaming.dream(recipes("notebook")[0], subject, seeds=(3, 4)).pictures[0, 0]
    top, left, side, _ = nature(SMALL).box(unit.layer, unit.position)
    outside = np.ones((64, 64), bool)
    outside[top : top + side, left : left + side] = False
    start = np.asarray(notebook.grey_start(SMALL, seed=3))[0]
    np.testing.assert_array_equal(shown[:, outside], start[:, outside])
    assert (shown[:, ~outside] != start[:, ~outside]).any()
