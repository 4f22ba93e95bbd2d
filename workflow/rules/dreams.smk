"""Inputs that raise an objective."""


rule dream:
    input:
        checkpoint=checkpoint_file,
    output:
        dream=RESULTS + "/dreams/{dream}.npz",
    log:
        RESULTS + "/logs/dreams/{dream}.txt",
    benchmark:
        RESULTS + "/benchmarks/dreams/{dream}.tsv"
    threads: 1
    params:
        policy=POLICY,
        actions=ACTIONS,
        dream=lambda wildcards: as_json(SETTINGS["dreams"][wildcards.dream]),
        content=checkpoint_digest(),
        code=code_digest("minetest_interp.stages.dream"),
    message:
        "Dream of {wildcards.dream} as the notebook does."
    shell:
        "python -m minetest_interp.stages.dream --checkpoint-path {input.checkpoint:q} --policy {params.policy:q}"
        " --actions {params.actions:q} --dream {params.dream:q} --output {output.dream} > {log} 2>&1"
