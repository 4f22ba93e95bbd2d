"""Where a job ran: what, beside code, settings and inputs, can change a byte of its results."""

import importlib.metadata
import platform
import re
from pathlib import Path

# What computes and draws. The lock pins these and all that they need.
PACKAGES = (
    "flax", "jax", "jaxlib", "jinja2", "matplotlib", "numpy", "onnx", "opencv-python-headless", "optax", "pillow",
    "scikit-learn", "scipy", "snakemake",
)  # fmt: skip


def describe() -> dict:
    """The versions of Python and of `PACKAGES`, and the class of the host; neither its name nor its user."""
    return {"python": platform.python_version(), "packages": _versions(), "host": host()}


def host() -> str:
    """The class of the machine in words: system, C library and processor."""
    library = " ".join(platform.libc_ver())
    return ", ".join(filter(None, (f"{platform.system()} {platform.machine()}", library, processor())))


def processor() -> str:
    """The processor's model, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.is_file() else None
    return model.group(1) if model else platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # a library user need not have them all
    return found
