import unittest
from math import nan

from plugin.decide import Ranking


class Rank(unittest.TestCase):
    def test_busy_ones_and_those_without_a_sample_go_last(self):
        ranking = Ranking([0.5, nan, 0.1, 0.5, 0.95], 0.9)
        self.assertEqual(ranking.all, [2, 0, 3, 4, 1])
        self.assertEqual(ranking.open, [2, 0, 3])


class Decide(unittest.TestCase):
    def test_levels(self):
        ranking = Ranking([0.1, 0.2, 0.3], 0.9)
        for before, wanted, after in [
            ([0, 0, 0], 4, [2, 1, 1]),
            ([0, 3, 0], 3, [0, 3, 0]),  # what stands stays, however uneven
            ([0, 3, 0], 5, [1, 3, 1]),
            ([0, 3, 1], 9, [3, 3, 3]),
            ([2, 2, 2], 3, [1, 1, 1]),
            ([1, 9, 4], 4, [1, 2, 1]),
            ([1, 2, 0], 0, [0, 0, 0]),
            ([0, 0, 0], 1_000_000, [333_334, 333_333, 333_333]),
            ([1_000_000, 0, 0], 1, [1, 0, 0]),
        ]:
            with self.subTest(before=before, wanted=wanted):
                self.assertEqual(ranking.decide(before, wanted), (after, 0))

    def test_no_room(self):
        self.assertEqual(Ranking([0.95, nan], 0.9).decide([1, 0], 3), ([1, 0], 2))
