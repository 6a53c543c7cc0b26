"""JSON values: what they are, and which of them survive the way to the host."""

import json
import math
from typing import Any

from .error import Error

MAX_WHOLE = 2**53
"""The largest whole number that survives JSON everywhere."""

# From here on a double is printed with an exponent (ECMAScript's rule), so nobody takes it for an exact whole number.
_PRINTS_EXPONENT = 1e21


def is_number(value: Any) -> bool:
    """Whether value is a JSON number. In Python ``True`` is an ``int``; here it is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(value: Any) -> int | None:
    """A JSON number without a fraction (3, and 3.0 too) within ±2^53 as ``int``; None for anything else."""
    if not is_number(value) or not -MAX_WHOLE <= value <= MAX_WHOLE or value != int(value):
        return None
    return int(value)


def to_json(value: Any) -> str:
    """value as JSON text, its mappings by their keys. The plugin's author is at fault for what it refuses."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def check(value: Any, place: str) -> None:
    """Raises an Error that names the place in value which the host would refuse."""
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            raise Error(f"{place}: {value} is beyond ±2^53 and does not survive JSON, pass it as a text")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Error(f"{place}: {value} is no JSON number")
        if value == int(value) and MAX_WHOLE < abs(value) < _PRINTS_EXPONENT:
            raise Error(f"{place}: {value} is beyond ±2^53 and does not survive JSON, pass it as a text")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            check(item, f"{place}.{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Error(f"{place}: the key {key!r} is no text")
            check(item, f"{place}.{key}")
    else:
        raise Error(f"{place}: a {type(value).__name__} is no JSON value")
