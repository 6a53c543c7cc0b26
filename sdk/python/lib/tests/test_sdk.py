"""The SDK's own tests, natively: ``python3 -m unittest discover -s sdk/tests -t sdk``."""

import json
import unittest
from math import inf, isnan, nan
from typing import Any

from verwalter import Error, Peers, Schedule, filter, is_role_name, policy, query, scheduler, testing, whole
from verwalter.values import check, to_json


class Values(unittest.TestCase):
    def test_whole(self):
        for value, number in [(0, 0), (3.0, 3), (-7, -7), (2**53, 2**53)]:
            self.assertEqual(whole(value), number)
        for value in (1.5, 1e300, inf, nan, 2**53 + 1, "3", None, True, [3]):
            self.assertIsNone(whole(value), value)

    def test_check(self):
        check({"a": [1, 2.5, None, True, "x", {"b": ()}], "big": 2**53, "huge": 1e300}, "vars")
        for value, error in [
            ({"a": [0, {"b": nan}]}, "vars.a.1.b: nan is no JSON number"),
            ({"a": 2**53 + 1}, "vars.a: 9007199254740993 is beyond ±2^53 and does not survive JSON, pass it as a text"),
            ({"a": 1e16}, "vars.a: 1e+16 is beyond ±2^53 and does not survive JSON, pass it as a text"),
            ({1: 2}, "vars: the key 1 is no text"),
            ({"a": {1}}, "vars.a: a set is no JSON value"),
        ]:
            with self.assertRaises(Error) as caught:
                check(value, "vars")
            self.assertEqual(str(caught.exception), error)

    def test_json_is_by_keys(self):
        self.assertEqual(to_json({"b": 5e-324, "a": "é"}), '{"a":"é","b":5e-324}')

    def test_role_names(self):
        for name in ("web", "0", "a.b-c_d", "x" * 64):
            self.assertTrue(is_role_name(name))
        for name in ("", ".web", "Web", "größe", "web\n", "a b", "x" * 65):
            self.assertFalse(is_role_name(name))


class Documents(unittest.TestCase):
    def test_peers_of_a_document(self):
        rows = {"b": {"id": "2", "machine": {"rack": "r1", "disk": {"ssd": True, "gib": 1.5}}}, "a": {"id": "1", "machine": {"rack": []}}}
        peers = Peers({"peers": rows, "metrics": {"cpu": [None, 0.25]}})
        self.assertEqual((len(peers), peers.hostnames, peers.metrics()), (2, ["a", "b"], ["cpu"]))
        for name, texts in {"id": ["1", "2"], "rack": ["", "r1"], "disk.ssd": ["", "true"], "disk.gib": ["", "1.5"], "disk": ["", ""]}.items():
            self.assertEqual(peers.attribute(name), texts)
        cpu = peers.required_column("cpu")
        self.assertTrue(isnan(cpu[0]) and cpu[1] == 0.25)
        self.assertEqual((peers.find("b"), peers.find("c"), peers.column("load"), peers.record(1)), (1, None, None, rows["b"]))

    def test_schedule(self):
        schedule = Schedule.read({"nodes": {"b": {"roles": {"web": {}}}, "a": {"roles": {"web": {"instances": 2}}}}, "roles": {"idle": {}}})
        self.assertEqual((list(schedule.nodes), schedule.total("web"), schedule.instances("c", "web")), (["a", "b"], 3, 0))
        self.assertTrue(schedule.has("idle") and schedule.has("web") and not schedule.has("db"))

    def test_placed_by_parents(self):
        parents = [
            {"nodes": {"a": {"roles": {"web": {"instances": 2}}}, "gone": {"roles": {"web": {"instances": 7}}}}},
            {"nodes": {"a": {"roles": {"web": {"instances": 1}}}, "b": {"roles": {"web": {}}}}},
        ]
        with testing.Host(["a", "b", "c"]):
            self.assertEqual(scheduler.Input.read(json.dumps({"v": 1, "parents": parents})).placed("web"), [2, 1, 0])


class Guard(unittest.TestCase):
    def ask(self, schedule, document='{"v": 1}') -> Any:
        scheduling, _ = scheduler.export(name="x", version="1", schedule=schedule)
        with testing.Host(["a", "b"]):
            return testing.ask(scheduling().schedule, document)

    def test_exceptions_become_answers(self):
        def fail(error: BaseException):
            def schedule(_):
                raise error

            return schedule

        self.assertEqual(self.ask(fail(Error("as it stands"))), {"error": "as it stands"})
        self.assertRegex(self.ask(fail(KeyError("x")))["error"], r"^KeyError: 'x' \(test_sdk.py:\d+\)$")
        self.assertRegex(self.ask(fail(SystemExit()))["error"], r"^SystemExit \(test_sdk.py:\d+\)$")
        self.assertRegex(self.ask(lambda _: None)["error"], r"^TypeError: the scheduler returned None, not an Answer")
        self.assertEqual(self.ask(fail(Error("\ud800"))), {"error": "?"})

    def test_documents_that_are_none(self):
        self.assertEqual(self.ask(None, "[]"), {"error": "the input document: it is no JSON object"})
        error = "the input document: version 2 is not spoken here, only 1: build the plugin with a newer SDK"
        self.assertEqual(self.ask(None, '{"v": 2}'), {"error": error})
        self.assertRegex(self.ask(None, "")["error"], "^JSONDecodeError: ")

    def test_describe(self):
        _, world = scheduler.export(name="x", version="1", schedule=None)
        self.assertEqual(
            json.loads(world().describe()), {"name": "x", "version": "1", "kind": "scheduler", "input": "columns", "reads": []}
        )
        with self.assertRaisesRegex(ValueError, "there is no part 'peer' of the input document"):
            policy.export(name="x", version="1", review=None, reads=["peer"])


class Answers(unittest.TestCase):
    def answer(self) -> scheduler.Answer:
        with testing.Host(["a", "b"]):
            answer = scheduler.Answer(scheduler.Input.read('{"v": 1}'))
        return answer

    def test_every_part(self):
        answer = self.answer()
        answer.set(z=1, a=["x"]).set_on(1, rack=None).keep({"seen": 3}).act("a1", "done").change("2 moved").log("one").log("two")
        web = answer.role("web", template="web/v1", name="any", self="any")
        web.place(1, 9, why="replaced").place(0, 2, vars={"port": 80}, why="why").place(1, 3)
        answer.role("idle")
        self.assertEqual(
            json.loads(answer.to_json()),
            {
                "v": 1,
                "schedule": {
                    "roles": {
                        "idle": {"place": {}},
                        "web": {"template": "web/v1", "name": "any", "self": "any", "place": {"a": {"port": 80, "instances": 2}, "b": 3}},
                    },
                    "vars": {"a": ["x"], "z": 1},
                    "nodes": {"b": {"vars": {"rack": None}}},
                    "state": {"seen": 3},
                },
                "actions": {"a1": "done"},
                "why": {"web": {"a": "why"}},
                "changes": ["2 moved"],
                "log": "one\ntwo",
            },
        )

    def test_what_the_host_would_refuse(self):
        web = self.answer().role("web")
        for mistake, error in [
            (lambda: self.answer().role("Web"), "Web is no role name: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes"),
            (lambda: web.place(2, 1), "web: there is no peer 2, the input has 2"),
            (lambda: web.place(-1, 1), "web: there is no peer -1, the input has 2"),
            (lambda: web.place(0, 0), "web: 0 instances on one node, 1 to 1000000 may be"),
            (lambda: web.place(0, 1.5), "web: 1.5 instances on one node, 1 to 1000000 may be"),
            (lambda: web.set(place=1), "web: the variable place is the contract's own, use place()"),
            (
                lambda: web.place(0, 1, vars={"instances": 2}),
                "web: the variable instances is the contract's own, pass it as the second argument",
            ),
            (lambda: web.set(x=nan), "web.x: nan is no JSON number"),
        ]:
            with self.assertRaises(Error) as caught:
                mistake()
            self.assertEqual(str(caught.exception), error)

    def test_verdicts_that_the_host_takes(self):
        verdict = policy.Verdict()
        for _ in range(150):
            verdict.deny("é" * 600)
            verdict.warn(" ")
        told = json.loads(verdict.to_json())
        self.assertEqual((told["verdict"], len(told["reasons"]), len(told["warnings"])), ("deny", 100, 100))
        self.assertEqual(len(told["reasons"][0]), 500)
        self.assertTrue(told["warnings"][0].strip())

    def test_roles_of_a_node(self):
        roles = query.Roles({"web": {"template": "web/v1"}}, ["web"])
        self.assertEqual(json.loads(roles.to_json()), {"v": 1, "to_render": {"web": {"template": "web/v1"}}, "all_roles": ["web"]})
        with self.assertRaises(Error):
            query.Roles({"Web": {}}).to_json()


def count(list: list, count: int, any: Any = "none") -> Any:
    return [len(list), count, any]


class Filters(unittest.TestCase):
    def check(self, args: Any, expected: Any):
        filtering, _ = filter.export(name="x", version="1", filters=[count])
        self.assertEqual(testing.ask(filtering().apply, "count", json.dumps(args)), expected)

    def refused(self, args: Any, error: str):
        self.check(args, {"error": f"count: {error}"})

    def test_arguments(self):
        self.check([[1, 2], 3], [2, 3, "none"])
        self.check([[], "-4", None], [0, -4, None])
        self.check([[], {"any": 1, "count": 5.0}], [0, 5, 1])

    def test_what_does_not_fit(self):
        self.refused({}, "the arguments are no JSON array")
        self.refused([], "argument 1 (`list`) is missing: expected a list")
        self.refused([{"list": []}], "argument 1 (`list`): expected a list, got a mapping of 1")
        self.refused([[]], "argument 2 (`count`) is missing: expected a whole number")
        for value, shown in [(1.5, "the number 1.5"), (True, "true"), (None, "null"), ("1_0", 'the text "1_0"'), ("x" * 50, f'the text "{"x" * 40}"…')]:
            self.refused([[], value], f"argument 2 (`count`): expected a whole number, got {shown}")
        self.refused([[], {"y": 1, "x": 2}], "there is no argument `x`; it takes list, count, any")
        self.refused([[], 1, {"list": 2}], "argument 1 (`list`) is given twice, by position and by name")
        self.refused([[], 1, 2, 3], "takes at most 3 arguments (list, count, any), got 4")

    def test_no_such_filter(self):
        filtering, _ = filter.export(name="x", version="1", filters=[count])
        self.assertEqual(testing.ask(filtering().apply, "c", "[]"), {"error": "there is no filter c; there are count"})

    def test_signatures_that_cannot_be(self):
        def odd(text: bytes):
            return text

        def rest(*args):
            return args

        for function in (odd, rest):
            with self.assertRaises(ValueError):
                filter.export(name="x", version="1", filters=[function])
