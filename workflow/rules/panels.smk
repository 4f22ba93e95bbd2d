"""The panels of the study, as figures/panels.yaml has them: what each reads, its settings, and the numbers that it draws."""

STACKS = f"{RESULTS}/stacks.npz"
PICTURES = f"{RESULTS}/pictures.npz"
READOUTS = f"{RESULTS}/readouts.npz"
# What a panel's script may be given of the rest of the study.
GIVEN = {
    "behaviour": STEERING,
    **ends(STEERING),
    "concept": CONCEPT,
    "named": SETTINGS.get("evidence", {}).get("named"),
}


def panel_settings(name) -> dict:
    """A panel's settings as its script takes them."""
    return STUDY.panels[name].settings(SETTINGS["panels"][name], GIVEN)


def panel_reads(name) -> list[str]:
    """The results that a panel's script reads."""
    return [str(file) for file in STUDY.panels[name].files(Path(RESULTS), panel_settings(name))]


def panel_files(wanted=lambda panel: True) -> list[str]:
    """Files of the study's panels, of all or of some."""
    chosen = [name for name in SETTINGS["panels"] if wanted(STUDY.panels[name])]
    return [f"{FIGURES}/{file}" for name in chosen for file in (f"{name}.png", f"{name}.svg", f"phone/{name}.webp")]


def panel_facts() -> dict:
    """For each panel: its settings, its file beside the report, the command that remakes it, and where in the facts
    its numbers are, beside those of the claims that it shows."""
    return {
        name: {
            **panel_settings(name),
            "file": f"figures/{STUDY.panels[name].shown}",
            "rule": "panel",
            "command": build_command(f"{FIGURES}/{name}.png"),
            "numbers": STUDY.panels[name].facts(panel_settings(name)),
        }
        for name in SETTINGS["panels"]
    }


def shown_channels() -> list[str]:
    """The results that facts on channels are collected of: what was published, and what panels show."""
    published = SETTINGS.get("published", {}).get("activation_range", [])
    found = {str(layout.intermediates(Path(RESULTS), row["view"])) for row in published}
    shown = (name for name in SETTINGS["panels"] if "channel" in panel_settings(name))
    return sorted(found.union(*map(panel_reads, shown)) - {STACKS})
