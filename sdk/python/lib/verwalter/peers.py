"""The nodes of a round, behind one API for both ways to be told of them."""

from bisect import bisect_left
from math import nan
from typing import Any

from . import host
from .error import Error


class Peers:
    """The nodes of this round, the own one included, in ascending order of hostname.

    A peer is its position in that order, and so is its place in every column. They come from the document where it has them
    (``input="document"``), else from the host, which is asked once for each thing.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._rows: dict[str, Any] | None = document.get("peers")
        self._metrics: dict[str, Any] = document.get("metrics", {})
        self._hostnames = None if self._rows is None else sorted(self._rows)
        self._columns: dict[str, list[float] | None] = {}
        self._attributes: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self.hostnames)

    @property
    def hostnames(self) -> list[str]:
        """All hostnames, in ascending order of bytes."""
        if self._hostnames is None:
            self._hostnames = host.current.hostnames()
        return self._hostnames

    def find(self, hostname: str) -> int | None:
        """The peer called hostname; None where there is none."""
        peer = bisect_left(self.hostnames, hostname)
        return peer if peer < len(self) and self.hostnames[peer] == hostname else None

    def column(self, name: str) -> list[float] | None:
        """A number for each peer: what the manifest's metrics declare as name, in the unit of its rule; NaN where there is no sample.

        ``placed.ROLE`` is one too, where the schedule has exactly one parent. None where there is no such column.
        """
        if name not in self._columns:
            self._columns[name] = host.current.column(name) if self._rows is None else self._document_column(name)
        return self._columns[name]

    def required_column(self, name: str) -> list[float]:
        """``column`` for one that the plugin cannot do without; its error says how to declare it."""
        column = self.column(name)
        if column is None:
            raise Error(f"no column {name}: declare it under metrics in the manifest")
        return column

    def metrics(self) -> list[str]:
        """The names that ``column`` knows beside ``placed.ROLE``, ascending."""
        return host.current.metrics() if self._rows is None else sorted(self._metrics)

    def attribute(self, name: str) -> list[str]:
        """A text for each peer: ``hostname``, ``id``, ``name``, ``addr``, or a machine fact by its dotted path (``rack``, ``disk.ssd``).

        Numbers and booleans come as text; "" where a peer has none.
        """
        if name not in self._attributes:
            self._attributes[name] = host.current.attribute(name) if self._rows is None else self._document_attribute(name)
        return self._attributes[name]

    def series(self, metric: str, peer: int) -> list[float]:
        """The last samples of one peer, oldest first, at most 30; empty for an unknown metric. The host is asked each time."""
        return host.current.series(metric, peer)

    def record(self, peer: int) -> dict[str, Any] | None:
        """The document's record of peer: ``id``, ``hostname``, ``name``, ``addr``, ``known_since``, ``last_report_direct``,
        ``alive``, ``since``, ``machine``, and of nodes that say so ``roles``, ``schedule``, ``errors``.

        None with ``input="columns"``, where the document has no peers.
        """
        return None if self._rows is None else self._rows[self.hostnames[peer]]

    def _document_column(self, name: str) -> list[float] | None:
        samples = self._metrics.get(name)
        return None if samples is None else [nan if sample is None else float(sample) for sample in samples]

    def _document_attribute(self, name: str) -> list[str]:
        path = [name] if name in _OWN else ["machine", *name.split(".")]
        texts = []
        for hostname in self.hostnames:
            value: Any = self._rows[hostname]
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            texts.append(_text(value))
        return texts


# What stands in a peer's record itself.
_OWN = ("hostname", "id", "name", "addr", "since", "schedule", "errors")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""
