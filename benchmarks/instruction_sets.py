"""How far the numbers of a build move on processors with other vector units: `python benchmarks/instruction_sets.py`.

Builds a study once as this machine does it, and once for each older processor that it can stand in for: XLA compiles
for that instruction set, and OpenBLAS, NumPy and the C library take the code that they have for it. Prints, for each
kind of number in `expected/`, how far the farthest moved, as a share of the tolerance of `make verify`.

A job has no variable of its user's that could change its results, so each build runs in a copy of the source that
defines these. Not reached this way: code compiled ahead of time in XLA, OpenCV and Pillow, and processors that are no
x86-64.
"""

import argparse
import json
import tempfile
from pathlib import Path

import build

from minetest_interp.facts import expected
from minetest_interp.facts.expected import DIFFERS, EQUAL

FILE, OPENING = "src/minetest_interp/provenance/environment.py", "DEFINED = {\n"
GENERATIONS: dict[str, dict[str, str]] = {
    "AVX2": {
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
    },
    "AVX": {
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX",
        "OPENBLAS_CORETYPE": "Sandybridge",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
    },
    "SSE4.2": {
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-AVX512F",
    },
}


def facts(study: str, variables: dict[str, str], *options: str) -> dict:
    """The facts of a build from nothing whose jobs have these variables."""
    with tempfile.TemporaryDirectory() as folder:
        project = build.copy_of_the_project(Path(folder))
        text = (project / FILE).read_text(encoding="utf-8")
        if text.count(OPENING) != 1:
            raise ValueError(f"{FILE}: must hold {OPENING!r} once, which takes the variables.")
        lines = "".join(f"    {name!r}: {value!r},\n" for name, value in variables.items())
        (project / FILE).write_text(text.replace(OPENING, OPENING + lines), encoding="utf-8")
        found = f"report/{study}/facts.json"
        build.build(project, study, *options, target=found)
        return json.loads((project / found).read_text(encoding="utf-8"))


def moved(here: dict, there: dict) -> dict[str, str]:
    """Kind of number to how many are equal, and how far the others moved, in words."""
    compared, said = expected.compare(json.loads(expected.to_text(here)), there), {}
    for kind in expected.KINDS:
        rows = [row for row in compared if row.kind == kind]
        counts = expected.count_states(rows)
        if rows:
            farthest = max(rows, key=lambda row: row.share)
            most = f"; {farthest.share:.2g} ({farthest.path})" if farthest.share else ""
            beyond = f"; {counts[DIFFERS]} BEYOND" if counts[DIFFERS] else ""
            said[kind] = f"{counts[EQUAL]} of {len(rows)} equal{most}{beyond}"
    return said


def main(study: str, generations: list[str], options: list[str]) -> None:
    here = facts(study, {}, *options)
    for name in generations:
        print(f"{study}, {name}:", flush=True)
        for kind, said in moved(here, facts(study, GENERATIONS[name], *options)).items():
            print(f"  {kind}: {said}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="smoke")
    parser.add_argument("--generations", nargs="+", choices=list(GENERATIONS), default=list(GENERATIONS))
    parser.add_argument("options", nargs="*", help="more for --config, as data=FOLDER")
    given = parser.parse_args()
    main(given.study, given.generations, given.options)
