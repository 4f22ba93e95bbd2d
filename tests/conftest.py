"""Shared by all tests. Stricter than the program: rank promotion and warnings are errors, and types are checked."""

import os
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Before anything of the package is imported. Types of all kinds are checked, with the dtypes and axes of arrays.
ANALYSIS = ("attribution", "circuits", "edges", "factors", "faithfulness", "intervals", "stats", "weights")
CAPTURE = ("camera", "checks", "ground", "shots")
MODULES = ["model", "study", "facts", "pages", "demo.rule"]
MODULES += [f"analysis.{name}" for name in ANALYSIS] + [f"capture.{name}" for name in CAPTURE]
CHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"  # an int where a float is asked for
install_import_hook([f"minetest_interp.{name}" for name in MODULES], CHECKER)

from minetest_interp.model.policy import Geometry, Network, Policy  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")

# The suite draws the same examples in every run; `make fuzz` draws new ones.
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None, database=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ROOT = Path(__file__).resolve().parent.parent


MINETESTER = Geometry()


def random_policy(geometry: Geometry = MINETESTER, seed: int = 0, gain: float = 1.0) -> Policy:
    """A policy with random weights and biases; `gain` scales the heads, so that behaviours are not all near zero."""
    stack = np.zeros((1, *geometry.shape("input")), np.float32)
    params = Network(geometry).init(jax.random.key(seed), stack)["params"]
    generator = np.random.default_rng(seed)

    def vary(path, array):
        if path[-1].key == "bias":
            return (0.1 * generator.standard_normal(array.shape)).astype(np.float32)
        return np.asarray(array) * np.float32(gain if path[0].key == "actor" else 1.0)

    return Policy(geometry, jax.tree_util.tree_map_with_path(vary, params))


def random_stacks(n: int, geometry: Geometry = MINETESTER, seed: int = 0) -> np.ndarray:
    shape = (n, *geometry.shape("input"))
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


@pytest.fixture(scope="session")
def policy() -> Policy:
    return random_policy(gain=100.0)


@pytest.fixture(scope="session")
def treechop() -> Path:
    """The folder with the published checkpoint and screenshots."""
    folder = Path(os.environ.get("TREECHOP_DATA", ROOT.parent / "shared" / "treechop-v0"))
    if not (folder / "ppo_treechop-v0.model").is_file():
        pytest.skip(f"NOT CHECKED against the published policy: {folder} does not hold it; set TREECHOP_DATA=FOLDER")
    return folder
