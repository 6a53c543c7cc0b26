import json
import unittest
from math import nan

from plugin import Scheduling, WitWorld
from verwalter import testing


def ask(host: testing.Host, **document):
    with host:
        return testing.ask(Scheduling().schedule, json.dumps({"v": 1, "config": {}, "runtime": {}, **document}))


def three(**columns: list[float]) -> testing.Host:
    """Three peers: beta is the least busy, alpha the busiest."""
    return testing.Host(["alpha", "beta", "gamma"], columns={"cpu": [0.7, 0.1, 0.4], **columns})


class Decisions(unittest.TestCase):
    def test_first_round(self):
        host = three()
        answer = ask(host, runtime={"web": {"instances": 2, "template": "web/v1", "vars": {"name": "x", "self": 1.5}}})
        web = {"name": "x", "self": 1.5, "template": "web/v1", "place": {"beta": 1, "gamma": 1}}
        self.assertEqual(answer["schedule"], {"roles": {"web": web}})
        self.assertEqual(answer["why"], {"web": {"beta": "new", "gamma": "new"}})
        self.assertEqual(host.lines, ["info web: 2 placed"])

    def test_what_stands_stays(self):
        answer = ask(three(**{"placed.web": [1, 0, 0]}), runtime={"web": {"instances": 4}})
        self.assertEqual(answer["schedule"]["roles"]["web"]["place"], {"alpha": 1, "beta": 2, "gamma": 1})
        self.assertEqual(answer["why"]["web"], {"alpha": "kept", "beta": "new", "gamma": "new"})

    def test_too_busy(self):
        host = three(cpu=[0.7, nan, 0.6])
        answer = ask(host, config={"max_busy": 0.5}, runtime={"web": {"instances": 1}})
        self.assertEqual(answer, {"v": 1, "schedule": {"roles": {"web": {"place": {}}}}})
        self.assertEqual(host.lines, ["warn web: 0 placed, 1 missing"])

    def test_nothing_wanted_needs_no_column(self):
        self.assertEqual(ask(testing.Host(["alpha"])), {"v": 1, "schedule": {"roles": {}}})


class Errors(unittest.TestCase):
    def check(self, error: str, **document):
        self.assertEqual(ask(three(), **document), {"error": error})

    def test_config(self):
        self.check("config: unknown key busy, expected max_busy", config={"max_busy": 3, "zeta": 1, "busy": 2})
        for max_busy in (0, 1.0000000000000002, True, None, "0.5"):
            self.check("config: max_busy must be a number above 0 and at most 1", config={"max_busy": max_busy})

    def test_check_config(self):
        self.assertIsNone(testing.ask(WitWorld().check_config, '{"max_busy": 1}'))
        self.assertEqual(testing.ask(WitWorld().check_config, '{"x": 1}'), {"error": "config: unknown key x, expected max_busy"})

    def test_runtime(self):
        self.check("runtime: Web is no role name", runtime={"Web": {}})
        self.check("runtime: web must be a mapping", runtime={"web": []})
        for instances in (None, -1, 1.5, 1_000_001, "3", True):
            self.check("runtime: web.instances must be a whole number from 0 to 1000000", runtime={"web": {"instances": instances}})
        self.check("runtime: web.template must be a text", runtime={"web": {"instances": 1, "template": None}})
        self.check("runtime: web.vars must be a mapping", runtime={"web": {"instances": 1, "vars": []}})
        self.check("runtime: web.vars.place is reserved", runtime={"web": {"instances": 1, "vars": {"template": 1, "place": 1}}})

    def test_no_column(self):
        answer = ask(testing.Host(["alpha"]), runtime={"web": {"instances": 1}})
        self.assertEqual(answer, {"error": "no column cpu: declare it under metrics in the manifest"})
