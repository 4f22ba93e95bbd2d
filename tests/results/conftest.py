"""One build of the small study for all tests and all workers, each of which works on a copy."""

import fcntl
import os

import pytest

from tests.results.workshop import Workshop


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
