"""The one exception that means "the input is wrong", as opposed to "the program is wrong"."""


class InputError(ValueError):
    """A user's mistake, told in one line: what must hold, what came, what to do.

    Commands print it without a traceback; everything else is a bug and keeps its traceback.
    """
