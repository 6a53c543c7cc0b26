"""What a plugin may ask of the host, in one place: the imports that componentize-py generates, or natively a stand-in."""

from typing import Protocol


class Host(Protocol):
    """Answers for this round's peers. Lists have one value a peer, in ascending order of hostname."""

    def hostnames(self) -> list[str]: ...

    def attribute(self, name: str) -> list[str]: ...

    def metrics(self) -> list[str]: ...

    def column(self, name: str) -> list[float] | None: ...

    def series(self, metric: str, peer: int) -> list[float]: ...

    def log(self, level: int, text: str) -> None: ...


class Nothing:
    """A host without peers that forgets what is logged."""

    def hostnames(self) -> list[str]:
        return []

    def attribute(self, name: str) -> list[str]:
        return []

    def metrics(self) -> list[str]:
        return []

    def column(self, name: str) -> list[float] | None:
        return None

    def series(self, metric: str, peer: int) -> list[float]:
        return []

    def log(self, level: int, text: str) -> None:
        pass


class Imports:
    """The real host. A filter's world has no snapshot, so that may be missing."""

    def __init__(self) -> None:
        from wit_world.imports import log

        self.log = log.write
        try:
            from wit_world.imports import snapshot
        except ImportError:
            return
        self.hostnames = snapshot.hostnames
        self.attribute = snapshot.attribute
        self.metrics = snapshot.metrics
        self.column = snapshot.column
        self.series = snapshot.series


def _platform() -> Host:
    try:
        return Imports()
    except ImportError:
        return Nothing()


current: Host = _platform()
"""The host of this process. :class:`verwalter.testing.Host` puts itself here during a test."""
