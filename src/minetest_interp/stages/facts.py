"""Collect every number that the report prints."""

from collections import Counter
from pathlib import Path
from typing import Any

from minetest_interp.claims import ledger, play
from minetest_interp.cli import command
from minetest_interp.facts import atlas as atlas_facts
from minetest_interp.facts import episode, hands_on
from minetest_interp.facts import study as study_facts
from minetest_interp.facts.answer import answer
from minetest_interp.facts.play import played_by
from minetest_interp.facts.recipes import recipe_summary
from minetest_interp.facts.study import Arrays
from minetest_interp.io import files, yaml_files
from minetest_interp.model import labels, recordings


def run(
    study: str,
    command_line: str,
    settings: dict,
    panels: dict,
    answer_rules: Path,
    results: Path,
    output: Path,
    film: Path | None = None,
) -> None:
    readouts = files.read_arrays(results / "readouts.npz")
    content = {"study": study, "command": command_line, **of_study(settings, results)}
    sections = of_sections(settings, readouts, results)
    content |= of_frames(settings, readouts, results)
    content |= of_panels(panels, sections.get("claims", []), readouts, results)
    if "claims" in sections:
        names = {"steering": settings["actions"]["steering"], "concept": sections["evidence"]["concept"]}
        rules = yaml_files.read(answer_rules, advice="Restore it.")
        content["answer"] = answer(sections["claims"], rules, names)
    if film is not None:
        content["episode"] = of_film(settings, film)
    files.write_json(output, content | sections)


def of_study(settings: dict, results: Path) -> dict:
    """What the study says of itself, and what its checkpoint and frames are."""
    network, listing = (files.read_json(results / f"{name}.json") for name in ("network", "frames"))
    source = {key: settings["source"][key] for key in ("attribution", "origin", "commit") if key in settings["source"]}
    return {
        "title": settings["title"],
        "summary": settings["summary"],
        "source": source,
        "checkpoint": {"file": network.pop("file"), "sha256": network.pop("sha256")},
        "training": network.pop("training"),
        "network": network,
        "pictures": {
            "count": len(listing),
            "night": len(settings["frames"].get("night", [])),
            "sizes": Counter(f"{row['width']}x{row['height']}" for row in listing),
            "order": settings["frames"].get("order", "notebook"),
            "recorded": sum(recordings.is_recording(Path(row["file"])) for row in listing),
            "colour": settings["frames"].get("colour", False),
        },
        "steering": settings["actions"]["steering"],
        "definitions": settings["actions"]["behaviours"],
    }


def of_frames(settings: dict, readouts: Arrays, results: Path) -> dict:
    """What the policy does on the frames, and where its dreams end."""
    steering, names = settings["actions"]["steering"], study_facts.readout_names(readouts)
    return {
        "behaviours": {name: study_facts.spread(readouts[f"original/{name}"]) for name in names},
        "covered_boxes": len(settings["frames"].get("overlay", [])),
        "views": study_facts.view_differences(readouts, steering),
        "dreams": {
            name: study_facts.dream_row(files.read_arrays(results / "dreams" / f"{name}.npz"), dream)
            for name, dream in settings["dreams"].items()
        },
    }


def of_panels(panels: dict, claims: list, readouts: Arrays, results: Path) -> dict:
    """What the panels show: their settings, the channels that some of them draw, and every frame.

    Among a panel's numbers are those of the claims that name it as their figure.
    """
    for name, panel in panels.items():
        panel["numbers"] += [f"claims/{claim['id']}" for claim in claims if claim["figure"] == name]
    return {
        "channels": {name: study_facts.channel(results, panel) for name, panel in panels.items() if "channel" in panel},
        "panels": panels,
        "frames": study_facts.frame_rows(readouts),
    }


def of_sections(settings: dict, readouts: Arrays, results: Path) -> dict[str, Any]:
    """What a study has by its optional sections."""
    content: dict[str, Any] = {}
    if "evidence" in settings:
        content["claims"] = files.read_json(results / "ledger.json")
        content["verdicts"] = ledger.count_verdicts(content["claims"])
        concepts = settings.get("labels", {}).get("concepts", labels.CONCEPTS)
        content["evidence"] = {"concept": next(iter(concepts)), **evidence(results)}
        content["reach"] = study_facts.reach(content["claims"])
        if "reason" not in (played := files.read_arrays(results / "evidence/play.npz")):
            content["play"] = played_by(played)
    if "series" in settings:
        content["series"] = files.read_json(results / "series.json")
    content |= of_measurable(settings, readouts, results)
    if "disagreements" in settings:
        content["disagreements"] = settings["disagreements"]
    if "published" in settings:
        content["published"] = study_facts.published_rows(settings["published"], readouts, results)
    return content


def of_film(settings: dict, film: Path) -> dict:
    """What the episode of the film comes to."""
    evidence = settings.get("evidence", {"claims": {"measure": {}}, "named": {}})
    asked = play.PlaySettings(**evidence["claims"]["measure"].get("play", {}))
    return episode.episode_facts(files.read_arrays(film), asked, evidence["named"])


def of_measurable(settings: dict, readouts: Arrays, results: Path) -> dict[str, Any]:
    """What mirror tests, alignment, recipes and atlas come to; `not_measured` says why there is nothing of some."""
    asked = {"alignment": "alignment.npz"} | {name: f"{name}.npz" for name in ("recipes", "atlas") if name in settings}
    asked |= {"circuits": "evidence/circuits.npz"} if "evidence" in settings else {}
    stored = {name: files.read_arrays(results / file) for name, file in asked.items()}
    reasons = {name: str(arrays["reason"]) for name, arrays in stored.items() if "reason" in arrays}
    measured = {name: arrays for name, arrays in stored.items() if name not in reasons}
    content: dict[str, Any] = {}
    if settings["actions"]["mirrored"]:
        night = settings["frames"].get("night", [])
        content["mirror"] = study_facts.mirror_tests(readouts, settings["actions"]["steering"], night)
    else:
        reasons["mirror"] = "the study names no behaviour that should change sign in a mirror"
    tried, untried = hands_on.collect(files.read_arrays(results / "hands_on.npz"), settings["actions"])
    content |= tried | {"not_measured": reasons | untried}
    if "alignment" in measured:
        content["alignment"] = study_facts.alignment(measured["alignment"])
    if "recipes" in measured:
        units = [str(name) for name in measured["recipes"]["measured"]]
        layers = [str(name) for name in measured["recipes"]["path_layers"]]
        content["recipes"] = {
            "units": units,
            "path_layers": layers,
            "compared": recipe_summary(measured["recipes"], over=units),
        }
    if "atlas" in measured:
        headline = settings["recipes"]["units"] if "recipes" in settings else []
        content["atlas"] = atlas_facts.atlas_summary(measured["atlas"], headline)
    return content


def evidence(results: Path) -> dict:
    """What is measured beside the claims; `layers` says of which layers what was asked."""
    units, causal, maps, circuits = (
        files.read_arrays(results / f"evidence/{name}.npz") for name in ("units", "causal", "attribution", "circuits")
    )
    found: dict[str, Any] = {
        "layers": study_facts.asked_layers(units, causal),
        "attribution": study_facts.attribution_methods(maps),
    }
    if "reason" not in circuits:
        before = files.read_json(results / "network.json")["layers"][-2]["name"]
        found["layers"]["circuits"] = before
        found["circuits"] = study_facts.leading_channels(circuits, before)
    if "found" in units:
        found |= {"labelled": len(units["labelled/frames"]), "found": study_facts.found_units(units, causal)}
    return found


if __name__ == "__main__":
    command(run)
