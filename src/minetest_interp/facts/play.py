"""What every agent came to in its episodes, beside the claims that compare them."""

import numpy as np

from minetest_interp.facts.study import Arrays

COMPARED = {"before": "reaches-trees", "dug": "digs-logs", "earned": "earns-more", "on_trunk": "climbs"}


def played_by(play: Arrays) -> dict:
    """The numbers of a table of agents.

    Args:
      play: what the claims about play stored, see `evidence/play.npz` in docs/results.md.

    Returns:
      places, how many there are; and by agent, the policy itself first, the mean over places with its interval, whose
      ends are None where places are too few: before, share of the episode that is over when a trunk is near; dug, logs;
      earned, shaped reward; on_trunk, share of the steps.
    """
    agents = [str(name) for name in play["agents"]]
    return {
        "places": len(play["places"]),
        "agents": {
            agent: {name: _interval(play[f"compared/{claim}"][row]) for name, claim in COMPARED.items()}
            for row, agent in enumerate(agents)
        },
    }


def _interval(numbers: np.ndarray) -> dict:
    ends = zip(("mean", "low", "high"), numbers, strict=True)
    return {name: float(x) if np.isfinite(x) else None for name, x in ends}
