"""The archive described as a Workflow Run RO-Crate: one run of the workflow, what it took and what it made.

Profiles: Workflow Run Crate 0.5 and the two that it rests on, with RO-Crate 1.1 on which they stand. Single jobs are in
the manifest and not described here, so this is no Provenance Run Crate. Who ran the workflow is not known, so the run
names no agent.
"""

import base64
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from minetest_interp.provenance import manifest as manifests
from minetest_interp.provenance.source_tree import GUIDE, MANIFEST

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
BIOSCHEMAS = "https://bioschemas.org/profiles"
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}  # not among RO-Crate's own
FORMATS = {
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".model": "application/octet-stream",
}
FILES = {
    MANIFEST: "Inputs, code, settings, seeds, versions, hosts and times of every job, with digests.",
    GUIDE: "Where to begin.",
    "README.md": "What the workflow does and how it is run.",
    "LICENSE": "The licence of the code.",
    "CITATION.cff": "How to cite it.",
    "requirements/run.lock": "Every package that the workflow needs, with version and digest.",
}
FOLDERS = {
    "src/": "The library and the stages that jobs run.",
    "workflow/": "The rules and the schemas.",
    "config/": "The studies' settings, the claims and the action table.",
    "figures/": "The drawing scripts, and the figures that they drew.",
    "report/": "The templates, and the report that they gave.",
}


def describe(manifest: Mapping, citation: Mapping, sizes: Mapping[str, int], *, settings: str) -> dict:
    """The crate's metadata, JSON-LD.

    Args:
      manifest: of the study (see `manifest.describe`).
      citation: content of CITATION.cff: `title`, `version`, `license` as SPDX names it, `authors`.
      sizes: bytes of each file in the archive, by its path there.
      settings: the study's YAML file in the archive.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms = TERMS
    licence = _add(crate, f"https://spdx.org/licenses/{citation['license']}", "CreativeWork", name=citation["license"])
    authors = [_author(crate, author) for author in citation["authors"]]
    credit = {"license": licence, "author": authors if len(authors) > 1 else authors[0]}

    for path, description in FOLDERS.items():
        crate.add_dataset(dest_path=path, properties={"name": path, "description": description})
    for path, description in FILES.items():
        _file(crate, path, sizes, description=description)
    crate.get("README.md")["about"] = crate.root_dataset

    versions = {package for place in manifest["environments"] for package in place["packages"].items()}
    snakemake = dict(sorted(versions)).get("snakemake")
    workflow = crate.add_workflow(
        dest_path="Snakefile",
        main=True,
        lang="snakemake",
        lang_version=snakemake,
        properties={
            **_facts("Snakefile", sizes),
            **credit,
            "version": str(citation["version"]),
            "description": "From a policy's checkpoint to the report on what its network sees.",
            "conformsTo": {"@id": f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"},
            "softwareRequirements": [_software(crate, *package) for package in sorted(versions)],
        },
    )
    took = _inputs(crate, manifest, sizes, settings)
    gave = _outputs(crate, manifest, sizes)
    workflow["input"] = [_parameter(crate, *described) for described in took]
    workflow["output"] = [_parameter(crate, *described) for described in gave]

    hosts = sorted({f"{place['host']}, Python {place['python']}" for place in manifest["environments"]})
    run = _add(
        crate,
        "#run",
        "CreateAction",
        name=f"The build of the study {manifest['study']}",
        description=f"{len(manifest['jobs'])} jobs, from the start of the first to the end of the last. Ran on: "
        f"{'; '.join(hosts)}. Each job's command, code, times and files are in {MANIFEST}.",
        instrument=workflow,
        object=[entity for _, entity, _ in took],
        result=[entity for _, entity, _ in gave],
        startTime=manifest["started"],
        endTime=manifest["ended"],
        actionStatus="http://schema.org/CompletedActionStatus",
        subjectOf=crate.get(MANIFEST),
    )
    source = manifest["source"]
    changed = f", with {len(source['changed'])} changed files" if source["changed"] else ""
    root = {
        **credit,
        "name": f"{citation['title']}: {manifest['title']}",
        "description": f"Report, figures and numbers of the study {manifest['study']}, with the source that made them "
        f"(commit {source['commit']}{changed}). About the inputs: {manifest['config']['source']['attribution']}",
        "datePublished": manifest["ended"],
        "conformsTo": [_add(crate, url, "CreativeWork", name=n, version=v) for url, (n, v) in PROFILES.items()],
        "mentions": [run, *(entity for _, entity, _ in took + gave if entity.type == "Collection")],
    }
    for key, value in root.items():
        crate.root_dataset[key] = value
    return crate.metadata.generate()


def _add(crate: ROCrate, identifier: str, kind: str, **properties: object) -> Entity:
    return crate.add(ContextEntity(crate, identifier, {"@type": kind, **properties}))


def _facts(path: str, sizes: Mapping[str, int]) -> dict[str, str]:
    pure = PurePosixPath(path)
    form = FORMATS.get(pure.suffix, "text/plain")
    return {"name": pure.name, "contentSize": str(sizes[path]), "encodingFormat": form}


def _file(crate: ROCrate, path: str, sizes: Mapping[str, int], **properties: object) -> Entity:
    return crate.add_file(dest_path=path, properties=_facts(path, sizes) | properties)


def _author(crate: ROCrate, author: Mapping[str, str]) -> Entity:
    name = author.get("name") or " ".join(filter(None, (author.get("given-names"), author.get("family-names"))))
    kind = "Organization" if "name" in author else "Person"
    identifier = author.get("orcid") or f"#author-{name.replace(' ', '-')}"
    return _add(crate, identifier, kind, name=name)


def _software(crate: ROCrate, package: str, version: str) -> Entity:
    # A package URL names a package without saying where it is kept.
    return _add(crate, f"pkg:pypi/{package}@{version}", "SoftwareApplication", name=package, softwareVersion=version)


def _parameter(crate: ROCrate, name: str, example: Entity, description: str) -> Entity:
    """What the workflow takes or gives in every run; `example` is this run's."""
    made = _add(
        crate,
        f"#parameter-{name}",
        "FormalParameter",
        name=name,
        description=description,
        additionalType=example.type,
        workExample=example,
        conformsTo={"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
    )
    example["exampleOfWork"] = made
    return made


def _collection(crate: ROCrate, name: str, parts: Iterable[Entity]) -> Entity:
    return _add(crate, f"#{name}", "Collection", name=name, hasPart=list(parts))


def _inputs(
    crate: ROCrate, manifest: Mapping, sizes: Mapping[str, int], settings: str
) -> list[tuple[str, Entity, str]]:
    """Name, this run's entity and description of everything that the workflow takes."""
    entities: dict[str, list[Entity]] = {}
    for row in manifest["inputs"]:
        entities.setdefault(row["role"], []).append(_input(crate, row, sizes))
    parameters = entities["checkpoint"]
    checkpoint = parameters[0] if len(parameters) == 1 else _collection(crate, "checkpoint", parameters)
    described = [
        ("study", _file(crate, settings, sizes), "The study: which policy, which frames, what to compute."),
        ("checkpoint", checkpoint, "The policy's parameters."),
        ("frames", _collection(crate, "frames", entities["frame"]), "What the policy is shown."),
    ]
    if "module" in entities:
        described.append(("module", entities["module"][0], "The policy's network, as Python code."))
    if "answers" in entities:
        described.append(("answers", entities["answers"][0], "What the policy answered where it was trained."))
    if "label" in entities:
        labels = _collection(crate, "labels", entities["label"])
        described.append(("labels", labels, "Frames with masks of what they show."))
    if "episodes" in entities:
        episodes = _collection(crate, "episodes", entities["episodes"])
        described.append(("episodes", episodes, "What agents did in whole episodes of the game."))
    if "field" in entities:
        described.append(("field", entities["field"][0], "One tree of the game, seen from places around it."))
    return described


def _input(crate: ROCrate, row: Mapping, sizes: Mapping[str, int]) -> Entity:
    """A file of the archive, or one elsewhere: by its address, or named by its digest (RFC 6920) where it has none."""
    if "path" in row:
        return _file(crate, row["path"], sizes, sha256=row["sha256"])
    digest = base64.urlsafe_b64encode(bytes.fromhex(row["sha256"])).rstrip(b"=").decode()
    known = {"name": row["name"], "contentSize": str(row["bytes"]), "sha256": row["sha256"]}
    return crate.add_file(row.get("url", f"ni:///sha-256;{digest}"), properties=known)


def _outputs(crate: ROCrate, manifest: Mapping, sizes: Mapping[str, int]) -> list[tuple[str, Entity, str]]:
    """Name, this run's entity and description of everything that the workflow gives."""
    study, digests = manifest["study"], manifests.outputs(manifest)

    def made(path: str) -> Entity:
        return _file(crate, path, sizes, sha256=digests[path])

    def inside(folder: str) -> list[Entity]:
        return [made(path) for path in sorted(digests) if PurePosixPath(path).parent == PurePosixPath(folder)]

    pages, panels = inside(f"report/{study}"), inside(f"figures/{study}")
    report, facts = (crate.get(f"report/{study}/{name}") for name in ("index.html", "facts.json"))
    return [
        ("report", report, "The report, which opens from disk."),
        ("facts", facts, "Every number that the report prints."),
        ("pages", _collection(crate, "pages", pages), "The report in all its forms."),
        ("panels", _collection(crate, "panels", panels), "The figures."),
    ]
