"""The published policy gives the very numbers that the post printed."""

import json
import shutil

import pytest

from minetest_interp import study
from minetest_interp.io.errors import InputError
from minetest_interp.model import actions, checkpoint, frames, intermediates
from tests.conftest import ROOT

pytestmark = pytest.mark.treechop


@pytest.fixture(scope="module")
def loaded(treechop):
    return study.load(ROOT / "config/treechop.yaml", ROOT / "workflow/schemas/study.schema.yaml", data=treechop)


@pytest.fixture(scope="module")
def run(loaded, treechop):
    """A function from (frame, view) to what the policy computed for it."""
    policy = checkpoint.load(loaded.checkpoint, size=64).policy

    def trace(frame, view):
        picture = frames.read(treechop / f"screenshots/{frame}.png")
        grey = frames.views(picture, size=64, order="notebook")[view]
        return intermediates.compute(policy, frames.as_stacks(grey[None], 4))

    return trace


def test_all_twenty_published_numbers_are_reproduced(loaded, run):
    published = loaded.config["published"]
    table = actions.action_table(loaded.config["actions"]["factors"], loaded.config["actions"]["behaviours"])
    checked = 0
    for row in published["behaviour"]:
        values = actions.behaviour_values(run(row["frame"], row["view"])["logits"], table)
        for name in table.behaviours:
            assert abs(float(values[name][0]) - row[name]) <= 2e-6, (row["figure"], name)
            checked += 1
    for row in published["activation_range"]:
        channel = run(row["frame"], row["view"])[row["layer"]][..., row["channel"]]
        for bound in ("min", "max"):
            assert abs(float(getattr(channel, bound)()) - row[bound]) <= 2e-6, (row["figure"], bound)
            checked += 1
    assert checked == 20


def test_the_studys_list_is_the_published_list(loaded, treechop):
    """Guards the numbers in the config against typing errors."""
    published, ours = json.loads((treechop / "published.json").read_text()), loaded.config["published"]
    assert ours["tolerance"] == published["tolerance"]
    for kind, keys in (
        ("behaviour", ("yaw", "pitch", "forward", "jump")),
        ("activation_range", ("layer", "channel", "min", "max")),
    ):
        view = {(True, "uint8"): "mirrored", (False, "uint8"): "original", (False, "float32"): "unrounded"}
        expected = [
            (f"screenshot_{r['screenshot']}", view[r["mirrored"], r["grey"]], *(r[k] for k in keys))
            for r in published[kind]
        ]
        assert [(r["frame"], r["view"], *(r[k] for k in keys)) for r in ours[kind]] == expected


def test_a_changed_screenshot_is_refused_by_name(treechop, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(treechop, copy, copy_function=shutil.copyfile)
    victim = copy / "screenshots/screenshot_7.png"
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes() + b"\0")
    schema = ROOT / "workflow/schemas/study.schema.yaml"
    with pytest.raises(InputError, match="screenshot_7.png: must have the SHA-256"):
        study.load(ROOT / "config/treechop.yaml", schema, data=copy)
    victim.unlink()
    with pytest.raises(InputError, match="screenshot_7.png"):
        study.load(ROOT / "config/treechop.yaml", schema, data=copy)
