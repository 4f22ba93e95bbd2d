"""The manifest rests on what jobs recorded, and says so where they did not."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import crate, manifest, source_tree, zip_file
from minetest_interp.study import Study
from workflow.archive import jobs as read_summary
from workflow.digests import code_digest

SOURCE = source_tree.Source("abc", ("frames/a.png",), ())
HERE, THERE = ({"python": "3.11.7", "packages": {"numpy": version}, "host": "Linux"} for version in ("2.4.6", "2.4.5"))


def record(
    root: Path, name: str, *, environment: dict, ended: str, seconds: str | None, memory: str = "12.5"
) -> manifest.FinishedJob:
    """A job that wrote one file, its log and its benchmark."""
    made = root / f"results/own/{name}.npz"
    files.write_text(made, name)
    log = root / f"results/own/logs/{name}.txt"
    told = json.dumps({"ended": ended, **environment})
    wrote = f"{files.sha256(made)}  results/own/{name}.npz"
    read = f"read {'0' * 64}  {root}/report/a, b.j2\nread {'1' * 64}  {root}/config/../frames/a.png"
    files.write_text(log, f"50 %\n{told}\n{read}\n{wrote}\n")
    if seconds:
        files.write_text(root / f"results/own/benchmarks/{name}.tsv", f"s\th:m:s\tmax_rss\n{seconds}\t0:00\t{memory}\n")
    outputs = (f"results/own/{name}.npz",)
    log, benchmark = f"results/own/logs/{name}.txt", f"results/own/benchmarks/{name}.tsv"
    command = f"python -m {name} --seed 7 --templates {root}/report"
    return manifest.FinishedJob(name, command, "c0de", outputs, log, benchmark)


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name in ("frames/a.png", "frames/published.png", "frames/own.png", "policy.model"):
        files.write_text(tmp_path / name, name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study(root):
    """One frame lies in the source, one was published, one is the reader's own."""
    settings = {
        "title": "Own",
        "source": {"repository": "https://example.org/files/", "attribution": "Made by a test."},
        "policy": {"checkpoint": "policy.model"},
        "dreams": {"value": {"seed": 3}},
        "atlas": {"seeds": [0, 1], "seed": 5},
    }
    frames = tuple(root / f"frames/{name}.png" for name in ("a", "published", "own"))
    sums = {"frames/published.png": files.sha256(frames[1])}
    return Study(
        name="own",
        settings=settings,
        actions={"factors": {}, "behaviours": {}, "steering": "", "mirrored": True},
        claims=None,
        label_settings=None,
        folder=root,
        frames=frames,
        checksums=sums,
        fetched=False,
        labels=None,
        labelled=(),
        turns=False,
        episodes=None,
        played={},
        on_policy=False,
        series={},
        panels={},
        field=None,
        module=None,
    )


def test_it_says_when_where_and_from_what(root, study):
    first = record(root, "first", environment=HERE, ended="2026-01-01T00:01:00+00:00", seconds="59.6")
    second = record(root, "second", environment=THERE, ended="2026-01-01T00:02:00+00:00", seconds="0.1", memory="NA")
    third = record(root, "third", environment=HERE, ended="2026-01-01T00:00:30+00:00", seconds=None)
    said = manifest.describe(study, SOURCE, [third, second, first], root=root)
    assert said == manifest.describe(study, SOURCE, [first, second, third], root=root)
    assert (said["started"], said["ended"]) == ("2026-01-01T00:00:00+00:00", "2026-01-01T00:02:00+00:00")
    rows = {row["rule"]: row for row in said["jobs"]}
    measured = {rule: (row["seconds"], row["memory_mib"]) for rule, row in rows.items()}
    assert measured == {"first": (59.6, 12.5), "second": (0.1, None), "third": (None, None)}
    assert [said["environments"][rows[rule]["environment"]] for rule in ("first", "second", "third")] == [
        HERE,
        THERE,
        HERE,
    ]
    assert len(said["environments"]) == 2
    settings = {"dreams.value.seed": 3, "atlas.seeds": [0, 1], "atlas.seed": 5}
    assert said["seeds"] == settings | {f"rule {rule}": 7 for rule in rows}
    assert rows["first"]["inputs"] == {"report/a, b.j2": "0" * 64, "frames/a.png": "1" * 64}
    assert rows["first"]["command"] == "python -m first --seed 7 --templates report"
    places = {row["name"]: {key: row.get(key) for key in ("path", "url")} for row in said["inputs"]}
    assert places["frames/a.png"] == {"path": "frames/a.png", "url": None}
    assert places["frames/published.png"] == {"path": None, "url": "https://example.org/files/frames/published.png"}
    assert places["frames/own.png"] == places["policy.model"] == {"path": None, "url": None}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda root: (root / "results/own/logs/one.txt").unlink(),
            "logs/one.txt: must be the log of a job that ended well",
        ),
        (
            lambda root: (root / "results/own/logs/one.txt").write_text("failed"),
            "logs/one.txt: must be the log of a job",
        ),
        (
            lambda root: (root / "results/own/one.npz").write_text("other"),
            "results/own/one.npz: must be as its job wrote it",
        ),
        (lambda root: (root / "results/own/one.npz").unlink(), "results/own/one.npz: must be as its job wrote it"),
    ],
)
def test_a_file_that_no_record_vouches_for_is_refused_by_name(root, study, spoil, said):
    job = record(root, "one", environment=HERE, ended="2026-01-01T00:00:00+00:00", seconds="1")
    spoil(root)
    with pytest.raises(InputError, match=rf"{said}.*--forceall\.$"):
        manifest.describe(study, SOURCE, [job], root=root)


def test_what_a_job_was_to_make_and_did_not_record_is_refused_by_name(root, study):
    job = record(root, "one", environment=HERE, ended="2026-01-01T00:00:00+00:00", seconds="1")
    job = job._replace(outputs=(*job.outputs, "report/own/pages"))
    with pytest.raises(InputError, match="report/own/pages: must be recorded by the job that made it"):
        manifest.describe(study, SOURCE, [job], root=root)


def test_folders_of_the_reader_are_not_told(root, study, tmp_path_factory):
    data, probe, played = (tmp_path_factory.mktemp(name) for name in ("my data", "my labels", "my episodes"))
    for path in (data / "policy.model", data / "frames/a.png", probe / "frames/b.png", played / "own.npz"):
        files.write_text(path, path.name)
    away = study._replace(
        settings={**study.settings, "evidence": {}},
        claims={},
        folder=data,
        frames=(data / "frames/a.png",),
        labels=probe,
        labelled=(probe / "frames/b.png",),
        episodes=played,
        played={"own": played / "own.npz"},
    )
    job = record(root, "one", environment=HERE, ended="2026-01-01T00:00:00+00:00", seconds="1")
    with (root / job.log).open("a") as log:
        log.write(f"read {'2' * 64}  {data}/frames/a.png\nread {'3' * 64}  {probe}/frames/b.png\n")
        log.write(f"read {'4' * 64}  {played}/own.npz\n")
    job = job._replace(command=f"python -m one --data '{data}' --probe '{probe}/frames' --own '{played}/own.npz'")
    said = manifest.describe(away, SOURCE, [job], root=root)
    assert said["jobs"][0]["command"] == "python -m one --data 'DATA' --probe 'PROBE/frames' --own 'EPISODES/own.npz'"
    assert {"DATA/frames/a.png", "PROBE/frames/b.png", "EPISODES/own.npz"} <= set(said["jobs"][0]["inputs"])
    assert [(row["role"], row["name"]) for row in said["inputs"]][1:] == [
        ("frame", "frames/a.png"),
        ("label", "frames/b.png"),
        ("episodes", "own.npz"),
    ]
    assert not [folder for folder in (data, probe, played, root) if str(folder) in json.dumps(said)]


HEADER = "output_file\tdate\trule\tlog-file(s)\tinput-file(s)\tshellcmd\tstatus\tplan\n"


def summary(status="ok", plan="no update", program="-m minetest_interp.stages.ledger", ran=True):
    log = "results/own/logs/d/one.txt"
    command = f"python {program} --in 'x y.png' --say '{{\"a\":\"b > c\"}}' > {log} 2>&1"
    row = ["out.npz", "today", "one", log, "a,b", command if ran else "-", status, plan]
    return HEADER + "\t".join(row) + "\n" + "\t".join(["out.json", *row[1:]]) + "\n"


def test_snakemakes_summary_gives_each_job_once():
    [job] = read_summary(summary(), "own")
    assert job.command == "python -m minetest_interp.stages.ledger --in 'x y.png' --say '{\"a\":\"b > c\"}'"
    assert job.code == code_digest("minetest_interp.stages.ledger") and job.outputs == ("out.npz", "out.json")
    assert job.benchmark == "results/own/benchmarks/d/one.tsv"
    [panel] = read_summary(summary(program="'/some where/figures/network.py'"), "own")
    assert panel.code == code_digest("network")


@pytest.mark.parametrize(
    "stale", [{"status": "params changed"}, {"status": "missing"}, {"plan": "update pending"}, {"ran": False}]
)
def test_what_snakemake_would_make_anew_or_does_not_know_is_refused_by_name(stale):
    with pytest.raises(InputError, match=r"^out\.npz: must be up to date, and Snakemake must know how it was made"):
        read_summary(summary(**stale), "own")


@pytest.fixture
def said(root, study) -> dict:
    """The manifest of a build of one job and three pages."""
    job = record(root, "one", environment=HERE, ended="2026-01-01T00:00:00+00:00", seconds="1")
    said = manifest.describe(study, SOURCE, [job], root=root)
    for path in ("report/own/index.html", "report/own/facts.json", "figures/own/a.png"):
        files.write_text(root / path, path)
        said["jobs"][0]["outputs"][path] = files.sha256(root / path)
    return said


def entities_of(said: dict) -> dict[str, dict]:
    pages = said["jobs"][0]["outputs"]
    sizes = dict.fromkeys([*crate.FILES, "Snakefile", "frames/a.png", "config/own.yaml", *pages], 1)
    people = [{"given-names": "Ada", "family-names": "L", "orcid": "https://orcid.org/0"}, {"name": "A group"}]
    citation = {"title": "T", "version": "1", "license": "MIT", "authors": people}
    described = crate.describe(said, citation, sizes, settings="config/own.yaml")
    assert described == crate.describe(said, citation, sizes, settings="config/own.yaml")
    return {entity["@id"]: entity for entity in described["@graph"]}


def test_the_crate_describes_every_input_that_a_study_has_and_no_other(said):
    def examples() -> dict[str, list[str]]:
        """Of each parameter of the workflow, the names of this run's files."""
        entities = entities_of(said)
        found = {}
        for entity in entities.values():
            if entity["@type"] == "FormalParameter":
                example = entities[entity["workExample"]["@id"]]
                assert (example["@type"] == "Collection") == ("hasPart" in example)
                parts = example.get("hasPart", [example])
                found[entity["name"]] = [entities[part["@id"]]["name"] for part in parts]
        collections = {name for name, entity in entities.items() if entity["@type"] == "Collection"}
        mentioned = {mention["@id"] for mention in entities["./"]["mentions"]}
        assert mentioned > collections and len(mentioned) == len(collections) + 1
        return found

    usual = examples()
    assert usual.keys() == {"study", "checkpoint", "frames", "report", "facts", "pages", "panels"}
    assert usual["checkpoint"] == ["policy.model"] and len(usual["frames"]) == 3
    counts = {"module": 1, "answers": 1, "label": 2, "episodes": 2, "field": 1, "checkpoint": 1}
    more = [(role, f"{role}-{i}") for role, count in counts.items() for i in range(count)]
    said["inputs"] += [
        {"role": role, "name": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "bytes": 1}
        for role, name in more
    ]
    assert examples() == usual | {
        "checkpoint": ["policy.model", "checkpoint-0"],
        "module": ["module-0"],
        "answers": ["answers-0"],
        "labels": ["label-0", "label-1"],
        "episodes": ["episodes-0", "episodes-1"],
        "field": ["field-0"],
    }


def test_the_crate_names_inputs_that_are_elsewhere_by_address_or_digest(said):
    entities = entities_of(said)
    frames = [part["@id"] for part in entities["#frames"]["hasPart"]]
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"frames/own.png").digest()).decode().rstrip("=")
    assert frames == ["frames/a.png", "https://example.org/files/frames/published.png", f"ni:///sha-256;{digest}"]
    assert {part["@id"] for part in entities["./"]["hasPart"]} >= set(frames)
    authors = [entities[author["@id"]] for author in entities["./"]["author"]]
    assert [(author["@type"], author["name"]) for author in authors] == [
        ("Person", "Ada L"),
        ("Organization", "A group"),
    ]


def test_a_zip_depends_on_names_and_contents_alone(tmp_path):
    contents = {"b/é.txt": b"2", "a": b"1", "run": b"#!"}
    for name, given in (("one.zip", contents), ("two.zip", dict(reversed(contents.items())))):
        zip_file.write(tmp_path / name, given, programs=frozenset({"run"}))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    zip_file.write(tmp_path / "two.zip", contents | {"a": b"0"}, programs=frozenset({"run"}))
    assert (tmp_path / "one.zip").read_bytes() != (tmp_path / "two.zip").read_bytes()
