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
        panels(),
    localrule: True
