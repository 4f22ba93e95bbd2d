import numpy as np
import pytest
import scipy.special
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import action_table, behaviour_values, probabilities
from tests.conftest import ROOT

MINETEST = yaml.safe_load((ROOT / "config/minetest-actions.yaml").read_text())
TABLE = action_table(MINETEST["factors"], MINETEST["behaviours"])


def test_the_minetester_table_is_the_environments_formula():
    """action = 18 forward + 9 jump + 3 mouse_x + mouse_y."""
    for forward in range(2):
        for jump in range(2):
            for x in range(3):
                for y in range(3):
                    action = 18 * forward + 9 * jump + 3 * x + y
                    assert TABLE.behaviours["forward"].plus[action] == (forward == 1)
                    assert TABLE.behaviours["jump"].plus[action] == (jump == 1)
                    assert TABLE.behaviours["yaw"].weights[action] == 1 - x
                    assert TABLE.behaviours["pitch"].weights[action] == 1 - y
                    assert ("jump" in TABLE.labels[action]) == (jump == 1)
                    assert ("forward" in TABLE.labels[action]) == (forward == 1)
    assert len(TABLE.labels) == 36 == len(set(TABLE.labels))


@given(arrays(np.float64, (2, 36), elements=st.floats(-50, 50)))
def test_probabilities_are_the_softmax(logits):
    np.testing.assert_allclose(probabilities(logits), scipy.special.softmax(logits, axis=-1), rtol=1e-10, atol=1e-300)


@given(arrays(np.float64, (3, 36), elements=st.floats(-20, 20)))
def test_exchanging_left_and_right_logits_changes_the_sign_of_yaw_alone(logits):
    values = behaviour_values(logits, TABLE)
    swapped = logits.reshape(3, 2, 2, 3, 3)[:, :, :, ::-1].reshape(3, 36)
    mirrored = behaviour_values(swapped, TABLE)
    np.testing.assert_allclose(mirrored["yaw"], -values["yaw"], atol=1e-6)
    for name in ("pitch", "forward", "jump"):
        np.testing.assert_allclose(mirrored[name], values[name], atol=1e-6)


def test_an_unknown_level_is_named():
    with pytest.raises(InputError, match="'yaw' must use factors and levels of the action table; got mouse_x: up"):
        action_table(MINETEST["factors"], {"yaw": {"plus": {"mouse_x": "up"}}})
