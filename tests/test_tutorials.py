"""The tutorials, run as scripts from the root, keep what they promise; their pages have the same code."""

import runpy

import jupytext
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from docs import render
from minetest_interp.model.policy import TARGETS, layer_gradients
from tests.conftest import ROOT


@pytest.fixture
def run(monkeypatch):
    """A function from a tutorial's name to the variables that it leaves."""
    monkeypatch.chdir(ROOT)
    matplotlib.use("agg")
    yield lambda name: runpy.run_path(str(ROOT / f"docs/tutorials/{name}.py"))
    plt.close("all")


def test_a_new_question_has_its_gradient_at_every_target_and_dreams_answer_it_more_strongly(run):
    made = run("ask_a_new_question")
    _, expected = layer_gradients(made["policy"], made["question"], made["stack"])
    for target in TARGETS:
        np.testing.assert_allclose(made["gradients"][target], expected[target], rtol=1e-3, atol=1e-6)
        outputs = made["dreams"][target][1]
        assert outputs[-1] > outputs[0]
    natural = made["natural"]
    assert (made["dream"].scores[-1] > (natural.max() - natural.mean()) / natural.std()).all()


def test_a_tree_detector_is_tested_as_the_ledger_tests_it(run):
    """Overlap on every position of the held-out half, counted by hand; intervals around their estimates."""
    made = run("is_this_a_tree_detector")
    held_out, channel = made["halves"][1], made["CHANNEL"]
    masks = made["masks"].take(held_out)
    positive, negative = (labels[0] for labels in masks.moved())
    direction = 1 if made["detection"].auroc[channel] > 0.5 else -1
    values = direction * made["activation"][held_out][..., channel].ravel()
    wins = values[positive][:, None] > values[negative][None]
    ties = values[positive][:, None] == values[negative][None]
    assert made["auroc"].estimate == pytest.approx((wins + ties / 2).mean(), abs=1e-6)
    for estimate in (made["auroc"], made["beyond"], made["change"]):
        assert estimate.interval[0] < estimate.estimate < estimate.interval[1]
    assert made["rank"] == 1 + np.sum(made["sizes"].mean(0) > made["sizes"].mean(0)[channel])


@pytest.mark.parametrize("tutorial", render.TUTORIALS, ids=lambda path: path.stem)
def test_a_rendered_tutorial_has_the_code_and_the_words_of_its_notebook(tutorial):
    cells = [
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```"
        for cell in jupytext.read(tutorial, fmt="py:percent").cells
    ]
    rendered = tutorial.with_suffix(".md").read_text(encoding="utf-8")
    assert render.source(rendered) == render.source("\n\n".join(cells) + "\n"), "run make tutorials"
