"""The command line of every panel: results in, a PNG, an SVG and a picture for phones out; same input, same bytes."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import signature
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import style
from minetest_interp.cli import read_settings
from minetest_interp.io import files
from minetest_interp.io.errors import InputError, reported_in_one_line
from minetest_interp.pages import pictures
from minetest_interp.provenance import job_logs


class NotMeasured(Exception):
    """A result holds nothing but the reason why it could not be measured."""


METADATA = {"Date": None, "Creator": None}  # no date and no version number inside an SVG


def panel_command(
    load: Callable[..., dict[str, object]], draw: Callable[..., Figure]
) -> Callable[[Sequence[str] | None], None]:
    """The `main(argv)` of a panel: `draw(**load(results, **params))`, saved for pages and for phones.

    Args:
      load: from the results folder and the panel's parameters to what is drawn.
      draw: from that to a figure.
    """

    def main(argv: Sequence[str] | None = None) -> None:
        options = _options(argv)
        with reported_in_one_line():
            _check(load, options.params)
            try:
                make = partial(draw, **load(options.results, **options.params))
            except NotMeasured as reason:
                make = partial(style.words, f"Not measured: {str(reason).removesuffix('.')}.")
            with drawing("page"):
                save(make(), png=options.png, svg=options.svg)
            if options.phone:
                with drawing("phone"):
                    save_for_phones(make(), options.phone)
            job_logs.say()

    return main


@contextmanager
def drawing(width: str) -> Iterator[None]:
    """Sets how panels look, on a "page" or a "phone", whatever a reader's own matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style.panel(width))
        yield


def save(figure: Figure, *, png: Path, svg: Path) -> None:
    """Writes both files, each whole or not at all. To be called while `drawing`."""
    content = pictures.figure_png(_pixels(figure))
    figure.set_layout_engine("none")  # both files have one layout
    files.write(png, lambda beside: beside.write_bytes(content))
    files.write(svg, lambda beside: figure.savefig(beside, format="svg", metadata=METADATA))


def save_for_phones(figure: Figure, file: Path) -> None:
    """Writes the picture for phones, whole or not at all. To be called while `drawing`."""
    style.fit_labels(figure)
    content = pictures.figure_webp(_pixels(figure))
    files.write(file, lambda beside: beside.write_bytes(content))


def _pixels(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba()))


def arrays(path: Path, *keys: str, reason: str = "reason") -> list[np.ndarray]:
    """The named arrays of an npz; the rest of the file is not read.

    Args:
      reason: the array that says why there is nothing, where there is nothing.

    Raises:
      InputError: there is no such file, or no such array in it.
      NotMeasured: the file says why there is nothing.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: the panel reads this result; there is none. Build it, or mend the panel's parameters."
        )
    with np.load(files.read(path), allow_pickle=False) as stored:
        if reason in stored:
            raise NotMeasured(str(stored[reason]))
        missing = [key for key in keys if key not in stored]
        if missing:
            raise InputError(f"{path}: must hold an array {missing[0]!r}; it has {sorted(stored.files)}.")
        return [stored[key] for key in keys]


def item(path: Path, key: str, frame: str) -> np.ndarray:
    """One frame's entry of an array `[N, ...]`, found by the frame's name."""
    (values,) = arrays(path, key)
    return values[_place(path, frame)]


def seen(results: Path, view: str) -> np.ndarray:
    """What people can see of what the network reads: `[N, H, W]`, the newest grey frames, or `[N, H, W, 3]` colours."""
    path = results / "stacks.npz"
    (values,) = arrays(path, view)
    if values.ndim == 3:
        return values
    return np.moveaxis(values, 1, -1) if "colours" in files.array_names(path) else values[:, -1]


def seen_frame(results: Path, view: str, frame: str) -> np.ndarray:
    """The same of one frame."""
    return seen(results, view)[_place(results / "stacks.npz", frame)]


def _place(path: Path, frame: str) -> int:
    """Where a frame stands among the frames of a file."""
    (names,) = arrays(path, "frames")
    found = np.flatnonzero(names == frame)
    if not len(found):
        some = ", ".join(names[:5])
        raise InputError(f"{path}: `frame` must be one of the study's frames; got {frame!r}. They begin {some}.")
    return int(found[0])


def reach(results: Path, *values: np.ndarray) -> float:
    """How far an axis of behaviours goes from 0: to 1 for probabilities, to the largest for differences of Q values."""
    if "logits" in files.read_json(results / "network.json")["outputs"]:
        return 1.0
    return max((float(np.abs(each).max()) for each in values if each.size), default=0.0) or 1.0


def channel_map(activation: np.ndarray, channel: int, *, layer: str) -> np.ndarray:
    """One channel of a layer, `[h, w, C]` to `[h, w]`."""
    if not 0 <= channel < activation.shape[-1]:
        raise InputError(f"`channel` must be 0 to {activation.shape[-1] - 1} in {layer}; got {channel}.")
    return activation[..., channel]


def _check(load: Callable[..., dict[str, object]], params: object) -> None:
    takes = {name: option.default is option.empty for name, option in signature(load).parameters.items()}
    del takes["results"]
    needs = {name for name, needed in takes.items() if needed}
    if not isinstance(params, dict) or not needs <= set(params) <= set(takes):
        raise InputError(f"the panel's parameters must be {sorted(needs)}, and may be {sorted(takes)}; got {params}.")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Draw one panel from a study's results.", allow_abbrev=False)
    parser.add_argument("--results", type=Path, required=True, help="the study's results folder")
    parser.add_argument("--params", type=read_settings, default={}, help="the panel's parameters: JSON or @FILE")
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--phone", type=Path, help="the picture for phones, a WebP; without it none is drawn")
    return parser.parse_args(argv)
