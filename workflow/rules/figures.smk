"""One rule draws every panel; which results a panel reads follows from its settings in the study."""

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

EVIDENCE_SCRIPTS = tuple(PANELS[name].script for name in PANELS if name.partition("-")[0] in {*"tuvwxyz", "aa"})


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


def panels(*, only=None, without=()) -> list[str]:
    """Files of the study's panels: those drawn by the scripts in `only`, or all but those in `without`."""
    scripts = {name: PANELS[name].script for name in SETTINGS["panels"]}
    chosen = [name for name, script in scripts.items() if script not in without and (only is None or script in only)]
    return [f"{FIGURES}/{name}.{kind}" for name in chosen for kind in ("png", "svg")]


rule panel:
    input:
        lambda wildcards: PANELS[wildcards.panel].reads(panel_settings(wildcards.panel)),
    output:
        png=f"{FIGURES}/{{panel}}.png",
        svg=f"{FIGURES}/{{panel}}.svg",
    log:
        f"{RESULTS}/logs/panels/{{panel}}.txt",
    benchmark:
        f"{RESULTS}/benchmarks/panels/{{panel}}.tsv"
    threads: 1
    params:
        script=lambda wildcards: str(SCRIPTS_FOLDER / f"{PANELS[wildcards.panel].script}.py"),
        results=RESULTS,
        settings=lambda wildcards: as_json(panel_settings(wildcards.panel)),
        code=lambda wildcards: code_digest(PANELS[wildcards.panel].script),
    message:
        "Draw panel {wildcards.panel}."
    shell:
        "python {params.script:q} --results {params.results} --params {params.settings:q}"
        " --png {output.png} --svg {output.svg} > {log} 2>&1"
