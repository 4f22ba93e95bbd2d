"""Is the folder FOLDER a valid Workflow Run Crate? `crate/bin/python validate_crate.py FOLDER CACHE`, without network.

Run by the environment of requirements/crate.lock. Prints what is wrong, a line for each issue, and how many checks
there were; status 1 if anything is wrong or was not checked.
"""

import io
import sys
from importlib.resources import files

import requests
import urllib3
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity

# rocrate ships the terms that the validator would fetch; they are put where it keeps what it has fetched.
TERMS = "https://w3id.org/ro/crate/1.1/context"


def keep_terms(cache: str) -> None:
    content = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
    assert f'"{TERMS}"'.encode() in content, "this rocrate ships another version's terms"
    response = requests.Response()
    response.status_code, response.url = 200, TERMS
    response.headers["Content-Type"] = "application/ld+json"
    response.raw = urllib3.HTTPResponse(io.BytesIO(content), headers=response.headers, preload_content=False)
    response.request = requests.Request("GET", TERMS).prepare()
    CachedSession(cache_name=cache, backend="sqlite").cache.save_response(response)


def main(folder: str, cache: str) -> None:
    keep_terms(cache)
    settings = {
        "rocrate_uri": folder,
        "profile_identifier": "workflow-run-crate",
        "requirement_severity": Severity.REQUIRED,
        "cache_path": cache,
        "offline": True,
    }
    result = services.validate(settings)
    for issue in result.get_issues():
        print(f"{issue.check.identifier}: {issue.message}")
    for check in result.skipped_checks:
        print(f"{check.identifier}: not checked")
    print(f"{len(result.statistics.checks)} checks")
    sys.exit(not result.passed() or result.skipped_checks_count > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
