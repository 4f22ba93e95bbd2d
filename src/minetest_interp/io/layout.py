"""Where a study's results lie: the names that stages, figures and the workflow share."""

from pathlib import Path

INTERMEDIATES = ("conv0", "conv1", "conv2", "hidden", "logits", "value")


def intermediates(results: Path, view: str, name: str) -> Path:
    """One layer's activations in one view; the original view's lie in the folder itself, the others' in one each."""
    folder = results / "intermediates"
    return (folder if view == "original" else folder / view) / f"{name}.npz"


def result(results: Path, name: str) -> Path:
    """Where a result is; its name is a path that has the view in it, such as intermediates/original/conv0.npz."""
    kind, *rest = Path(name).parts
    if kind == "intermediates":
        view, file = rest
        return intermediates(results, view, Path(file).stem)
    return results / name


def gradients(results: Path, view: str, objective: str) -> Path:
    return results / "gradients" / view / f"{objective}.npz"


def member(results: Path, name: str) -> Path:
    """The folder of one checkpoint of a series, laid out like `results` itself."""
    return results / "series" / name
