"""The game's clock, slowed by libfaketime until the machine draws every step in time."""

from pathlib import Path

import numpy as np

from minetest_interp.io.errors import InputError

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")
MOST_BAD = 0.02  # share of steps that may be late or repeat a picture
SLOWER, SLOWEST = 0.7, 0.04  # times the clock so far; of the real clock


def library() -> str:
    """Path of libfaketime for programs of several threads.

    Raises:
      InputError: it is not installed.
    """
    for pattern in LIBRARIES:
        for path in Path("/").glob(pattern.lstrip("/")):
            return str(path)
    raise InputError(
        "libfaketime must be installed; there is none. Install it: "
        "apt-get install --no-install-recommends libfaketime libxtst6"
    )


def variables(rate: float) -> dict[str, str]:
    """Environment of a client whose clock goes at `rate` of the real one."""
    return {"LD_PRELOAD": library(), "FAKETIME": f"+0 x{rate:.4f}", "DONT_FAKE_MONOTONIC": "0"}


def bad_share(late: np.ndarray, repeated: np.ndarray) -> float:
    """Share of the steps that came late or repeated a picture."""
    return float(np.mean(late | repeated))


def slower(rate: float, share: float) -> float:
    """The clock after an episode with this share of bad steps: the same if it may be kept.

    Raises:
      InputError: the clock is as slow as it may be already.
    """
    if share <= MOST_BAD:
        return rate
    if rate <= SLOWEST:
        raise InputError(
            f"at most {MOST_BAD:.0%} of the steps may be late or repeat a picture; {share:.1%} were, with the game's "
            f"clock at {rate:.2f} of the real one. Wait until less runs on this machine."
        )
    return max(SLOWEST, rate * SLOWER)
