"""What a build survives: each fault ends in a clear message and, when the build is run again, in the same bytes.

The moments of an interruption are drawn with a seed and told in files that were made: nothing hangs on the clock.
`FAULT_MOMENTS=20` interrupts it so often; without it, that test is skipped, since each moment costs a build.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.results.workshop import Workshop

MOMENTS = int(os.environ.get("FAULT_MOMENTS", 0))
SEED = 0
PANEL = "figures/own/k-network.png"


@pytest.fixture
def shop(built, tmp_path) -> Workshop:
    """A copy of a finished build, in a folder whose name has a space and an accent."""
    return built.copy(tmp_path / "á bientôt")


@pytest.fixture
def whole(built) -> dict[str, str]:
    """What the build must end in."""
    return built.outputs()


def start(shop: Workshop, *options: str) -> subprocess.Popen:
    interruptible = ("env", "--default-signal=INT")  # also where the tests themselves were started in the background
    with (shop.folder / "said.txt").open("w") as said:
        return subprocess.Popen(
            [*interruptible, *shop.command(*options)],
            cwd=shop.folder,
            start_new_session=True,
            stdout=said,
            stderr=subprocess.STDOUT,
        )


def refused(shop: Workshop, *options: str, message: str, **settings) -> None:
    """A build that must fail: says `message`, without a traceback."""
    failed = shop.run(*options, **settings)
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0 and message in said and "Traceback" not in said, said


def leftovers(shop: Workshop) -> list[Path]:
    """What was being written when a job ended."""
    folders = (shop.folder / name / "own" for name in ("results", "figures", "report"))
    return [path for folder in folders for path in folder.rglob(".*.part*")]


def wait_for(condition) -> None:
    """For something that must happen soon; a test that waits for ever says nothing."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited for a minute in vain")


def kill_main(running: subprocess.Popen) -> None:
    """As a power cut does, or the kernel when memory runs out: its jobs go with it, so that none writes on."""
    children = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))


def kill_job(running: subprocess.Popen) -> None:
    """Snakemake ends the build. A job that ended just before it was killed is followed by another."""
    while running.poll() is None:
        for child in psutil.Process(running.pid).children()[:1]:
            child.kill()
        time.sleep(0.05)


def interrupt(running: subprocess.Popen) -> None:
    """Ctrl-C reaches the whole group."""
    os.killpg(running.pid, signal.SIGINT)
    running.wait()


@pytest.mark.skipif(not MOMENTS, reason="NOT CHECKED against random interruptions: set FAULT_MOMENTS=20")
def test_a_build_interrupted_at_random_moments_ends_in_the_same_bytes(shop, whole):
    generator = np.random.default_rng(SEED)
    for path in whole:
        (shop.folder / path).unlink()
    moments = np.sort(generator.choice(int(0.9 * len(whole)), MOMENTS, replace=False))
    faults = [(kill_main, kill_job, interrupt)[i % 3] for i in generator.permutation(MOMENTS)]
    for moment, fault in zip(moments, faults, strict=True):
        found = shop.made()
        running = start(shop)
        while running.poll() is None and ((made := shop.made()) == found or len(made) <= moment):
            time.sleep(0.02)
        assert running.poll() is None, "the build ended before it could be interrupted"
        fault(running)
        said = (shop.folder / "said.txt").read_text()
        print(f"{fault.__name__} at {moment} of {len(whole)} files")
        assert running.returncode != 0 and "Traceback" not in said, said
        if fault is kill_main:
            refused(shop, message="--unlock")
            shop.build("--unlock")
    shop.build()
    assert shop.outputs() == whole
    assert not leftovers(shop)
    assert shop.planned() == set()


def test_of_two_builds_at_once_the_second_is_refused_and_the_first_goes_on(shop, whole):
    (shop.folder / PANEL).unlink()
    first = start(shop, PANEL)
    locks = shop.folder / ".snakemake/locks"
    wait_for(lambda: locks.is_dir() and any(locks.iterdir()))
    os.killpg(first.pid, signal.SIGSTOP)
    refused(shop, PANEL, message="cannot be locked")
    os.killpg(first.pid, signal.SIGCONT)
    assert first.wait() == 0
    assert shop.outputs() == whole


@contextmanager
def small_disk(folder: Path, *, bytes_: int) -> Iterator[Path]:
    """A disk of its own on a folder, with what lay there."""
    aside = folder.with_name(folder.name + " aside")
    folder.rename(aside)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={bytes_}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        folder.rmdir()
        aside.rename(folder)
        pytest.skip("NOT CHECKED on a full disk: mounting one needs root")
    (folder / ".kept").touch()  # Snakemake clears empty folders away, and cannot clear this one
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()
        aside.rename(folder)


def fill_up(disk: Path) -> None:
    with pytest.raises(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


def test_a_full_disk_is_named_and_nothing_half_written_is_kept(shop, whole):
    with small_disk(shop.folder / "figures/own", bytes_=2**14):
        refused(shop, PANEL, message="k-network.png: must be a file that can be written; No space left on device")
        assert not leftovers(shop)
    (shop.folder / PANEL).unlink()
    shop.build(PANEL)
    assert shop.outputs() == whole


def test_a_full_disk_that_has_no_space_for_a_log_is_named_too(shop, whole):
    (shop.folder / PANEL).unlink()
    results, figures = shop.folder / "results/own/logs", shop.folder / "figures/own"
    with small_disk(results, bytes_=2**14) as disk, small_disk(figures, bytes_=2**14):
        fill_up(disk)
        refused(shop, PANEL, message="error: results/own/logs: the disk is full, 0 bytes are free. Free disk space")
    shop.build(PANEL)
    assert shop.outputs() == whole


def test_a_disk_to_read_only_is_named_before_anything_runs(shop, whole):
    with small_disk(shop.folder / "figures/own", bytes_=2**14) as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refused(shop, PANEL, message="outputs must go into a folder that can be written to; figures/own is not one")
    shop.build(PANEL)
    assert shop.outputs() == whole


def test_outputs_to_read_only_are_replaced_and_no_home_is_needed(shop, whole):
    for path in whole:
        (shop.folder / path).chmod(0o444)
    homeless = {name: value for name, value in os.environ.items() if name != "HOME" and not name.startswith("XDG_")}
    shop.build("results/own/dreams/value.npz", "--force", env=homeless)
    shop.build(PANEL, "--force", env=homeless | {"HOME": "/nowhere"})
    assert shop.outputs() == whole


def date(shop: Workshop, when: float) -> None:
    for path in shop.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path, (when, when))


def test_a_clock_set_back_is_named_and_touched_files_are_built_again(shop, whole):
    """Everything is dated tomorrow, as seen from a clock that was set back."""
    date(shop, time.time() + 86400)
    assert shop.planned() == set()
    (shop.folder / PANEL).unlink()
    refused(shop, message="This could indicate a clock skew problem")
    date(shop, time.time())
    shop.build()
    assert shop.outputs() == whole
    assert shop.planned() == set()


def test_what_was_kept_for_reruns_may_be_damaged_or_deleted(shop, whole):
    kept = [file for file in (shop.folder / "results/.cache").rglob("*") if file.is_file()]
    compiled = [file for file in kept if "compiled" in file.parts]
    assert compiled and len(compiled) < len(kept)
    for damage in (lambda file: file.write_bytes(b"damaged"), Path.unlink):
        for file in kept:
            damage(file)
        (shop.folder / "results/own/evidence/heads.npz").unlink()
        assert "heads" in shop.build("--quiet", "progress")
        assert shop.outputs() == whole
