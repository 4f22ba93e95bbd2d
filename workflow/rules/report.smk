"""The numbers of the report, and the report."""


def build_command(*targets) -> str:
    """What a reader types to build this study, or one file of it."""
    study = [f"--config study={quote(str(config['study']))}"] if "study" in config else []
    return " ".join(["snakemake --cores 4", *targets, *study])


def panel_facts() -> dict:
    """For each panel: its settings, its files beside the report, and the command that remakes it."""
    return {
        name: {
            **panel_settings(name),
            "file": f"../../{FIGURES}/{name}.png",
            "rule": "panel",
            "command": build_command(f"{FIGURES}/{name}.png"),
        }
        for name in SETTINGS["panels"]
    }


def published_layers() -> list[Path]:
    rows = SETTINGS.get("published", {}).get("activation_range", [])
    return sorted({layer_file(row["layer"], row["view"]) for row in rows})


rule facts:
    input:
        network=f"{RESULTS}/network.json",
        listing=f"{RESULTS}/frames.json",
        behaviours=BEHAVIOURS,
        alignment=f"{RESULTS}/alignment.npz",
        dreams=[f"{RESULTS}/dreams/{name}.npz" for name in SETTINGS["dreams"]],
        layers=published_layers(),
        measured=[f"{RESULTS}/{name}.npz" for name in ("atlas", "methods") if name in SETTINGS],
    output:
        facts=f"{REPORT}/facts.json",
    log:
        f"{RESULTS}/logs/facts.txt",
    benchmark:
        f"{RESULTS}/benchmarks/facts.tsv"
    threads: 1
    params:
        study=STUDY.name,
        command=literal(build_command()),
        settings=as_json(SETTINGS),
        panels=as_json(panel_facts()),
        results=RESULTS,
        code=code_digest("minetest_interp.stages.facts"),
    message:
        f"Collect the numbers of the report on {STUDY.name}."
    shell:
        "python -m minetest_interp.stages.facts --study {params.study} --command-line {params.command:q} --settings {params.settings:q}"
        " --panels {params.panels:q} --results {params.results} --output {output.facts} > {log} 2>&1"


TEMPLATES = sorted((ROOT / "report").glob("*.*"))


rule report:
    input:
        facts=rules.facts.output.facts,
        pictures=[f"{FIGURES}/{name}.png" for name in SETTINGS["panels"]],
        templates=declared(TEMPLATES),
    output:
        html=f"{REPORT}/index.html",
        markdown=f"{REPORT}/report.md",
    log:
        f"{RESULTS}/logs/report.txt",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    threads: 1
    params:
        templates=literal(ROOT / "report"),
        figures=FIGURES,
        words=files_digest(TEMPLATES),
        code=code_digest("minetest_interp.stages.report"),
    message:
        f"Render the report on {STUDY.name}."
    shell:
        "python -m minetest_interp.stages.report --facts {input.facts} --templates {params.templates:q}"
        " --figures {params.figures} --html {output.html} --markdown {output.markdown} > {log} 2>&1"


if "atlas" in SETTINGS:

    rule atlas_page:
        input:
            atlas=f"{RESULTS}/atlas.npz",
            stacks=STACKS,
            facts=rules.facts.output.facts,
            templates=declared(TEMPLATES),
        output:
            html=f"{REPORT}/atlas.html",
        log:
            f"{RESULTS}/logs/atlas_page.txt",
        benchmark:
            f"{RESULTS}/benchmarks/atlas_page.tsv"
        threads: 1
        params:
            templates=literal(ROOT / "report"),
            words=files_digest(TEMPLATES),
            code=code_digest("minetest_interp.stages.atlas_page"),
        message:
            f"Render the atlas of {STUDY.name}, a page for each unit."
        shell:
            "python -m minetest_interp.stages.atlas_page --atlas {input.atlas} --stacks {input.stacks}"
            " --facts {input.facts} --templates {params.templates:q} --html {output.html} > {log} 2>&1"
