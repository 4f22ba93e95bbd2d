"""One build of the small study for all tests, each of which works on a copy."""

import os

import pytest

from tests.results.workshop import Workshop


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Workshop:
    """A finished build, whose jobs said in their logs what they imported; not to be changed."""
    shop = Workshop(tmp_path_factory.mktemp("the house") / "café au lait")
    shop.build(env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"})
    return shop
