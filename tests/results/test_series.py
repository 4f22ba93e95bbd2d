"""A series: its checkpoints are measured as the study's own is, here and on a cluster, and compared."""

import os
import re
import subprocess
import sys
import time
from collections import Counter

import pytest

from minetest_interp import study as studies
from minetest_interp.io import files, layout
from minetest_interp.model import checkpoint
from minetest_interp.pages import article
from minetest_interp.provenance import integrity, job_logs, manifest
from minetest_interp.provenance.source_tree import Source
from minetest_interp.stages import facts as collect
from tests.conftest import ROOT
from tests.results import slurm
from tests.results.training_run import PANELS, SERIES, on_the_way, training_run
from workflow import archive
from workflow.digests import code_digest

STEPS = (900, 1000, 5000)  # the last one is the study's own checkpoint
SECONDS = 600  # at most, for Slurm


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = training_run(tmp_path_factory.mktemp("series") / "the project", STEPS)
    own = (f"results/own/{name}" for name in ("ledger.json", "alignment.npz", "readouts.npz", "hands_on.npz"))
    shop.build("series", *own)
    return shop


def test_the_studys_own_checkpoint_as_a_member_gives_the_same_bytes(shop):
    results = shop.folder / "results/own"
    member = layout.member(results, f"ppo_{STEPS[-1]}")
    names = [path.relative_to(member) for path in member.rglob("*") if path.is_file()]
    assert {name.parts[0] for name in names} == {
        "network.json", "alignment.npz", "intermediates", "readouts.npz", "evidence", "ledger.json",
    }  # fmt: skip
    for name in names:
        if name.name not in ("network.json", "ledger.json"):
            assert (member / name).read_bytes() == (results / name).read_bytes(), name
    named, own = (files.read_json(folder / "network.json") for folder in (member, results))
    assert named.pop("file") == f"ppo_{STEPS[-1]}.model" and own.pop("file") == "my policy.model" and named == own
    theirs, ours = read_ledgers(member, results)
    assert all("/series/ppo_5000/" in row["command"] for row in theirs)
    assert [row | {"command": row["command"].replace("/series/ppo_5000/", "/")} for row in theirs] == ours


def read_ledgers(*folders):
    return [files.read_json(folder / "ledger.json") for folder in folders]


def test_members_are_compared_in_the_order_of_their_training(shop):
    compared = files.read_json(shop.folder / "results/own/series.json")
    assert [(row["name"], row["place"]) for row in compared["members"]] == [(f"ppo_{step}", step) for step in STEPS]
    ledgers = read_ledgers(*(layout.member(shop.folder / "results/own", f"ppo_{step}") for step in STEPS))
    for row, *claims in zip(compared["claims"], *ledgers, strict=True):
        assert row["verdicts"] == [claim["verdict"] for claim in claims]
        assert row["estimates"] == [claim["estimate"] for claim in claims]


def test_seeds_stand_by_their_names_and_without_a_place(shop, tmp_path):
    seeds = shop.copy(tmp_path / "seeds")
    seeds.write_study(SERIES | {"series": {"checkpoints": SERIES["series"]["checkpoints"]}})
    assert seeds.counted("comparison") == Counter(comparison=1)
    seeds.build("comparison")
    compared = files.read_json(seeds.folder / "results/own/series.json")
    assert compared["along"] is None
    assert [(row["name"], row["place"]) for row in compared["members"]] == [(f"ppo_{step}", None) for step in STEPS]


def test_the_report_compares_them(shop):
    config = {key: part for key, part in SERIES.items() if key != "evidence"}
    config["actions"] = {**config["actions"], "mirrored": True}
    panels = {
        name: {
            "behaviour": "yaw",
            "concept": "trunk",
            "file": f"figures/{name}.svg",
            "rule": "",
            "command": "",
            "numbers": [],
        }
        for name in PANELS
    }
    facts = shop.folder / "facts.json"
    collect.run("own", "snakemake", config, panels, ROOT / "report/answer.yaml", shop.folder / "results/own", facts)
    markdown = article.render_markdown(files.read_json(facts), ROOT / "report")
    assert "## Over training" in markdown and "3 checkpoints were measured in the same way" in markdown
    assert all(f"figures/{panel}.svg" in markdown for panel in PANELS)


COMPARED = Counter(series=1, comparison=1, panel=4)


def test_one_more_checkpoint_is_measured_and_compared_and_nothing_else_is_done(shop):
    assert shop.counted("series") == Counter()
    added = shop.files / "run/ppo_950.model"
    checkpoint.save(added, on_the_way(0.2), {})
    try:
        assert shop.counted("series") == COMPARED + Counter(member=1, member_ledger=1)
    finally:
        added.unlink()
    shop.write_study(
        SERIES | {"series": SERIES["series"] | {"checkpoints": ["run/ppo_900.model", "run/ppo_5000.model"]}}
    )
    assert shop.counted("series") == COMPARED
    shop.write_study(SERIES)
    assert shop.counted("series") == Counter()


def test_another_checkpoint_of_the_same_name_is_measured_again_and_a_threshold_judged_again(shop):
    changed = shop.files / "run/ppo_900.model"
    before, times = changed.read_bytes(), changed.stat()
    checkpoint.save(changed, on_the_way(0.3), {})
    os.utime(changed, (10**9, 10**9))
    assert shop.counted("series") == COMPARED + Counter(member=1, member_ledger=1)
    changed.write_bytes(before)
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    claims = shop.folder / "config/own-claims.yaml"
    text = claims.read_text()
    claims.write_text(text.replace("claimed: 0.9", "claimed: 0.8"))
    assert shop.counted("series") == COMPARED + Counter(member_ledger=3)
    claims.write_text(text)


def test_every_file_of_a_member_is_known_by_the_records(shop, monkeypatch):
    monkeypatch.chdir(shop.folder)
    folders, end = integrity.folders("own"), shop.folder / "results/own/series.json"
    known = integrity.needed(job_logs.jobs(folders.results), [end.relative_to(shop.folder)])
    assert not [fault for fault in integrity.check(known, folders) if folders.results / "series" in fault.path.parents]
    lost = folders.results / f"series/ppo_{STEPS[0]}/intermediates/original.npz"
    content = lost.read_bytes()
    lost.unlink()
    faults = integrity.check(known, folders)
    assert [fault.kind for fault in faults if fault.path == lost] == ["missing"]
    assert shop.counted("all")["member"] == 1
    lost.write_bytes(content)


def test_a_manifest_says_what_each_member_was_made_from_and_by_which_code(shop, monkeypatch):
    monkeypatch.chdir(shop.folder)
    done = shop.run("series", "--detailed-summary", "--nolock")
    assert done.returncode == 0, done.stderr
    made = archive.jobs(done.stdout, "own")
    study = studies.load(shop.folder / "config/own.yaml", shop.folder / "workflow/schemas/study.schema.yaml")
    described = manifest.describe(study, Source("0" * 40, (), ()), made, root=shop.folder)
    assert [row["name"] for row in described["inputs"] if row["role"] == "member"] == [
        f"run/ppo_{step}.model" for step in STEPS
    ]
    members = [row for row in described["jobs"] if row["rule"] == "member"]
    outputs = {path: digest for path, digest in shop.outputs().items() if "/series/" in path}
    told = manifest.outputs(described)
    assert outputs == {path: told[path] for path in outputs} and len(members) == len(STEPS)
    assert {row["code"] for row in members} != {code_digest("minetest_interp.stages.run_stages")}


def test_batches_share_the_checkpoints_out(shop):
    """What a cluster without Slurm runs: a batch on each machine, and no checkpoint in two."""
    options = ("--dry-run", "--forcerun", "member", "--batch")
    said = [shop.build("members", *options, f"members={i}/2") for i in (1, 2)]
    batches = [re.findall(r"Measure (\w+), one", plan) for plan in said]
    assert sorted(name for batch in batches for name in batch) == sorted(f"ppo_{step}" for step in STEPS)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The optional requirements, apart from everything else's."""
    folder = tmp_path_factory.mktemp("plugin")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run(
        [*install, "--require-hashes", "-r", str(ROOT / "requirements/slurm.lock"), "--target", str(folder)], check=True
    )
    return folder


def test_slurm_gives_the_same_bytes_though_its_node_is_lost_on_the_way(shop, request):
    # Minutes, and daemons of the system's: only where it is asked for.
    reason = slurm.why_not() if os.environ.get("TEST_SLURM") else "it takes minutes; set TEST_SLURM=1"
    if reason:
        pytest.skip(f"NOT CHECKED on Slurm: {reason}")
    environment = os.environ | {"PYTHONPATH": str(request.getfixturevalue("plugin"))}
    before = shop.outputs()
    (shop.folder / "results").rename(shop.folder / "results made here")
    wanted = [f"results/own/series/ppo_{STEPS[0]}/ledger.json"]
    command = slurm.command(*wanted, "--group-components", "member=1", "--config", "study=own")
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
    made = {name: digest for name, digest in shop.outputs().items() if name.startswith("results/own/series")}
    assert set(wanted) < set(made) and made.items() <= before.items()
