"""Thin command lines over the package: paths and settings in, files out. Nothing here knows the workflow."""

import os

# XLA sizes its thread pool by NPROC, once, when jax is first imported; the workflow tells a job's threads in
# OMP_NUM_THREADS. Results are defined on the CPU, whatever else the machine has.
if threads := os.environ.get("OMP_NUM_THREADS"):
    os.environ.setdefault("NPROC", threads)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
