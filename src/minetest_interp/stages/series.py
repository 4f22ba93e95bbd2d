"""Compare the checkpoints of a series: their claims, their behaviours, and which units do what."""

from pathlib import Path

from minetest_interp.claims import ledger
from minetest_interp.claims import series as comparison
from minetest_interp.cli import command
from minetest_interp.io import files, layout
from minetest_interp.model import checkpoint_names


def run(results: Path, members: list, steering: str, along: str, verdicts: Path, arrays: Path) -> None:
    folders = {name: layout.member(results, name) for name in members}
    ledgers = {name: files.read_json(folder / "ledger.json") for name, folder in folders.items()}
    networks = {name: files.read_json(folder / "network.json") for name, folder in folders.items()}
    behaviours, units, causal = (
        [files.read_arrays(folder / file) for folder in folders.values()]
        for file in ("readouts.npz", "evidence/units.npz", "evidence/causal.npz")
    )
    rows = [
        {
            "name": name,
            "place": checkpoint_names.number_in(name) if along else None,
            "sha256": networks[name]["sha256"],
            "verdicts": ledger.count_verdicts(ledgers[name]),
        }
        for name in members
    ]
    files.write_json(verdicts, {"along": along or None, "members": rows, "claims": comparison.claims(ledgers)})
    files.write_arrays(arrays, **comparison.behaviours(behaviours, steering), **comparison.units(units, causal))


if __name__ == "__main__":
    command(run)
