"""``{{slug text}}``"""

import re

_ANYTHING_ELSE = re.compile(r"[^A-Za-z0-9]+")


def slug(text: str) -> str:
    """A name for files and hosts: ASCII letters in lower case and digits, a ``-`` for each run of anything else."""
    return _ANYTHING_ELSE.sub("-", text).strip("-").lower()
