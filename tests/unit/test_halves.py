"""Labelled frames are parted by site, and what rests on them is set side by side."""

import numpy as np
import pytest

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.stages import compare_halves, halves


def test_each_half_has_every_array_of_its_frames(tmp_path):
    arrays = {
        "frames": np.array(["a", "b", "c"]),
        "site": np.array(["0", "1", "0"]),
        "original": np.arange(12).reshape(3, 2, 2),
    }
    files.write_arrays(tmp_path / "labels.npz", **arrays)
    halves.run(tmp_path / "labels.npz", tmp_path / "first.npz", tmp_path / "second.npz")
    for name, chosen in (("first", [0, 2]), ("second", [1])):
        found = files.read_arrays(tmp_path / f"{name}.npz")
        assert {key: array.tolist() for key, array in found.items()} == {
            k: a[chosen].tolist() for k, a in arrays.items()
        }


def test_frames_without_a_site_cannot_be_parted(tmp_path):
    files.write_arrays(tmp_path / "labels.npz", site=np.array(["0", ""]))
    with pytest.raises(InputError, match="must name its site"):
        halves.run(tmp_path / "labels.npz", tmp_path / "first.npz", tmp_path / "second.npz")


def row(name, verdict, estimate):
    parts = [{"estimate": estimate}]
    return {
        "id": name,
        "statement": f"It {name}.",
        "verdict": verdict,
        "estimate": estimate,
        "interval": [0.25, 0.75],
        "unit": "share",
        "parts": parts,
    }


def test_the_table_has_the_claims_that_change_with_the_labelled_frames(tmp_path):
    ledgers = [
        [row("turns", "supported", 0.5), row("walks", "partly", 0.6), row("jumps", "partly", 0.5)],
        [row("turns", "partly", 0.4), row("walks", "partly", 0.6), row("jumps", "partly", 0.7)],
        [row("turns", "supported", 0.6), row("walks", "partly", 0.6), row("jumps", "partly", 0.3)],
    ]
    for i, rows in enumerate(ledgers):
        files.write_json(tmp_path / f"{i}.json", rows)
    compare_halves.run("A study", [tmp_path / f"{i}.json" for i in range(3)], tmp_path / "halves.md")
    text = (tmp_path / "halves.md").read_text()
    assert "Of 2 claims that rest on them, both halves give 1 the" in text and "walks" not in text
    numbers = ("supported | 50 %", "partly | 40 %", "supported | 60 %")
    cells = " | ".join(f"{number} (25 % to 75 %)" for number in numbers)
    assert f"| It turns. | {cells} |" in text.replace("\u202f", " ")
