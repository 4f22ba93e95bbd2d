"""The archive as a stranger finds it, and what `make archive` refuses."""

import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from minetest_interp.io import files
from minetest_interp.provenance.integrity import MARK
from tests.conftest import ROOT
from tests.results.workshop import NAMES, STUDY, TIMED, Workshop
from workflow.digests import code_digest

LEFT_OUT = ("labels", "evidence")
COMPRESSED = (".jpg", ".png", ".webp", ".onnx", ".model")
SMALL = {key: value for key, value in STUDY.items() if key not in LEFT_OUT} | {
    "dreams": {"value": STUDY["dreams"]["value"]},
    "gradients": {},
    "panels": {"k-network": {}},
}
NAME = "archive/minetest-interp-0.1.0-own.zip"
VALIDATOR = Path(sys.prefix) / "crate/bin/python"


def git(folder, *words) -> str:
    who = ["-c", "user.name=one", "-c", "user.email=one@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def command(folder, *options) -> subprocess.CompletedProcess:
    words = [sys.executable, "-m", "workflow.archive", "--study", "own", "--cores", "2", *options]
    return subprocess.run(words, cwd=folder, env=os.environ | {"PYTHONPATH": "src"}, capture_output=True, text=True)


def pack(folder, *options) -> bytes:
    """A new archive of the study in `folder`."""
    done = command(folder, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / NAME).read_bytes()


def failed_sums(folder) -> list[str]:
    """Files that a stranger's check finds changed or missing."""
    words = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    failed = [line.rsplit(": FAILED", 1)[0] for line in done.stdout.splitlines()]
    assert (done.returncode == 0) == (not failed)
    return failed


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A clean commit, not built yet."""
    shop = Workshop(tmp_path_factory.mktemp("the project") / "café au lait")
    shop.write_study(SMALL)
    git(shop.folder, "init", "--quiet")
    git(shop.folder, "add", "--all")
    git(shop.folder, "commit", "--quiet", "--message", "all")
    return shop


@pytest.fixture(scope="module")
def packed(shop):
    """The bytes of its archive; making it builds the study first."""
    return pack(shop.folder)


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    """The archive in an empty folder."""
    folder = tmp_path_factory.mktemp("stranger")
    with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
        bundle.extractall(folder)
    return folder


def test_the_same_state_gives_the_same_bytes_and_leaves_nothing_to_do(shop, packed):
    for path in shop.folder.rglob("*"):
        if path.is_file() and not {".git", ".snakemake"} & set(path.parts):
            path.touch()
    foreign = shop.folder / "report/own/foreign.html"
    foreign.write_text("made by nobody")
    again = command(shop.folder)
    foreign.unlink()
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr
    assert (shop.folder / NAME).read_bytes() == packed


def test_the_zip_holds_neither_dates_nor_the_packers_permissions(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
        entries = bundle.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    modes = {entry.filename: entry.external_attr >> 16 for entry in entries}
    assert {name for name, mode in modes.items() if mode == 0o100755} == {".ci/run"}
    assert set(modes.values()) == {0o100644, 0o100755}


def test_a_strangers_check_covers_every_file(unpacked):
    assert failed_sums(unpacked) == []
    inside = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    listed = {line[66:] for line in (unpacked / "SHA256SUMS").read_text().splitlines()}
    assert inside == listed | {"SHA256SUMS"}
    licence = (unpacked / "LICENSE").read_bytes()
    (unpacked / "LICENSE").write_bytes(licence + b" ")
    assert failed_sums(unpacked) == ["LICENSE"]
    (unpacked / "LICENSE").write_bytes(licence)


def test_the_report_opens_with_all_that_it_shows(unpacked):
    folder = unpacked / "report/own"
    texts = {name: (folder / f"{name}.html").read_text() for name in ("index", "appendix", "frames", "reproduce")}
    for name, text in texts.items():
        links = re.findall(r"""(?:src|href)=["']([^"':]*)["']""", text)
        places = [link.partition("#") for link in links if "${" not in link]
        assert len(places) >= 3
        assert not [file for file, *_ in places if not (folder / file).exists()], name
        for file, _, anchor in places:
            target = file.removesuffix(".html") or name
            # The explorer and the atlas find their places by script.
            if anchor and target in ("index", "appendix", "reproduce"):
                place = f'id="{unquote(html.unescape(anchor))}"'
                assert place in html.unescape(texts[target]), (name, anchor)


def test_the_source_is_the_commits_byte_for_byte(shop, unpacked):
    manifest = files.read_json(unpacked / "manifest.json")
    commit = manifest["source"]["commit"]
    assert commit == git(shop.folder, "rev-parse", "HEAD").strip() and manifest["source"]["changed"] == []
    tracked = [name for name in git(shop.folder, "ls-tree", "-rz", "--name-only", commit).split("\0") if name]
    blobs = git(shop.folder, "ls-tree", "-rz", commit).split("\0")
    for name, line in zip(tracked, blobs, strict=False):
        content = (unpacked / name).read_bytes()
        assert line.split()[2] == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    added = {"manifest.json", "ro-crate-metadata.json", "SHA256SUMS", "ARCHIVE.md"}
    made = {str(p.relative_to(unpacked)) for r in ("figures", "report") for p in (unpacked / r / "own").rglob("*")}
    inside = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert inside == set(tracked) | added | (made & inside)


def test_the_manifest_says_how_every_file_of_the_build_was_made(shop, unpacked):
    manifest = files.read_json(unpacked / "manifest.json")
    made = {path: digest for job in manifest["jobs"] for path, digest in job["outputs"].items()}
    assert set(made) == {path for path in shop.made() if not path.endswith(MARK)}
    assert made == {path: hashlib.sha256((shop.folder / path).read_bytes()).hexdigest() for path in made}
    sums = (line.split("  ", 1) for line in (unpacked / "SHA256SUMS").read_text().splitlines())
    known = {name: digest for digest, name in sums} | made
    for job in manifest["jobs"]:
        entry = re.search(r"(minetest_interp\.stages\.\w+)|figures/(\w+)\.py", job["command"])
        assert job["code"] == code_digest(entry.group(1) or entry.group(2))
        assert job["inputs"] and job["inputs"].items() <= known.items()
        assert 0 < job["seconds"] < 1000 and job["started"] <= job["ended"]  # whole seconds
        assert manifest["environments"][job["environment"]]["python"].startswith("3.")
    [environment] = manifest["environments"]
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / "requirements/run.lock").read_text(), re.MULTILINE))
    assert environment["packages"]["numpy"] and set(environment["packages"]) <= set(pins)
    assert manifest["seeds"] == {"dreams.value.seed": 1, "rule describe": 1}
    assert manifest["config"]["title"] == SMALL["title"]
    for row in manifest["inputs"]:
        assert hashlib.sha256((unpacked / row["path"]).read_bytes()).hexdigest() == row["sha256"]
    assert len(manifest["inputs"]) == 1 + len(NAMES) + 3  # the checkpoint, frames, and what a film is made of


def test_nothing_in_the_archive_names_the_machine_or_its_folders(shop, unpacked):
    folders, machine = [str(shop.folder), str(shop.folder.parent), str(ROOT), sys.prefix], os.uname().nodename
    for path in unpacked.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [folder for folder in folders if folder.encode() in content], path
            # A short name is among the bytes of some picture or model by chance.
            if path.suffix not in COMPRESSED:
                assert f"{machine}\n".encode() not in content, path


def test_what_the_crate_refers_to_is_in_it_and_in_the_archive(unpacked):
    graph = files.read_json(unpacked / "ro-crate-metadata.json")["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else references(list(value.values()))
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    outside = {reference for entity in graph for reference in references(entity)} - set(entities)
    assert all(reference.startswith("https://") for reference in outside)
    for part in references(entities["./"]["hasPart"]):
        path = unpacked / bytes(re.sub(r"%(..)", lambda m: chr(int(m[1], 16)), part), "latin-1").decode()
        assert path.exists()
        if "sha256" in entities[part]:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entities[part]["sha256"]
    run = entities["#run"]
    manifest = files.read_json(unpacked / "manifest.json")
    assert (run["startTime"], run["endTime"]) == (manifest["started"], manifest["ended"])
    assert run["instrument"] == entities["./"]["mainEntity"] == {"@id": "Snakefile"}
    versions = {e["name"]: e["softwareVersion"] for e in graph if e["@type"] == "SoftwareApplication"}
    assert versions == manifest["environments"][0]["packages"]


def test_the_profiles_validator_accepts_the_crate_and_refuses_a_spoilt_one(unpacked, tmp_path):
    if not VALIDATOR.is_file():
        pytest.skip(f"NOT CHECKED by the crate's validator: {VALIDATOR} is missing; make test installs it")

    def validate(folder):
        words = [VALIDATOR, ROOT / "tests/validate_crate.py", folder, tmp_path / "cache"]
        return subprocess.run(words, capture_output=True, text=True)

    good = validate(unpacked)
    assert good.returncode == 0 and int(re.search(r"^(\d+) checks$", good.stdout, re.MULTILINE)[1]) > 50, good.stdout
    spoilt = tmp_path / "spoilt"
    shutil.copytree(unpacked, spoilt)
    metadata = (spoilt / "ro-crate-metadata.json").read_text()
    (spoilt / "ro-crate-metadata.json").write_text(metadata.replace('"instrument"', '"description"'))
    assert "MUST have an instrument" in validate(spoilt).stdout


def test_an_unpacked_archive_builds_the_same_files_without_git(unpacked, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(unpacked, again)
    for name in ("figures", "report"):
        shutil.rmtree(again / name / "own")
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "study=own"]
    done = subprocess.run(words, cwd=again, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(failed_sums(again)) <= {f"report/own/{name}" for name in TIMED}


def test_a_tree_that_is_not_a_commit_is_refused_or_archived_as_it_is(shop, packed):
    licence, stray = shop.folder / "LICENSE", shop.folder / "stray file.txt"
    content = licence.read_bytes()
    licence.write_bytes(content + b"\n")
    stray.write_text("new")
    refused = command(shop.folder)
    assert refused.returncode == 1 and not refused.stdout
    message = r"error: the source must be a commit.* 2 files differ.* LICENSE\. .*CHANGED=yes\.\n"
    assert re.fullmatch(message, refused.stderr)
    changed = pack(shop.folder, "--changed")
    licence.write_bytes(content)
    stray.unlink()
    with zipfile.ZipFile(io.BytesIO(changed)) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        assert bundle.read("LICENSE") == content + b"\n" and bundle.read("stray file.txt") == b"new"
    assert manifest["source"]["changed"] == ["LICENSE", "stray file.txt"]
