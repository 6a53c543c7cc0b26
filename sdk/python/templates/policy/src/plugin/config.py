"""The manifest's ``config``."""

from dataclasses import dataclass, field
from typing import Any

from verwalter import Error, whole


@dataclass(frozen=True)
class Config:
    most: dict[str, int] = field(default_factory=dict)
    """How many instances of a role there may be, at most."""
    protected: list[str] = field(default_factory=list)
    """Roles that must not go altogether."""

    @staticmethod
    def read(config: dict[str, Any]) -> "Config":
        for key in sorted(config):
            if key not in ("most", "protected"):
                raise Error(f"config: unknown key {key}, expected most or protected")
        read = Config(**config)
        if not isinstance(read.most, dict) or not all(_is_count(most) for most in read.most.values()):
            raise Error("config: most must be a mapping of roles to whole numbers")
        if not isinstance(read.protected, list) or not all(isinstance(role, str) for role in read.protected):
            raise Error("config: protected must be a list of texts")
        return read


def _is_count(value: Any) -> bool:
    number = whole(value)
    return number is not None and number >= 0
