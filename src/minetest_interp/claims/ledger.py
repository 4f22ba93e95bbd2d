"""The ledger: what is claimed, what was measured, and the verdict that follows.

A verdict compares an estimate's interval with two numbers that the claims file fixes beforehand: `chance`, what the
statistic would be if the claim were empty, and `claimed`, what it must exceed for the claim's words to be true.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from minetest_interp.analysis.intervals import missing
from minetest_interp.claims.measured import prefix
from minetest_interp.io.errors import InputError

SUPPORTED, PARTLY, REFUTED, UNKNOWN = VERDICTS = ("supported", "partly", "not supported", "cannot tell")
CHANCE = "chance"


class About(NamedTuple):
    """What the claims of a study are about where they do not say it.

    concept, readout: the first that labels name, and the steering. concepts: all that labels name. mirrored: whether
    the steering should change sign in a mirror.
    """

    concept: str
    readout: str
    concepts: Sequence[str]
    mirrored: bool = True

    def names(self, claim: Mapping) -> dict[str, str]:
        """What stands for {concept} and {steering}."""
        return {
            "concept": claim.get("concept", self.concept),
            "steering": claim.get("readout", self.readout),
        }

    def lacks(self, claim: Mapping) -> str | None:
        """Why there is nothing to test a claim by; None where there is."""
        if claim.get("mirrored") and not self.mirrored:
            return "the study names no behaviour that should change sign in a mirror"
        concept = claim.get("concept", self.concept)
        return None if concept in self.concepts else f"the labels of this study name no {concept}"

    def key(self, claim: Mapping, test: str) -> str:
        """Under which name the estimates of a claim are; test: the name that they have for the study's own."""
        asked = claim.get("concept", self.concept), claim.get("readout", self.readout)
        return test if asked == (self.concept, self.readout) else prefix(*asked) + test


def judge(
    interval: Sequence[float] | None, *, chance: float | None, claimed: float | str, direction: str = "above"
) -> str:
    """One part's verdict, one of `VERDICTS`.

    supported: the whole interval lies beyond `claimed`. partly: beyond `chance`, not all of it beyond `claimed`. not
    supported: some of it not beyond `chance`, and all of it short of `claimed` (or none of it beyond chance, where
    `claimed` is chance itself). cannot tell: anything else, or no interval.

    Args:
      interval: (low, high) of the estimate. claimed: a number, or "chance" where more than chance is all that is
        claimed. direction: "above" or "below", where the claim says that the number should lie.
    """
    if interval is None or chance is None:
        return UNKNOWN
    sign = 1 if direction == "above" else -1
    near, far = sorted(sign * bound for bound in interval)
    goal = sign * (chance if isinstance(claimed, str) else claimed)
    chance = sign * chance
    if near > max(goal, chance):
        return SUPPORTED
    if near > chance:
        return PARTLY
    return REFUTED if far < goal or far <= chance else UNKNOWN


def conclude(verdicts: Sequence[str]) -> str:
    """A claim's verdict from those of its judged parts, the first of which is the claim's own.

    supported where all parts are; the first part's verdict where that one is not supported or cannot tell; partly
    otherwise.
    """
    if all(verdict == SUPPORTED for verdict in verdicts):
        return SUPPORTED
    return verdicts[0] if verdicts[0] in (REFUTED, UNKNOWN) else PARTLY


def ledger(
    claims: Mapping[str, Mapping],
    measured: Mapping[str, Mapping],
    *,
    on_turns: Mapping[str, Mapping],
    about: About,
    named: Mapping[str, int],
    commands: Mapping[str, str],
) -> list[dict]:
    """The rows of the ledger in the order of the claims file.

    Args:
      claims: the claims file's `claims`. measured: estimates by claim and part. on_turns: those of the claims that were
        repeated on real stacks. about: what claims are about that do not say it. named: layer to the channel that
        claims are about, in the network's order. commands: measurement to what makes its numbers again.

    Returns:
      per claim: id, statement, source, test, units, figure, measurement, rule, command, verdict; n, clusters, estimate,
      interval, chance, unit and reason of its first part; `parts`, each with its own; and `on_turns`, n, clusters,
      estimate, interval, chance, reason and the verdict on real stacks, None for a claim that was not repeated.

    Raises:
      InputError: a claim or part that nothing measures.
    """
    rows = []
    for identifier, test, claim, layer in each(claims, named, measured):
        names, lacks = {**layer, **about.names(claim)}, about.lacks(claim)
        key = about.key(claim, test)
        found = dict.fromkeys(claim["parts"], missing(lacks)._asdict()) if lacks else measured.get(key, {})
        unknown = [part for part in claim["parts"] if part not in found]
        if unknown:
            raise InputError(f"claims: {identifier}.{unknown[0]} must be measured; measured are {sorted(found)}.")
        parts = _parts(claim, found, names)
        rows.append(
            {
                "id": identifier,
                **{key: fill(claim[key], names) for key in ("statement", "source", "test")},
                "units": [fill(unit, names) for unit in claim.get("units", ())],
                "figure": claim["figure"],
                "measurement": claim["measurement"],
                "rule": "measurement",
                "command": commands[claim["measurement"]],
                **_summary(parts),
                "unit": parts[0]["unit"],
                "parts": parts,
                "on_turns": _summary(_parts(claim, on_turns[key], names)) if key in on_turns and not lacks else None,
            }
        )
    return rows


def each(
    claims: Mapping[str, Mapping], named: Mapping[str, object], measured: Container[str]
) -> Iterator[tuple[str, str, Mapping, Mapping[str, object]]]:
    """Every claim, after its name and that of its test, and what stands for {layer} and {channel}.

    One that is about each layer comes once for each that was measured.

    Args:
      claims, named: as for `ledger`. measured: the names of tests.
    """
    layers = [{"layer": layer, "channel": channel} for layer, channel in named.items()]
    for identifier, claim in claims.items():
        test = claim.get("measured_as", identifier)
        match claim.get("layer"):
            case None:
                yield identifier, test, claim, {}
            case "each":
                ends = {f"-{one['layer']}": one for one in layers}
                yield from ((identifier + e, test + e, claim, one) for e, one in ends.items() if test + e in measured)
            case which:
                yield identifier, test, claim, layers[0 if which == "first" else -1]


def count_verdicts(rows: Sequence[Mapping]) -> dict[str, int]:
    """How many claims of a ledger have each verdict."""
    return {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}


def fill(text: str, names: Mapping[str, object]) -> str:
    """The text with its {placeholders} filled in; braces around anything else stay."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _parts(claim: Mapping, found: Mapping, names: Mapping[str, object]) -> list[dict]:
    return [_part(name, part, found[name], names) for name, part in claim["parts"].items()]


def _summary(parts: Sequence[Mapping]) -> dict:
    """The numbers of the first part and the verdict of all."""
    first = {key: parts[0][key] for key in ("n", "clusters", "estimate", "interval", "chance", "reason")}
    return first | {"verdict": conclude([part["verdict"] for part in parts if part["verdict"]])}


def _part(name: str, part: Mapping, found: Mapping, names: Mapping[str, object]) -> dict:
    # A measured chance level is preferred to the one in the claims file.
    chance = part.get("chance") if found["chance"] is None else found["chance"]
    claimed, direction = part.get("claimed"), part.get("direction", "above")
    reason = found["reason"]
    if reason is None and found["interval"] is None:
        reason = f"{found['clusters']} independent frames are too few"
    return {
        "name": name,
        "what": fill(part["what"], names),
        "unit": part.get("unit"),
        "direction": direction,
        "claimed": chance if claimed == CHANCE else claimed,
        **{key: found[key] for key in ("n", "clusters", "estimate", "interval")},
        "chance": chance,
        "reason": reason,
        "verdict": None
        if claimed is None
        else judge(found["interval"], chance=chance, claimed=claimed, direction=direction),
    }
