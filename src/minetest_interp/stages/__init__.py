"""Thin command lines over the package: paths and settings in, files out. Nothing here knows the workflow."""

import os

from minetest_interp.provenance import environment

# Results are defined on the CPU in single precision, whatever the machine has and the user's shell says. JAX reads its
# variables when it is first imported; the workflow has set all of `environment.DEFINED` for a job already.
# The cache of compiled programs, which the workflow names, changes no result.
for name in [name for name in os.environ if name.startswith(("JAX_", "XLA_")) and name != "JAX_COMPILATION_CACHE_DIR"]:
    del os.environ[name]
os.environ.update({name: value for name, value in environment.DEFINED.items() if name.startswith("JAX_")})

# XLA sizes its thread pool by NPROC; the workflow gives a job's threads in OMP_NUM_THREADS.
if threads := os.environ.get("OMP_NUM_THREADS"):
    os.environ.setdefault("NPROC", threads)
