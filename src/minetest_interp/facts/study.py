"""Every number that the report prints, computed from the results; plain numbers, lists and maps, ready for JSON."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Num

from minetest_interp.analysis import stats
from minetest_interp.io import files, layout

Arrays = Mapping[str, np.ndarray]

LEADING = 5  # channels that are named


def frame_rows(behaviours: Arrays) -> list[dict]:
    """One row a frame: name, each behaviour and the value, and the same of its mirror image."""
    names = readout_names(behaviours)

    def row(view: str, i: int) -> dict:
        return {name: float(behaviours[f"{view}/{name}"][i]) for name in names}

    return [
        {"name": str(frame), **row("original", i), "mirrored": row("mirrored", i)}
        for i, frame in enumerate(behaviours["frames"])
    ]


def readout_names(behaviours: Arrays) -> list[str]:
    """The behaviours in the study's order, then "value"."""
    return [key.removeprefix("original/") for key in behaviours if key.startswith("original/")]


def spread(values: Num[np.ndarray, "*sample"]) -> dict:
    """How values are distributed: mean, standard deviation, extremes and the share above zero."""
    values = np.asarray(values, float)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "positive": float((values > 0).mean()),
    }


def mirror_tests(behaviours: Arrays, steering: str, night: Iterable[str]) -> dict:
    """The mirror test over all frames, by day, by night, and with hand and display covered in both images."""
    dark = np.isin(behaviours["frames"], list(night))
    here, there = behaviours[f"original/{steering}"], behaviours[f"mirrored/{steering}"]
    return {
        "all": stats.mirror_test(here, there),
        "day": stats.mirror_test(here[~dark], there[~dark]),
        "night": stats.mirror_test(here[dark], there[dark]),
        "covered": stats.mirror_test(behaviours[f"masked/{steering}"], behaviours[f"masked-mirrored/{steering}"]),
    }


def view_differences(behaviours: Arrays, steering: str) -> dict:
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


def dream_row(dream: Arrays, settings: Mapping) -> dict:
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


def alignment(stored: Arrays) -> dict:
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

    row = {"activation": lie(layout.intermediates(results, view), layer)}
    if "gradient" in panel:
        row["gradient"] = lie(layout.gradients(results, view, panel["gradient"]), layer)
    return row


def published_rows(published: Mapping, behaviours: Arrays, results: Path) -> dict:
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
        layer = row["layer"]
        stored = files.read_arrays(layout.intermediates(results, row["view"]), layer)
        channel = stored[layer][index[row["frame"]], ..., row["channel"]]
        for bound in ("min", "max"):
            add(row, f"{layer} {row['channel']} {bound}", row[bound], float(getattr(channel, bound)()))
    return {
        "where": published["where"],
        "tolerance": published["tolerance"],
        "total": len(rows),
        "agree": sum(row["agrees"] for row in rows),
        "largest_difference": max(row["difference"] for row in rows),
        "rows": rows,
    }


def asked_layers(units: Arrays, causal: Arrays) -> dict:
    """The names of the layers that evidence was sought in.

    Returns:
      named, those that the claims name; trunks, those of them that are asked about trunks; gradients, the one that is
      asked about oriented gradients, None without one.
    """
    kernels = (name.removesuffix("/kernel") for name in units if name.endswith("/kernel"))
    return {
        "named": [name.split("/", 1)[1].removesuffix("/size") for name in causal if re.fullmatch("zero/.*/size", name)],
        "trunks": [str(layer) for layer in units["layers"]],
        "gradients": next(kernels, None),
    }


def found_units(units: Arrays, causal: Arrays) -> list[dict]:
    """The units that the data name, best first, and what setting each to zero does to the steering.

    Returns:
      name; auroc, of the second half in the first half's direction; on, whether trunks switch it on; q; effect, the
      mean absolute change; rank of that effect among the `of` channels of its layer, 1 the largest.
    """
    rows = []
    for name in map(str, units["found"]):
        layer, _, number = name.rpartition("/")
        channel = int(number)
        effects = causal[f"zero/{layer}/steering"].mean(0)
        rows.append(
            {
                "name": name,
                "auroc": float(units[f"{layer}/second"][channel]),
                "on": bool(units[f"{layer}/auroc"][channel] > 0.5),
                "q": float(units[f"{layer}/q"][channel]),
                "effect": float(effects[channel]),
                "rank": int((effects > effects[channel]).sum()) + 1,
                "of": len(effects),
            }
        )
    return rows


def reach(claims: Sequence[Mapping]) -> dict[str, int]:
    """How many claims rest in some part on labelled frames, by the words of `cases`, and how many are the post's."""
    return {
        "claims": sum("labelled" in claim["cases"] for claim in claims),
        "post": sum(claim["source"].startswith("the post") for claim in claims),
    }


def attribution_methods(stored: Arrays) -> list[dict]:
    """Each method's scores for the steering, those that beat random most first.

    deletion, insertion: beyond random maps, pixels replaced by the mean frame; deletion with its interval. randomised:
    likeness to the map of shuffled weights. sensitivity: largest relative change. completeness: median relative error,
    None for a method that claims none.
    """
    steering = list(stored["objectives"]).index(stored["judged"][0])
    rows = []
    for i, name in enumerate(map(str, stored["methods"])):
        estimate, low, high = map(float, stored["mean/deletion_above_random"][:, i, 0, 0])
        error = float(stored["completeness_median"][i, steering])
        rows.append(
            {
                "name": name,
                "verdict": str(stored["verdicts"][i]),
                "deletion": {"estimate": estimate, "interval": [low, high] if np.isfinite([low, high]).all() else None},
                "insertion": float(stored["mean/insertion_below_random"][0, i, 0, 0]),
                "randomised": float(stored["mean/randomisation"][0, i, 0, -1]),
                "sensitivity": float(stored["mean/sensitivity"][0, i, 0]),
                "completeness": error if np.isfinite(error) else None,
            }
        )
    return sorted(rows, key=lambda row: -row["deletion"]["estimate"])


def leading_channels(circuits: Arrays, layer: str) -> list[dict]:
    """The channels of a layer that carry most of the variance of the steering's drive: name and share, largest first.

    None of them where the drive does not vary.
    """
    shares = circuits["channels/variance_share"][0, :-1]
    if np.isnan(shares).any():
        return []
    order = np.argsort(-shares, kind="stable")[:LEADING]
    return [{"name": f"{layer}/{channel}", "share": float(shares[channel])} for channel in order]
