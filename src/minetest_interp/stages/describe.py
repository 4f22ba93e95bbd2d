"""Describe a checkpoint: its network and digest, and how its actor aligns with its critic."""

import math
from pathlib import Path

import numpy as np

from minetest_interp.analysis import stats
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, answers
from minetest_interp.model.description import describe, why_not_aligned


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    seed: int,
    network: Path,
    alignment: Path,
    check: Path | None = None,
) -> None:
    loaded, table = agent.load(checkpoint_path, policy, actions)
    if check is not None:
        answers.compare(loaded.policy, check)
    params = loaded.policy.params
    files.write_json(
        network,
        {
            **describe(loaded.policy.architecture),
            "parameters": sum(array.size for layer in params.values() for array in layer.values()),
            "sha256": loaded.sha256,
            "file": checkpoint_path.name,
            "training": {
                key: value
                for key, value in loaded.args.items()
                if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
            },
        },
    )
    if reason := why_not_aligned(loaded.policy):
        files.write_arrays(alignment, reason=np.array(reason))
        return
    actor, critic = (np.asarray(params[name]["kernel"]).T for name in ("actor", "critic"))
    random = np.random.default_rng(seed).standard_normal(len(critic[0]))
    files.write_arrays(
        alignment,
        similarity=stats.cosine_similarity(actor, critic[0]),
        random=stats.cosine_similarity(actor, random),
        labels=np.array(table.labels),
    )


if __name__ == "__main__":
    command(run)
