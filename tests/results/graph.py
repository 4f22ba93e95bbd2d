"""What the workflow's jobs run and read, written down a second time: a study with everything in it, and its jobs."""

from collections.abc import Iterable
from modulefinder import ModuleFinder
from pathlib import Path
from typing import NamedTuple

from tests.results.workshop import STUDY
from workflow import digests

RECIPE = {
    "kind": "fourier", "steps": 3, "lr": 0.1, "copies": 2, "jitter": 1, "noise": 1, "strength": 2, "form": "penalty",
    "pull": 1, "margin": 1, "frames": "shared", "motion": 1, "decay": 1, "start": "noise",
}  # fmt: skip
METHOD = {"steps": 3, "lr": 0.1, "copies": 2, "jitter": 1, "noise": 1, "strength": 2}
ATLASES = tuple(zip("opqrs", ("conv0", "conv1", "conv2", "hidden", "heads"), strict=True))
# Every section and every panel that there is.
WHOLE = STUDY | {
    "atlas": {"directions": 1, "seeds": [0, 1], "seed": 0, "method": METHOD},
    "methods": {
        "units": ["conv1/0"], "gallery": ["value"], "seeds": [0, 1], "seed": 0,
        "recipes": {"first": RECIPE, "second": {"kind": "pixels"}},
    },
    "panels": STUDY["panels"] | {
        "m-gallery": {"control": "first"},
        "n-methods": {},
        **{f"{letter}-atlas-{layer}": {} for letter, layer in ATLASES},
    },
    "published": {
        "where": "nowhere", "tolerance": 1,
        "behaviour": [{"figure": "e", "frame": "dark", "view": "original", "yaw": 0.5}],
        "activation_range": [
            {"figure": "g", "frame": "dark", "view": "original", "layer": "conv0", "channel": 0, "min": 0, "max": 1}
        ],
    },
}  # fmt: skip


class Job(NamedTuple):
    """entry: the module that it runs. reads: the jobs whose outputs it reads."""

    entry: str
    reads: tuple[str, ...] = ()


def stage(name: str, *reads: str) -> Job:
    return Job(f"minetest_interp.stages.{name}", reads)


def room_job(room: str) -> str:
    """A room without claims explains."""
    return f"{'explanation' if room in ('attribution', 'circuits') else 'evidence'} {room}"


DREAMS = tuple(f"dream {name}" for name in WHOLE["dreams"])
ROOMS = {
    "behaviour": ("preprocess", "labels"),
    "units": ("preprocess", "labels"),
    "causal": ("preprocess", "labels", "evidence units"),
    "pairs": ("labels",),
    "dreams": (),
    "heads": (),
    "attribution": ("preprocess",),
    "circuits": ("preprocess",),
}
ON_TURNS = {"behaviour": (), "units": (), "causal": ("evidence_on_turns units",)}
DRAWN = {
    "a-dream-value": Job("dream_value", ("dream value",)),
    "b-dream-yaw": Job("dream_yaw", ("dream yaw-left", "dream yaw-right")),
    "c-alignment": Job("alignment", ("describe",)),
    "d-views": Job("views", ("preprocess",)),
    "e-mirror-day": Job("mirror", ("preprocess", "behaviours")),
    "f-mirror-night": Job("mirror", ("preprocess", "behaviours")),
    "g-conv0": Job("channel", ("preprocess", "intermediates")),
    "h-conv1": Job("channel", ("preprocess", "intermediates")),
    "i-conv2": Job("channel", ("preprocess", "intermediates")),
    "j-conv2-gradient": Job("channel_gradient", ("preprocess", "intermediates", "gradients yaw-right")),
    "k-network": Job("network", ("describe",)),
    "l-frames": Job("contact_sheet", ("preprocess", "behaviours")),
    "m-gallery": Job("dream_gallery", ("methods",)),
    "n-methods": Job("methods", ("methods",)),
    "o-atlas-conv0": Job("atlas_sheet", ("atlas",)),
    "p-atlas-conv1": Job("atlas_sheet", ("atlas",)),
    "q-atlas-conv2": Job("atlas_sheet", ("atlas",)),
    "r-atlas-hidden": Job("atlas_sheet", ("atlas",)),
    "s-atlas-heads": Job("atlas_sheet", ("atlas",)),
    "t-ledger": Job("ledger", ("claims",)),
    "u-yaw": Job("steering", ("evidence behaviour",)),
    "v-units": Job("trunk_units", ("evidence units",)),
    "w-causal": Job("causal", ("evidence causal", "evidence units")),
    "x-attribution": Job("attribution", ("preprocess", "explanation attribution")),
    "y-circuits": Job("circuits", ("preprocess", "explanation circuits")),
    "z-controls": Job("controls", ("evidence dreams", "evidence heads")),
    "aa-pairs": Job("pairs", ("evidence pairs",)),
}
PANELS = {f"panel {name}": job for name, job in DRAWN.items()}
JOBS = {
    "describe": stage("describe"),
    "export": stage("export"),
    "preprocess": stage("preprocess", "describe"),
    "intermediates": stage("intermediates", "preprocess"),
    "behaviours": stage("behaviours", "intermediates"),
    "gradients yaw-right": stage("gradients", "preprocess"),
    **dict.fromkeys(DREAMS, stage("dream")),
    "atlas": stage("atlas", "preprocess"),
    "methods": stage("methods", "preprocess"),
    "labels": stage("labels", "describe"),
    **{room_job(room): stage(f"evidence_{room}", *reads) for room, reads in ROOMS.items()},
    **{f"evidence_on_turns {room}": stage(f"evidence_{room}", "labels", *r) for room, r in ON_TURNS.items()},
    "claims": stage(
        "claims",
        *(room_job(room) for room in ROOMS if room not in ("attribution", "circuits")),
        *(f"evidence_on_turns {room}" for room in ON_TURNS),
    ),
    **PANELS,
    "facts": stage(
        "facts", "describe", "preprocess", "intermediates", "behaviours", "gradients yaw-right",
        *DREAMS, "atlas", "methods", "claims",
        *(room_job(room) for room in ("units", "causal", "attribution", "circuits")),
    ),
    "report": stage("report", "facts", *PANELS),
    "atlas_page": stage(
        "atlas_page", "preprocess", "atlas", "facts", *(room_job(room) for room in ("units", "causal", "circuits"))
    ),
    "frame_page": stage("frame_page", "preprocess", "intermediates", "facts"),
    "reproduce": stage("reproduce", "facts", "report", "atlas_page", "frame_page", "export", *PANELS),
}  # fmt: skip
PAGES = {"report", "atlas_page", "frame_page", "reproduce"}
EVIDENCE = {room_job(room) for room in ROOMS}
TURNS = {f"evidence_on_turns {room}" for room in ON_TURNS}
POLICY = {
    "describe", "export", "intermediates", "gradients yaw-right", *DREAMS, "atlas", "methods", "atlas_page",
    "frame_page", *EVIDENCE, *TURNS,
}  # fmt: skip
ACTIONS = POLICY - {"intermediates"} | {"behaviours"}


def with_room(*rooms: str) -> set[str]:
    return {room_job(room) for room in rooms} | {f"evidence_on_turns {room}" for room in rooms if room in ON_TURNS}


def panels(*letters: str) -> set[str]:
    return {name for name in PANELS if name.removeprefix("panel ").split("-")[0] in letters}


def and_after(changed: Iterable[str]) -> set[str]:
    """These jobs and all that read what they write, directly or through others."""
    found = set(changed)
    while more := {name for name, job in JOBS.items() if found & set(job.reads)} - found:
        found |= more
    return found


def imported(entry: str) -> set[Path]:
    """The first-party files that a module imports, found in its bytecode, not as workflow/digests.py does."""
    finder = ModuleFinder([str(root) for root in digests.SEARCH])
    finder.import_hook(entry)
    return {Path(module.__file__) for module in finder.modules.values() if module.__file__}


ENTRIES = {entry: imported(entry) for entry in {job.entry for job in JOBS.values()}}
