"""The claims that rest on labelled frames, on two halves of them that share no site; made only where it is asked for."""

if "evidence" in SETTINGS and STUDY.labels:

    rule labels_of_halves:
        input:
            labels=rules.labels.output.labelled,
        output:
            **{half: of_half(rules.labels.output.labelled).format(half=half) for half in HALVES},
        log:
            f"{OF_HALVES}/logs/labels.txt",
        conda:
            ENVIRONMENT
        threads: 1
        params:
            code=code_digest("minetest_interp.stages.halves"),
        message:
            f"Part the labelled frames of {STUDY.name} by site."
        shell:
            "python -m minetest_interp.stages.halves --labels {input.labels} --first {output.first} --second {output.second}"
            " > {log} 2>&1"

    rule measurements_on_half:
        input:
            labels=of_half(rules.labels.output.labelled),
            stacks=f"{RESULTS}/stacks.npz",
            checkpoint=declared([STUDY.checkpoint]),
        output:
            [of_half(f"{EVIDENCE}/{name}.{kind}") for name in ON_HALVES for kind in ("npz", "json")],
        log:
            f"{OF_HALVES}/logs/{{half}}/measurements.txt",
        wildcard_constraints:
            half="|".join(HALVES),
        conda:
            ENVIRONMENT
        threads: 1
        params:
            stages=lambda wildcards: as_word(half_stages(wildcards.half)),
            content=checkpoint_digest(),
            code=code_digest(*(f"minetest_interp.stages.{stage}" for stage in ("run_stages", *ON_HALVES))),
        message:
            f"Test the claims about {STUDY.name} on the {{wildcards.half}} half of its sites."
        shell:
            "python -m minetest_interp.stages.run_stages --stages {params.stages:q} > {log} 2>&1"

    use rule ledger as ledger_of_half with:
        input:
            measured=[
                of_half(f"{EVIDENCE}/{name}.json") if name in ON_HALVES else f"{EVIDENCE}/{name}.json"
                for name in MEASUREMENTS
            ],
            on_turns=[],
            on_policy=[],
        output:
            ledger=of_half(rules.ledger.output.ledger),
        log:
            f"{OF_HALVES}/logs/{{half}}/ledger.txt",
        benchmark:
            f"{OF_HALVES}/benchmarks/{{half}}/ledger.tsv"

    rule halves:
        input:
            ledgers=[
                rules.ledger.output.ledger,
                *(of_half(rules.ledger.output.ledger).format(half=half) for half in HALVES),
            ],
        output:
            table=f"{OF_HALVES}/halves.md",
        log:
            f"{OF_HALVES}/logs/halves.txt",
        conda:
            ENVIRONMENT
        threads: 1
        params:
            title=literal(SETTINGS["title"]),
            code=code_digest("minetest_interp.stages.compare_halves"),
        message:
            f"Hold the verdicts on {STUDY.name} on two halves of its sites against those on all."
        shell:
            "python -m minetest_interp.stages.compare_halves --title {params.title:q} --ledgers {input.ledgers}"
            " --output {output.table} > {log} 2>&1"
