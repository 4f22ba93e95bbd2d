#!/usr/bin/env bash
# Run by Snakemake in the new environment, from the folder of the workflow.
set -euo pipefail
python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
