"""Makes a plugin that allows or denies a schedule before it comes into force."""

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable

from .guard import answer as guarded
from .guard import read_document
from .peers import Peers
from .schedule import Schedule
from .values import to_json
from .world import CheckConfig, told, world

__all__ = ["Diff", "Input", "Verdict", "export"]

MAX_LINES = 100
"""How many reasons, and how many warnings, a verdict may have."""
MAX_CHARS = 500
"""How long one of them may be."""


@dataclass(frozen=True)
class Diff:
    """What changes, as the host counts it. Roles and hosts of which there is nothing to say are left out."""

    added: dict[str, dict[str, int]]
    """How many more instances than before: role to hostname to number."""
    removed: dict[str, dict[str, int]]
    """How many fewer."""
    moved: dict[str, int]
    """The instances of a role that changed their node, of nodes that are still there."""
    changed: dict[str, list[str]]
    """The hosts that have as many instances of a role as before, with other variables."""


@dataclass(frozen=True)
class Input:
    """What one review is told."""

    now_ms: int
    """The round's time in milliseconds since the Unix epoch: the only clock."""
    round: int
    """The number of the decision within the term, from 1."""
    term: int
    """The number of the leadership, from 1."""
    current_host: str
    """The leader's hostname."""
    current_id: str
    """The leader's id: 32 hexadecimal digits."""
    config: dict[str, Any]
    """The policy's own: its manifest's ``config``."""
    schedule: Schedule
    """The one in question."""
    previous: Schedule | None
    """The one in force; None before the first."""
    diff: Diff
    """What changes from ``previous`` to ``schedule``."""
    runtime: dict[str, Any]
    """The operators' metadata: ``runtime/web.yaml`` is the key ``web``. Empty unless the plugin reads it."""
    peers: Peers
    """The nodes of this round; their columns ``placed.ROLE`` tell what ``previous`` places."""

    @staticmethod
    def read(text: str) -> "Input":
        """Reads a review document."""
        document = read_document(text)
        previous = document.get("previous")
        diff = document.get("diff", {})
        return Input(
            now_ms=document.get("now", 0),
            round=document.get("round", 1),
            term=document.get("term", 1),
            current_host=document.get("current_host", ""),
            current_id=document.get("current_id", ""),
            config=document.get("config", {}),
            schedule=Schedule.read(document.get("schedule", {})),
            previous=None if previous is None else Schedule.read(previous),
            diff=Diff(*(diff.get(key, {}) for key in ("added", "removed", "moved", "changed"))),
            runtime=document.get("runtime", {}),
            peers=Peers(document),
        )


@dataclass
class Verdict:
    """What a policy thinks of a schedule: it allows until something is said against it.

    It cannot become one that the host refuses: of reasons and of warnings the first 100 are told, of each of them the first 500
    characters.
    """

    denied: bool = False
    """Whether something was said against the schedule."""
    _reasons: list[str] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)
    _log: list[str] = field(default_factory=list)

    def deny(self, reason: str) -> None:
        """Denies the schedule; reason is a line for people."""
        self.denied = True
        _add(self._reasons, reason)

    def warn(self, text: str) -> None:
        """Adds what a person should know, whatever the verdict."""
        _add(self._warnings, text)

    def log(self, line: str) -> None:
        """Adds a line to the text for the author."""
        self._log.append(line)

    def to_json(self) -> str:
        """The whole verdict."""
        document: dict[str, Any] = {"v": 1, "verdict": "deny" if self.denied else "allow"}
        if self._reasons:
            document["reasons"] = self._reasons
        if self._warnings:
            document["warnings"] = self._warnings
        if self._log:
            document["log"] = "\n".join(self._log)
        return to_json(document)


def _add(lines: list[str], line: str) -> None:
    if len(lines) == MAX_LINES:
        return
    if not line.strip():
        line = "(no text was given)"
    lines.append(line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…")


def export(
    *,
    name: str,
    version: str,
    review: Callable[[Input], Verdict],
    check_config: CheckConfig | None = None,
    input: str = "columns",
    reads: Iterable[str] = (),
) -> tuple[type, type]:
    """Makes the classes ``Reviewing`` and ``WitWorld`` of a policy.

    :param name: shown with the version by ``verwalter plugin status``.
    :param review: judges; an exception counts as the manifest's ``on-failure`` says.
    :param check_config: looks at the manifest's configuration before the plugin is activated.
    :param input: as for :func:`verwalter.scheduler.export`.
    :param reads: the parts that the document shall hold, of ``runtime``, ``peers``, ``metrics``; it holds no others.
    """

    def run(text: str) -> str:
        verdict = review(Input.read(text))
        if not isinstance(verdict, Verdict):
            raise TypeError(f"the policy returned {verdict!r}, not a Verdict")
        return verdict.to_json()

    class Reviewing:
        def review(self, input: str) -> str:
            return guarded(run, input)

    description = {"name": name, "version": version, "kind": "policy", **told(input, reads)}
    return Reviewing, world(description, check_config)
