"""What a plugin cannot do: files and a terminal are stubs that trap, and a trap says nothing.

Natively nothing is changed.
"""

import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from io import TextIOBase
from typing import Any

from . import host, log


def enter() -> None:
    """Makes ``print`` a log line, and a late import an ImportError that says what to do. The first call of an instance does it."""
    if not isinstance(host.current, host.Imports) or isinstance(sys.stdout, _Lines):
        return
    sys.stdout, sys.stderr = _Lines(log.info), _Lines(log.warn)
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, _NotBuiltIn]  # not those that look for files


class _Lines(TextIOBase):
    """Writes each line as a log line."""

    def __init__(self, write: Any) -> None:
        self._write = write
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._write(line)
        return len(text)


class _NotBuiltIn:
    """Finds no module, and says why."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        raise ImportError(f"{name} was not imported when the plugin was built: import it at the top of a module")
