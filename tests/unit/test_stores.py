"""The declared arrays: what is not as declared is named."""

import re

import numpy as np
import pytest

from minetest_interp.io import stores

HEADS = stores.store_of("evidence/heads.npz")
GOOD = {"labels": np.array(["a", "b"]), "cosines": np.zeros(2), "observed": np.float64(0), "null": np.zeros(9)}


def test_no_array_is_declared_twice():
    for store in stores.STORES:
        names = [declared.name for declared in store.arrays]
        assert len(names) == len(set(names)), store.path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"more": np.zeros(2)}, "more is not declared"),
        ({"cosines": np.zeros(2, np.float32)}, "cosines must be float64; it is float32"),
        ({"cosines": np.zeros((2, 1))}, r"cosines must have the axes \[action\]; its shape is \(2, 1\)"),
        ({"cosines": np.zeros(3)}, "axis action of cosines has length 3, elsewhere 2"),
    ],
)
def test_what_is_not_as_declared_is_named(change, says):
    assert stores.breaches(HEADS, GOOD) == []
    [breach] = stores.breaches(HEADS, GOOD | change)
    assert re.search(says, breach)


@pytest.mark.parametrize(
    ("path", "store"),
    [
        ("evidence/turns/units.npz", "evidence/units.npz"),
        ("intermediates/mirrored.npz", "intermediates/{view}.npz"),
    ],
)
def test_a_file_is_of_the_store_of_its_kind(path, store):
    assert stores.store_of(path).path == store
    assert stores.store_of("other.npz") is None
