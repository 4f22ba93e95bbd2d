"""What reaches a job: none of the user's variables that could change it, and settings of any length."""

import json
import os

import pytest

from minetest_interp.io import files
from minetest_interp.provenance import environment
from tests.environments import ENVIRONMENTS, variables
from tests.results.workshop import STUDY, Workshop

# A gradient in single precision, a figure, and numbers as text: what the variables were seen to change.
TARGETS = ("results/own/gradients/mirrored/yaw-right.npz", "figures/own/c-alignment.svg", "report/own/facts.json")


@pytest.fixture(scope="module")
def shop(built, tmp_path_factory) -> Workshop:
    return built.copy(tmp_path_factory.mktemp("environments") / "a copy")


# Later ones replace variables of earlier ones, so these are chosen to be different in kind.
@pytest.mark.parametrize(
    "names",
    [
        ("JAX on a GPU", "JAX in double precision", "XLA with an unknown flag", "Matplotlib in a notebook",
         "Bash with a start file", "another language", "Python without assertions"),
        ("JAX with a wrong word", "XLA with many devices", "Matplotlib with settings", "a home that cannot be written"),
    ],
)  # fmt: skip
def test_what_a_users_shell_sets_changes_no_byte(shop, names, tmp_path):
    before = shop.outputs()
    given = {key: value for name in names for key, value in variables(name, tmp_path).items()}
    shop.build(*TARGETS, "--force", env=os.environ | given)
    assert shop.outputs() == before


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_paths_in_an_environment_are_filled_in_and_nothing_else_is_changed(name, tmp_path):
    given = variables(name, tmp_path)
    assert given.keys() == ENVIRONMENTS[name].keys()
    for key, pattern in ENVIRONMENTS[name].items():
        place = next((word for word in ("{folder}", "{nowhere}") if word in pattern), None)
        if place is None:
            assert given[key] == pattern
        else:
            before, after = pattern.split(place)
            assert given[key].startswith(f"{before}{tmp_path}") and given[key].endswith(after)


def test_no_variable_that_is_passed_on_is_one_that_an_environment_changes_a_result_with():
    changed = {key for given in ENVIRONMENTS.values() for key in given}
    harmless = {"HOME", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}  # Snakemake sets the last two itself
    assert changed & set(environment.PASSED) == harmless
    assert not set(environment.PASSED) & set(environment.DEFINED)


def test_settings_longer_than_linux_takes_in_an_argument_reach_their_job(shop):
    """And a plan writes nothing."""
    summary, facts = "A long story. " * 10_000, "report/own/facts.json"
    assert len(json.dumps(summary)) > 2**17
    folder = shop.folder / "results/own/settings"
    shop.write_study(STUDY | {"summary": summary})
    written = set(folder.iterdir())
    shop.counted(facts)
    assert set(folder.iterdir()) == written
    shop.build(facts)
    [new] = set(folder.iterdir()) - written
    assert json.loads((shop.folder / facts).read_text())["summary"].strip() == summary.strip()
    assert (
        f"read {files.sha256(new)}  {new.relative_to(shop.folder)}"
        in (shop.folder / "results/own/logs/facts.txt").read_text()
    )
