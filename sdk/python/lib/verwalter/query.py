"""Makes a plugin that answers ``/v1/query/PATH``, and may choose the roles that a node renders."""

from dataclasses import dataclass
from typing import Any, Callable

from .error import Error
from .guard import answer as guarded
from .guard import read_document
from .names import is_role_name
from .schedule import Schedule
from .values import check, to_json
from .world import CheckConfig, world

__all__ = ["Question", "Render", "Roles", "export"]


@dataclass(frozen=True)
class Question:
    """One request to ``/v1/query/PATH``."""

    now_ms: int
    """The time in milliseconds since the Unix epoch: the only clock."""
    path: str
    """What follows ``/v1/query/``, decoded."""
    method: str
    """``GET`` or ``POST``."""
    query: dict[str, str]
    """The parameters of the URL, decoded."""
    body: Any
    """The request's JSON; None where there was none."""
    hostname: str
    """The node that was asked."""
    config: dict[str, Any]
    """The manifest's ``config``."""
    schedule: Schedule | None
    """The one in force there."""
    schedule_digest: str | None
    """Its digest, ``sha256:…``."""
    since_ms: int | None
    """When it came into force there, in milliseconds since the Unix epoch."""

    @staticmethod
    def read(text: str) -> "Question":
        """Reads a request document."""
        document = read_document(text)
        schedule = document.get("schedule")
        return Question(
            now_ms=document.get("now", 0),
            path=document.get("path", ""),
            method=document.get("method", "GET"),
            query=document.get("query", {}),
            body=document.get("body"),
            hostname=document.get("hostname", ""),
            config=document.get("config", {}),
            schedule=None if schedule is None else Schedule.read(schedule),
            schedule_digest=document.get("schedule_digest"),
            since_ms=document.get("since"),
        )


@dataclass(frozen=True)
class Render:
    """What a plugin is told before a node renders."""

    now_ms: int
    """The time in milliseconds since the Unix epoch: the only clock."""
    hostname: str
    """The node that renders."""
    config: dict[str, Any]
    """The manifest's ``config``."""
    schedule: Schedule
    """The one to be rendered."""
    previous: Schedule | None
    """The one rendered before; None at first and when a render is forced."""
    machine: dict[str, Any]
    """The node's facts."""

    @staticmethod
    def read(text: str) -> "Render":
        """Reads a render document."""
        document = read_document(text)
        previous = document.get("previous")
        return Render(
            now_ms=document.get("now", 0),
            hostname=document.get("hostname", ""),
            config=document.get("config", {}),
            schedule=Schedule.read(document.get("schedule", {})),
            previous=None if previous is None else Schedule.read(previous),
            machine=document.get("machine", {}),
        )


@dataclass(frozen=True)
class Roles:
    """The roles that a node renders. Nothing of the schedule is merged in."""

    to_render: dict[str, dict[str, Any]]
    """The roles with their whole variables, ``template`` among them."""
    all_roles: list[str] | None = None
    """All roles of the cluster, as the plugin sees them."""

    def to_json(self) -> str:
        """The whole answer."""
        for name in [*self.to_render, *(self.all_roles or [])]:
            if not is_role_name(name):
                raise Error(f"{name} is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes")
        check(self.to_render, "to_render")
        document: dict[str, Any] = {"v": 1, "to_render": self.to_render}
        if self.all_roles is not None:
            document["all_roles"] = self.all_roles
        return to_json(document)


def export(
    *,
    name: str,
    version: str,
    query: Callable[[Question], Any],
    render_roles: Callable[[Render], Roles | None] | None = None,
    check_config: CheckConfig | None = None,
) -> tuple[type, type]:
    """Makes the classes ``Querying`` and ``WitWorld`` of a query plugin.

    :param name: shown with the version by ``verwalter plugin status``.
    :param query: answers with any JSON value; an :class:`verwalter.Error` becomes the response's error.
    :param render_roles: chooses the roles that a node renders; None leaves them to the schedule, as does the function's own None.
    :param check_config: looks at the manifest's configuration before the plugin is activated.
    """

    def run(text: str) -> str:
        response = query(Question.read(text))
        check(response, "the response")
        return to_json(response)

    def run_render_roles(text: str) -> str:
        roles = None if render_roles is None else render_roles(Render.read(text))
        return "null" if roles is None else roles.to_json()

    class Querying:
        def query(self, input: str) -> str:
            return guarded(run, input)

        def render_roles(self, input: str) -> str:
            return guarded(run_render_roles, input)

    return Querying, world({"name": name, "version": version, "kind": "query"}, check_config)
