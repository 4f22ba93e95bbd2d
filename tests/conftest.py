"""Shared by all tests. Stricter than the program: rank promotion and warnings are errors, and types are checked."""

import ctypes
import gc
import os
import resource
import sys
from functools import cache
from pathlib import Path

UNDER_PYTEST = "pytest" in sys.modules  # and not in the fuzzer, whose guard forbids code that is made of text
# The suite's workers share the cores, so a matrix product of one must not wait for threads that another's spin on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

# Before anything of the package is imported. Types of all kinds are checked, with the dtypes and axes of arrays.
CAPTURE = ("camera", "checks", "ground", "shots")
MODULES = ["model", "study", "analysis", "dreams", "claims", "facts", "pages", "demo.rule"]
MODULES += [f"capture.{name}" for name in CAPTURE]
CHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"  # an int where a float is asked for
if UNDER_PYTEST:
    install_import_hook([f"minetest_interp.{name}" for name in MODULES], CHECKER)

from minetest_interp.demo.initial import Network  # noqa: E402
from minetest_interp.model.policy import Geometry, Policy  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")

# Most functions run once here, so they are compiled without optimisation and by XLA's older emitters, which takes a
# third of the time. Jobs of the workflow are processes of their own, with the flags of every build.
QUICK = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("XLA_FLAGS", " ".join(QUICK))
    jax.devices()  # reads them

# The suite draws the same examples every time; `make fuzz` draws others.
# How long an example takes to draw depends on what else runs.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fixed", derandomize=True, database=None, **UNTIMED)
settings.register_profile("explore", derandomize=False, database=None, print_blob=True, **UNTIMED)
settings.load_profile("fixed")

PEAKS = pytest.StashKey[dict[str, str | None]]()  # of each worker of xdist
ROOT = Path(__file__).resolve().parent.parent


MINETESTER = Geometry()


@cache
def initial_weights(geometry: Geometry, seed: int) -> dict:
    """Drawn once for all tests of a worker, since the compilation takes seconds; not to be changed."""
    stack = np.zeros((1, *geometry.shape("input")), np.float32)
    return jax.tree.map(np.asarray, jax.jit(Network(geometry).init)(jax.random.key(seed), stack)["params"])


def random_policy(geometry: Geometry = MINETESTER, seed: int = 0, gain: float = 1.0) -> Policy:
    """A policy with random weights and biases; `gain` scales the heads, so that behaviours are not all near zero."""
    generator = np.random.default_rng(seed)

    def vary(path, array):
        if path[-1].key == "bias":
            return (0.1 * generator.standard_normal(array.shape)).astype(np.float32)
        return np.asarray(array) * np.float32(gain if path[0].key == "actor" else 1.0)

    return Policy(geometry, jax.tree_util.tree_map_with_path(vary, initial_weights(geometry, seed)))


def random_stacks(n: int, geometry: Geometry = MINETESTER, seed: int = 0) -> np.ndarray:
    shape = (n, *geometry.shape("input"))
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


whole_builds = pytest.mark.skipif(
    not os.environ.get("TEST_BUILDS"),
    reason="NOT CHECKED: builds whole studies, which takes minutes; set TEST_BUILDS=1",
)


@pytest.fixture(scope="module", autouse=True)
def memory_of_one_file():
    """Compiled functions take most of a worker's memory, and few are used by more than one file.

    What they leave is handed back to the system, for glibc would keep it in pieces.
    """
    yield
    jax.clear_caches()
    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)


COMPILED: list[str] = []  # names of the functions that XLA has compiled in this process


def _note_compilation(event: str, _: float, fun_name: str = "", **__) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        COMPILED.append(fun_name)


jax.monitoring.register_event_duration_secs_listener(_note_compilation)


@pytest.fixture
def compiled() -> list[str]:
    """What XLA compiles while the test runs; nothing that was compiled before it is used."""
    jax.clear_caches()
    COMPILED.clear()
    return COMPILED


def peak_memory() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"


def pytest_sessionfinish(session):
    """With xdist, a worker's peak reaches the process that reports."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak_memory"] = peak_memory()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash.setdefault(PEAKS, {})[node.gateway.id] = getattr(node, "workeroutput", {}).get("peak_memory")


def pytest_terminal_summary(terminalreporter, config):
    peaks = config.stash.get(PEAKS, {"this process": peak_memory()})
    told = ", ".join(f"{name} {peak}" for name, peak in sorted(peaks.items()))
    terminalreporter.write_line(f"Peak memory: {told}")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> Path:
    """A folder of this run of the suite that all its workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def policy() -> Policy:
    return random_policy(gain=100.0)


@pytest.fixture(scope="session")
def treechop() -> Path:
    """The folder with the published checkpoint and screenshots."""
    folder = Path(os.environ.get("TREECHOP_DATA", ROOT.parent / "shared" / "treechop-v0"))
    if not (folder / "ppo_treechop-v0.model").is_file():
        pytest.skip(f"NOT CHECKED against the published policy: {folder} does not hold it; set TREECHOP_DATA=FOLDER")
    return folder
