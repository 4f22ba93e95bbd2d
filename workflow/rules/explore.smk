"""The policy for others to run: as an ONNX model, and live in a page."""


rule export:
    input:
        checkpoint=declared([STUDY.checkpoint]),
    output:
        model=f"{RESULTS}/policy.onnx",
    log:
        f"{RESULTS}/logs/export.txt",
    benchmark:
        f"{RESULTS}/benchmarks/export.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.export"),
    message:
        f"Export the policy of {STUDY.name} as an ONNX model."
    shell:
        "python -m minetest_interp.stages.export --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --model {output.model} > {log} 2>&1"


rule explorer:
    input:
        checkpoint=declared([STUDY.checkpoint]),
        stacks=STACKS,
        pictures=PICTURES,
        intermediates=layout.intermediates(Path(RESULTS), "original"),
        facts=rules.facts.output.facts,
        templates=declared(WITHOUT_CAPTIONS),
    output:
        html=f"{REPORT}/frames.html",
        network=f"{REPORT}/explore/policy.js",
        frames=directory(f"{REPORT}/explore/frames"),
    log:
        f"{RESULTS}/logs/explorer.txt",
    benchmark:
        f"{RESULTS}/benchmarks/explorer.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        results=subpath(input.stacks, parent=True),
        attribution=as_json(MEASURE.get("attribution", {})),
        templates=literal(TEMPLATES_FOLDER),
        words=files_digest(WITHOUT_CAPTIONS),
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.explorer"),
    message:
        f"Render the frame explorer of {STUDY.name}, with the policy in it."
    shell:
        "python -m minetest_interp.stages.explorer --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --facts {input.facts} --results {params.results}"
        " --attribution={params.attribution:q} --templates {params.templates:q} --html {output.html}"
        " --network {output.network} --frames {output.frames} > {log} 2>&1"


if STUDY.film:

    rule episode_page:
        input:
            declared(STUDY.film),
            arrays=rules.film.output.arrays,
            sheet=rules.film.output.sheet,
            facts=rules.facts.output.facts,
            templates=declared(WITHOUT_CAPTIONS),
        output:
            html=f"{REPORT}/episode.html",
            frames=f"{REPORT}/explore/episode.js",
        log:
            f"{RESULTS}/logs/episode_page.txt",
        benchmark:
            f"{RESULTS}/benchmarks/episode_page.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            pictures=literal(STUDY.film.pictures),
            templates=literal(TEMPLATES_FOLDER),
            words=files_digest(WITHOUT_CAPTIONS),
            content=files_digest(list(STUDY.film)),
            code=code_digest("minetest_interp.stages.episode_page"),
        message:
            f"Render the page of an episode of {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.episode_page --arrays {input.arrays} --pictures {params.pictures:q}"
            " --sheet {input.sheet} --facts {input.facts} --templates {params.templates:q} --html {output.html}"
            " --frames {output.frames} > {log} 2>&1"
