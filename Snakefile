"""From a checkpoint to the report. `snakemake --cores 4 [--config study=NAME data=FOLDER]`."""

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/panels.smk"
include: "workflow/rules/measurements.smk"
include: "workflow/rules/members.smk"
include: "workflow/rules/half_stages.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/source.smk"
include: "workflow/rules/policy.smk"
include: "workflow/rules/dreams.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/series.smk"
include: "workflow/rules/halves.smk"
include: "workflow/rules/hands_on.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/episode.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/explore.smk"
include: "workflow/rules/reproduce.smk"


onerror:
    say_where_full(RESULTS, f"{RESULTS}/logs", FIGURES, REPORT)


rule all:
    default_target: True
    input:
        rules.reproduce.output,
        shown(),
        between(),
        rules.report.output,
        rules.explorer.output.frames,
        rules.atlas_page.output if "atlas" in SETTINGS else [],
    localrule: True


rule core:
    input:
        rules.intermediates.output,
        panel_files(lambda panel: panel.post),
    localrule: True
    message:
        "What the post shows: no atlas, no claims, no report."


if "evidence" in SETTINGS:

    rule claims:
        input:
            rules.ledger.output,
            panel_files(lambda panel: panel.section == "evidence"),
        localrule: True
        message:
            "The claims and their figures."


if STUDY.series:

    rule members:
        input:
            of_members(rules.member_ledger.output.ledger),  # one for each, so that --batch splits none
        localrule: True
        message:
            "The checkpoints of a series, each measured and judged."

    rule series:
        input:
            rules.comparison.output,
            panel_files(lambda panel: panel.section == "series"),
        localrule: True
        message:
            "The checkpoints of a series, each measured, and their comparison."
