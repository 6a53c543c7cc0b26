"""What the runtime metadata want."""

from dataclasses import dataclass
from typing import Any

from verwalter import Error, is_role_name, whole

MAX_INSTANCES = 1_000_000
"""The most instances of a role that the runtime metadata may ask for."""


@dataclass(frozen=True)
class Role:
    name: str
    instances: int
    template: str | None
    vars: dict[str, Any]
    """Passed on as they are."""


def read_roles(runtime: dict[str, Any]) -> list[Role]:
    """The roles in ascending order of their names."""
    return [read_role(name, runtime[name]) for name in sorted(runtime)]


def read_role(name: str, value: Any) -> Role:
    if not is_role_name(name):
        raise Error(f"runtime: {name} is no role name")
    if not isinstance(value, dict):
        raise Error(f"runtime: {name} must be a mapping")
    instances = whole(value.get("instances"))
    if instances is None or not 0 <= instances <= MAX_INSTANCES:
        raise Error(f"runtime: {name}.instances must be a whole number from 0 to {MAX_INSTANCES}")
    if not isinstance(value.get("template", ""), str):
        raise Error(f"runtime: {name}.template must be a text")
    vars = value.get("vars", {})
    if not isinstance(vars, dict):
        raise Error(f"runtime: {name}.vars must be a mapping")
    for reserved in ("place", "template"):
        if reserved in vars:
            raise Error(f"runtime: {name}.vars.{reserved} is reserved")
    return Role(name, instances, value.get("template"), vars)
