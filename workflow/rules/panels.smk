"""The panels: which script draws each, and which results it reads by its settings in the study."""

from collections.abc import Callable
from typing import NamedTuple


class Panel(NamedTuple):
    """script: in figures/. reads: the panel's settings to the results that its script reads."""

    script: str
    reads: Callable


def evidence(room):
    return f"{EVIDENCE}/{room}.npz"


def layer_file(layer, view):
    return layout.intermediates(Path(RESULTS), view, layer)


STACKS = f"{RESULTS}/stacks.npz"
PICTURES = f"{RESULTS}/pictures.npz"
BEHAVIOURS = f"{RESULTS}/behaviours.npz"
MIRROR = Panel("mirror", lambda p: [STACKS, BEHAVIOURS])
CHANNEL = Panel("channel", lambda p: [STACKS, layer_file(p["layer"], p["view"])])
ATLAS_LAYERS = ("conv0", "conv1", "conv2", "hidden", "heads")
ATLAS = Panel("atlas_sheet", lambda p: [f"{RESULTS}/atlas.npz"])
METHODS = {name: Panel(name, lambda p: [f"{RESULTS}/methods.npz"]) for name in ("dream_gallery", "methods")}
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
    "l-frames": Panel("contact_sheet", lambda p: [PICTURES, BEHAVIOURS]),
    "m-gallery": METHODS["dream_gallery"],
    "n-methods": METHODS["methods"],
    **{f"{letter}-atlas-{layer}": ATLAS for letter, layer in zip("opqrs", ATLAS_LAYERS)},
    "t-ledger": Panel("ledger", lambda p: [f"{RESULTS}/claims.json"]),
    "u-yaw": Panel("steering", lambda p: [evidence("behaviour")]),
    "v-units": Panel("trunk_units", lambda p: [evidence("units")]),
    "w-causal": Panel("causal", lambda p: [evidence("causal"), evidence("units")]),
    "x-attribution": Panel("attribution", lambda p: [STACKS, evidence("attribution")]),
    "y-circuits": Panel("circuits", lambda p: [STACKS, evidence("circuits")]),
    "z-controls": Panel("controls", lambda p: [evidence("dreams"), evidence("heads")]),
    "aa-pairs": Panel("pairs", lambda p: [evidence("pairs")]),
}

EVIDENCE_SCRIPTS = tuple(
    panel.script for name, panel in PANELS.items() if studies.PANEL_SECTIONS.get(name.partition("-")[0]) == "evidence"
)


def panel_settings(name) -> dict:
    """A panel's settings as its script takes them: the study's, with what the panel's name already says."""
    settings = dict(SETTINGS["panels"][name])
    letter, _, layer = name.partition("-")
    if letter in "ghi":
        settings = {"layer": layer, "view": "original"} | settings
    if letter == "j":
        settings["layer"] = "conv2"
    if letter in (*"bluw", "aa"):
        settings["behaviour"] = SETTINGS["actions"]["steering"]
    if letter in "opqrs":
        settings["layer"] = layer.removeprefix("atlas-").replace("heads", "head")
    if letter == "l":
        settings |= STEERING_ENDS
    if letter == "u":
        settings["positive"] = STEERING_ENDS["positive"]
    if letter in "vwy":
        settings["named"] = SETTINGS["evidence"]["named"]
    return settings


def panel_numbers(name) -> list[str]:
    """Where in the facts the numbers lie that a panel draws: the panel is reproduced where they are."""
    settings, letter = panel_settings(name), name.partition("-")[0]
    where = {
        "c": ["alignment"],
        "d": ["views"],
        "k": ["network"],
        "l": ["frames"],
        "m": ["methods"],
        "n": ["methods"],
        "t": ["claims", "verdicts"],
        "x": ["evidence/attribution"],
        "y": ["evidence/circuits"],
        **dict.fromkeys("ab", [f"dreams/{settings[key]}" for key in ("dream", "left", "right") if key in settings]),
        **dict.fromkeys("ef", [f"frames/{settings.get('frame')}"]),
        **dict.fromkeys("ghij", [f"channels/{name}"]),
        **dict.fromkeys("opqrs", [f"atlas/layers/{settings.get('layer')}"]),
    }
    claims = CLAIMS["claims"] if "evidence" in SETTINGS else {}
    return where.get(letter, []) + [f"claims/{key}" for key, claim in claims.items() if claim["figure"] == name]


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
