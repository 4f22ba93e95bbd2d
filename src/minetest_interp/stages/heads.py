"""Test whether actor and critic read the same features."""

from pathlib import Path

import numpy as np

from minetest_interp.analysis import intervals, stats
from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import heads
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    arrays: Path,
    estimates: Path,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    actor = np.asarray(loaded.params["actor"]["kernel"], np.float64).T
    critic = np.asarray(loaded.params["critic"]["kernel"], np.float64)[:, 0]
    null = heads.random_orders(actor, critic, count=settings["permutations"], seed=settings["seed"])
    # ASSUME: hidden units are a sample of those that training could have made.
    units = np.arange(len(critic))
    cosine = intervals.estimate(
        heads.mean_cosine(actor, critic), units, Bootstrap(**interval), chance=float(null.mean())
    )
    observed = heads.mean_cosine(actor, critic)(np.ones(len(units)))
    p_value = intervals.exact(float(intervals.exceedance(observed, null)), n=len(units))
    files.write_arrays(
        arrays,
        labels=np.array(table.labels),
        cosines=stats.cosine_similarity(actor, critic),
        observed=observed,
        null=null,
    )
    files.write_json(estimates, intervals.to_json({"actor-critic-aligned": {"cosine": cosine, "p-value": p_value}}))


if __name__ == "__main__":
    command(run)
