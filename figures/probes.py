"""Panel "probes": what linear probes decode from each layer, and how the turning follows the concept in each group."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import style
from minetest_interp.io import files
from panel import panel_command

KEYS = ("score", "interval", "chance", "shuffled_labels", "shuffled_weights", "classes")
SIDE, DISTANCE, SPECIES, RAY = TARGETS = "side", "distance", "species", "ray"
GROUPINGS = {"kinds": "kind of tree", "surroundings": "surroundings"}
REAL, WEIGHTS, LABELS = style.OBSERVED, style.MIRRORED, style.FAINT
MOST_GROUPS = 12  # of each kind that are shown: those with most independent frames


def load(results: Path, *, behaviour: str, concept: str) -> dict[str, object]:
    arrays = files.read_arrays(results / "evidence/probes.npz")
    decoded = {name: {key: arrays[f"{name}/{key}"] for key in KEYS} for name in TARGETS if f"{name}/score" in arrays}
    groups = {
        name: {key: arrays[f"{name}/{key}"] for key in ("names", "independent", "correlation", "interval", "asked")}
        for name in GROUPINGS
        if f"{name}/names" in arrays
    }
    return {
        "behaviour": style.plain(behaviour, limit=16),
        "concept": style.plain(concept, limit=16),
        "steps": arrays["steps"].tolist() if decoded else [],
        "decoded": decoded,
        "groups": groups,
    }


def draw(
    behaviour: str,
    concept: str,
    steps: list[str],
    decoded: dict[str, dict[str, np.ndarray]],
    groups: dict[str, dict[str, np.ndarray]],
) -> Figure:
    """What is decoded of each target at each step, and below, group by group, how the turning follows the concept.

    Args:
      decoded: by target score `[S]`, interval `[S, 2]`, chance, shuffled_labels `[S, shuffles]`, shuffled_weights
        `[S, networks]`, classes; only those that could be asked. groups: by kind names, independent, correlation,
        interval and asked `[G]`.
    """
    figure = style.figure(aspect=1.05, phone=5.2)
    upper, lower = figure.subfigures(2, 1, height_ratios=style.either((2, 1.25), (3.3, 1.25)))
    titles = {
        SIDE: (f"side of the {concept}", "share correct"),
        DISTANCE: ("distance of the nearest trunk", "variance explained"),
        SPECIES: ("kind of tree", "share correct"),
        RAY: ("a trunk on the view ray", "share correct"),
    }
    for ax, (name, (title, label)) in zip(style.grid(upper, 2, 2).flat, titles.items(), strict=True):
        if name not in decoded:
            style.say(ax, f"{title}:\nthe labels do not say it")
            continue
        _decoded(ax, steps, **{key: decoded[name][key] for key in KEYS[:5]})
        ax.set(title=title, ylabel=label)
    if decoded:
        named = {
            text: handle for ax in upper.axes for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        upper.legend(
            named.values(), named.keys(), loc="outside lower center", ncols=style.either(4, 2), handlelength=1.4
        )
    _groups(lower.subplots(), groups, f"{behaviour} follows the {concept}, correlation")
    return figure


def _decoded(
    ax: Axes,
    steps: list[str],
    score: np.ndarray,
    interval: np.ndarray,
    chance: np.ndarray,
    shuffled_labels: np.ndarray,
    shuffled_weights: np.ndarray,
) -> None:
    places = np.arange(len(steps))
    ax.axhline(chance, color=style.INK, linewidth=0.6, ls="--", label="chance")
    ax.vlines(
        places, shuffled_labels.min(1), shuffled_labels.max(1), color=LABELS, linewidth=5, label="shuffled labels"
    )
    known = np.isfinite(interval).all(1)
    ax.vlines(places[known], *interval[known].T, color=REAL, linewidth=1)
    ax.plot(places, score, "o", color=REAL, markersize=4, label="labels and weights as they are")
    beside = np.broadcast_to(places[:, None] + 0.22, shuffled_weights.shape)
    ax.plot(beside.ravel(), shuffled_weights.ravel(), "_", color=WEIGHTS, markersize=7, markeredgewidth=1.5,
            label="shuffled weights")  # fmt: skip
    names = ["brightness\n4 × 4", *(style.plain(step, limit=10) for step in steps[1:])]
    many = len(steps) > 7
    ax.set_xticks(places, names, rotation=90 if many else 0, fontsize=style.small(6 if many else 7))
    ax.set_xlim(-0.6, len(steps) - 0.4)
    ax.spines[["top", "right"]].set_visible(False)


def _groups(ax: Axes, groups: dict[str, dict[str, np.ndarray]], label: str) -> None:
    place, names, places = 0.0, [], []
    for kind, of in groups.items():
        shown = np.sort(np.argsort(-of["independent"], kind="stable")[:MOST_GROUPS])
        start = place
        for i in shown:
            colour = REAL if of["asked"][i] else style.FAINT
            if np.isfinite(of["interval"][i]).all():
                ax.vlines(place, *of["interval"][i], color=colour, linewidth=1)
            ax.plot(place, of["correlation"][i], "o", color=colour, markersize=4)
            names.append(f"{style.plain(of['names'][i].replace('_', ' '), limit=18)} ({of['independent'][i]})")
            places.append(place)
            place += 1
        if len(shown):
            ax.text((start + place - 1) / 2, 1.02, GROUPINGS[kind], ha="center", va="bottom",
                    transform=ax.get_xaxis_transform())  # fmt: skip
            place += 0.7
    if not places:
        style.say(ax, "the labels name no kinds of tree and no surroundings")
        return
    ax.axhline(0, color=style.INK, linewidth=0.6, ls="--")
    ax.set_xticks(
        places, names, rotation=style.either(30, 90), ha="right", rotation_mode="anchor", fontsize=style.small(7)
    )
    ax.set(xlim=(-0.6, places[-1] + 0.6), ylabel=label)
    ax.spines[["top", "right"]].set_visible(False)


main = panel_command(load, draw)

if __name__ == "__main__":
    main()
