import json
import unittest

from plugin import Reviewing, WitWorld
from verwalter import testing

NOTHING = {"nodes": {}, "roles": {}}
TWO_WEBS = {"nodes": {"a": {"roles": {"web": {"instances": 2}}}}, "roles": {"web": {}}}


def ask(host: testing.Host, **document):
    with host:
        return testing.ask(Reviewing().review, json.dumps({"v": 1, "config": {}, "schedule": TWO_WEBS, "previous": None, **document}))


class Reviews(unittest.TestCase):
    def check(self, verdict: str, told: dict, **document):
        host = testing.Host()
        self.assertEqual(ask(host, **document), {"v": 1, "verdict": verdict, **told})
        self.assertEqual(host.lines, [f"info {verdict}"])

    def test_allow(self):
        self.check("allow", {}, config={"most": {"web": 2}, "protected": ["web"]})

    def test_too_many(self):
        self.check("deny", {"reasons": ["web: 2 instances, at most 1 may be"]}, config={"most": {"web": 1}})

    def test_protected(self):
        reasons = {"reasons": ["web: protected, and would be gone"]}
        self.check("deny", reasons, config={"protected": ["web"]}, schedule=NOTHING, previous=TWO_WEBS)

    def test_moved(self):
        self.check("allow", {"warnings": ["api: 2 moved", "web: 1 moved"]}, diff={"moved": {"web": 1, "api": 2}})

    def test_only_the_first_hundred_are_told(self):
        most = {f"r{i:03}": 0 for i in range(150)}
        nodes = {"a": {"roles": {role: {"instances": 1} for role in most}}}
        answer = ask(testing.Host(), config={"most": most}, schedule={"nodes": nodes, "roles": {}})
        self.assertEqual(len(answer["reasons"]), 100)


class Errors(unittest.TestCase):
    def test_config(self):
        for config, error in [
            ({"least": 1}, "config: unknown key least, expected most or protected"),
            ({"most": {"web": -1}}, "config: most must be a mapping of roles to whole numbers"),
            ({"most": {"web": True}}, "config: most must be a mapping of roles to whole numbers"),
            ({"most": None, "protected": 1}, "config: most must be a mapping of roles to whole numbers"),
            ({"protected": "web"}, "config: protected must be a list of texts"),
            ({"protected": ["web", 1]}, "config: protected must be a list of texts"),
        ]:
            with self.subTest(config=config):
                self.assertEqual(ask(testing.Host(), config=config), {"error": error})
                self.assertEqual(testing.ask(WitWorld().check_config, json.dumps(config)), {"error": error})
