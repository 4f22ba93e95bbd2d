"""A fence around this process: files in one folder and installed code, and no program, connection or pickle."""

import sys
import sysconfig
from pathlib import Path

from tests.conftest import ROOT

FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "subprocess.", "socket.",
             "pickle.", "ctypes.dlopen", "shutil.", "urllib.", "pty.")  # fmt: skip
ON_FILES = ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link",
            "os.symlink", "os.chmod", "os.truncate", "os.utime", "os.chdir")  # fmt: skip
INSTALLED = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
READABLE = (*INSTALLED, *(str(ROOT / name) for name in ("src", "workflow/schemas", "figures/panels.yaml")))


class Forbidden(BaseException):
    """Not an `Exception`, so that no reader can swallow it."""


def guard(folder: Path) -> None:
    """From now on, and for good, the process may touch files in `folder` only, and run only code that is installed."""
    home = str(folder.resolve())

    def hook(event: str, arguments: tuple) -> None:
        if event.startswith(FORBIDDEN):
            raise Forbidden(f"{event}{arguments}")
        if event == "exec" and not getattr(arguments[0], "co_filename", "").startswith((*READABLE, "<frozen")):
            raise Forbidden(f"code of {arguments[0]}")
        if event in ON_FILES and not isinstance(arguments[0], int):
            path = Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0])
            place = str(path.resolve()) if "\0" not in str(path) else ""
            reads = event in ("os.listdir", "os.scandir") or (
                event == "open" and not set(str(arguments[1])) & set("wax+")
            )
            if not f"{place}/".startswith(f"{home}/") and not (reads and place.startswith(READABLE)):
                raise Forbidden(f"{event} {path}")

    sys.addaudithook(hook)
