"""Inputs that raise an objective."""


rule dream:
    input:
        checkpoint=declared([STUDY.checkpoint]),
    output:
        dream=f"{RESULTS}/dreams/{{dream}}.npz",
    log:
        f"{RESULTS}/logs/dreams/{{dream}}.txt",
    benchmark:
        f"{RESULTS}/benchmarks/dreams/{{dream}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        dream=lambda wildcards: as_word(SETTINGS["dreams"][wildcards.dream]),
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.dream"),
    message:
        "Dream of {wildcards.dream} as the notebook does."
    shell:
        "python -m minetest_interp.stages.dream --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --dream {params.dream:q} --output {output.dream} > {log} 2>&1"


if "atlas" in SETTINGS:

    rule atlas:
        input:
            checkpoint=declared([STUDY.checkpoint]),
            stacks=rules.preprocess.output.stacks,
        output:
            atlas=f"{RESULTS}/atlas.npz",
        log:
            f"{RESULTS}/logs/atlas.txt",
        benchmark:
            f"{RESULTS}/benchmarks/atlas.tsv"
        conda:
            ENVIRONMENT
        threads: 1  # so that the bytes do not depend on --cores
        params:
            checkpoint=CHECKPOINT,
            policy=POLICY,
            actions=ACTIONS,
            settings=as_json(SETTINGS["atlas"]),
            folder=subpath(output.atlas, strip_suffix=".npz"),
            content=checkpoint_digest(),
            code=code_digest("minetest_interp.stages.atlas"),
        message:
            f"Dream of every unit of {STUDY.name}, with controls and scores; taken up again where it was interrupted."
        shell:
            "python -m minetest_interp.stages.atlas --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
            " --actions {params.actions:q} --stacks {input.stacks} --settings {params.settings:q} --code {params.code}"
            " --folder {params.folder} --output {output.atlas} > {log} 2>&1"


if "recipes" in SETTINGS:

    rule recipes:
        input:
            checkpoint=declared([STUDY.checkpoint]),
            stacks=rules.preprocess.output.stacks,
        output:
            recipes=f"{RESULTS}/recipes.npz",
        log:
            f"{RESULTS}/logs/recipes.txt",
        benchmark:
            f"{RESULTS}/benchmarks/recipes.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            checkpoint=CHECKPOINT,
            policy=POLICY,
            actions=ACTIONS,
            settings=as_json(SETTINGS["recipes"]),
            content=checkpoint_digest(),
            code=code_digest("minetest_interp.stages.recipes"),
        message:
            f"Compare ways to dream on {STUDY.name}."
        shell:
            "python -m minetest_interp.stages.recipes --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
            " --actions {params.actions:q} --stacks {input.stacks} --settings {params.settings:q}"
            " --output {output.recipes} > {log} 2>&1"
