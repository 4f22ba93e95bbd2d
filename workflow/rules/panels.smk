"""The panels: which script draws each, and which results it reads by its settings in the study."""

from collections.abc import Callable
from typing import NamedTuple


class Panel(NamedTuple):
    """script: in figures/. reads: the panel's settings to the results that its script reads."""

    script: str
    reads: Callable


def evidence(measurement):
    return f"{EVIDENCE}/{measurement}.npz"


def layer_file(layer, view):
    return layout.intermediates(Path(RESULTS), view, layer)


STACKS = f"{RESULTS}/stacks.npz"
PICTURES = f"{RESULTS}/pictures.npz"
READOUTS = f"{RESULTS}/readouts.npz"
MIRROR = Panel("mirror", lambda p: [STACKS, READOUTS])
CHANNEL = Panel("channel", lambda p: [STACKS, layer_file(p["layer"], p["view"])])
ATLAS_LAYERS = ("conv0", "conv1", "conv2", "hidden", "heads")
ATLAS = Panel("atlas", lambda p: [f"{RESULTS}/atlas.npz"])
SERIES = [f"{RESULTS}/series.json", f"{RESULTS}/series.npz"]
RECIPES = [f"{RESULTS}/recipes.npz"]
PANELS = {
    "a-dream-value": Panel("dream_value", lambda p: [f"{RESULTS}/dreams/{p['dream']}.npz"]),
    "b-dream-yaw": Panel("dream_yaw", lambda p: [f"{RESULTS}/dreams/{p[side]}.npz" for side in ("left", "right")]),
    "c-alignment": Panel("alignment", lambda p: [f"{RESULTS}/alignment.npz"]),
    "d-views": Panel("views", lambda p: [STACKS, PICTURES]),
    "e-mirror-day": MIRROR,
    "f-mirror-night": MIRROR,
    "g-conv0": CHANNEL,
    "h-conv1": CHANNEL,
    "i-conv2": CHANNEL,
    "j-conv2-gradient": Panel(
        "channel_gradient",
        lambda p: [
            STACKS,
            layer_file("conv2", p["view"]),
            layout.gradients(Path(RESULTS), p["view"], p["gradient"]),
        ],
    ),
    "k-network": Panel("network", lambda p: [f"{RESULTS}/network.json"]),
    "frames": Panel("frames", lambda p: [PICTURES, READOUTS]),
    "recipes-gallery": Panel("recipes_gallery", lambda p: RECIPES),
    "recipes": Panel("recipes", lambda p: RECIPES),
    **{f"atlas-{layer}": ATLAS for layer in ATLAS_LAYERS},
    "ledger": Panel("ledger", lambda p: [f"{RESULTS}/ledger.json"]),
    "behaviour": Panel("behaviour", lambda p: [evidence("behaviour")]),
    "units": Panel("units", lambda p: [evidence("units")]),
    "causal": Panel("causal", lambda p: [evidence("causal"), evidence("units")]),
    "attribution": Panel("attribution", lambda p: [STACKS, evidence("attribution")]),
    "circuits": Panel("circuits", lambda p: [STACKS, evidence("circuits")]),
    "dream-controls": Panel("dream_controls", lambda p: [evidence("dream_controls"), evidence("heads")]),
    "pairs": Panel("pairs", lambda p: [evidence("pairs")]),
    "series-claims": Panel("series_claims", lambda p: SERIES),
    "series-verdicts": Panel("series_verdicts", lambda p: SERIES),
    "series-behaviours": Panel("series_behaviours", lambda p: SERIES),
    "series-units": Panel("series_units", lambda p: SERIES),
}


def scripts_of(section) -> tuple[str, ...]:
    """The scripts that draw a section of the study."""
    return tuple(panel.script for name, panel in PANELS.items() if studies.PANEL_SECTIONS.get(name) == section)


EVIDENCE_SCRIPTS, SERIES_SCRIPTS = scripts_of("evidence"), scripts_of("series")
OF_STEERING = ("b-dream-yaw", "frames", "behaviour", "causal", "pairs", "series-behaviours", "series-units")
CHANNELS = {"g-conv0": "conv0", "h-conv1": "conv1", "i-conv2": "conv2"}


def panel_settings(name) -> dict:
    """A panel's settings as its script takes them: the study's, with what the panel's name already says."""
    settings = dict(SETTINGS["panels"][name])
    if name in CHANNELS:
        settings = {"layer": CHANNELS[name], "view": "original"} | settings
    if name == "j-conv2-gradient":
        settings["layer"] = "conv2"
    if name in OF_STEERING:
        settings["behaviour"] = SETTINGS["actions"]["steering"]
    if name.startswith("atlas-"):
        settings["layer"] = name.removeprefix("atlas-").replace("heads", "head")
    if name == "frames":
        settings |= STEERING_ENDS
    if name == "behaviour":
        settings["positive"] = STEERING_ENDS["positive"]
    if name in ("units", "causal", "circuits"):
        settings["named"] = SETTINGS["evidence"]["named"]
    return settings


def panel_numbers(name) -> list[str]:
    """Where in the facts the numbers lie that a panel draws: the panel is reproduced where they are."""
    settings = panel_settings(name)
    where = {
        "a-dream-value": [f"dreams/{settings.get('dream')}"],
        "b-dream-yaw": [f"dreams/{settings.get(side)}" for side in ("left", "right")],
        "c-alignment": ["alignment"],
        "d-views": ["views"],
        "k-network": ["network"],
        "frames": ["frames"],
        "recipes": ["recipes"],
        "recipes-gallery": ["recipes"],
        "ledger": ["claims", "verdicts"],
        "attribution": ["evidence/attribution"],
        "circuits": ["evidence/circuits"],
        "series-claims": ["series/claims"],
        "series-verdicts": ["series/members"],
        **dict.fromkeys(("e-mirror-day", "f-mirror-night"), [f"frames/{settings.get('frame')}"]),
        **dict.fromkeys((*CHANNELS, "j-conv2-gradient"), [f"channels/{name}"]),
        **{f"atlas-{layer}": [f"atlas/layers/{settings.get('layer')}"] for layer in ATLAS_LAYERS},
    }
    claims = CLAIMS["claims"] if "evidence" in SETTINGS else {}
    return where.get(name, []) + [f"claims/{key}" for key, claim in claims.items() if claim["figure"] == name]


def panels(*, only=None, without=()) -> list[str]:
    """Files of the study's panels: those drawn by the scripts in `only`, or all but those in `without`."""
    scripts = {name: PANELS[name].script for name in SETTINGS["panels"]}
    chosen = [name for name, script in scripts.items() if script not in without and (only is None or script in only)]
    return [f"{FIGURES}/{name}.{kind}" for name in chosen for kind in ("png", "svg")]


def panel_facts() -> dict:
    """For each panel: its settings, its file beside the report, the command that remakes it, and its numbers' places."""
    return {
        name: {
            **panel_settings(name),
            "file": f"figures/{name}.png",
            "rule": "panel",
            "command": build_command(f"{FIGURES}/{name}.png"),
            "numbers": panel_numbers(name),
        }
        for name in SETTINGS["panels"]
    }


def shown_layers() -> list[Path]:
    """The layers of which the facts tell something: what was published, and what panels show of a channel."""
    published = SETTINGS.get("published", {}).get("activation_range", [])
    shown = [settings for settings in map(panel_settings, SETTINGS["panels"]) if "channel" in settings]
    slopes = [settings for settings in shown if "gradient" in settings]
    return sorted(
        {layer_file(row["layer"], row["view"]) for row in (*published, *shown)}
        | {layout.gradients(Path(RESULTS), settings["view"], settings["gradient"]) for settings in slopes}
    )
