"""The table of agents holds the means and intervals that the claims about play stored."""

import numpy as np

from minetest_interp.facts.play import COMPARED, played_by


def test_every_agent_has_its_own_numbers_and_no_interval_where_there_is_none():
    random = np.random.default_rng(0)
    stored = {f"compared/{claim}": random.normal(size=(2, 3)) for claim in COMPARED.values()}
    stored["compared/digs-logs"][1, 1:] = np.nan
    found = played_by({"agents": np.array(["own", "random"]), "places": np.array(list("abc")), **stored})
    assert found["places"] == 3 and list(found["agents"]) == ["own", "random"]
    for row, of in enumerate(found["agents"].values()):
        for name, claim in COMPARED.items():
            ends = [None if np.isnan(x) else x for x in stored[f"compared/{claim}"][row]]
            assert list(of[name].values()) == ends
