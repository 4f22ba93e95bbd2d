"""Inputs that raise an objective."""


rule dream:
    input:
        checkpoint=declared([STUDY.checkpoint]),
    output:
        dream=RESULTS + "/dreams/{dream}.npz",
    log:
        RESULTS + "/logs/dreams/{dream}.txt",
    benchmark:
        RESULTS + "/benchmarks/dreams/{dream}.tsv"
    threads: 1
    params:
        checkpoint=CHECKPOINT,
        policy=POLICY,
        actions=ACTIONS,
        dream=lambda wildcards: as_json(SETTINGS["dreams"][wildcards.dream]),
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.dream"),
    message:
        "Dream of {wildcards.dream} as the notebook does."
    shell:
        "python -m minetest_interp.stages.dream --checkpoint-path {params.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --dream {params.dream:q} --output {output.dream} > {log} 2>&1"
