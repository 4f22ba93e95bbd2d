"""Episodes that a study names: from their files through the workflow to the ledger, the panel and the report."""

import numpy as np
import pytest
import scipy

from minetest_interp.claims.play import RIVALS
from minetest_interp.io import files
from tests.played import AGENTS, PLACES, STEPS
from tests.results.workshop import MEASURE


@pytest.fixture(scope="module")
def agents(built):
    return {agent: files.read_arrays(built.episodes / f"{agent}.npz") for agent in AGENTS}


@pytest.fixture(scope="module")
def rows(built):
    ledger = files.read_json(built.folder / "results/own/ledger.json")
    return {row["id"]: {part["name"]: part for part in row["parts"]} for row in ledger}


def sooner(of) -> np.ndarray:
    """Share of the episode that comes before a trunk is near, by place."""
    near = of["distance"] <= MEASURE["play"]["near"]
    return np.array([list(place).index(True) / STEPS if True in place else 1.0 for place in near])


def test_the_ledger_holds_the_mean_differences_between_agents_over_places(agents, rows):
    numbers = {
        "reaches-trees": {agent: -sooner(of) for agent, of in agents.items()},
        "digs-logs": {agent: of["dug"].sum(1, dtype=int) for agent, of in agents.items()},
        "earns-more": {agent: of["shaped"].sum(1, dtype=float) for agent, of in agents.items()},
        "climbs": {agent: of["on_trunk"].mean(1) for agent, of in agents.items()},
    }
    assert numbers.keys() == RIVALS.keys()
    for claim, rivals in RIVALS.items():
        for rival in rivals:
            part, differences = rows[claim][rival], numbers[claim]["own"] - numbers[claim][rival]
            assert part["estimate"] == pytest.approx(differences.mean())
            reach = scipy.stats.sem(differences) * scipy.stats.t.ppf(0.975, PLACES - 1)
            assert part["interval"] == pytest.approx([differences.mean() - reach, differences.mean() + reach])
            assert part["n"] == part["clusters"] == PLACES and part["chance"] == 0


def test_the_ledger_holds_how_much_later_trees_are_reached_with_one_thing_changed(agents, rows):
    later = {
        "tree-units-guide-play": {"silenced": "own", "silenced-random": "silenced-random"},
        "daylight-guides-play": {"night": "own"},
        "yaw-direction-guides-play": {"unsteered": "own"},
    }
    for claim, parts in later.items():
        changed = next(iter(parts))
        for part, other in parts.items():
            expected = (sooner(agents[changed]) - sooner(agents[other])).mean()
            assert rows[claim][part]["estimate"] == pytest.approx(expected)


def test_the_ledger_holds_how_often_the_agent_looks_to_the_dark_pillar(agents, rows):
    looks = []
    for name, sign in (("decoys-left", 1), ("decoys-right", -1)):
        yaw = np.radians(agents[name]["pose"][:, : MEASURE["play"]["looks"], 3].astype(float))
        towards = sign * np.degrees(np.arcsin(np.sin(yaw - yaw[:, :1]))), np.cos(yaw - yaw[:, :1]) > 0
        straight = (np.abs(towards[0]) <= 1) & towards[1]
        looks.append(np.where(straight, 0.5, towards[0] > 0).mean(1))
    share = rows["turns-to-dark-decoy"]["dark-side"]
    assert share["estimate"] == pytest.approx(np.mean(looks)) and share["chance"] == 0.5 and share["n"] == PLACES


def test_the_ledger_holds_the_correlations_of_the_agents_own_steps(agents, rows):
    own, settings = agents["own"], MEASURE["play"]
    p = scipy.special.softmax(own["logits"].astype(np.float64), axis=-1)
    turn = p[..., 1] - p[..., 2]
    ahead = (own["distance"] <= settings["far"]) & (np.abs(own["direction"]) <= settings["ahead"])
    expected = scipy.stats.spearmanr(turn[ahead], own["direction"][ahead]).statistic
    found = rows["turns-to-nearest-trunk"]["correlation"]
    assert found["estimate"] == pytest.approx(expected, abs=1e-4) and found["n"] == ahead.sum()
    followed = np.array([
        [sum(settings["gamma"] ** (k - t) * place[k] for k in range(t, STEPS)) for t in range(settings["steps"])]
        for place in own["shaped"].astype(np.float64)
    ])  # fmt: skip
    expected = scipy.stats.spearmanr(own["value"][:, : settings["steps"]].ravel(), followed.ravel()).statistic
    assert rows["value-foresees-return"]["correlation"]["estimate"] == pytest.approx(expected, abs=1e-4)


def test_keys_that_the_action_table_lacks_are_named(rows):
    reasons = [part["reason"] for part in rows["walks-in-play"].values()]
    assert reasons == [f"the action table has no behaviour {name}" for name in ("forward", "jump")]


def test_the_report_shows_the_panel_and_the_claims_below_it(built):
    page = (built.folder / "report/own/appendix.html").read_text()
    section = page[page.index("In play") :]
    assert "figures/play.svg" in section and "The agent digs more logs" not in page
    assert "In play, the agent digs more logs than its movements alone would." in section


@pytest.mark.parametrize(
    ("agent", "change", "says"),
    [
        ("own", {"shaped": None}, "must have the array 'shaped'"),
        ("own", {"logits": np.zeros((PLACES, STEPS, 7), np.float16)}, "must be of an agent with 6 actions; got 7"),
        ("random", {"dug": np.zeros((PLACES, 7), np.uint8)}, "dug must be unsigned integers"),
        ("forward", {"place": np.array(list("abcd"))}, "must have the places place 0"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_names_it(built, tmp_path, agent, change, says):
    shop = built.copy(tmp_path / "la copie")
    path = shop.episodes / f"{agent}.npz"
    arrays = files.read_arrays(path) | change
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    done = shop.run("results/own/ledger.json")
    lines = [line for line in (done.stdout + done.stderr).splitlines() if says in line]
    assert done.returncode and lines and all(f"own episodes/{agent}.npz: {says}" in line for line in lines)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_file_that_is_not_there_is_named(built, tmp_path):
    shop = built.copy(tmp_path / "la copie")
    made = "results/own/evidence/episodes.npz"
    (shop.episodes / "random.npz").unlink()
    (shop.folder / made).unlink()
    done = shop.run(made)
    assert done.returncode and "own episodes/random.npz" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
