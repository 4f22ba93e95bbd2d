"""Verdicts: what an estimate says of a claim, by the effect that would matter, and how many claims were tested.

The *effect* is how far an estimate lies from chance, in the direction of the claim. `docs/claims.md` gives the rules.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from minetest_interp.analysis.intervals import Estimate

SUPPORTED, PARTLY, CONTRADICTED, NO_EFFECT, UNKNOWN = VERDICTS = (
    "supported", "partly", "contradicted", "no effect that matters", "cannot tell",
)  # fmt: skip
AGAINST = (SUPPORTED, PARTLY, UNKNOWN, NO_EFFECT, CONTRADICTED)  # what speaks most against a claim comes last
CONFIDENCE, NARROW = 0.95, 0.9  # of an interval, and of that of two one-sided tests
SIGNIFICANT = 0.05  # corrected p-values below it
POWER = 0.8  # four of five studies


class Rule(NamedTuple):
    """What a part must show.

    chance: what the statistic would be if the claim were empty. matters: the smallest effect that matters, how far from
    chance. claimed: what the words need, where that is more. direction: "above" or "below", where the claim says that
    the number should lie.
    """

    chance: float
    matters: float
    claimed: float | None = None
    direction: str = "above"

    @property
    def sign(self) -> int:
        return 1 if self.direction == "above" else -1

    @property
    def goal(self) -> float:
        """What the interval must lie beyond."""
        return self.chance + self.sign * self.matters if self.claimed is None else self.claimed

    def effect(self, interval: Sequence[float]) -> tuple[float, float]:
        """An interval of the statistic as one of its effect: how far it lies from chance, in the claim's direction."""
        low, high = sorted(self.sign * (bound - self.chance) for bound in interval)
        return low, high


class Test(NamedTuple):
    """p: the p-value of chance, two-sided, 1 where the effect goes against the claim; None without a standard error.

    power: of a study of this size to tell an effect that just matters from none. tells: independent frames that would
    tell it in four of five studies; None where the error is not of frames alone.
    """

    verdict: str | None
    p: float | None = None
    power: float | None = None
    tells: int | None = None


NOT_JUDGED = Test(None)


def judge(found: Estimate, rule: Rule) -> Test:
    """One part's verdict, one of `VERDICTS`, the first that holds.

    supported: the 95 % interval lies beyond the rule's goal. contradicted: it lies on the other side of chance, and
    reaches further from it than what matters. no effect that matters: the 90 % interval lies nearer to chance than that
    on both sides (two one-sided tests at 5 %, Schuirmann 1987). partly: the 95 % interval lies beyond chance. cannot
    tell: anything else, or no interval.
    """
    p, power, tells = found.p_value(rule.chance), None, None
    reach = found.at(CONFIDENCE)
    if reach and reach[1] > reach[0]:
        error = (reach[1] - reach[0]) / (2 * scipy.stats.t.ppf((1 + CONFIDENCE) / 2, found.freedom))
        needed = scipy.stats.norm.ppf((1 + CONFIDENCE) / 2)
        power = float(scipy.stats.norm.cdf(rule.matters / error - needed))
        if found.degrees is None:
            tells = int(np.ceil(found.clusters * ((needed + scipy.stats.norm.ppf(POWER)) * error / rule.matters) ** 2))
    if p is not None and found.estimate is not None and rule.sign * (found.estimate - rule.chance) < 0:
        p = 1.0
    if found.interval is None:
        return Test(UNKNOWN, None, power, tells)
    (low, high), narrow = rule.effect(found.interval), rule.effect(found.at(NARROW) or found.interval)
    if low > max(0, rule.sign * (rule.goal - rule.chance)):
        verdict = SUPPORTED
    elif high < 0 and low < -rule.matters:
        verdict = CONTRADICTED
    elif -rule.matters < narrow[0] and narrow[1] < rule.matters:
        verdict = NO_EFFECT
    else:
        verdict = PARTLY if low > 0 else UNKNOWN
    return Test(verdict, p, power, tells)


def conclude(verdicts: Sequence[str], *, significant: bool = True) -> str:
    """A claim's verdict from those of its judged parts: the one that speaks most against it.

    significant: whether the claim's p-value stays below .05 among those of all claims; if not, supported is partly.
    """
    worst = max(verdicts, key=AGAINST.index)
    return PARTLY if worst == SUPPORTED and not significant else worst


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values corrected for their number (Holm 1979), in their order; one that is None stays so and does not count."""
    known = [i for i, p in enumerate(p_values) if p is not None]
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(known, key=lambda i: p_values[i] or 0.0)):
        largest = max(largest, min(1.0, (len(known) - rank) * (p_values[i] or 0.0)))
        corrected[i] = largest
    return corrected
