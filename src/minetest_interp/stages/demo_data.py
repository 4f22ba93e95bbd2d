"""Scale captured frames down to the demo's data: those of the study and those for training."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.demo import scaled


def run(study: Path, training: Path, data: Path) -> None:
    print(f"{data}: {scaled.write_study(study, data)} frames of the study")
    print(f"{data / 'training'}: {scaled.write_training(training, data)} frames for training")


if __name__ == "__main__":
    command(run)
