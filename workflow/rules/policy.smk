"""What the policy is, and what it computes for each frame."""


rule describe:
    input:
        checkpoint=declared([STUDY.checkpoint]),
        answers=declared(ANSWERS),
    output:
        network=f"{RESULTS}/network.json",
        alignment=f"{RESULTS}/alignment.npz",
    log:
        f"{RESULTS}/logs/describe.txt",
    benchmark:
        f"{RESULTS}/benchmarks/describe.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        content=checkpoint_digest(),
        check=literal(f"--check {quote(str(STUDY.answers))}" if ANSWERS else ""),
        answers=files_digest(ANSWERS, PUBLISHED),
        seed=1,  # of the one random vector that the post compares with
        code=code_digest("minetest_interp.stages.describe"),
    message:
        f"Describe the checkpoint of {STUDY.name}."
    shell:
        "python -m minetest_interp.stages.describe --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --seed {params.seed} {params.check} --network {output.network}"
        " --alignment {output.alignment} > {log} 2>&1"


rule intermediates:
    input:
        checkpoint=declared([STUDY.checkpoint]),
        stacks=rules.preprocess.output.stacks,
    output:
        [layout.intermediates(Path(RESULTS), view) for view in frames.VIEWS],
    log:
        f"{RESULTS}/logs/intermediates.txt",
    benchmark:
        f"{RESULTS}/benchmarks/intermediates.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        results=subpath(input.stacks, parent=True),
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.intermediates"),
    message:
        f"Run the policy of {STUDY.name} on every view of every frame."
    shell:
        "python -m minetest_interp.stages.intermediates --checkpoint-path {params.checkpoint:q}"
        " --policy {params.policy:q} --stacks {input.stacks} --results {params.results} > {log} 2>&1"


rule readouts:
    input:
        rules.intermediates.output,
    output:
        readouts=f"{RESULTS}/readouts.npz",
    log:
        f"{RESULTS}/logs/readouts.txt",
    benchmark:
        f"{RESULTS}/benchmarks/readouts.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        results=subpath(output.readouts, parent=True),
        actions=ACTIONS,
        code=code_digest("minetest_interp.stages.readouts"),
    message:
        f"Read the behaviours and the value of {STUDY.name} off its outputs."
    shell:
        "python -m minetest_interp.stages.readouts --results {params.results} --actions {params.actions:q}"
        " --readouts {output.readouts} > {log} 2>&1"


rule gradients:
    input:
        checkpoint=declared([STUDY.checkpoint]),
        stacks=rules.preprocess.output.stacks,
    output:
        gradients=layout.gradients(Path(RESULTS), "{view}", "{objective}"),
    log:
        f"{RESULTS}/logs/gradients/{{view}}/{{objective}}.txt",
    benchmark:
        f"{RESULTS}/benchmarks/gradients/{{view}}/{{objective}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        objective=lambda wildcards: as_word(SETTINGS["gradients"][wildcards.objective]),
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.gradients"),
    message:
        "Gradient of {wildcards.objective} with respect to every layer, {wildcards.view} frames."
    shell:
        "python -m minetest_interp.stages.gradients --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --objective {params.objective:q} --stacks {input.stacks}"
        " --view {wildcards.view} --output {output.gradients} > {log} 2>&1"
