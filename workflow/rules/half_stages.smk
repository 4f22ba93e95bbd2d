"""What is measured again on each half of the labelled frames' sites, and where that lies."""

if "evidence" in SETTINGS and STUDY.labels:
    HALVES = ("first", "second")
    # Beside the study's results, which verification holds to the jobs of its report.
    OF_HALVES = f"{Path(RESULTS).parent}/.halves/{STUDY.name}"
    ON_HALVES = tuple(name for name in MEASUREMENTS if "labels" in MEASUREMENTS[name].files)

    def of_half(path) -> str:
        """Where a half has what the study itself has at `path`."""
        return f"{OF_HALVES}/{{half}}/{Path(path).relative_to(RESULTS)}"

    def half_stages(half) -> list:
        """What is run for a half: [stage, {option: word}]."""

        def measured(name) -> list:
            given = MEASUREMENTS[name]
            words = given.files | measurement_settings(name, given)
            words |= {"arrays": f"{EVIDENCE}/{name}.npz", "estimates": f"{EVIDENCE}/{name}.json"}
            own = {"labels", "units", "arrays", "estimates"}
            words = {key: of_half(word).format(half=half) if key in own else str(word) for key, word in words.items()}
            return [name, agent | words]

        agent = {"checkpoint-path": str(STUDY.checkpoint), "policy": as_word(POLICY_SETTINGS)}
        agent |= {"actions": as_word(SETTINGS["actions"])}
        return [measured(name) for name in ON_HALVES]
