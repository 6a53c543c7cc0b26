"""The two functions at the root of every plugin's world."""

import json
from typing import Any, Callable, Iterable

from .error import Error
from .guard import answer
from .values import to_json

PARTS = ("runtime", "parents", "actions", "peers", "metrics")
"""What a plugin may read of the input document: the rest is always there."""

CheckConfig = Callable[[dict[str, Any]], object]
"""Raises :class:`verwalter.Error` where the manifest's configuration will not do; what it returns is ignored."""


def world(description: dict[str, Any], check_config: CheckConfig | None) -> type:
    """The class ``WitWorld`` that componentize-py looks for."""
    described = to_json(description)

    def check(text: str) -> None:
        if check_config is None:
            return
        config = json.loads(text)
        if not isinstance(config, dict):
            raise Error("config: must be a mapping")
        check_config(config)

    class WitWorld:
        def describe(self) -> str:
            return described

        def check_config(self, config: str) -> None:
            answer(check, config)

    return WitWorld


def told(input: str, reads: Iterable[str]) -> dict[str, Any]:
    """How a scheduler or a policy says what it wants to be told."""
    reads = list(reads)
    if input not in ("columns", "document"):
        raise ValueError(f'input is "columns" or "document", not {input!r}')
    for part in reads:
        if part not in PARTS:
            raise ValueError(f"there is no part {part!r} of the input document; there are {', '.join(PARTS)}")
    return {"input": input, "reads": reads}
