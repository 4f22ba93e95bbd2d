"""Drawing."""


rule panel:
    input:
        lambda wildcards: panel_reads(wildcards.panel),
    output:
        png=f"{FIGURES}/{{panel}}.png",
        svg=f"{FIGURES}/{{panel}}.svg",
        phone=f"{FIGURES}/phone/{{panel}}.webp",
    log:
        f"{RESULTS}/logs/panels/{{panel}}.txt",
    benchmark:
        f"{RESULTS}/benchmarks/panels/{{panel}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        script=lambda wildcards: str(SCRIPTS_FOLDER / f"{STUDY.panels[wildcards.panel].script}.py"),
        results=RESULTS,
        settings=lambda wildcards: as_word(panel_settings(wildcards.panel)),
        code=lambda wildcards: code_digest(STUDY.panels[wildcards.panel].script),
    message:
        "Draw panel {wildcards.panel}."
    shell:
        "python {params.script:q} --results {params.results} --params {params.settings:q}"
        " --png {output.png} --svg {output.svg} --phone {output.phone} > {log} 2>&1"
