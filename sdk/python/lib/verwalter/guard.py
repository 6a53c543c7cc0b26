"""Turns what an author's functions return or raise into what componentize-py's bindings expect."""

import json
from typing import Any, Callable

from . import sandbox
from .error import Error

try:
    from componentize_py_types import Err
except ImportError:  # natively

    class Err(Exception):  # type: ignore[no-redef]
        """An error answer; value is its text."""

        def __init__(self, value: str) -> None:
            super().__init__(value)
            self.value = value


VERSION = 1
"""The contract's version that this SDK speaks."""


def answer(function: Callable[..., str | None], *args: Any) -> str | None:
    """Calls function; whatever it raises becomes an error answer, and never a trap that says nothing."""
    try:
        sandbox.enter()
        text = function(*args)
        if text is not None:
            text.encode()  # a lone surrogate would trap in the bindings
        return text
    except Error as error:
        message = str(error)
    except BaseException as error:  # SystemExit too: a plugin has no process to leave
        message = _told(error)
    raise Err(message.encode("utf-8", "replace").decode())


def _told(error: BaseException) -> str:
    """An author's mistake: its type, its text and where."""
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # By hand: the module traceback looks for the source, and a plugin has no files.
    at = error.__traceback__
    if at is None:
        return message
    while at.tb_next is not None:
        at = at.tb_next
    return f"{message} ({at.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{at.tb_lineno})"


def read_document(text: str) -> dict[str, Any]:
    """The input document, if it is of the version that this SDK speaks."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise Error("the input document: it is no JSON object")
    if document.get("v") != VERSION:
        raise Error(
            f"the input document: version {document.get('v')} is not spoken here, only {VERSION}: build the plugin with a newer SDK"
        )
    return document
