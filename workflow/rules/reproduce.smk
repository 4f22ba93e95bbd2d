"""The reviewer's table, after everything else, and what Snakemake must be asked for so that nothing stays lost."""

EXPECTED = [path for path in [EXPECTED_FOLDER / f"{STUDY.name}.json"] if path.is_file()]


def shown() -> list:
    """What the study comes to."""
    pages = [rules.report.output, rules.frame_page.output.html, rules.frame_page.output.network]
    return [pages, rules.atlas_page.output.html if "atlas" in SETTINGS else [], rules.export.output, panels()]


def between() -> list:
    """What is made on the way: a file that is lost is made again only where it is asked for."""
    made = [rules.describe.output, rules.preprocess.output, rules.intermediates.output, rules.behaviours.output]
    made += [PANELS[name].reads(panel_settings(name)) for name in SETTINGS["panels"]]
    made += [rules.facts.input, rules.facts.output]
    if STUDY.labels:
        made.append(rules.labels.output)
    if "evidence" in SETTINGS:
        made += [[evidence(room) for room in ROOMS], [f"{TURNS}/{room}.npz" for room in ON_TURNS], rules.claims.input]
    return made


# The only outputs that differ from build to build: they say how long the jobs took.
rule reproduce:
    input:
        facts=rules.facts.output.facts,
        made=shown(),
        templates=declared(TEMPLATES),
        expected=declared(EXPECTED),
    output:
        markdown=f"{REPORT}/REPRODUCE.md",
        html=f"{REPORT}/reproduce.html",
    log:
        f"{RESULTS}/logs/reproduce.txt",
    benchmark:
        f"{RESULTS}/benchmarks/reproduce.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        templates=literal(TEMPLATES_FOLDER),
        results=RESULTS,
        figures=FIGURES,
        expected=literal(" ".join(f"--expected {quote(str(path))}" for path in EXPECTED)),
        words=files_digest(TEMPLATES),
        content=files_digest(EXPECTED),
        code=code_digest("minetest_interp.stages.reproduce"),
    message:
        f"Say what each claim and figure of {STUDY.name} costs, and whether its numbers are as expected."
    shell:
        "python -m minetest_interp.stages.reproduce --facts {input.facts} --made {input.made}"
        " --templates {params.templates:q} --results {params.results} --figures {params.figures}"
        " --markdown {output.markdown} --html {output.html} {params.expected} > {log} 2>&1"
