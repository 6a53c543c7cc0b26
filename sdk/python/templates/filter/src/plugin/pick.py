"""``{{pick value path default}}``"""

from typing import Any

from verwalter import Error

_NOTHING = object()


def pick(value: Any, path: str, default: Any = _NOTHING) -> Any:
    """The part of a value at a dotted path: keys of mappings, positions in lists."""
    for step in path.split(".") if path else []:
        value = _member(value, step)
        if value is _NOTHING:
            break
    if value is _NOTHING:
        value = default
    if value is _NOTHING:
        raise Error(f"nothing at `{path}`")
    return value


def _member(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, _NOTHING)
    # isdecimal() alone would take the digits of every script.
    if isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return _NOTHING
