"""Describe a checkpoint: its geometry and digest, and how its actor aligns with its critic."""

import json
from pathlib import Path

import numpy as np

from minetest_interp import checkpoint, files, stats
from minetest_interp.actions import action_table
from minetest_interp.errors import InputError
from minetest_interp.stages import command


def run(checkpoint_path: Path, policy: dict, actions: dict, seed: int, network: Path, alignment: Path) -> None:
    loaded = checkpoint.load(checkpoint_path, **policy)
    geometry, params = loaded.policy
    table = action_table(actions["factors"], actions["behaviours"])
    if len(table.labels) != geometry.actions:
        raise InputError(
            f"{checkpoint_path}: the action table must have one action for each of the policy's {geometry.actions} "
            f"logits; it has {len(table.labels)}. Check `actions.factors`."
        )
    files.write_json(
        network,
        {
            **geometry._asdict(),
            "sides": geometry.sides,
            "receptive_fields": geometry.receptive_fields,
            "read_size": geometry.read_size,
            "parameters": sum(array.size for layer in params.values() for array in layer.values()),
            "sha256": loaded.sha256,
            "file": checkpoint_path.name,
            "training": {
                key: value for key, value in loaded.args.items() if isinstance(value, str | int | float | bool)
            },
        },
    )
    heads = params["actor"]["kernel"].T
    random = np.random.default_rng(seed).standard_normal(geometry.hidden)
    files.write_arrays(
        alignment,
        similarity=stats.cosine_similarity(heads, params["critic"]["kernel"][:, 0]),
        random=stats.cosine_similarity(heads, random),
        labels=np.array(table.labels),
    )


if __name__ == "__main__":
    command(run, checkpoint_path=Path, policy=json.loads, actions=json.loads, seed=int, network=Path, alignment=Path)
