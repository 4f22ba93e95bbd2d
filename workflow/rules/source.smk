"""The study's files: fetched where they are not at hand, then turned into what the network and people see."""

if STUDY.fetched:

    rule fetch:
        output:
            # Those that are there stay, whether the fetch succeeds or fails.
            update(without_braces(STUDY.folder / name for name in STUDY.checksums)),
        log:
            f"{RESULTS}/logs/fetch.txt",
        conda:
            ENVIRONMENT
        params:
            # Snakemake takes no notice of changes in a param that depends on the output: only missing files are fetched.
            repositories=lambda wildcards, output: as_word(STUDY.repositories),
            checksums=lambda wildcards, output: as_word(STUDY.checksums),
            folder=literal(STUDY.folder),
        message:
            f"Fetch the published files of {STUDY.name}, each verified by its SHA-256."
        shell:
            "python -m minetest_interp.stages.fetch --repositories {params.repositories:q}"
            " --checksums {params.checksums:q} --folder {params.folder:q} > {log} 2>&1"


rule preprocess:
    input:
        files=declared(STUDY.frames),
        network=f"{RESULTS}/network.json",
    output:
        stacks=f"{RESULTS}/stacks.npz",
        pictures=f"{RESULTS}/pictures.npz",
        listing=f"{RESULTS}/frames.json",
    log:
        f"{RESULTS}/logs/preprocess.txt",
    benchmark:
        f"{RESULTS}/benchmarks/preprocess.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    params:
        folder=literal(STUDY.folder),
        pattern=literal(SETTINGS["frames"]["files"]),
        shown=as_json(observations.observation_settings(SETTINGS["frames"])),
        content=files_digest(STUDY.frames, PUBLISHED),
        code=code_digest("minetest_interp.stages.preprocess"),
    message:
        f"Turn the observations of {STUDY.name} into what the network reads, in every view."
    shell:
        "python -m minetest_interp.stages.preprocess --folder {params.folder:q} --pattern={params.pattern:q}"
        " --shown {params.shown:q} --network {input.network} --stacks {output.stacks} --pictures {output.pictures}"
        " --listing {output.listing} > {log} 2>&1"
