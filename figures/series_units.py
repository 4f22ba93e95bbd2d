"""Panel "series-units": which channels of each checkpoint tell trunks and move the steering, over time."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import series_axis
import style
from minetest_interp.claims import series
from minetest_interp.io import files
from panel import arrays, panel_command
from series_axis import Members

WHAT = ("trunk", "steering")
COLOURS = (style.MIRRORED, style.OBSERVED, style.POSITIVE, style.NULL)  # of layers, in turn


def load(results: Path, *, behaviour: str, concept: str) -> dict[str, object]:
    members, _ = series_axis.load(results)
    path = results / "series.npz"
    stored = files.array_names(path)
    names = [name for what in WHAT for name in stored if name.endswith(f"/{what}") and f"{name}/similarity" in stored]
    found = arrays(path, *names, *(f"{name}/similarity" for name in names))
    return {
        "members": members,
        "behaviour": behaviour,
        "concept": style.plain(concept, limit=16),
        "units": dict(zip(names, found, strict=False)),
        "similarity": dict(zip(names, found[len(names) :], strict=True)),
    }


def draw(
    members: Members,
    behaviour: str,
    concept: str,
    units: dict[str, np.ndarray],
    similarity: dict[str, np.ndarray],
) -> Figure:
    """units: `[M, C]` by layer and what is measured. similarity: `[M, M]`, rank correlations of the channels."""
    rows = list(dict.fromkeys(name.rpartition("/")[2] for name in units))
    layers = list(dict.fromkeys(name.rpartition("/")[0] for name in units))
    figure = style.figure(aspect=0.4 * len(rows) + 0.05, phone=0.9 * len(rows) * (len(layers) + 1))
    axes = style.grid(figure, len(rows), len(layers) + 1, width_ratios=[*(1 for _ in layers), 1.1])
    for what, line in zip(rows, axes, strict=True):
        for ax, layer in zip(line, layers, strict=False):
            label = f"AUROC for {concept} − ½" if what == "trunk" else style.plain(f"change of the {behaviour}")
            _channels(ax, members, units[f"{layer}/{what}"], label, signed=what == "trunk")
            ax.set_ylabel(style.plain(f"channels of {layer}"))
        line[0].set_title(f"tell {concept}" if what == "trunk" else style.plain(f"move the {behaviour}"), loc="left")
        same = {
            layer: series.similarity_to_others(similarity[f"{layer}/{what}"], ordered=bool(members.along))
            for layer in layers
        }
        _same(line[-1], members, same, {layer: units[f"{layer}/{what}"].shape[1] for layer in layers})
    return figure


def _channels(ax: Axes, members: Members, values: np.ndarray, label: str, *, signed: bool) -> None:
    """A row for each channel, those first that lead in the last member."""
    order = np.argsort(-values[-1], kind="stable")
    colours = style.centred(values) if signed else {"vmin": 0, "vmax": values.max() or 1.0, "cmap": "Greys"}
    image = ax.imshow(values[:, order].T, aspect="auto", interpolation="none", **colours)
    series_axis.columns(ax, members)
    ax.set_yticks([])
    style.colour_bar(ax, image, label)


def _same(ax: Axes, members: Members, same: dict[str, np.ndarray], channels: dict[str, int]) -> None:
    """Likeness of the channels' ranks, with what chance would give for as many channels."""
    for (layer, values), colour in zip(same.items(), itertools.cycle(COLOURS), strict=False):
        ax.axhspan(
            *(sign * 1.96 / np.sqrt(channels[layer] - 1) for sign in (-1, 1)),
            color=style.FAINT,
            alpha=0.25,
            linewidth=0,
        )
        joined = {"linewidth": 1.2} if members.along else {"linewidth": 0}
        ax.plot(members.places, values, color=colour, marker="o", markersize=2.5, label=style.plain(layer), **joined)
    ax.axhline(0, color=style.NULL, linewidth=0.6, zorder=0)
    ax.set(ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
    ax.set_ylabel("like the last" if members.along else "like the others", labelpad=-2)
    ax.set_title("the same channels?", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower right")
    series_axis.numbered(ax, members)
    if members.along:
        ax.set_xlabel(style.plain(members.along))


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
