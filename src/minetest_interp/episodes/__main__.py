"""`python -m minetest_interp.episodes`, see `record`."""

import signal

from minetest_interp.cli import command  # first: it sets what JAX reads when it is imported  # isort: skip
from minetest_interp.episodes.record import episodes

if __name__ == "__main__":
    # As Ctrl-C does: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command(episodes, record=False)
