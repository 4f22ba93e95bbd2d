"""One build of the small study for all tests and all workers, each of which works on a copy; and the built demo."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from tests.conftest import whole_builds
from tests.results import recomputed
from tests.results.workshop import Workshop

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Tests of a study that is built for them ask for it as `built` or `shop`."""
    for item in items:
        if HERE in item.path.parents and {"built", "shop"} & set(item.fixturenames):
            item.add_marker(whole_builds)


@pytest.fixture(scope="session")
def claims():
    """The demo's ledger, by claim."""
    if not (recomputed.RESULTS / "ledger.json").is_file():
        pytest.skip("NOT CHECKED: the demo study has not been built; run make first")
    return {claim["id"]: claim for claim in json.loads((recomputed.RESULTS / "ledger.json").read_text())}


@pytest.fixture(scope="session")
def study(claims):
    return recomputed.read_study()


@pytest.fixture(scope="session")
def labelled(study):
    return recomputed.read_labelled(study["params"])


@pytest.fixture(scope="session")
def trunks(labelled):
    return recomputed.trunks_in_fields(labelled)


@pytest.fixture(scope="session")
def built(shared_folder) -> Workshop:
    """A finished build, whose jobs said in their logs what they imported; not to be changed, nor Snakemake run there.

    The first worker that needs it builds it, while any other that needs it waits.
    """
    done = shared_folder / "built"
    with (shared_folder / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shop = Workshop(shared_folder / "the project" / "café au lait")
        if not done.exists():
            shop.build(env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"})
            done.touch()
    return shop
