"""A series: its checkpoints are measured as the study's own is, here and on a cluster, and compared."""

import os
import subprocess
import sys
import time
from collections import Counter

import jax
import numpy as np
import pytest

from minetest_interp import checkpoint, files, layout
from tests.conftest import ROOT, random_policy
from tests.results import slurm
from tests.results.workshop import GEOMETRY, STUDY, Workshop

PANELS = ("ab-series-claims", "ac-series-verdicts", "ad-series-behaviours", "ae-series-units")
SERIES = STUDY | {
    "series": {"checkpoints": ["run/*.model"], "along": "training step"},
    "dreams": {},
    "gradients": {},
    "panels": {name: {} for name in ("t-ledger", *PANELS)},
}
STEPS = (900, 1000, 5000)  # the last one is the study's own checkpoint
SECONDS = 240


def on_the_way(share: float):
    """A policy between two random ones; 1 is the workshop's own."""
    end, start = (random_policy(GEOMETRY, seed=seed, gain=50.0) for seed in (5, 6))
    between = jax.tree.map(lambda a, b: np.float32(share * a + (1 - share) * b), end.params, start.params)
    return end._replace(params=between)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Workshop(tmp_path_factory.mktemp("series") / "the house")
    (shop.files / "run").mkdir()
    for step in STEPS[:-1]:
        checkpoint.save(shop.files / f"run/ppo_{step}.model", on_the_way(step / STEPS[-1]), {"step": step})
    (shop.files / f"run/ppo_{STEPS[-1]}.model").write_bytes((shop.files / "my policy.model").read_bytes())
    shop.write_study(SERIES)
    shop.build("--", "report")
    return shop


def test_the_studys_own_checkpoint_as_a_member_gives_the_same_bytes(shop):
    results = shop.folder / "results/own"
    member = layout.member(results, f"ppo_{STEPS[-1]}")
    names = [path.relative_to(member) for path in member.rglob("*") if path.is_file()]
    names = [name for name in names if name.parts[0] not in ("logs", "benchmarks")]
    assert {name.parts[0] for name in names} == {
        "network.json", "alignment.npz", "intermediates", "behaviours.npz", "evidence", "claims.json",
    }  # fmt: skip
    for name in names:
        if name.name not in ("network.json", "claims.json"):
            assert (member / name).read_bytes() == (results / name).read_bytes(), name
    named, own = (files.read_json(room / "network.json") for room in (member, results))
    assert named.pop("file") == f"ppo_{STEPS[-1]}.model" and own.pop("file") == "my policy.model" and named == own
    theirs, ours = read_ledgers(member, results)
    assert all("/series/ppo_5000/" in row["command"] for row in theirs)
    assert [row | {"command": row["command"].replace("/series/ppo_5000/", "/")} for row in theirs] == ours


def read_ledgers(*rooms):
    return [files.read_json(room / "claims.json") for room in rooms]


def test_members_are_compared_in_the_order_of_their_training(shop):
    compared = files.read_json(shop.folder / "results/own/series.json")
    assert [(row["name"], row["place"]) for row in compared["members"]] == [(f"ppo_{step}", step) for step in STEPS]
    ledgers = read_ledgers(*(layout.member(shop.folder / "results/own", f"ppo_{step}") for step in STEPS))
    for row, *claims in zip(compared["claims"], *ledgers, strict=True):
        assert row["verdicts"] == [claim["verdict"] for claim in claims]
        assert row["estimates"] == [claim["estimate"] for claim in claims]


def test_the_report_compares_them(shop):
    report = (shop.folder / "report/own/report.md").read_text()
    assert "## Over training" in report and "3 checkpoints were measured in the same way" in report
    assert all(f"figures/{panel}.png" in report for panel in PANELS)


COMPARED = Counter(comparison=1, panel=4, facts=1, report=1)


def test_one_more_checkpoint_is_measured_and_compared_and_nothing_else_is_done(shop):
    assert shop.planned("report") == Counter()
    added = shop.files / "run/ppo_950.model"
    checkpoint.save(added, on_the_way(0.2), {})
    try:
        assert shop.planned("report") == COMPARED + Counter(member=1, member_claims=1)
    finally:
        added.unlink()
    shop.write_study(
        SERIES | {"series": SERIES["series"] | {"checkpoints": ["run/ppo_900.model", "run/ppo_5000.model"]}}
    )
    assert shop.planned("report") == COMPARED
    shop.write_study(SERIES)
    assert shop.planned("report") == Counter()


def test_another_checkpoint_of_the_same_name_is_measured_again_and_a_threshold_judged_again(shop):
    changed = shop.files / "run/ppo_900.model"
    before, times = changed.read_bytes(), changed.stat()
    checkpoint.save(changed, on_the_way(0.3), {})
    os.utime(changed, (10**9, 10**9))
    assert shop.planned("report") == COMPARED + Counter(member=1, member_claims=1)
    changed.write_bytes(before)
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    claims = shop.folder / "config/own-claims.yaml"
    text = claims.read_text()
    claims.write_text(text.replace("claimed: 0.9", "claimed: 0.8"))
    assert shop.planned("report") == COMPARED + Counter(claims=1, member_claims=3, panel=1)
    claims.write_text(text)


def outputs(shop) -> dict[str, bytes]:
    made = (path for path in shop.made() if path.startswith(("results/own/series", "figures/own/a")))
    return {path: (shop.folder / path).read_bytes() for path in made}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The optional requirements, apart from everything else's."""
    folder = tmp_path_factory.mktemp("plugin")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run(
        [*install, "--require-hashes", "-r", str(ROOT / "requirements-slurm.lock"), "--target", str(folder)], check=True
    )
    return folder


def test_slurm_gives_the_same_bytes_though_its_node_is_lost_on_the_way(shop, request):
    if reason := slurm.why_not():
        pytest.skip(f"NOT CHECKED on Slurm: {reason}")
    environment = os.environ | {"PYTHONPATH": str(request.getfixturevalue("plugin"))}
    before = outputs(shop)
    for room in ("results", "figures/own"):
        (shop.folder / room).rename(shop.folder / f"{room} made here")
    command = [sys.executable, "-m", "snakemake", "series", "--profile", "profiles/slurm", "--config", "study=own"]
    # Small groups, and a cluster without accounting that answers at once.
    command += [
        "--group-components",
        "member=1",
        "panels=100",
        "--slurm-no-account",
        "--slurm-status-command",
        "squeue",
    ]
    command += ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"]
    log = shop.folder / "slurm.txt"
    with slurm.Cluster() as cluster, log.open("w") as said:
        running = subprocess.Popen(command, cwd=shop.folder, env=environment, stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + SECONDS
            while not list(shop.folder.glob("results/own/series/*/network.json")):
                assert running.poll() is None and time.monotonic() < deadline, log.read_text() + cluster.logs()
                time.sleep(0.1)
            cluster.lose_the_node()
            cluster.start_slurmd()
            running.wait(deadline - time.monotonic())
        finally:
            running.kill()
            running.wait()
        assert running.returncode == 0, log.read_text() + cluster.logs()
    assert outputs(shop) == before
