"""Where a job ran: what, beside code, settings and inputs, can change a byte of its results."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

# What computes and draws. The lock pins these and all that they need.
PACKAGES = (
    "flax", "jax", "jaxlib", "jinja2", "matplotlib", "numpy", "onnx", "opencv-python-headless", "optax", "pillow",
    "scikit-learn", "scipy", "snakemake",
)  # fmt: skip

# The variables that a job has of its user's: where programs, libraries and temporary files are, how the network is
# reached, how many threads it may use, and what only watches it. Nothing else reaches a job.
PASSED = (
    "PATH", "HOME", "USER", "LD_LIBRARY_PATH", "TMPDIR",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
    "OPENBLAS_CORETYPE",  # set by the owner of a machine whose processor OpenBLAS does not recognise
    "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG",
)  # fmt: skip

# What results are defined on.
DEFINED = {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "0",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TZ": "UTC",
}

KEYS = ("model name", "cpu family", "model", "flags")  # of /proc/cpuinfo
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sse4_2": "SSE4.2"}  # the widest first


def describe() -> dict:
    """The versions of Python and of `PACKAGES`, and the class of the host; neither its name nor its user."""
    return {"python": platform.python_version(), "packages": _versions(), "host": host()}


def host() -> str:
    """The class of the machine in words: system, C library, processor, and kernels that are set for OpenBLAS."""
    library, kernels = " ".join(platform.libc_ver()), os.environ.get("OPENBLAS_CORETYPE")
    parts = (f"{platform.system()} {platform.machine()}", library, processor(), kernels and f"OpenBLAS for {kernels}")
    return ", ".join(filter(None, parts))


def processor() -> str:
    """The processor's model, where the system tells it, with its family and widest vectors."""
    cpuinfo = Path("/proc/cpuinfo")
    return (cpuinfo.is_file() and named(cpuinfo.read_text())) or platform.processor()


def named(cpuinfo: str) -> str:
    """A processor of x86-64 in words, from Linux's account of it; "" of another.

    On a virtual machine the name alone may stand for several generations, whose vectors differ.
    """
    found = {key: stated[1] for key in KEYS if (stated := re.search(rf"^{key}\s*: (.+)", cpuinfo, re.MULTILINE))}
    if found.keys() != set(KEYS):
        return ""
    widest = next((name for flag, name in VECTORS.items() if flag in found["flags"].split()), "SSE2")
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']}, {widest})"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # a library user need not have them all
    return found
