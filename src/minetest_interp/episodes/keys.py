"""Real key and mouse events on the game's screen, through the X server's XTEST extension (libX11, libXtst)."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_ulong, c_void_p
from typing import NamedTuple

from minetest_interp.io.errors import InputError

INSTALL = "apt-get install --no-install-recommends libxtst6"
LEFT_BUTTON = 1
REVERT_TO_PARENT = 2


class Held(NamedTuple):
    """What one action holds down and how far it moves the mouse, in pixels: right and down are positive."""

    keys: frozenset[str]
    right: int
    down: int


class Keyboard:
    """Sends events to the only window of a display.

    Raises:
      InputError: a library is not installed, or the display has no window.
    """

    def __init__(self, display: str):
        try:
            self._x, self._test = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        except OSError as error:
            raise InputError(f"libxtst6 must be installed; {error}. Install it: {INSTALL}") from None
        self._x.XOpenDisplay.restype = c_void_p
        self._x.XOpenDisplay.argtypes = [c_char_p]
        self._x.XDefaultRootWindow.restype = c_ulong
        self._x.XStringToKeysym.restype = c_ulong
        opened = self._x.XOpenDisplay(display.encode())
        if not opened:
            raise InputError(f"the game's screen {display} must answer; it does not. Start again.")
        self._display = c_void_p(opened)
        self._down: frozenset[str] = frozenset()
        self._codes: dict[str, int] = {}

    def focus(self) -> None:
        """Gives the window the focus; without it the game hears nothing."""
        root, parent, number = c_ulong(), c_ulong(), c_uint()
        windows = POINTER(c_ulong)()
        start = c_ulong(self._x.XDefaultRootWindow(self._display))
        self._x.XQueryTree(self._display, start, byref(root), byref(parent), byref(windows), byref(number))
        if not number.value:
            raise InputError("the game must have a window; there is none. Start again.")
        self._x.XSetInputFocus(self._display, c_ulong(windows[number.value - 1]), c_int(REVERT_TO_PARENT), c_ulong(0))
        self._x.XSync(self._display, 0)

    def button(self, down: bool) -> None:
        """Holds the left button of the mouse, which digs, or lets go of it."""
        self._test.XTestFakeButtonEvent(self._display, LEFT_BUTTON, int(down), c_ulong(0))
        self._x.XFlush(self._display)

    def hold(self, held: Held) -> None:
        """Presses and releases what has changed, and moves the mouse."""
        for key in sorted(self._down ^ held.keys):
            self._test.XTestFakeKeyEvent(self._display, self._code(key), int(key in held.keys), c_ulong(0))
        self._down = held.keys
        if held.right or held.down:
            self._test.XTestFakeRelativeMotionEvent(self._display, held.right, held.down, c_ulong(0))
        self._x.XSync(self._display, 0)  # until the events wait for the game

    def _code(self, key: str) -> int:
        if key not in self._codes:
            symbol = c_ulong(self._x.XStringToKeysym(key.encode()))
            self._codes[key] = self._x.XKeysymToKeycode(self._display, symbol)
        return self._codes[key]

    def close(self) -> None:
        """Lets go of everything."""
        self.button(False)
        self.hold(Held(frozenset(), 0, 0))
        self._x.XCloseDisplay(self._display)


KEYS = {"forward": "w", "jump": "space"}
MOVES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def held(levels: dict[str, str], *, pixels: int = 25) -> Held:
    """The keys and the motion of an action, given by the level of each of its factors; "-" is nothing.

    Raises:
      InputError: a level that is no key and no motion of the mouse.
    """
    if unknown := sorted(set(levels.values()) - {"-", *KEYS, *MOVES}):
        raise InputError(f"an action's levels must be among {[*KEYS, *MOVES]}; got {unknown[0]!r}. Check `actions`.")
    moves = [MOVES[level] for level in levels.values() if level in MOVES]
    right, down = (pixels * sum(move[axis] for move in moves) for axis in (0, 1))
    return Held(frozenset(KEYS[level] for level in levels.values() if level in KEYS), right, down)
