"""Where a study's results lie: the names that stages, figures and the workflow share."""

from pathlib import Path


def intermediates(results: Path, view: str) -> Path:
    """What every layer, and every head, computes of the frames in one view."""
    return results / "intermediates" / f"{view}.npz"


def gradients(results: Path, view: str, objective: str) -> Path:
    return results / "gradients" / view / f"{objective}.npz"


def member(results: Path, name: str) -> Path:
    """The folder of one checkpoint of a series, laid out like `results` itself."""
    return results / "series" / name
