"""What archives of software and those who check it ask about this project.

`.zenodo.json` and `codemeta.json` from CITATION.cff, `codecheck.yml` from that and the panels of the studies.
"""

from collections.abc import Mapping

import yaml

from minetest_interp.panels import Panel


class Indented(yaml.SafeDumper):
    """Lists are indented, as the linter asks."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def names(authors: list[Mapping[str, str]]) -> list[str]:
    """As archives sort them: family name first; an organisation's name as it is."""
    return [author.get("name") or f"{author['family-names']}, {author['given-names']}" for author in authors]


def zenodo(citation: Mapping) -> dict:
    """The metadata of a deposit at Zenodo, which reads `.zenodo.json` in a release's root.

    Args:
      citation: content of CITATION.cff.
    """
    return {
        "title": citation["title"],
        "upload_type": citation["type"],
        "version": citation["version"],
        "description": citation["abstract"],
        "license": citation["license"],
        "access_right": "open",
        "creators": [{"name": name} for name in names(citation["authors"])],
        "keywords": citation["keywords"],
        "related_identifiers": [
            {"identifier": work["url"], "relation": "isSupplementTo", "scheme": "url"}
            for work in citation["references"]
        ],
    }


def codemeta(citation: Mapping, python: str) -> dict:
    """The same in the terms of CodeMeta 3.0, JSON-LD.

    Args:
      citation: content of CITATION.cff.
      python: the versions of Python that the project runs on, as pyproject.toml states them.
    """
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "type": "SoftwareSourceCode",
        "name": citation["title"],
        "version": citation["version"],
        "description": citation["abstract"],
        "license": f"https://spdx.org/licenses/{citation['license']}",
        "author": [
            {"type": "Organization" if "name" in author else "Person", "name": name}
            for author, name in zip(citation["authors"], names(citation["authors"]), strict=True)
        ],
        "keywords": citation["keywords"],
        "programmingLanguage": ["Python", "JavaScript", "Snakemake"],
        "runtimePlatform": f"Python {python}",
        "operatingSystem": "Linux",
        "softwareRequirements": "requirements/run.lock",
        "readme": "README.md",
        "referencePublication": [
            {"type": "ScholarlyArticle", "name": work["title"], "url": work["url"]} for work in citation["references"]
        ],
    }


def codecheck(citation: Mapping, studies: Mapping[str, Mapping], panels: Mapping[str, Panel]) -> str:
    """The manifest of outputs that a CODECHECK looks at; the codechecker adds name, time and certificate.

    Args:
      citation: content of CITATION.cff.
      studies: name to the study's YAML file.
      panels: every panel by name.
    """
    [post] = citation["references"]
    pages = {
        "index.html": "the report",
        "facts.json": "every number of it",
        "REPRODUCE.md": "each claim's numbers and cost",
    }
    manifest = []
    for study, settings in studies.items():
        manifest += [{"file": f"report/{study}/{file}", "comment": what} for file, what in pages.items()]
        for name in settings["panels"]:
            manifest.append({"file": f"figures/{study}/{name}.png", "comment": panels[name].shows})
    content = {
        "version": "https://codecheck.org.uk/spec/config/1.0/",
        "paper": {
            "title": post["title"],
            "authors": [{"name": author["name"]} for author in post["authors"]],
            "reference": post["url"],
        },
        "manifest": manifest,
    }
    words = "# Written by `make docs`. The demo's files are made by `make`, the others by `make STUDY=treechop`.\n---\n"
    return words + yaml.dump(content, Dumper=Indented, sort_keys=False, allow_unicode=True, width=1000)
