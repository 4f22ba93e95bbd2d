"""What readers of the article try for themselves."""


rule hands_on:
    input:
        declared(STUDY.labelled),
        [rules.labels.output.labelled] if STUDY.labels else [],
        [f"{RESULTS}/atlas.npz"] if "atlas" in SETTINGS else [],
        checkpoint=declared([STUDY.checkpoint]),
        pictures=PICTURES,
        readouts=READOUTS,
    output:
        arrays=f"{RESULTS}/hands_on.npz",
    log:
        f"{RESULTS}/logs/hands_on.txt",
    benchmark:
        f"{RESULTS}/benchmarks/hands_on.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        about=as_json({"concept": CONCEPT, **ends(STEERING)}),
        settings=as_json(MEASURE.get("darkness", {})),
        guessing=as_json(
            {"similarity": MEASURE["similarity"], "penalties": MEASURE["probes"]["penalties"]} if MEASURE else {}
        ),
        results=subpath(output.arrays, parent=True),
        atlas=f"--atlas {RESULTS}/atlas.npz" if "atlas" in SETTINGS else "",
        labels=literal(
            f"--labelled {evidence('labels')} --folder {quote(str(STUDY.labels))} --label-settings"
            if STUDY.labels
            else ""
        ),
        label_settings=lambda wildcards: (
            quote(as_word({key: SETTINGS["labels"][key] for key in ("frames", "masks", "concepts")}))
            if STUDY.labels
            else ""
        ),
        content=files_digest(STUDY.labelled),
        own=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.hands_on"),
    message:
        f"Choose what readers of the article on {STUDY.name} can try."
    shell:
        "python -m minetest_interp.stages.hands_on --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --about {params.about:q} --settings {params.settings:q}"
        " --guessing {params.guessing:q} --results {params.results} --output {output.arrays} {params.atlas}"
        " {params.labels} {params.label_settings} > {log} 2>&1"
