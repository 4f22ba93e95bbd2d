"""The claims: what is measured for each, and the verdicts. A threshold matters to the last rule alone."""

if STUDY.labels:

    rule labels:
        input:
            files=declared(STUDY.labelled),
            network=f"{RESULTS}/network.json",
        output:
            labelled=f"{EVIDENCE}/labels.npz",
            turns=f"{EVIDENCE}/turns.npz",
        log:
            f"{RESULTS}/logs/evidence/labels.txt",
        benchmark:
            f"{RESULTS}/benchmarks/evidence/labels.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            folder=literal(STUDY.labels),
            pattern=literal(SETTINGS["labels"]["frames"]),
            masks=literal(SETTINGS["labels"]["masks"]),
            trunk=SETTINGS["labels"]["trunk"],
            order=SETTINGS["frames"].get("order", "notebook"),
            content=files_digest(STUDY.labelled),
            code=code_digest("minetest_interp.stages.labels"),
        message:
            f"Read the labelled frames of {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.labels --folder {params.folder:q} --pattern={params.pattern:q}"
            " --masks={params.masks:q} --trunk {params.trunk} --order {params.order} --network {input.network}"
            " --labelled {output.labelled} --turns {output.turns} > {log} 2>&1"


if "evidence" in SETTINGS:

    rule evidence:
        input:
            lambda wildcards: ROOMS[wildcards.room].files.values(),
            checkpoint=declared([STUDY.checkpoint]),
        output:
            arrays=f"{EVIDENCE}/{{room}}.npz",
            estimates=f"{EVIDENCE}/{{room}}.json",
        log:
            f"{RESULTS}/logs/evidence/{{room}}.txt",
        benchmark:
            f"{RESULTS}/benchmarks/evidence/{{room}}.tsv"
        wildcard_constraints:
            room="|".join(WITH_CLAIMS),
        conda:
            ENVIRONMENT
        threads: 1
        params:
            checkpoint=CHECKPOINT,
            policy=POLICY,
            actions=ACTIONS,
            options=lambda wildcards: room_options(wildcards.room, ROOMS[wildcards.room]),
            # Apart, since Snakemake takes no notice of changes in a param that depends on the output.
            outputs=lambda wildcards, output: options(dict(output.items())),
            content=checkpoint_digest(),
            code=lambda wildcards: code_digest(f"minetest_interp.stages.evidence_{wildcards.room}"),
        message:
            f"Test the claims about {STUDY.name} that rest on {{wildcards.room}}."
        shell:
            "python -m minetest_interp.stages.evidence_{wildcards.room} --checkpoint-path {params.checkpoint:q}"
            " --policy {params.policy:q} --actions {params.actions:q} {params.options} {params.outputs} > {log} 2>&1"

    use rule evidence as explanation with:
        output:
            arrays=f"{EVIDENCE}/{{room}}.npz",
        wildcard_constraints:
            room="|".join(ROOMS.keys() - set(WITH_CLAIMS)),

    if ON_TURNS:

        use rule evidence as evidence_on_turns with:
            input:
                lambda wildcards: on_turns(wildcards.room).files.values(),
                checkpoint=declared([STUDY.checkpoint]),
            output:
                arrays=f"{TURNS}/{{room}}.npz",
                estimates=f"{TURNS}/{{room}}.json",
            log:
                f"{RESULTS}/logs/evidence/turns/{{room}}.txt",
            benchmark:
                f"{RESULTS}/benchmarks/evidence/turns/{{room}}.tsv"
            wildcard_constraints:
                room="|".join(ON_TURNS),
            params:
                options=lambda wildcards: room_options(wildcards.room, on_turns(wildcards.room)),
            message:
                f"Test the claims about {STUDY.name} that rest on {{wildcards.room}} again on real stacks."

    rule claims:
        input:
            measured=[f"{EVIDENCE}/{room}.json" for room in WITH_CLAIMS],
            on_turns=[f"{TURNS}/{room}.json" for room in ON_TURNS],
        output:
            claims=f"{RESULTS}/claims.json",
        log:
            f"{RESULTS}/logs/claims.txt",
        benchmark:
            f"{RESULTS}/benchmarks/claims.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            claims=as_json(CLAIMS["claims"]),
            names=as_json({"steering": SETTINGS["actions"]["steering"], **NAMED}),
            commands=as_json({room: build_command(f"{EVIDENCE}/{room}.json") for room in WITH_CLAIMS}),
            code=code_digest("minetest_interp.stages.claims"),
        message:
            f"Judge the claims about {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.claims --claims {params.claims:q} --names {params.names:q}"
            " --commands {params.commands:q} --measured {input.measured} --on-turns {input.on_turns}"
            " --output {output.claims} > {log} 2>&1"
