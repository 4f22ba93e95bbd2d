"""A workshop whose study has a series: policies on the way between two random ones stand in for a training run."""

from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from minetest_interp.model import checkpoint
from minetest_interp.model.policy import Policy
from tests.conftest import random_policy
from tests.results.workshop import GEOMETRY, STUDY, Workshop

PANELS = ("series-claims", "series-verdicts", "series-behaviours", "series-units")
# Without episodes and a field, which members do not have: the ledger corrects each p-value for all claims measured.
SERIES = {key: part for key, part in STUDY.items() if key not in ("episodes", "field")} | {
    "series": {"checkpoints": ["run/*.model"], "along": "training step"},
    "dreams": {},
    "gradients": {},
    "panels": {name: {} for name in ("ledger", *PANELS)},
}


def on_the_way(share: float) -> Policy:
    """The policy at 0 (a random one) to 1 (the workshop's own)."""
    end, start = (random_policy(GEOMETRY, seed=seed, gain=50.0) for seed in (5, 6))
    between = jax.tree.map(lambda a, b: np.float32(share * a + (1 - share) * b), end.params, start.params)
    return end._replace(params=between)


def training_run(folder: Path, steps: Sequence[int]) -> Workshop:
    """A checkpoint after each of the steps; the last one is the study's own, byte for byte."""
    shop = Workshop(folder)
    (shop.files / "run").mkdir()
    for step in steps[:-1]:
        checkpoint.save(shop.files / f"run/ppo_{step}.model", on_the_way(step / steps[-1]), {"step": step})
    (shop.files / f"run/ppo_{steps[-1]}.model").write_bytes((shop.files / "my policy.model").read_bytes())
    shop.write_study(SERIES)
    return shop
