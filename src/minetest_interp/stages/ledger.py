"""Judge every claim by what was measured for it."""

from pathlib import Path

from minetest_interp.claims import ledger as ledgers
from minetest_interp.cli import command
from minetest_interp.io import files


def run(
    claims: dict,
    about: dict,
    named: dict,
    commands: dict,
    measured: list[Path],
    on_turns: list[Path],
    on_policy: list[Path],
    output: Path,
) -> None:
    found, turns, played = (
        {c: parts for path in paths for c, parts in files.read_json(path).items()}
        for paths in (measured, on_turns, on_policy)
    )
    again = {"on_turns": turns, "on_policy": played}
    rows = ledgers.ledger(claims, found, again=again, about=ledgers.About(**about), named=named, commands=commands)
    files.write_json(output, rows)


if __name__ == "__main__":
    command(run)
