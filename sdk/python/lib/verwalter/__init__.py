"""What every verwalter plugin in Python is made with.

A plugin is a module that defines the classes which componentize-py looks for; ``export`` of the plugin's kind makes them::

    from verwalter import scheduler

    def schedule(input: scheduler.Input) -> scheduler.Answer:
        answer = scheduler.Answer(input)
        answer.role("web", template="web/v1").place(0, 1, why="the first peer")
        return answer

    Scheduling, WitWorld = scheduler.export(name="mine", version="0.1.0", schedule=schedule)

The kinds are :mod:`verwalter.scheduler`, :mod:`verwalter.policy`, :mod:`verwalter.filter` and :mod:`verwalter.query`.
:mod:`verwalter.log` writes lines for people; :mod:`verwalter.testing` stands in for the host in unit tests.

The same plugin, configuration and input must give the same answer on every node: do not let the order of a set reach it, and do not
use :mod:`random`, :mod:`time` or files. A dict keeps the order in which it was filled.
"""

from .error import Error
from .names import is_role_name
from .peers import Peers
from .schedule import Node, Schedule
from .values import is_number, whole

__all__ = ["Error", "Node", "Peers", "Schedule", "is_number", "is_role_name", "whole"]
