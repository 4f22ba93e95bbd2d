"""The checkpoints of a series: each is measured for the claims as the study's own is, then all are compared.

A member's folder is laid out as the study's own. What does not depend on the policy is shared: frames, labels, settings.
"""

if STUDY.series:

    rule member:
        input:
            network=rules.preprocess.input.network,
            stacks=rules.preprocess.output.stacks,
            labels=rules.labels.output if STUDY.labels else [],
            checkpoint=lambda wildcards: declared([STUDY.series[wildcards.member]]),
        output:
            [
                of_member(path)
                for path in (
                    *rules.describe.output,
                    *rules.intermediates.output,
                    *rules.readouts.output,
                    *(f"{EVIDENCE}/{name}.{kind}" for name in MEASUREMENTS for kind in ("npz", "json")),
                    *again(TURNS, "npz", "json"),
                )
            ],
        log:
            f"{RESULTS}/logs/series/{{member}}/member.txt",
        benchmark:
            f"{RESULTS}/benchmarks/series/{{member}}/member.tsv"
        wildcard_constraints:
            member="[^/]+",
        conda:
            ENVIRONMENT
        threads: 1
        params:
            stages=lambda wildcards: as_word(member_stages(wildcards.member)),
            content=lambda wildcards: checkpoint_digest(STUDY.series[wildcards.member]),
            code=code_digest(*(f"minetest_interp.stages.{stage}" for stage in ("run_stages", *MEMBER_STAGES))),
        message:
            f"Measure {{wildcards.member}}, one of {len(STUDY.series)} checkpoints of {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.run_stages --stages {params.stages:q} > {log} 2>&1"

    use rule ledger as member_ledger with:
        input:
            measured=[of_member(path) for path in rules.ledger.input.measured],
            on_turns=[of_member(path) for path in rules.ledger.input.on_turns],
            on_policy=[],
        output:
            ledger=of_member(rules.ledger.output.ledger),
        log:
            f"{RESULTS}/logs/series/{{member}}/ledger.txt",
        benchmark:
            f"{RESULTS}/benchmarks/series/{{member}}/ledger.tsv"
        params:
            commands=lambda wildcards: as_word(
                {
                    name: build_command(of_member(f"{EVIDENCE}/{name}.json").format(member=wildcards.member))
                    for name in MEASUREMENTS
                }
            ),
        message:
            "Judge the claims about {wildcards.member}."

    rule comparison:
        input:
            [
                of_members(of_member(path))
                for path in (
                    rules.describe.output.network,
                    rules.ledger.output.ledger,
                    rules.readouts.output.readouts,
                    f"{EVIDENCE}/units.npz",
                    f"{EVIDENCE}/causal.npz",
                )
            ],
        output:
            verdicts=f"{RESULTS}/series.json",
            arrays=f"{RESULTS}/series.npz",
        log:
            f"{RESULTS}/logs/series.txt",
        benchmark:
            f"{RESULTS}/benchmarks/series.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            results=literal(RESULTS),
            members=as_json(list(STUDY.series)),
            steering=SETTINGS["actions"]["steering"],
            along=SETTINGS["series"].get("along", ""),
            code=code_digest("minetest_interp.stages.series"),
        message:
            f"Compare {len(STUDY.series)} checkpoints of {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.series --results {params.results} --members {params.members:q}"
            " --steering={params.steering:q} --along={params.along:q} --verdicts {output.verdicts}"
            " --arrays {output.arrays} > {log} 2>&1"
