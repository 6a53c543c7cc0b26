"""Stands in for the host in unit tests, which run natively.

::

    with testing.Host(["alpha", "beta"], columns={"cpu": [0.2, 0.1]}) as host:
        answer = testing.ask(Scheduling().schedule, '{"v": 1, "runtime": {}}')
    assert host.lines == ["info web: 1 placed"]
"""

import json
from typing import Any, Callable

from . import host
from .guard import Err

LEVELS = ("trace", "debug", "info", "warn", "error")


class Host:
    """A host with the peers that a test gives it; within a ``with`` it is the plugin's."""

    def __init__(
        self,
        hostnames: list[str] = [],
        *,
        columns: dict[str, list[float]] | None = None,
        attributes: dict[str, list[str]] | None = None,
        series: dict[str, list[list[float]]] | None = None,
    ) -> None:
        """Lists have one value a peer, in ascending order of hostname; columns are by name, ``placed.ROLE`` among them."""
        if list(hostnames) != sorted(hostnames):
            raise ValueError("the hostnames must be in ascending order")
        self._hostnames = list(hostnames)
        self._columns = columns or {}
        self._attributes = attributes or {}
        self._series = series or {}
        self.lines: list[str] = []
        """What was logged, ``LEVEL TEXT`` each."""

    def __enter__(self) -> "Host":
        self._before = host.current
        host.current = self
        return self

    def __exit__(self, *_: object) -> None:
        host.current = self._before

    def hostnames(self) -> list[str]:
        return self._hostnames

    def attribute(self, name: str) -> list[str]:
        if name == "hostname":
            return self._hostnames
        return self._attributes.get(name, [""] * len(self._hostnames))

    def metrics(self) -> list[str]:
        return sorted(name for name in self._columns if not name.startswith("placed."))

    def column(self, name: str) -> list[float] | None:
        return self._columns.get(name)

    def series(self, metric: str, peer: int) -> list[float]:
        return self._series[metric][peer] if metric in self._series else []

    def log(self, level: int, text: str) -> None:
        self.lines.append(f"{LEVELS[min(level, 4)]} {text}")


def ask(function: Callable[..., Any], *args: str) -> Any:
    """Calls a method of an exported class; its answer as a value, or ``{"error": TEXT}``, as the golden cases have it."""
    try:
        answer = function(*args)
    except Err as error:
        return {"error": error.value}
    return json.loads(answer) if isinstance(answer, str) else answer
