"""Train the demo policy, measure it on the study's frames, and write its model card with the same numbers as JSON."""

import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from minetest_interp.cli import command
from minetest_interp.demo import crops, evaluation, rule, training
from minetest_interp.io import files
from minetest_interp.model import checkpoint as checkpoints
from minetest_interp.model.policy import Geometry

EVALUATION_SEED = 0


def run(data: Path, seed: int, checkpoint: Path, card: Path) -> None:
    settings = training.Settings(seed=seed)
    frames, began = crops.training_frames(data), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("training", total=settings.batches)
        policy = training.train(
            frames,
            settings,
            progress=lambda done, loss: bar.update(task, completed=done, description=f"training, loss {loss:.3f}"),
        )
    checkpoints.save(checkpoint, policy, {"exp_name": "demo-steering-rule", **settings._asdict()})
    print(f"trained in {time.monotonic() - began:.0f} s; measuring on the study's frames", flush=True)
    facts = card_facts(checkpoint, data)
    files.write_json(card.parent / "model_card.json", facts)
    files.write_text(card, evaluation.model_card(facts))
    print(evaluation.model_card(facts))


def card_facts(checkpoint: Path, data: Path) -> dict:
    """Everything the model card says, recomputed from the checkpoint and the data."""
    loaded, study = checkpoints.load(checkpoint, size=Geometry().size), crops.study_frames(data)
    return {
        "sha256": loaded.sha256,
        "bytes": checkpoint.stat().st_size,
        "settings": {name: setting for name, setting in loaded.args.items() if name in training.Settings._fields},
        "training_frames": len(crops.training_frames(data)),
        "study_frames": len(study),
        "crops_per_frame": evaluation.CROPS_PER_FRAME,
        "evaluation_seed": EVALUATION_SEED,
        "pull": evaluation.PULL,
        "sight": rule.SIGHT_NODES,
        "full_share": rule.FULL_SHARE,
        "held_out": evaluation.evaluate(loaded.policy, study, seed=EVALUATION_SEED),
    }


if __name__ == "__main__":
    command(run)
