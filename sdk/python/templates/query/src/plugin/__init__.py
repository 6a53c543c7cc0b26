"""Answers roles/ROLE: on which nodes a role stands."""

from typing import Any

from verwalter import Error, query


def answer(question: query.Question) -> dict[str, Any]:
    prefix, _, role = question.path.partition("/")
    if prefix != "roles" or not role or "/" in role:
        raise Error(f"no such path: {question.path}; ask roles/ROLE")
    schedule = question.schedule
    if schedule is None:
        raise Error("no schedule is in force")
    if not schedule.has(role):
        raise Error(f"no role {role} in the schedule")
    nodes = {host: schedule.instances(host, role) for host in schedule.nodes}
    return {"role": role, "nodes": {host: instances for host, instances in nodes.items() if instances}}


# Without render_roles each node renders what the schedule says.
Querying, WitWorld = query.export(name="sample-query", version="0.1.0", query=answer)
