"""Slurm on this very machine, from Debian's packages, for as long as a test needs it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
CONFIG = Path("/etc/slurm/slurm.conf")  # jobs look for it nowhere else
MUNGE_FOLDERS = [Path(folder) for folder in ("/run/munge", "/var/log/munge", "/var/lib/munge")]
SECONDS = 30  # that a daemon may take to answer


def why_not() -> str | None:
    """What this machine lacks, in words; None where a cluster can be started."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        return f"{', '.join(missing)} not found; apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root can start munged and slurmd"
    if CONFIG.exists():
        return f"{CONFIG} is there already, and may be a real cluster's"
    return None


def command(*options: str) -> list[str]:
    """Snakemake on the cluster, which has no accounting and answers at once."""
    command = [sys.executable, "-m", "snakemake", *options, "--profile", "profiles/slurm", "--slurm-no-account"]
    command += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
    return [*command, "--seconds-between-status-checks", "2"]


class Cluster:
    """A context in which this machine is a cluster of one node, with one partition, `main`; nothing is left of it."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.made = [folder for folder in MUNGE_FOLDERS if not folder.exists()]
        self.running: dict[str, subprocess.Popen] = {}
        try:
            for folder in MUNGE_FOLDERS:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.chown(folder, "munge", "munge")
            MUNGE_FOLDERS[0].chmod(0o755)
            (self.folder / "spool").mkdir()
            CONFIG.write_text(self._config())
            self._start("munged", "--foreground", user="munge", group="munge")
            self._wait("munge", "--no-input")
            self._start("slurmctld", "-D")
            self.start_slurmd()
            self._wait("sinfo", "--noheader", "--states=idle,mixed,allocated", "--Format=nodelist", says="node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self._kill_jobs()
            for process in reversed(self.running.values()):
                process.kill()  # nothing of theirs is kept
                process.wait()
            self._kill_jobs()  # what began meanwhile
        finally:
            CONFIG.unlink(missing_ok=True)
            for folder in (self.folder, *self.made):
                shutil.rmtree(folder, ignore_errors=True)

    def start_slurmd(self) -> None:
        self._start("slurmd", "-D", "-N", "node")

    def kill_slurmd(self) -> None:
        """The daemon alone: what runs goes on, and nothing new begins."""
        self.running["slurmd"].kill()
        self.running["slurmd"].wait()

    def lose_the_node(self) -> None:
        """As when the power goes: the daemon and all that runs under it end at once."""
        self.kill_slurmd()
        self._kill_jobs()

    def logs(self) -> str:
        return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))

    @staticmethod
    def _kill_jobs() -> None:
        # All steps are ours: another cluster's configuration would have been in our way.
        for step in [process for process in psutil.process_iter() if process.name() == "slurmstepd"]:
            for process in (step, *step.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def _start(self, program: str, *options: str, **identity) -> None:
        with (self.folder / f"{program}.log").open("a") as log:
            self.running[program] = subprocess.Popen([program, *options], stdout=log, stderr=log, **identity)

    def _wait(self, *command: str, says: str = "") -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0 and says in done.stdout:
                return
            time.sleep(0.2)
        raise TimeoutError(f"{command[0]} does not answer.\n{self.logs()}")

    def _config(self) -> str:
        ports = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        host, megabytes = socket.gethostname(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        return f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=cred_expire=10
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ReturnToService=2
SlurmdTimeout=10
NodeName=node NodeAddr=127.0.0.1 NodeHostname={host} CPUs={os.cpu_count()} RealMemory={megabytes * 9 // 10}
PartitionName=main Nodes=node Default=YES MaxTime=INFINITE State=UP
"""
