"""Every number that the report prints, computed from the results; plain numbers, lists and maps, ready for JSON."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from minetest_interp.analysis import stats
from minetest_interp.claims.behaviour import mirror_test
from minetest_interp.io import files, layout


def frame_rows(behaviours: Mapping[str, np.ndarray]) -> list[dict]:
    """One row a frame: name, each behaviour and the value, and the same of its mirror image."""
    names = readout_names(behaviours)

    def row(view: str, i: int) -> dict:
        return {name: float(behaviours[f"{view}/{name}"][i]) for name in names}

    return [
        {"name": str(frame), **row("original", i), "mirrored": row("mirrored", i)}
        for i, frame in enumerate(behaviours["frames"])
    ]


def readout_names(behaviours: Mapping[str, np.ndarray]) -> list[str]:
    """The behaviours in the study's order, then "value"."""
    return [key.removeprefix("original/") for key in behaviours if key.startswith("original/")]


def spread(values: np.ndarray) -> dict:
    """How `[N]` values lie: mean, standard deviation, extremes and the share above zero."""
    values = np.asarray(values, float)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "positive": float((values > 0).mean()),
    }


def mirror_tests(behaviours: Mapping[str, np.ndarray], steering: str, night: Iterable[str]) -> dict:
    """The mirror test over all frames, by day, by night, and with hand and display covered in both images."""
    dark = np.isin(behaviours["frames"], list(night))
    here, there = behaviours[f"original/{steering}"], behaviours[f"mirrored/{steering}"]
    return {
        "all": mirror_test(here, there),
        "day": mirror_test(here[~dark], there[~dark]),
        "night": mirror_test(here[dark], there[dark]),
        "covered": mirror_test(behaviours[f"masked/{steering}"], behaviours[f"masked-mirrored/{steering}"]),
    }


def view_differences(behaviours: Mapping[str, np.ndarray], steering: str) -> dict:
    """What preprocessing does to the steering behaviour: the original view against the other ways to drop colour."""
    original = behaviours[f"original/{steering}"]

    def difference(view: str) -> dict:
        other = behaviours[f"{view}/{steering}"]
        gap = np.abs(other - original)
        return {
            "mean": float(gap.mean()),
            "max": float(gap.max()),
            "worst": str(behaviours["frames"][gap.argmax()]),
            "sign_changes": stats.sign_changes(original, other),
        }

    return {view: difference(view) for view in ("unrounded", "reordered")}


def dream_row(dream: Mapping[str, np.ndarray], settings: Mapping) -> dict:
    """What an ascent reached, and how far its image went from grey."""
    image = dream["image"]
    row = {
        **settings,
        "first": float(dream["scores"][0]),
        "last": float(dream["scores"][-1]),
        "best": float(dream["scores"].max()),
    }
    if settings.get("target", "input") == "input":
        row |= {
            "mean": float(image.mean()),
            "sd": float(image.std()),
            "clipped": float(((image <= 0) | (image >= 255)).mean()),
        }
    return row


def alignment(stored: Mapping[str, np.ndarray]) -> dict:
    """Cosine similarity of the actions' weights with the critic's, and with one random vector."""
    return {
        kind: spread(stored[kind]) | {"mean_size": float(np.abs(stored[kind]).mean())}
        for kind in ("similarity", "random")
    }


def channel(results: Path, panel: Mapping) -> dict:
    """How the activation of the channel that a panel shows lies over its positions, and its gradient where shown."""
    layer, view = panel["layer"], panel["view"]

    def lie(path: Path, name: str) -> dict:
        stored = files.read_arrays(path, "frames", name)
        values = stored[name][stored["frames"] == panel["frame"]][..., panel["channel"]]
        return {"n": values.size, **spread(values)}

    row = {"activation": lie(layout.intermediates(results, view, layer), "activations")}
    if "gradient" in panel:
        row["gradient"] = lie(layout.gradients(results, view, panel["gradient"]), layer)
    return row


def published_rows(published: Mapping, behaviours: Mapping[str, np.ndarray], results: Path) -> dict:
    """Each published number beside the recomputed one.

    Args:
      results: the study's, for the published activation ranges.
    """
    index = {str(name): i for i, name in enumerate(behaviours["frames"])}
    rows = []

    def add(source: Mapping, quantity: str, printed: float, recomputed: float) -> None:
        gap = abs(recomputed - printed)
        rows.append(
            {
                **{key: source[key] for key in ("figure", "frame", "view")},
                "quantity": quantity,
                "published": printed,
                "recomputed": recomputed,
                "difference": gap,
                "agrees": gap <= published["tolerance"],
            }
        )

    for row in published["behaviour"]:
        for name in readout_names(behaviours):
            if name in row:
                add(row, name, row[name], float(behaviours[f"{row['view']}/{name}"][index[row["frame"]]]))
    for row in published["activation_range"]:
        stored = files.read_arrays(layout.intermediates(results, row["view"], row["layer"]))
        channel = stored["activations"][index[row["frame"]], ..., row["channel"]]
        for bound in ("min", "max"):
            add(row, f"{row['layer']} {row['channel']} {bound}", row[bound], float(getattr(channel, bound)()))
    return {
        "where": published["where"],
        "tolerance": published["tolerance"],
        "total": len(rows),
        "agree": sum(row["agrees"] for row in rows),
        "largest_difference": max(row["difference"] for row in rows),
        "rows": rows,
    }
