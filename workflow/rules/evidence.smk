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
            concepts=as_json(SETTINGS["labels"]["concepts"]),
            order=SETTINGS["frames"].get("order", "notebook"),
            colour="--colour" if SETTINGS["frames"].get("colour") else "",
            content=files_digest(STUDY.labelled),
            code=code_digest("minetest_interp.stages.labels"),
        message:
            f"Read the labelled frames of {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.labels --folder {params.folder:q} --pattern={params.pattern:q}"
            " --masks={params.masks:q} --concepts {params.concepts:q} --order {params.order} {params.colour}"
            " --network {input.network}"
            " --labelled {output.labelled} --turns {output.turns} > {log} 2>&1"


if "evidence" in SETTINGS and STUDY.episodes:

    rule episodes:
        input:
            files=declared(STUDY.played.values()),
            network=rules.describe.output.network,
        output:
            **({"on_policy": f"{EVIDENCE}/on_policy.npz"} if STUDY.on_policy else {}),
            episodes=f"{EVIDENCE}/episodes.npz",
        log:
            f"{RESULTS}/logs/evidence/episodes.txt",
        benchmark:
            f"{RESULTS}/benchmarks/evidence/episodes.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            agents=lambda wildcards: options(STUDY.played),
            actions=ACTIONS,
            concepts=as_json(CONCEPTS),
            outputs=lambda wildcards, output: options({name.replace("_", "-"): path for name, path in output.items()}),
            content=files_digest(list(STUDY.played.values())),
            code=code_digest("minetest_interp.stages.episodes"),
        message:
            f"Read the episodes of {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.episodes {params.agents} --actions {params.actions:q}"
            " --concepts {params.concepts:q} --network {input.network} {params.outputs} > {log} 2>&1"


if "evidence" in SETTINGS and STUDY.field:

    rule cells:
        input:
            file=declared([STUDY.field]),
            checkpoint=declared([STUDY.checkpoint]),
        output:
            cells=f"{EVIDENCE}/cells.npz",
        log:
            f"{RESULTS}/logs/evidence/cells.txt",
        benchmark:
            f"{RESULTS}/benchmarks/evidence/cells.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            checkpoint=CHECKPOINT,
            policy=POLICY,
            actions=ACTIONS,
            recorded=literal(STUDY.field),
            content=checkpoint_digest(),
            field=files_digest([STUDY.field]),
            code=code_digest("minetest_interp.stages.cells"),
        message:
            f"Run the policy of {STUDY.name} in every cell of the field."
        shell:
            "python -m minetest_interp.stages.cells --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
            " --actions {params.actions:q} --recorded {params.recorded:q} --cells {output.cells} > {log} 2>&1"


if "evidence" in SETTINGS:

    rule measurement:
        input:
            lambda wildcards: MEASUREMENTS[wildcards.measurement].files.values(),
            checkpoint=declared([STUDY.checkpoint]),
        output:
            arrays=f"{EVIDENCE}/{{measurement}}.npz",
            estimates=f"{EVIDENCE}/{{measurement}}.json",
        log:
            f"{RESULTS}/logs/evidence/{{measurement}}.txt",
        benchmark:
            f"{RESULTS}/benchmarks/evidence/{{measurement}}.tsv"
        wildcard_constraints:
            measurement="|".join(MEASUREMENTS),
        conda:
            ENVIRONMENT
        threads: 1
        params:
            checkpoint=CHECKPOINT,
            policy=POLICY,
            actions=ACTIONS,
            options=lambda wildcards: measurement_options(wildcards.measurement, MEASUREMENTS[wildcards.measurement]),
            # Apart, since Snakemake takes no notice of changes in a param that depends on the output.
            outputs=lambda wildcards, output: options(dict(output.items())),
            content=checkpoint_digest(),
            code=lambda wildcards: code_digest(f"minetest_interp.stages.{wildcards.measurement}"),
        message:
            f"Test the claims about {STUDY.name} that rest on {{wildcards.measurement}}."
        shell:
            "python -m minetest_interp.stages.{wildcards.measurement} --checkpoint-path {params.checkpoint:q}"
            " --policy {params.policy:q} --actions {params.actions:q} {params.options} {params.outputs} > {log} 2>&1"

    if AGAIN:

        use rule measurement as measurement_again with:
            input:
                lambda wildcards: repeated(wildcards.measurement, wildcards.where).files.values(),
                checkpoint=declared([STUDY.checkpoint]),
            output:
                arrays=f"{EVIDENCE}/{{where}}/{{measurement}}.npz",
                estimates=f"{EVIDENCE}/{{where}}/{{measurement}}.json",
            log:
                f"{RESULTS}/logs/evidence/{{where}}/{{measurement}}.txt",
            benchmark:
                f"{RESULTS}/benchmarks/evidence/{{where}}/{{measurement}}.tsv"
            wildcard_constraints:
                measurement="|".join(REPEATED),
                where="|".join(AGAIN),
            params:
                options=lambda wildcards: measurement_options(
                    wildcards.measurement, repeated(wildcards.measurement, wildcards.where)
                ),
            message:
                f"Test the claims about {STUDY.name} that rest on {{wildcards.measurement}} again: {{wildcards.where}}."

    rule ledger:
        input:
            measured=[f"{EVIDENCE}/{name}.json" for name in MEASUREMENTS],
            on_turns=again(TURNS, "json"),
            on_policy=again(ON_POLICY, "json"),
        output:
            ledger=f"{RESULTS}/ledger.json",
        log:
            f"{RESULTS}/logs/ledger.txt",
        benchmark:
            f"{RESULTS}/benchmarks/ledger.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            claims=as_json(CLAIMS["claims"]),
            about=as_json(
                {
                    "concept": CONCEPT,
                    "readout": STEERING,
                    "concepts": list(CONCEPTS),
                    "mirrored": SETTINGS["actions"]["mirrored"],
                }
            ),
            named=as_json(NAMED),
            commands=as_json({name: build_command(f"{EVIDENCE}/{name}.json") for name in MEASUREMENTS}),
            code=code_digest("minetest_interp.stages.ledger"),
        message:
            f"Judge the claims about {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.ledger --claims {params.claims:q} --about {params.about:q}"
            " --named {params.named:q} --commands {params.commands:q} --measured {input.measured} --on-turns {input.on_turns}"
            " --on-policy {input.on_policy}"
            " --output {output.ledger} > {log} 2>&1"
