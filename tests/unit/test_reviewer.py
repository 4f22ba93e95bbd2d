"""The reviewer's table: its costs are the benchmarks' and its verdicts those of the comparison."""

from pathlib import Path

import pytest

from minetest_interp.facts import reviewer
from minetest_interp.facts.expected import DIFFERS, EQUAL, NOT_MEASURED, WITHIN, Comparison, Number
from minetest_interp.pages import article
from minetest_interp.provenance.job_logs import Job
from tests.conftest import ROOT

RESULTS, FIGURES = Path("results/own"), Path("figures/own")
NUMBER = Number(1.0, "float32", 0.1)


def job(name: str, reads: list[str], writes: list[str], benchmark: str) -> Job:
    log = RESULTS / f"logs/{name}.txt"
    table = RESULTS / f"benchmarks/{name}.tsv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(f"s\th:m:s\tmax_rss\n{benchmark}\n")
    return Job(log, dict.fromkeys(map(Path, reads), "d"), dict.fromkeys(map(Path, writes), "d"))


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> list[Job]:
    monkeypatch.chdir(tmp_path)
    FIGURES.mkdir(parents=True)
    for name, size in (("behaviour.png", 100), ("behaviour.svg", 23), ("k-network.png", 1), ("k-network.svg", 1)):
        (FIGURES / name).write_bytes(bytes(size))
    return [
        job("stacks", [], ["results/own/stacks.npz"], "60.0\t0:01:00\t500.0"),
        job("deep/evidence", ["results/own/stacks.npz"], ["results/own/evidence.npz"], "30.0\t0:00:30\t1500.0"),
        job("other", ["results/own/stacks.npz"], ["results/own/other.npz"], "600.0\t0:10:00\t9000.0"),
        job(
            "u",
            ["results/own/evidence.npz"],
            ["figures/own/behaviour.png", "figures/own/behaviour.svg"],
            "6.0\t0:00:06\t-",
        ),
    ]


FACTS = {
    "study": "own",
    "title": "My <agent> | own",
    "panels": {
        "behaviour": {
            "file": "figures/behaviour.svg", "command": "snakemake figures/own/behaviour.png",
            "numbers": ["claims/mirror"], "behaviour": "yaw",
        },
        "k-network": {
            "file": "figures/k-network.svg", "command": "snakemake figures/own/k-network.png", "numbers": ["network"],
        },
    },
    "claims": [
        {
            "id": name, "statement": f"The yaw {name}.", "verdict": verdict, "figure": figure,
            "command": "snakemake results", "estimate": 0.25, "interval": [0.1, 0.4], "chance": 0.5, "unit": "share",
            "exploratory": None,
            "reason": None,
            "parts": [{"what": "frames that turn"}],
        }
        for name, verdict, figure in (
            ("mirror", "supported", "behaviour"), ("night", "contradicted", "behaviour"),
            ("trees", "cannot tell", "none"),
        )
    ],
}  # fmt: skip
COMPARED = [
    Comparison("claims/mirror/estimate", NUMBER, NUMBER, EQUAL),
    Comparison("claims/mirror/interval/0", NUMBER, NUMBER, WITHIN),
    Comparison("claims/mirrored/estimate", NUMBER, NUMBER, EQUAL),
    Comparison("claims/night/estimate", NUMBER, NUMBER, DIFFERS),
    Comparison("claims/trees/estimate", NUMBER, None, NOT_MEASURED),
]


def test_a_figure_costs_what_the_jobs_behind_it_cost_and_no_others(jobs):
    row = reviewer.review(FACTS, None, jobs, FIGURES)["figures"][0]
    assert row["cost"] == (pytest.approx(96 / 60), pytest.approx(1.5)) and row["bytes"] == 123


def test_what_was_not_measured_has_no_cost(jobs):
    (RESULTS / "benchmarks/stacks.tsv").unlink()
    assert reviewer.cost(jobs[:1]) == (None, None)
    assert reviewer.review(FACTS, None, jobs, FIGURES)["figures"][1]["cost"] == (None, None)


def test_each_claim_says_how_many_of_its_numbers_are_as_expected(jobs):
    table = reviewer.review(FACTS, COMPARED, jobs, FIGURES)
    assert [claim["numbers"] for claim in table["claims"]] == ["2 of 2", "0 of 1, 1 differ", "0 of 1, 1 not measured"]
    assert [row["numbers"] for row in table["figures"]] == ["2 of 2", "none"]
    assert table["numbers"] == "3 of 5, 1 differ, 1 not measured"
    assert [claim["id"] for claim in table["unsupported"]] == ["night", "trees"]


@pytest.mark.parametrize("compared", [COMPARED, None])
def test_page_and_markdown_have_every_claim_figure_and_command(jobs, compared):
    table = reviewer.review(FACTS, compared, jobs, FIGURES)
    for render in (article.render_reproduce_html, article.render_reproduce_markdown):
        text = render(FACTS, table, ROOT / "report")
        for claim in FACTS["claims"]:
            assert claim["statement"] in text
        for panel in FACTS["panels"].values():
            assert panel["command"] in text
        assert "<agent>" not in text and "1.6" in text and "1.50" in text
        assert ("make expected STUDY=own" in text) == (compared is None)
