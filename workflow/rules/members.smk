"""The folders of a series' checkpoints, laid out as the study's own, and the stages that fill one."""

if STUDY.series:
    # One process for all that is measured of a member: a process of its own for each stage would import JAX ten times.
    MEMBER_STAGES = ("same_shape", "describe", "intermediates", "readouts", *MEASUREMENTS)

    # The episodes are those of the study's own policy, and so is what it did in the cells of a field.
    OF_MEMBERS = MEASUREMENTS | {name: MEASUREMENTS[name]._replace(files={}) for name in ("play", "field")}

    MADE = ("units", "arrays", "estimates")  # options whose files are the member's own

    def of_member(path) -> str:
        """Where a member has what the study itself has at `path`."""
        return str(layout.member(Path(RESULTS), "{member}") / Path(path).relative_to(RESULTS))

    def of_members(patterns) -> list[str]:
        return expand(patterns, member=STUDY.series)

    def member_stages(name) -> list:
        """What is run for a member: [stage, {option: word}]."""

        def place(path) -> str:
            return of_member(path).format(member=name)

        policy = {"checkpoint-path": str(STUDY.series[name]), "policy": as_word(POLICY_SETTINGS)}
        agent, results = policy | {"actions": as_word(SETTINGS["actions"])}, {"results": place(RESULTS)}

        def measured(measurement, given, folder) -> list:
            words = given.files | measurement_settings(measurement, given)
            words |= {"arrays": f"{folder}/{measurement}.npz", "estimates": f"{folder}/{measurement}.json"}
            return [measurement, agent | {k: place(v) if k in MADE else str(v) for k, v in words.items()}]

        return [
            ["same_shape", policy | {"network": f"{RESULTS}/network.json"}],
            [
                "describe",
                agent
                | {"seed": str(rules.describe.params.seed)}
                | {key: place(path) for key, path in rules.describe.output.items()},
            ],
            ["intermediates", policy | results | {"stacks": f"{RESULTS}/stacks.npz"}],
            ["readouts", results | {"actions": agent["actions"], "readouts": place(rules.readouts.output.readouts)}],
            *(measured(each, OF_MEMBERS[each], EVIDENCE) for each in OF_MEMBERS),
            *(measured(each, repeated(each, TURNS), f"{EVIDENCE}/{TURNS}") for each in REPEATED if TURNS in AGAIN),
        ]
