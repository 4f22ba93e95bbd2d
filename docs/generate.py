"""Write the pages that follow from other files: `python -m docs.generate`, or `make docs`.

docs/panels.md from figures/panels.yaml; docs/verdicts.md from config/claims.yaml and the numbers in expected/;
docs/results.md from the declarations in io/stores.py; .zenodo.json, codemeta.json and codecheck.yml from CITATION.cff;
data/croissant.json from that and the captures; ARTIFACT.md from the numbers in expected/ and the last measured speed.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from docs import artifact, croissant, deposit
from minetest_interp import panels
from minetest_interp.claims import ledger
from minetest_interp.io import files, stores
from minetest_interp.pages import text

ROOT = Path(__file__).resolve().parent.parent
STUDIES = {"treechop": "the published agent", "demo": "the demo policy"}
PANELS = """# Panels

A study names the panels that it wants, with their settings; the report does without the others. `make docs` writes this
page from [`figures/panels.yaml`](../figures/panels.yaml).

A name in braces is one of the panel's settings. `results/STUDY/` is left out before what a panel reads. The last column
says where in `facts.json` the numbers are that it draws, beside those of the claims that name it as their figure.

"""
VERDICTS = """# Verdicts

What the two studies of this repository find: verdict, estimate and 95 % interval of each claim. `make docs` writes this
page from [`config/claims.yaml`](../config/claims.yaml), which has each claim's source, test and thresholds, and from
the numbers in [`expected/`](../expected), which `make verify` compares with a build. Where a claim names two channels,
the first is the published agent's and the second the demo policy's.

"""

RESULTS = """# The arrays in a study's results

Files of arrays below `results/STUDY/`, read by `numpy.load`. `make docs` writes this page from
[`io/stores.py`](../src/minetest_interp/io/stores.py), and a test checks every array of a built study against it.
`evidence/turns/` holds `behaviour.npz`, `units.npz` and `causal.npz` of real stacks. What was measured again because
a claim is about another concept or readout has names that begin with `CONCEPT/READOUT/`.

A name in braces stands for one of these:

"""
SCORES = """
## Scores

`z`, the objective in natural standard deviations; `hf`, share of energy in high frequencies; `fd`, Fréchet distance of
conv1 to natural frames; `path_...`, rank correlation of a layer's channels with those on the best real frames, raw and
standardised; `agreement`, correlation between seeds; `control_correlation`, with the control.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def panels_page(records: Mapping[str, panels.Panel]) -> str:
    """Every panel: what it shows, its settings, its script, and where its numbers come from."""

    def row(name: str, panel: panels.Panel) -> list[str]:
        lists = [list(panel.options), panel.reads, panel.numbers]
        options, reads, numbers = (", ".join(f"`{word}`" for word in words) or "–" for words in lists)
        section = f"`{panel.section}`" if panel.section else "–"
        script = f"[`{panel.script}`](../figures/{panel.script}.py)"
        return [f"`{name}`", panel.shows, options, section, script, reads, numbers]

    head = ["panel", "shows", "settings", "needs the section", "script", "reads", "numbers"]
    return PANELS + table(head, (row(name, panel) for name, panel in records.items()))


def verdicts_page(claims: Mapping[str, Mapping], found: Mapping[str, Mapping], named: Mapping[str, Mapping]) -> str:
    """Every claim with what each study finds.

    Args:
      claims: the claims file's `claims`. found: study to its expected numbers, path to [value, kind, tolerance].
      named: study to the layers, the same in all, and the channels that the claims name.
    """

    def verdict(study: str, claim: str, unit: str | None) -> list[str]:
        def number(key: str) -> float | None:
            return found[study].get(f"claims/{claim}/{key}", [None])[0]

        low, high = (text.quantity(number(f"interval/{end}"), unit) for end in (0, 1))
        interval = "" if number("interval/0") is None else f" ({low} to {high})"
        return [str(number("verdict")), text.quantity(number("estimate"), unit) + interval]

    layers = {layer: " or ".join(str(named[study][layer]) for study in found) for layer in next(iter(named.values()))}
    measured = {path.split("/")[1] for numbers in found.values() for path in numbers if path.startswith("claims/")}
    rows = []
    for name, _, claim, layer in ledger.each(claims, layers, measured):
        unit = next(iter(claim["parts"].values())).get("unit")
        cells = (cell for study in found for cell in verdict(study, name, unit))
        rows.append([ledger.fill(claim["statement"], {"steering": "yaw", "concept": "trunk", **layer}), *cells])
    return VERDICTS + table(["claim", *(word for study in found for word in (STUDIES[study], ""))], rows)


def results_page(declared: Iterable[stores.Store]) -> str:
    """Every array of every file of arrays: axes, type, unit, meaning."""
    placeholders = {name: pattern for name, pattern in stores.PLACEHOLDERS.items() if name != "score"}
    page = RESULTS + "".join(f"- `{{{name}}}`: {p.replace('|', ', ')}\n" for name, p in placeholders.items()) + SCORES
    for store in declared:
        rows = (
            [f"`{name}`", f"[{', '.join(axes)}]" if axes else "–", kind.replace(" ", " or "), unit, meaning]
            for name, axes, kind, unit, meaning in store.arrays
        )
        page += f"\n## `{store.path}`\n\n{store.what}\n\n"
        page += table(["array", "axes", "type", "unit", "meaning"], rows)
    return page


def pages() -> dict[Path, str]:
    """The content of every generated page."""
    records = panels.read(ROOT / "figures/panels.yaml", ROOT / "workflow/schemas/panels.schema.yaml")
    claims = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))["claims"]
    found = {s: json.loads((ROOT / f"expected/{s}.json").read_text(encoding="utf-8"))["numbers"] for s in STUDIES}
    studies = {s: yaml.safe_load((ROOT / f"config/{s}.yaml").read_text(encoding="utf-8")) for s in STUDIES}
    named = {study: config["evidence"]["named"] for study, config in studies.items()}
    measured = json.loads((ROOT / "benchmarks/history.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        ROOT / "ARTIFACT.md": artifact.page(found, measured),
        ROOT / ".zenodo.json": files.json_text(deposit.zenodo(citation)),
        ROOT / "codecheck.yml": deposit.codecheck(citation, studies, records),
        ROOT / "codemeta.json": files.json_text(deposit.codemeta(citation, project["requires-python"])),
        ROOT / "data/croissant.json": files.json_text(croissant.describe(citation)),
        ROOT / "docs/panels.md": panels_page(records),
        ROOT / "docs/verdicts.md": verdicts_page(claims, found, named),
        ROOT / "docs/results.md": results_page(stores.STORES),
    }


if __name__ == "__main__":
    for path, content in pages().items():
        files.write_text(path, content)
