"""What Snakemake must be asked for so that nothing stays lost."""


def shown() -> list:
    """What the study comes to."""
    pages = [rules.report.output.html, rules.explorer.output.html, rules.explorer.output.network]
    # Whether a network of one's own has an ONNX model is known once it is loaded; it is made when it is asked for.
    model = [] if "module" in SETTINGS["policy"] else rules.export.output
    pages += [rules.film.output, rules.episode_page.output] if STUDY.film else []
    return [pages, rules.atlas_page.output.html if "atlas" in SETTINGS else [], model, panel_files()]


def between() -> list:
    """What is made on the way: a file that is lost is made again only where it is asked for."""
    made = [rules.describe.output, rules.preprocess.output, rules.intermediates.output, rules.readouts.output]
    made += [panel_reads(name) for name in SETTINGS["panels"]]
    made += [rules.facts.input, rules.facts.output]
    if STUDY.labels:
        made.append(rules.labels.output)
    if "evidence" in SETTINGS:
        made += [
            [evidence(name) for name in MEASUREMENTS],
            *(again(where, "npz") for where in AGAIN),
            rules.episodes.output if STUDY.episodes else [],
            rules.cells.output if STUDY.field else [],
            rules.ledger.input,
        ]
    if STUDY.series:
        made += [of_members(rules.member.output), of_members(rules.member_ledger.output), rules.comparison.output]
    return made
