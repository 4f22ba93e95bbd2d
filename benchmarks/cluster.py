"""Many synthetic checkpoints on a Slurm of one node that is lost midway, and the same bytes as without Slurm.

`PYTHONPATH=.:PLUGIN python benchmarks/cluster.py --checkpoints 64`, as root, where `requirements/slurm.lock` is
installed in the folder PLUGIN and Debian's slurm-wlm and munge are there.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.results import slurm
from tests.results.training_run import SERIES, training_run

SECONDS = 2.0  # between looks


def run(checkpoints: int, group: int, folder: Path) -> None:
    steps = [1000 * (i + 1) for i in range(checkpoints)]
    shop = training_run(folder / "project", steps)
    command = slurm.command("series", "--config", "study=own", "--group-components", f"member={group}", "panels=100")
    faults = {
        checkpoints // 4: ("slurmd killed and started again", slurm.Cluster.kill_slurmd),
        checkpoints // 2: ("the node lost with its jobs, and back", slurm.Cluster.lose_the_node),
    }

    def done() -> int:
        return len(list(shop.folder.glob("results/own/series/*/ledger.json")))

    with slurm.Cluster() as cluster, (folder / "snakemake.txt").open("w") as said:
        began = time.monotonic()
        running = subprocess.Popen(command, cwd=shop.folder, stdout=said, stderr=said)
        while running.poll() is None:
            time.sleep(SECONDS)
            for reached in [reached for reached in faults if done() >= reached]:
                words, fault = faults.pop(reached)
                fault(cluster)
                cluster.start_slurmd()
                print(f"{time.monotonic() - began:.0f} s, {done()} of {checkpoints}: {words}", flush=True)
        print(f"{time.monotonic() - began:.0f} s, {done()} of {checkpoints}: exit status {running.returncode}")
    compared = shop.outputs()
    (shop.folder / "results").rename(shop.folder / "results on Slurm")
    some = [f"run/ppo_{steps[i]}.model" for i in {0, checkpoints // 2, checkpoints - 1}]
    shop.write_study(SERIES | {"series": SERIES["series"] | {"checkpoints": some}})
    shop.build("comparison")
    again = {name: digest for name, digest in shop.outputs().items() if "/series/" in name}
    differing = [name for name, digest in again.items() if compared[name] != digest]
    print(f"{len(again)} files of {len(some)} checkpoints made again without Slurm; differing: {differing}")


if __name__ == "__main__":
    if reason := slurm.why_not():
        sys.exit(f"error: {reason}")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoints", type=int, default=64)
    parser.add_argument("--group", type=int, default=8, help="checkpoints in one job of Slurm")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run(options.checkpoints, options.group, Path(scratch))
