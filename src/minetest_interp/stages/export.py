"""Write the policy as an ONNX model."""

import json
from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent, onnx_export


def run(checkpoint_path: Path, policy: dict, actions: dict, model: Path) -> None:
    loaded, table = agent.load(checkpoint_path, policy, actions)
    metadata = {"checkpoint_sha256": loaded.sha256, "actions": json.dumps(table.labels)}
    content = onnx_export.to_bytes(onnx_export.build(loaded.policy, metadata))
    files.write(model, lambda beside: beside.write_bytes(content))


if __name__ == "__main__":
    command(run)
