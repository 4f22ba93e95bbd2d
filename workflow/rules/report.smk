"""The numbers of the report, and the report."""

ANSWER_RULES = TEMPLATES_FOLDER / "answer.yaml"


rule facts:
    input:
        network=f"{RESULTS}/network.json",
        listing=f"{RESULTS}/frames.json",
        readouts=READOUTS,
        hands_on=rules.hands_on.output.arrays,
        alignment=f"{RESULTS}/alignment.npz",
        dreams=[f"{RESULTS}/dreams/{name}.npz" for name in SETTINGS["dreams"]],
        channels=shown_channels(),
        measured=[f"{RESULTS}/{name}.npz" for name in ("atlas", "recipes") if name in SETTINGS],
        film=rules.film.output.arrays if STUDY.film else [],
        claims=rules.ledger.output if "evidence" in SETTINGS else [],
        evidence=[
            evidence(name) for name in ("units", "causal", "attribution", "circuits", "play") if "evidence" in SETTINGS
        ],
        series=rules.comparison.output.verdicts if STUDY.series else [],
        answer_rules=declared([ANSWER_RULES]),
    output:
        facts=f"{REPORT}/facts.json",
    log:
        f"{RESULTS}/logs/facts.txt",
    benchmark:
        f"{RESULTS}/benchmarks/facts.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        study=STUDY.name,
        command=literal(build_command()),
        settings=as_json(SETTINGS),
        panels=as_json(panel_facts()),
        answer_rules=literal(ANSWER_RULES),
        film=f"--film {RESULTS}/film.npz" if STUDY.film else "",
        words=files_digest([ANSWER_RULES]),
        results=subpath(input.network, parent=True),
        code=code_digest("minetest_interp.stages.facts"),
    message:
        f"Collect the numbers of the report on {STUDY.name}."
    shell:
        "python -m minetest_interp.stages.facts --study {params.study} --command-line {params.command:q} --settings {params.settings:q}"
        " --panels {params.panels:q} --answer-rules {params.answer_rules:q} --results {params.results}"
        " --output {output.facts} {params.film} > {log} 2>&1"


TEMPLATES = sorted(path for path in TEMPLATES_FOLDER.glob("*.*") if path != ANSWER_RULES)
WITHOUT_CAPTIONS = [path for path in TEMPLATES if path.name != "captions.yaml"]  # for pages that show no panel
SHOWN_CELLS = rules.cells.output if "field" in SETTINGS["panels"] and "evidence" in SETTINGS and STUDY.field else []


rule report:
    input:
        facts=rules.facts.output.facts,
        tried=rules.hands_on.output.arrays,
        cells=SHOWN_CELLS,
        pictures=[f"{FIGURES}/{name}.png" for name in SETTINGS["panels"]],
        charts=[f"{FIGURES}/{name}.svg" for name in SETTINGS["panels"] if STUDY.panels[name].chart],
        phone=[f"{FIGURES}/phone/{name}.webp" for name in SETTINGS["panels"]],
        templates=declared(TEMPLATES),
    output:
        html=f"{REPORT}/index.html",
        appendix=f"{REPORT}/appendix.html",
        markdown=f"{REPORT}/report.md",
        hugo=f"{REPORT}/hugo/index.md",
        # Folders: Snakemake reads all inputs again for each file that is an output.
        figures=directory(f"{REPORT}/figures"),
        hugo_figures=directory(f"{REPORT}/hugo/figures"),
    log:
        f"{RESULTS}/logs/report.txt",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        templates=literal(TEMPLATES_FOLDER),
        panels=literal(FIGURES),
        cells=f"--cells {evidence('cells')}" if SHOWN_CELLS else "",
        output=subpath(output.html, parent=True),
        words=files_digest(TEMPLATES),
        code=code_digest("minetest_interp.stages.report"),
    message:
        f"Render the report on {STUDY.name}."
    shell:
        "python -m minetest_interp.stages.report --facts {input.facts} --tried {input.tried} --templates {params.templates:q}"
        " --panels {params.panels} --output {params.output} {params.cells} > {log} 2>&1"


if "atlas" in SETTINGS:

    UNIT_EVIDENCE = {name: evidence(name) for name in ("units", "causal", "circuits") if "evidence" in SETTINGS}
    if UNIT_EVIDENCE and STUDY.labels:
        UNIT_EVIDENCE["labels"] = f"{EVIDENCE}/labels.npz"

    rule atlas_page:
        input:
            list(UNIT_EVIDENCE.values()),
            checkpoint=declared([STUDY.checkpoint]),
            atlas=f"{RESULTS}/atlas.npz",
            stacks=STACKS,
            facts=rules.facts.output.facts,
            templates=declared(WITHOUT_CAPTIONS),
        output:
            html=f"{REPORT}/atlas.html",
            units=directory(f"{REPORT}/atlas"),
        log:
            f"{RESULTS}/logs/atlas_page.txt",
        benchmark:
            f"{RESULTS}/benchmarks/atlas_page.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            checkpoint=CHECKPOINT,
            policy=POLICY,
            actions=ACTIONS,
            evidence=" ".join(f"--{name} {file}" for name, file in UNIT_EVIDENCE.items()),
            share=f"--trunk-share {MEASURE['units']['trunk_share']}" if "labels" in UNIT_EVIDENCE else "",
            templates=literal(TEMPLATES_FOLDER),
            report=subpath(output.html, parent=True),
            content=checkpoint_digest(),
            words=files_digest(WITHOUT_CAPTIONS),
            code=code_digest("minetest_interp.stages.atlas_page"),
        message:
            f"Render the atlas of {STUDY.name}, a page for each unit."
        shell:
            "python -m minetest_interp.stages.atlas_page --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
            " --actions {params.actions:q} --atlas {input.atlas} --stacks {input.stacks} --facts {input.facts}"
            " {params.evidence} {params.share} --templates {params.templates:q} --report {params.report} > {log} 2>&1"
