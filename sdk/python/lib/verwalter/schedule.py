"""A schedule that the host admitted, in canonical form."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Node:
    """One node of a schedule."""

    roles: dict[str, dict[str, Any]]
    """The placements: role to its variables on this node, ``instances`` among them."""
    vars: dict[str, Any]
    """The variables of every role on this node."""


@dataclass(frozen=True)
class Schedule:
    """A schedule that the host admitted. It may name nodes that are gone."""

    nodes: dict[str, Node]
    """By hostname, ascending: those that have roles or variables."""
    roles: dict[str, dict[str, Any]]
    """The roles' variables. A role without placements is here too."""
    vars: dict[str, Any]
    """The variables of every role on every node."""
    state: Any
    """What the scheduler kept for its next decision; None where there is nothing."""

    @staticmethod
    def read(document: dict[str, Any]) -> "Schedule":
        """Reads a schedule in canonical form."""
        nodes = document.get("nodes", {})
        return Schedule(
            nodes={host: Node(nodes[host].get("roles", {}), nodes[host].get("vars", {})) for host in sorted(nodes)},
            roles=document.get("roles", {}),
            vars=document.get("vars", {}),
            state=document.get("state"),
        )

    def instances(self, host: str, role: str) -> int:
        """How many instances of role stand on host, 0 where there are none."""
        node = self.nodes.get(host)
        placement = None if node is None else node.roles.get(role)
        # What the contract means by a placement that does not say.
        return 0 if placement is None else placement.get("instances", 1)

    def total(self, role: str) -> int:
        """How many instances of role stand on all nodes."""
        return sum(self.instances(host, role) for host in self.nodes)

    def has(self, role: str) -> bool:
        """Whether role is in the schedule: among its roles or on a node."""
        return role in self.roles or any(role in node.roles for node in self.nodes.values())
