"""What the code host is asked to run is there, and runs on the machines that it should."""

import re

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
STEPS = [(name, step) for name, flow in WORKFLOWS.items() for job in flow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_every_step_is_a_target_of_make_or_a_versioned_action(name, step):
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for command in step.get("run", "").split(" && "):
        assert re.fullmatch(r"(make( [a-z-]+)?)?", command) and {*command.split()[1:]} <= targets
    assert "run" in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_the_small_study_and_the_demo_are_verified_on_both_processors_of_linux_and_on_macos():
    [job] = WORKFLOWS["smoke.yml"]["jobs"].values()
    assert job["strategy"]["matrix"]["machine"] == ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15"]
    assert job["strategy"]["fail-fast"] is False
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make smoke", "make && make verify"]
