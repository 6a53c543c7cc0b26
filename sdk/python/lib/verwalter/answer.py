"""A scheduler's answer in the making."""

from typing import TYPE_CHECKING, Any

from .error import Error
from .names import is_role_name
from .values import check, to_json, whole

if TYPE_CHECKING:
    from .scheduler import Input

MAX_INSTANCES = 1_000_000
"""The most instances of one role on one node."""


class Answer:
    """A scheduler's answer; it begins as an empty schedule over the input's peers.

    It cannot become one that the host refuses for its form: a role's name that is none, a peer that is not there or a value that does
    not survive JSON raises an Error at once. Values are anything that JSON has.
    """

    def __init__(self, input: "Input") -> None:
        self._hostnames = input.peers.hostnames
        self._vars: dict[str, Any] = {}
        self._roles: dict[str, Role] = {}
        self._nodes: dict[str, dict[str, Any]] = {}
        self._rest: dict[str, Any] = {}
        self._actions: dict[str, Any] = {}
        self._changes: list[str] = []
        self._log: list[str] = []

    def set(self, /, **vars: Any) -> "Answer":
        """Sets variables of every role on every node: the most general level."""
        check(vars, "vars")
        self._vars.update(vars)
        return self

    def set_on(self, peer: int, /, **vars: Any) -> "Answer":
        """Sets variables of every role on peer: more specific than a role's, less than a placement's."""
        hostname = self._hostname("vars", peer)
        check(vars, f"vars of {hostname}")
        self._nodes.setdefault(hostname, {}).update(vars)
        return self

    def role(self, name: str, /, **vars: Any) -> "Role":
        """The role called name, new or begun before, with these variables set; a role without placements is in the schedule too."""
        if not is_role_name(name):
            raise Error(f"{name} is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes")
        role = self._roles.setdefault(name, Role(self, name))
        return role.set(**vars)

    def keep(self, state: Any) -> "Answer":
        """Keeps something for the next decision, which finds it as its parent's ``state``.

        It is part of the schedule: when it changes, a new schedule comes into force.
        """
        check(state, "state")
        self._rest["state"] = state
        return self

    def act(self, id: str, value: Any) -> "Answer":
        """Answers the operators' action id: what is answered is no longer pending."""
        check(value, f"actions.{id}")
        self._actions[id] = value
        return self

    def change(self, line: str) -> "Answer":
        """Adds a line about what changed, for people; outside the schedule's digest."""
        self._changes.append(line)
        return self

    def log(self, line: str) -> "Answer":
        """Adds a line to the text for the author, which the host shows beside the decision."""
        self._log.append(line)
        return self

    def to_json(self) -> str:
        """The whole answer."""
        schedule: dict[str, Any] = {"roles": {name: role._document() for name, role in self._roles.items()}, **self._rest}
        if self._vars:
            schedule["vars"] = self._vars
        if self._nodes:
            schedule["nodes"] = {hostname: {"vars": vars} for hostname, vars in self._nodes.items()}
        document: dict[str, Any] = {"v": 1, "schedule": schedule}
        why = {name: role._why for name, role in self._roles.items() if role._why}
        if why:
            document["why"] = why
        if self._actions:
            document["actions"] = self._actions
        if self._changes:
            document["changes"] = self._changes
        if self._log:
            document["log"] = "\n".join(self._log)
        return to_json(document)

    def _hostname(self, subject: str, peer: int) -> str:
        if not 0 <= peer < len(self._hostnames):  # -1 would be the last one
            raise Error(f"{subject}: there is no peer {peer}, the input has {len(self._hostnames)}")
        return self._hostnames[peer]


class Role:
    """One role of an answer; :meth:`Answer.role` begins it."""

    def __init__(self, answer: Answer, name: str) -> None:
        self._answer = answer
        self._name = name
        self._vars: dict[str, Any] = {}
        self._place: dict[str, Any] = {}
        self._why: dict[str, str] = {}

    def set(self, /, **vars: Any) -> "Role":
        """Sets variables of this role on every node; ``**mapping`` passes on those of the input.

        ``template``, written ROLE/VERSION, names what the nodes render. ``place`` is no variable: use :meth:`place`.
        """
        if "place" in vars:
            raise Error(f"{self._name}: the variable place is the contract's own, use place()")
        check(vars, self._name)
        self._vars.update(vars)
        return self

    def place(self, peer: int, instances: int, *, why: str = "", vars: dict[str, Any] | None = None) -> "Role":
        """Puts instances, 1 to MAX_INSTANCES, on peer. A second call for the same peer replaces the first.

        :param why: why it stands here: a short text for people, shown by ``verwalter why`` and outside the schedule's digest.
        :param vars: variables of this role on this node: the most specific level.
        """
        hostname = self._answer._hostname(self._name, peer)
        if whole(instances) is None or not 1 <= instances <= MAX_INSTANCES:
            raise Error(f"{self._name}: {instances} instances on one node, 1 to {MAX_INSTANCES} may be")
        placement: Any = int(instances)
        if vars:
            if "instances" in vars:
                raise Error(f"{self._name}: the variable instances is the contract's own, pass it as the second argument")
            check(vars, f"{self._name} on {hostname}")
            placement = {**vars, "instances": placement}
        self._place[hostname] = placement
        self._why.pop(hostname, None)
        if why:
            self._why[hostname] = why
        return self

    def _document(self) -> dict[str, Any]:
        return {**self._vars, "place": self._place}
