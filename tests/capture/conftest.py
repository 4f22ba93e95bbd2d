"""Few functions draw the pictures of many plans here, so that to optimise them is worth its time."""

import jax
import pytest

from minetest_interp.capture import march

OPTIMISED = {"xla_backend_optimization_level": 3, "xla_llvm_disable_expensive_passes": False}


@pytest.fixture(scope="session", autouse=True)
def optimised():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(march, "_march", jax.jit(march._march.__wrapped__, compiler_options=OPTIMISED))
        yield
