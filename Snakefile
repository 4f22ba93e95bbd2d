"""From a checkpoint to the report. `snakemake --cores 4 [--config study=NAME data=FOLDER]`."""

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/source.smk"
include: "workflow/rules/policy.smk"
include: "workflow/rules/dreams.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.report.output,
        rules.atlas_page.output if "atlas" in SETTINGS else [],
        panels(),
    localrule: True


rule core:
    input:
        rules.intermediates.output,
        panels(without=("atlas_sheet", "dream_gallery", "methods")),
    localrule: True
    message:
        "Everything but the atlas and the report that prints it."
