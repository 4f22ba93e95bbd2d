"""The measurements that claims rest on: what each reads, and its settings."""

from typing import NamedTuple

EVIDENCE = f"{RESULTS}/evidence"


def evidence(measurement):
    return f"{EVIDENCE}/{measurement}.npz"


if "evidence" in SETTINGS:
    CLAIMS, NAMED = (SETTINGS["evidence"][key] for key in ("claims", "named"))
    MEASURE = CLAIMS["measure"]

    class Measurement(NamedTuple):
        """files: option to what the stage reads beside the checkpoint. settings: option to its value."""

        files: dict
        settings: dict

    FRAMES = {"stacks": f"{RESULTS}/stacks.npz"}
    LABELS = {"labels": f"{EVIDENCE}/labels.npz"} if STUDY.labels else {}
    UNITS = {"units": f"{EVIDENCE}/units.npz"}
    SIDE = {"side": 1 if STEERING_ENDS["positive"] == "left" else -1}
    INTERVAL = {"interval": MEASURE["interval"]}
    CLUSTERS = INTERVAL | {"similarity": MEASURE["similarity"]}
    MEASUREMENTS = {
        "behaviour": Measurement(FRAMES | LABELS, CLUSTERS | SIDE | {"night": SETTINGS["frames"].get("night", [])}),
        "units": Measurement(FRAMES | LABELS, CLUSTERS | {"named": NAMED}),
        "causal": Measurement(FRAMES | LABELS | UNITS, CLUSTERS | SIDE | {"named": NAMED}),
        "pairs": Measurement(LABELS, CLUSTERS | SIDE),
        "dream_controls": Measurement({}, INTERVAL | SIDE),
        "heads": Measurement({}, INTERVAL),
        "attribution": Measurement(FRAMES, CLUSTERS),
        "circuits": Measurement(FRAMES, {}),
    }
    WITH_CLAIMS = ("behaviour", "units", "causal", "pairs", "dream_controls", "heads")
    # These are repeated on real stacks, which take the place of the study's frames and of the labelled ones.
    ON_TURNS = ("behaviour", "units", "causal") if STUDY.turns else ()
    TURNS = f"{EVIDENCE}/turns"

    def on_turns(name) -> Measurement:
        files = dict.fromkeys(MEASUREMENTS[name].files, f"{EVIDENCE}/turns.npz")
        return MEASUREMENTS[name]._replace(files=files | ({"units": f"{TURNS}/units.npz"} if "units" in files else {}))

    def options(words) -> str:
        """Options and what stands behind them as a part of a command line, quoted."""
        return " ".join(f"--{option} {quote(str(word))}" for option, word in words.items())

    def measurement_settings(name, measurement) -> dict:
        settings = measurement.settings | ({"settings": MEASURE[name]} if name in MEASURE else {})
        return {option: as_word(value) for option, value in settings.items()}

    def measurement_options(name, measurement) -> str:
        return options(measurement.files | measurement_settings(name, measurement))
