import json
import unittest

from plugin import Querying
from verwalter import testing

SCHEDULE = {
    "nodes": {"a": {"roles": {"web": {"instances": 2}}}, "b": {"roles": {"web": {"instances": 1}}}},
    "roles": {"idle": {}, "web": {}},
}


class Questions(unittest.TestCase):
    def check(self, path: str, expected, schedule=SCHEDULE):
        self.assertEqual(testing.ask(Querying().query, json.dumps({"v": 1, "path": path, "schedule": schedule})), expected)

    def test_role(self):
        self.check("roles/web", {"role": "web", "nodes": {"a": 2, "b": 1}})
        self.check("roles/idle", {"role": "idle", "nodes": {}})
        self.check("roles/db", {"error": "no role db in the schedule"})
        self.check("roles/web", {"error": "no schedule is in force"}, schedule=None)

    def test_path(self):
        for path in ("", "roles", "roles/", "roles/web/x", "role/web"):
            self.check(path, {"error": f"no such path: {path}; ask roles/ROLE"})

    def test_render_roles_leaves_them_to_the_schedule(self):
        self.assertIsNone(testing.ask(Querying().render_roles, json.dumps({"v": 1, "schedule": SCHEDULE})))
