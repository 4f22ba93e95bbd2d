"""The reviewer's table, after everything else."""

EXPECTED = [path for path in [EXPECTED_FOLDER / f"{STUDY.name}.json"] if path.is_file()]


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
        results=literal(RESULTS),
        figures=literal(FIGURES),
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
