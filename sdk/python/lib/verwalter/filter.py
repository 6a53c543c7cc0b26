"""Makes a plugin of helpers for templates.

A filter is a function; its parameters are its arguments, and their annotations say what they must be: ``str`` a text, ``int`` a whole
number or a text of one, ``list``, ``dict``, and ``Any`` whatever it is. One with a default may be left out::

    def shorten(text: str, length: int = 20) -> str:
        return text[:length]

    Filtering, WitWorld = filter.export(name="mine", version="0.1.0", filters=[shorten])
"""

import inspect
import json
import re
from typing import Any, Callable, Iterable, get_type_hints

from .error import Error
from .guard import answer as guarded
from .values import check, to_json
from .world import CheckConfig, world

__all__ = ["Wrong", "export"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

# A text of a whole number; int() alone would take "1_000" and " 1 ".
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)

_EXPECTED = {Any: "a value", str: "a text", int: "a whole number", list: "a list", dict: "a mapping"}

# So much of a text stands in an error.
_SHOWN_CHARS = 40


class Wrong(Exception):
    """Raised by a filter whose argument is of the right type and yet of no use to it."""

    def __init__(self, argument: str, expected: str) -> None:
        """argument is the parameter's name, expected completes "expected …", as in "a whole number of at least 0"."""
        super().__init__(argument, expected)
        self.argument = argument
        self.expected = expected


def export(
    *, name: str, version: str, filters: Iterable[Callable[..., Any]], check_config: CheckConfig | None = None
) -> tuple[type, type]:
    """Makes the classes ``Filtering`` and ``WitWorld`` of filters.

    :param name: shown with the version by ``verwalter plugin status``.
    :param filters: functions, which templates call by their names: ``[A-Za-z][A-Za-z0-9_]*``, at most 64 bytes. They return any JSON
        value; a text renders without its quotes. An :class:`verwalter.Error`, told with the filter's name in front, fails the
        render of the role.
    :param check_config: looks at the manifest's configuration before the plugin is activated.
    """
    known = {function.__name__: _Filter(function) for function in filters}

    def run(name: str, args: str) -> str:
        if name not in known:
            raise Error(f"there is no filter {name}; there are {', '.join(known)}")
        return known[name].apply(json.loads(args))

    class Filtering:
        def filters(self) -> list[str]:
            return list(known)

        def apply(self, name: str, args: str) -> str:
            return guarded(run, name, args)

    return Filtering, world({"name": name, "version": version, "kind": "filter"}, check_config)


class _Filter:
    """A function and what its signature says of its arguments, read when the plugin is built."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name} is no name of a filter: [A-Za-z][A-Za-z0-9_]*, at most 64 bytes")
        hints = get_type_hints(function)
        self.types: dict[str, Any] = {}
        self.defaults: set[str] = set()
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
                raise ValueError(f"{self.name}: the parameter {parameter.name} must be an ordinary one")
            hint = hints.get(parameter.name, Any)
            if hint not in _EXPECTED:
                raise ValueError(f"{self.name}: {parameter.name} is annotated with none of str, int, list, dict and Any")
            self.types[parameter.name] = hint
            if parameter.default is not parameter.empty:
                self.defaults.add(parameter.name)

    def apply(self, args: Any) -> str:
        """The filter's result as JSON text."""
        try:
            given = self.bind(args)
            values = {}
            for name in self.types:  # in order, so that the first that does not fit is told
                if name in given:
                    values[name] = self.convert(name, given[name])
                elif name not in self.defaults:
                    raise Error(f"{self.called(name)} is missing: expected {_EXPECTED[self.types[name]]}")
            try:
                result = self.function(**values)
            except Wrong as wrong:
                raise self.wrong(wrong.argument, wrong.expected, given.get(wrong.argument)) from None
            check(result, "the result")
            return to_json(result)
        except Error as error:
            raise Error(f"{self.name}: {error}") from None

    def bind(self, args: Any) -> dict[str, Any]:
        """The arguments by name.

        Named ones arrive as one object behind the positional ones, so an object counts as that when it stands last and not first.
        """
        if not isinstance(args, list):
            raise Error("the arguments are no JSON array")
        names = list(self.types)
        named = args.pop() if len(args) > 1 and isinstance(args[-1], dict) else {}
        if len(args) > len(names):
            raise Error(f"takes at most {len(names)} arguments ({', '.join(names)}), got {len(args)}")
        for name in sorted(named):
            if name not in self.types:
                raise Error(f"there is no argument `{name}`; it takes {', '.join(names)}")
            if names.index(name) < len(args):
                raise Error(f"{self.called(name)} is given twice, by position and by name")
        return dict(zip(names, args)) | named

    def convert(self, name: str, value: Any) -> Any:
        wanted = self.types[name]
        if wanted is Any:
            return value
        if wanted is int and isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        if wanted is int and isinstance(value, float) and value.is_integer():
            return int(value)
        # True is an int in Python.
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise self.wrong(name, _EXPECTED[wanted], value)
        return value

    def wrong(self, name: str, expected: str, value: Any) -> Error:
        return Error(f"{self.called(name)}: expected {expected}, got {_shown(value)}")

    def called(self, name: str) -> str:
        return f"argument {list(self.types).index(name) + 1} (`{name}`)"


def _shown(value: Any) -> str:
    """A value in an error: its type, and its beginning where it is short."""
    if isinstance(value, str):
        return f"the text {to_json(value[:_SHOWN_CHARS])}{'…' if len(value) > _SHOWN_CHARS else ''}"
    if isinstance(value, dict):
        return f"a mapping of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return to_json(value)
    return f"the number {to_json(value)}"
