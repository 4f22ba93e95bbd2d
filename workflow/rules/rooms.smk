"""The rooms in which claims are measured: what each reads, and its settings."""

from typing import NamedTuple

EVIDENCE = f"{RESULTS}/evidence"

if "evidence" in SETTINGS:
    CLAIMS, NAMED = (SETTINGS["evidence"][key] for key in ("claims", "named"))
    MEASURE = CLAIMS["measure"]

    class Room(NamedTuple):
        """files: option to what the stage reads beside the checkpoint. settings: option to its value."""

        files: dict
        settings: dict

    FRAMES = {"stacks": f"{RESULTS}/stacks.npz"}
    LABELS = {"labels": f"{EVIDENCE}/labels.npz"} if STUDY.labels else {}
    UNITS = {"units": f"{EVIDENCE}/units.npz"}
    SIDE = {"side": 1 if STEERING_ENDS["positive"] == "left" else -1}
    INTERVAL = {"interval": MEASURE["interval"]}
    CLUSTERS = INTERVAL | {"similarity": MEASURE["similarity"]}
    ROOMS = {
        "behaviour": Room(FRAMES | LABELS, CLUSTERS | SIDE | {"night": SETTINGS["frames"].get("night", [])}),
        "units": Room(FRAMES | LABELS, CLUSTERS | {"named": NAMED}),
        "causal": Room(FRAMES | LABELS | UNITS, CLUSTERS | SIDE | {"named": NAMED}),
        "pairs": Room(LABELS, CLUSTERS | SIDE),
        "dreams": Room({}, INTERVAL | SIDE),
        "heads": Room({}, INTERVAL),
        "attribution": Room(FRAMES, CLUSTERS),
        "circuits": Room(FRAMES, {}),
    }
    WITH_CLAIMS = ("behaviour", "units", "causal", "pairs", "dreams", "heads")
    # These are repeated on real stacks, which take the place of the study's frames and of the labelled ones.
    ON_TURNS = ("behaviour", "units", "causal") if STUDY.turns else ()
    TURNS = f"{EVIDENCE}/turns"

    def on_turns(room) -> Room:
        files = dict.fromkeys(ROOMS[room].files, f"{EVIDENCE}/turns.npz")
        return ROOMS[room]._replace(files=files | ({"units": f"{TURNS}/units.npz"} if "units" in files else {}))

    def options(words) -> str:
        """Options and what stands behind them as a part of a command line, quoted."""
        return " ".join(f"--{option} {quote(str(word))}" for option, word in words.items())

    def room_options(name, room) -> str:
        settings = room.settings | ({"settings": MEASURE[name]} if name in MEASURE else {})
        return options(room.files | {option: as_json(value) for option, value in settings.items()})
