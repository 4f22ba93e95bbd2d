"""The measurements that claims rest on: what each reads, and its settings."""

from typing import NamedTuple

EVIDENCE = f"{RESULTS}/evidence"


def evidence(measurement):
    return f"{EVIDENCE}/{measurement}.npz"


# How each is measured; nothing where a study has no evidence.
MEASURE = SETTINGS["evidence"]["claims"]["measure"] if "evidence" in SETTINGS else {}

if "evidence" in SETTINGS:
    CLAIMS, NAMED = (SETTINGS["evidence"][key] for key in ("claims", "named"))

    class Measurement(NamedTuple):
        """files: option to what the stage reads beside the checkpoint. settings: option to its value."""

        files: dict
        settings: dict

    FRAMES = {"stacks": f"{RESULTS}/stacks.npz"}
    LABELS = {"labels": f"{EVIDENCE}/labels.npz"} if STUDY.labels else {}
    EPISODES = {"episodes": f"{EVIDENCE}/episodes.npz"} if STUDY.episodes else {}
    CELLS = {"cells": f"{EVIDENCE}/cells.npz"} if STUDY.field else {}
    UNITS = {"units": f"{EVIDENCE}/units.npz"}
    INTERVAL = {"interval": MEASURE["interval"]}
    CLUSTERS = INTERVAL | {"similarity": MEASURE["similarity"]}

    def side(readout) -> int:
        """1 where it is positive to the left, else -1."""
        return 1 if ends(readout)["positive"] == "left" else -1

    def about(name) -> dict:
        """The concepts and readouts that claims of a measurement are about, the study's own first, each with its side."""
        claims = [claim for claim in CLAIMS["claims"].values() if claim["measurement"] == name]
        found = [(claim.get("concept", CONCEPT), claim.get("readout", STEERING)) for claim in claims]
        pairs = [pair for pair in dict.fromkeys([(CONCEPT, STEERING), *found]) if pair[0] in CONCEPTS]
        return {"about": [[*pair, side(pair[1])] for pair in pairs]}

    MEASUREMENTS = {
        "behaviour": Measurement(
            FRAMES | LABELS, CLUSTERS | about("behaviour") | {"night": SETTINGS["frames"].get("night", [])}
        ),
        "units": Measurement(FRAMES | LABELS, CLUSTERS | about("units") | {"named": NAMED}),
        "causal": Measurement(FRAMES | LABELS | UNITS, CLUSTERS | about("causal") | {"named": NAMED}),
        "pairs": Measurement(LABELS, CLUSTERS | about("pairs")),
        "dream_controls": Measurement({}, INTERVAL | about("dream_controls")),
        "heads": Measurement({}, INTERVAL),
        "probes": Measurement(LABELS, CLUSTERS | about("probes") | {"named": NAMED}),
        "darkness": Measurement(LABELS, CLUSTERS | about("darkness")),
        "attribution": Measurement(FRAMES | LABELS, CLUSTERS | about("attribution")),
        "circuits": Measurement(FRAMES, CLUSTERS | about("circuits")),
        "features": Measurement(FRAMES | LABELS, CLUSTERS | about("features") | {"named": NAMED}),
        "reward": Measurement(LABELS, CLUSTERS | about("reward")),
        "play": Measurement(EPISODES, INTERVAL | {"side": side(STEERING)}),
        "field": Measurement(CELLS, INTERVAL | {"side": side(STEERING)}),
    }
    # These are repeated on real stacks, which take the place of the study's frames and of the labelled ones: turns in the
    # captures, and what the policy saw in its episodes.
    REPEATED = ("behaviour", "units", "causal")
    TURNS, ON_POLICY = "turns", "on_policy"
    AGAIN = [name for name, known in ((TURNS, STUDY.turns), (ON_POLICY, STUDY.on_policy)) if known]

    def again(where, *kinds) -> list:
        """Files of what is repeated there, nothing if the study has no such stacks."""
        return [f"{EVIDENCE}/{where}/{name}.{kind}" for name in REPEATED for kind in kinds] if where in AGAIN else []

    def repeated(name, where) -> Measurement:
        files = dict.fromkeys(MEASUREMENTS[name].files, f"{EVIDENCE}/{where}.npz")
        own = {"units": f"{EVIDENCE}/{where}/units.npz"} if "units" in files else {}
        return MEASUREMENTS[name]._replace(files=files | own)

    def options(words) -> str:
        """Options and what stands behind them as a part of a command line, quoted."""
        return " ".join(f"--{option} {quote(str(word))}" for option, word in words.items())

    def measurement_settings(name, measurement) -> dict:
        settings = measurement.settings | ({"settings": MEASURE[name]} if name in MEASURE else {})
        return {option: as_word(value) for option, value in settings.items()}

    def measurement_options(name, measurement) -> str:
        return options(measurement.files | measurement_settings(name, measurement))
