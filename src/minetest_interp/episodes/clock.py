"""The game's clock in our hands: it goes as the real one does, or the game draws one frame for each step of it.

A game that is drawn in software draws fewer pictures a second than it has steps. Its clock therefore waits for it:
each step takes the same time of the game, however long the machine needs, and has a picture of its own.
"""

import mmap
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from minetest_interp.io.errors import InputError

SOURCE = Path(__file__).with_name("clock.c")
BEGIN = 10**12  # nanoseconds; a clock at zero reads as one that was never set
TICK = 0.005  # seconds between moves while it goes as the real clock does
FOREVER = 2**62  # frames


class Clock:
    """The clock of a game that is started with `variables`; within this context it goes as the real one does.

    Args:
      folder: of the clock's file and library; made if missing.

    Raises:
      InputError: there is no C compiler, or it fails.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        path, library = folder.absolute() / "clock", folder.absolute() / "clock.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            raise InputError("a C compiler must be installed; there is none. Install it: apt-get install gcc libc6-dev")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        if problem := subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip():
            raise InputError(f"{SOURCE.name} must compile; {compiler} says: {problem.splitlines()[-1]}.")
        path.write_bytes(np.array([BEGIN, FOREVER, 0]).tobytes())
        with path.open("r+b") as file:
            self._shared = np.frombuffer(mmap.mmap(file.fileno(), 24), np.int64)  # as `struct shared` of clock.c
        self.variables = {"LD_PRELOAD": str(library), "GAME_CLOCK": os.fspath(path)}
        self._ended, self._goes = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def __enter__(self) -> "Clock":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Stops the clock, and the game once it has drawn the frame that it is at."""
        with self._goes:
            self._shared[1] = 0
            try:
                yield
            finally:
                self._shared[1] = FOREVER

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self._shared[0] += round(seconds * 1e9)

    @property
    def drawn(self) -> int:
        """How many frames have come to the screen."""
        return int(self._shared[2])

    def allow_frame(self) -> int:
        """Lets the game draw one more frame, with what the clock shows then; which one that is."""
        self._shared[1] = self.drawn + 1
        return self.drawn + 1

    def _go(self) -> None:
        while not self._ended.wait(TICK):
            with self._goes:
                self.advance(TICK)
