"""The ledger: what is claimed, what was measured, and the verdict that follows.

A verdict compares the interval of an effect, how far an estimate lies from chance, with the smallest effect that
matters, which the claims file fixes beforehand, and then corrects for the number of claims.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from minetest_interp.analysis.intervals import Estimate, missing
from minetest_interp.claims import verdicts
from minetest_interp.claims.measured import prefix
from minetest_interp.claims.verdicts import Rule
from minetest_interp.io.errors import InputError

NUMBERS = ("n", "clusters", "estimate", "interval", "chance", "scale", "reason")  # of an `Estimate`


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


def ledger(
    claims: Mapping[str, Mapping],
    measured: Mapping[str, Mapping],
    *,
    again: Mapping[str, Mapping[str, Mapping]],
    about: About,
    named: Mapping[str, int],
    commands: Mapping[str, str],
) -> list[dict]:
    """The rows of the ledger in the order of the claims file.

    Args:
      claims: the claims file's `claims`. measured: estimates by claim and part. again: those of the claims that were
        repeated, by the key of a row that they go to: on_turns on real stacks, on_policy on those of episodes.
      about: what claims are about that do not say it. named: layer to the channel that claims are about, in the
        network's order. commands: measurement to what makes its numbers again.

    Returns:
      per claim: id, statement, source, test, units, figure, measurement, rule, command, verdict; n, clusters, estimate,
      interval, chance, unit and reason of its first part; `parts`, each with its own; and for each key of `again`
      n, clusters, estimate, interval, chance, reason and the verdict there, None for a claim that was not repeated.

    Raises:
      InputError: a claim or part that nothing measures.
    """
    rows: list[dict] = []
    parts_again: dict[str, list] = {key: [] for key in again}
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
                **{key: fill(claim[key], names) for key in ("statement", "source", "test", "cases")},
                "exploratory": claim.get("exploratory"),
                "units": [fill(unit, names) for unit in claim.get("units", ())],
                "figure": claim["figure"],
                "measurement": claim["measurement"],
                "rule": "measurement",
                "command": commands[claim["measurement"]],
                "unit": parts[0]["unit"],
                "parts": parts,
            }
        )
        for where, there in again.items():
            parts_again[where].append(_parts(claim, there[key], names) if key in there and not lacks else None)
    for row, summary in zip(rows, _summaries([row["parts"] for row in rows]), strict=True):
        row |= summary
    for where, claims_there in parts_again.items():
        repeated = iter(_summaries([parts for parts in claims_there if parts]))
        for row, parts in zip(rows, claims_there, strict=True):
            row[where] = next(repeated) if parts else None
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
    return {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in verdicts.VERDICTS}


def fill(text: str, names: Mapping[str, object]) -> str:
    """The text with its {placeholders} filled in; braces around anything else stay."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _parts(claim: Mapping, found: Mapping, names: Mapping[str, object]) -> list[dict]:
    return [_part(name, part, found[name], names) for name, part in claim["parts"].items()]


def _summaries(claims: Sequence[Sequence[Mapping]]) -> list[dict]:
    """By claim, from its parts: the numbers of the first one, the verdict of all, and which part it is due to.

    A claim holds where all of its judged parts do, so its p-value is the largest of theirs (Berger 1982).
    """
    judged = [[part for part in parts if part["verdict"]] for parts in claims]
    p_values = [
        None if any(part["p"] is None for part in parts) else max(part["p"] for part in parts) for parts in judged
    ]
    rows = []
    for parts, of, p, corrected in zip(claims, judged, p_values, verdicts.holm(p_values), strict=True):
        significant = corrected is not None and corrected < verdicts.SIGNIFICANT
        first = {key: parts[0][key] for key in NUMBERS}
        rows.append(
            first
            | {
                "p": p,
                "p_corrected": corrected,
                "verdict": verdicts.conclude([part["verdict"] for part in of], significant=significant),
                "due_to": max(of, key=lambda part: verdicts.AGAINST.index(part["verdict"]))["name"],
            }
        )
    return rows


def _part(name: str, part: Mapping, found: Mapping, names: Mapping[str, object]) -> dict:
    estimate = Estimate(**found)
    row = {
        "name": name,
        "what": fill(part["what"], names),
        "unit": part.get("unit"),
        "direction": part.get("direction", "above"),
        "matters": part.get("matters"),
        "claimed": None,
        **{key: found[key] for key in NUMBERS},
        **verdicts.NOT_JUDGED._asdict(),
    }
    if row["reason"] is None and estimate.interval is None:
        row["reason"] = f"{estimate.clusters} independent frames are too few"
    if row["matters"] is None:
        return row
    if estimate.chance is None:
        return row | {"verdict": verdicts.UNKNOWN}
    rule = Rule(estimate.chance, row["matters"], part.get("claimed"), row["direction"])
    return row | {"claimed": rule.goal} | verdicts.judge(estimate, rule)._asdict()
