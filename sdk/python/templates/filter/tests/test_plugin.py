import json
import unittest

from plugin import Filtering
from verwalter import testing


class Filters(unittest.TestCase):
    def check(self, name: str, args: list, expected):
        with testing.Host() as host:
            self.assertEqual(testing.ask(Filtering().apply, name, json.dumps(args)), expected)
        self.lines = host.lines

    def test_slug(self):
        self.check("slug", ["Rack 7, Row B"], "rack-7-row-b")
        self.check("slug", ["Zürich – 東京"], "z-rich")
        self.check("slug", ["–"], "")
        self.check("slug", [7], {"error": "slug: argument 1 (`text`): expected a text, got the number 7"})

    def test_truncate(self):
        self.check("truncate", ["a long text", 6], "a lon…")
        self.assertEqual(self.lines, ["debug truncate: 5 of 11 characters cut"])
        self.check("truncate", ["a long text", "11"], "a long text")
        self.assertEqual(self.lines, [])
        self.check("truncate", ["abcdef", {"length": 4, "end": ""}], "abcd")
        self.check("truncate", ["abcdef", 2, "...."], "..")
        error = "truncate: argument 2 (`length`): expected a whole number of at least 0, got the number -1"
        self.check("truncate", ["abc", -1], {"error": error})

    def test_pick(self):
        self.check("pick", [{"a": {"b": [10, {"c": "x"}]}}, "a.b.1.c"], "x")
        self.check("pick", [{"": {"": 1}}, "."], 1)
        self.check("pick", ["text", ""], "text")
        self.check("pick", [[1], "1", {"default": None}], None)
        for path in ("-1", "1", "¹", "٠", "0.0", "99999999999999999999"):
            self.check("pick", [[1], path], {"error": f"pick: nothing at `{path}`"})
