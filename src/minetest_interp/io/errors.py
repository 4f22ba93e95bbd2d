"""The one exception that means "the input is wrong", as opposed to "the program is wrong"."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 1500  # characters of a message
GAP = " ... "


class InputError(ValueError):
    """A user's mistake, reported in one line: what must hold, what came, what to do.

    Commands print it without a traceback; everything else is a bug and keeps its traceback. The words may come from a
    hostile file: what cannot be printed is written as its escape, and the middle of a message of more than `LONGEST`
    characters is left out.
    """

    def __init__(self, message: str):
        # An escape is longer than what it stands for, so the message is cut after it is escaped.
        printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        half = (LONGEST - len(GAP)) // 2
        super().__init__(printable if len(printable) <= LONGEST else f"{printable[:half]}{GAP}{printable[-half:]}")


@contextmanager
def reported_in_one_line() -> Iterator[None]:
    """Ends the process with status 1 and one line for an `InputError`, a `FloatingPointError` or Ctrl-C.

    The second is raised, with words, where a policy or settings drive numbers beyond what is finite.

    The workflow holds Ctrl-C back while a job imports its modules; it arrives here.
    """
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        yield
    except (InputError, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted.")
