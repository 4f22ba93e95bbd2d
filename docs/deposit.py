"""What archives of software ask about this project, from CITATION.cff: `.zenodo.json` and `codemeta.json`."""

from collections.abc import Mapping


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
