"""The names that the contract allows."""

import re

_ROLE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def is_role_name(name: str) -> bool:
    """Whether name may name a role: ``[a-z0-9][a-z0-9_.-]*``, 1 to 64 bytes."""
    return _ROLE_NAME.fullmatch(name) is not None
