"""A plugin of pytest under coverage: which test runs a line, also in a subprocess, and how long each test takes."""

import json
import os
from collections import defaultdict
from pathlib import Path

import coverage
import pytest
from coverage.config import CoverageConfig

SUBPROCESSES = "COVERAGE_PROCESS_CONFIG"  # how coverage hands its settings on
SECONDS = defaultdict(float)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    coverage.Coverage.current().switch_context(item.nodeid)
    settings = CoverageConfig.deserialize(os.environ[SUBPROCESSES])
    settings.context = item.nodeid
    os.environ[SUBPROCESSES] = settings.serialize()


def pytest_runtest_logreport(report):
    SECONDS[report.nodeid] += report.duration


def pytest_sessionfinish(exitstatus):
    if exitstatus == pytest.ExitCode.OK:
        Path(os.environ["MUTANTS_SECONDS"]).write_text(json.dumps(SECONDS))
