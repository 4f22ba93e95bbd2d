"""An episode of the study: its film, and the page on which it is seen step by step."""

if STUDY.film:

    rule film:
        input:
            declared(STUDY.film),
        output:
            arrays=f"{RESULTS}/film.npz",
            moving=f"{REPORT}/film.webp",
            sheet=f"{REPORT}/film-sheet.webp",
        log:
            f"{RESULTS}/logs/film.txt",
        benchmark:
            f"{RESULTS}/benchmarks/film.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        params:
            own=literal(STUDY.film.own),
            seen=literal(STUDY.film.seen),
            pictures=literal(STUDY.film.pictures),
            actions=ACTIONS,
            settings=as_json(MEASURE.get("play", {})),
            content=files_digest(list(STUDY.film)),
            code=code_digest("minetest_interp.stages.film"),
        message:
            f"Make the film of {STUDY.name} at work."
        shell:
            "python -m minetest_interp.stages.film --own {params.own:q} --seen {params.seen:q}"
            " --pictures {params.pictures:q}"
            " --actions {params.actions:q} --settings {params.settings:q} --arrays {output.arrays}"
            " --moving {output.moving} --sheet {output.sheet} > {log} 2>&1"
