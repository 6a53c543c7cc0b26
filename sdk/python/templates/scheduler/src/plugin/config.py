"""The manifest's ``config``."""

from dataclasses import dataclass
from typing import Any

from verwalter import Error, is_number


@dataclass(frozen=True)
class Config:
    max_busy: float = 0.9
    """The busiest that a peer may be to get another instance: a share of its processors' time, above 0 and at most 1."""

    @staticmethod
    def read(config: dict[str, Any]) -> "Config":
        for key in sorted(config):
            if key != "max_busy":
                raise Error(f"config: unknown key {key}, expected max_busy")
        read = Config(**config)
        if not is_number(read.max_busy) or not 0 < read.max_busy <= 1:
            raise Error("config: max_busy must be a number above 0 and at most 1")
        return read
