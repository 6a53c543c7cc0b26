"""Lines for people.

A call that logs more bytes than the manifest's ``limits: { log: … }`` is ended: a line a role is plenty, a line a peer is not.
"""

from . import host


def trace(text: str) -> None:
    """Writes a line of level trace."""
    host.current.log(0, text)


def debug(text: str) -> None:
    """Writes a line of level debug."""
    host.current.log(1, text)


def info(text: str) -> None:
    """Writes a line of level info."""
    host.current.log(2, text)


def warn(text: str) -> None:
    """Writes a line of level warn."""
    host.current.log(3, text)


def error(text: str) -> None:
    """Writes a line of level error. It does not end the call: raise :class:`verwalter.Error` for that."""
    host.current.log(4, text)
