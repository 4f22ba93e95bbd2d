"""Render the frame explorer: the page, the network's script, and a script for each frame."""

from pathlib import Path

import numpy as np

from minetest_interp.cli import command
from minetest_interp.io import files, layout
from minetest_interp.model import agent, op_list
from minetest_interp.pages import explorer
from minetest_interp.pages.text import missing_page


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    facts: Path,
    results: Path,
    attribution: dict,
    templates: Path,
    html: Path,
    network: Path,
    frames: Path,
) -> None:
    loaded, table = agent.load(checkpoint_path, policy, actions)
    architecture = loaded.policy.architecture
    if reason := op_list.why_not(architecture):
        files.write_text(network, "")
        frames.mkdir(parents=True, exist_ok=True)
        files.write_text(html, missing_page("Frames", reason, files.read_json(facts), templates))
        return
    path = results / "stacks.npz"
    stacks = files.read_arrays(path, "original", "mirrored")
    still = stacks["original"].ndim == 3
    kind = "grey" if still else "colours" if "colours" in files.array_names(path) else "stack"
    stored = files.read_arrays(results / "pictures.npz", "pictures", "sizes")
    pictures = [
        picture[:height, :width] for picture, (height, width) in zip(stored["pictures"], stored["sizes"], strict=True)
    ]
    shown = (*architecture.targets[1:], *architecture.outputs)
    script = explorer.policy_script(
        loaded.policy,
        table,
        sha256=loaded.sha256,
        mean=stacks["original"].mean(0, dtype=np.float64),
        computed=files.read_arrays(layout.intermediates(results, "original"), *shown),
        attribution=attribution,
    )
    files.write_text(network, script)
    for index, views in enumerate(zip(pictures, stacks["original"], stacks["mirrored"], strict=True)):
        files.write_text(frames / f"{index}.js", explorer.frame_script(index, *views))
    files.write_text(html, explorer.render(files.read_json(facts), pictures, templates, kind=kind))


if __name__ == "__main__":
    command(run)
