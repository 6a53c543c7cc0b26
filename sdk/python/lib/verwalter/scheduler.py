"""Makes a plugin that decides what runs where."""

from dataclasses import dataclass
from typing import Any, Callable, Iterable

from .answer import MAX_INSTANCES, Answer, Role
from .guard import answer as guarded
from .guard import read_document
from .peers import Peers
from .schedule import Schedule
from .world import CheckConfig, told, world

__all__ = ["MAX_INSTANCES", "Answer", "Input", "Role", "export"]


@dataclass(frozen=True)
class Input:
    """What one decision is told."""

    now_ms: int
    """The round's time in milliseconds since the Unix epoch: the only clock."""
    round: int
    """The number of this decision within the term, from 1."""
    term: int
    """The number of the leadership, from 1."""
    current_host: str
    """The leader's hostname."""
    current_id: str
    """The leader's id: 32 hexadecimal digits."""
    config: dict[str, Any]
    """The manifest's ``config``."""
    runtime: dict[str, Any]
    """The operators' metadata: ``runtime/web.yaml`` is the key ``web``. Empty unless the plugin reads it, as are the next two."""
    parents: list[Schedule]
    """The schedules that this decision follows: none at first, one as a rule, several after a change of leaders."""
    actions: dict[str, Any]
    """The operators' pending actions, by id."""
    peers: Peers
    """The nodes of this round."""

    @staticmethod
    def read(text: str) -> "Input":
        """Reads an input document."""
        document = read_document(text)
        return Input(
            now_ms=document.get("now", 0),
            round=document.get("round", 1),
            term=document.get("term", 1),
            current_host=document.get("current_host", ""),
            current_id=document.get("current_id", ""),
            config=document.get("config", {}),
            runtime=document.get("runtime", {}),
            parents=[Schedule.read(parent) for parent in document.get("parents", [])],
            actions=document.get("actions", {}),
            peers=Peers(document),
        )

    def placed(self, role: str) -> list[int]:
        """How many instances of role each peer has in the schedule that this decision follows.

        Of several parents, where the document has them, the greatest number counts, so that nothing moves only because the leader
        changed.
        """
        column = self.peers.column(f"placed.{role}")
        if column is not None:
            return [int(instances) for instances in column]
        return [max((parent.instances(host, role) for parent in self.parents), default=0) for host in self.peers.hostnames]


def export(
    *,
    name: str,
    version: str,
    schedule: Callable[[Input], Answer],
    check_config: CheckConfig | None = None,
    input: str = "columns",
    reads: Iterable[str] = (),
) -> tuple[type, type]:
    """Makes the classes ``Scheduling`` and ``WitWorld`` of a scheduler.

    :param name: shown with the version by ``verwalter plugin status``.
    :param schedule: decides; an :class:`verwalter.Error` keeps the schedule in force, and the status shows its text.
    :param check_config: looks at the manifest's configuration before the plugin is activated.
    :param input: ``"columns"``, where :class:`Peers` asks the host for what is read, or ``"document"``, where peers and metrics are in
        the document: at thousands of peers many times dearer. The manifest's ``input`` wins over it.
    :param reads: the parts that the document shall hold, of ``runtime``, ``parents``, ``actions``, ``peers``, ``metrics``; it holds no
        others.
    """

    def run(text: str) -> str:
        answer = schedule(Input.read(text))
        if not isinstance(answer, Answer):
            raise TypeError(f"the scheduler returned {answer!r}, not an Answer")
        return answer.to_json()

    class Scheduling:
        def schedule(self, input: str) -> str:
            return guarded(run, input)

    description = {"name": name, "version": version, "kind": "scheduler", **told(input, reads)}
    return Scheduling, world(description, check_config)
