"""What the agent does and how sure that is, in a few sentences, by rules from the verdicts of its claims."""

from collections.abc import Mapping, Sequence

from minetest_interp.claims import ledger
from minetest_interp.claims.verdicts import CONTRADICTED, NO_EFFECT, PARTLY, SUPPORTED, UNKNOWN

Rules = Mapping[str, Sequence[Mapping]]


def answer(claims: Sequence[Mapping], rules: Rules, names: Mapping[str, str]) -> list[str]:
    """At most one sentence or two of each group of rules, in the order of the groups.

    Args:
      claims: the ledger's rows. rules: group to its rules; `when` gives claims the verdicts under which the rule holds,
        and `say` is what it says. names: what stands for {steering} and {concept}.
    """
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    counts = ledger.count_verdicts(claims)
    numbers = {
        "total": len(claims),
        "supported": counts[SUPPORTED],
        "partly": counts[PARTLY],
        "against": counts[CONTRADICTED] + counts[NO_EFFECT],
        "unknown": counts[UNKNOWN],
        "played": sum(claim["measurement"] == "play" and claim["estimate"] is not None for claim in claims),
        "exploratory": sum(claim["exploratory"] is not None for claim in claims),
    }
    said = (next((rule["say"] for rule in group if _holds(rule, verdicts)), None) for group in rules.values())
    return [ledger.fill(words, {**names, **numbers}) for words in said if words]


def _holds(rule: Mapping, verdicts: Mapping[str, str]) -> bool:
    return all(verdicts.get(claim) in wanted for claim, wanted in rule.get("when", {}).items())
