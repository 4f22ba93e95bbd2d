"""How many claims does a policy support that has learnt nothing? Ten networks of shuffled weights, on a study's frames.

`python benchmarks/null_study.py [--study demo] [--seeds 10] [--data FOLDER]` measures every claim of each network and
prints the verdicts. A claim that a network of random weights supports is not evidence of learning.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml

from minetest_interp.model import checkpoint
from minetest_interp.model.policy import shuffled_weights

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("atlas", "recipes", "published", "panels", "dreams", "gradients", "disagreements")


def run(study: str, seeds: int, data: Path | None, folder: Path, cores: int) -> None:
    settings = yaml.safe_load((ROOT / f"config/{study}.yaml").read_text(encoding="utf-8"))
    source = (data or ROOT / "config" / settings["source"]["folder"]).resolve()
    trained = checkpoint.load(source / settings["policy"]["checkpoint"], size=settings["policy"]["size"]).policy
    files = folder / "files"
    shutil.copytree(source, files)
    (files / "run").mkdir(exist_ok=True)
    for seed in range(seeds):
        checkpoint.save(files / f"run/shuffled_{seed}.model", shuffled_weights(trained, seed=seed), {"seed": seed})
    settings = {key: value for key, value in settings.items() if key not in LEFT_OUT}
    settings |= {"dreams": {}, "gradients": {}, "panels": {"ledger": {}}, "series": {"checkpoints": ["run/*.model"]}}
    settings |= {"source": {"folder": str(files), "attribution": settings["source"]["attribution"]}}
    for name in (settings["actions"], settings["evidence"]["claims"]):
        shutil.copy(ROOT / "config" / name, folder / name)
    settings["labels"]["folder"] = str((ROOT / "config" / settings["labels"]["folder"]).resolve())
    (folder / "null.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder]
    subprocess.run(
        [*command, "--cores", str(cores), "members", "--config", f"study={folder / 'null.yaml'}"], check=True
    )
    ledgers = {
        path.parent.name: json.loads(path.read_text()) for path in folder.glob("results/null/series/*/ledger.json")
    }
    supported = Counter()
    for name, rows in sorted(ledgers.items()):
        verdicts = Counter(row["verdict"] for row in rows)
        supported.update(row["id"] for row in rows if row["verdict"] == "supported")
        print(name, dict(verdicts))
    print(f"supported, by how many of {len(ledgers)}: {dict(supported.most_common())}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="demo")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run(options.study, options.seeds, options.data, Path(scratch), options.cores)
