"""The decision itself: numbers only. A peer is its position in the columns."""

from math import inf, isnan


class Ranking:
    """An order of the peers, made once a decision."""

    def __init__(self, cpu: list[float], max_busy: float) -> None:
        self.all = sorted(range(len(cpu)), key=lambda peer: inf if isnan(cpu[peer]) else cpu[peer])
        """All peers: the least busy first, those without a sample last, ties by position (sorting is stable)."""
        self.open = [peer for peer in self.all if cpu[peer] <= max_busy]
        """Those of them that may get another instance; never one without a sample, for NaN compares with nothing."""

    def decide(self, before: list[int], wanted: int) -> tuple[list[int], int]:
        """Changes as little as it can of what stands before, so that there are as many instances as wanted.

        Returns how many each peer has then, and how many found no place.
        """
        after = list(before)
        surplus = sum(after) - wanted
        self._take(after, surplus)
        return after, self._give(after, -surplus)

    def _take(self, instances: list[int], surplus: int) -> None:
        """Removes so many, one at a time from the fullest peers, of these from the one ranked last."""
        while surplus > 0:
            most = max(instances)
            fullest = [peer for peer in reversed(self.all) if instances[peer] == most]
            level = max((there for there in instances if there < most), default=0)
            surplus -= _step(instances, fullest, -1, surplus, most - level)

    def _give(self, instances: list[int], missing: int) -> int:
        """Adds so many, one at a time to the emptiest open peers, of these to the one ranked first; returns how many are left."""
        while missing > 0 and self.open:
            fewest = min(instances[peer] for peer in self.open)
            emptiest = [peer for peer in self.open if instances[peer] == fewest]
            level = min((instances[peer] for peer in self.open if instances[peer] > fewest), default=inf)
            missing -= _step(instances, emptiest, 1, missing, level - fewest)
        return max(missing, 0)


def _step(instances: list[int], peers: list[int], by: int, left: int, height: float) -> int:
    """Serves peers, all at one level, in turn: whole rounds up to the next level at once, or else a part of a round.

    Returns how many instances that were. Round by round, a million instances on one peer would take a million rounds.
    """
    rounds = min(left // len(peers), height)
    if rounds == 0:
        rounds, peers = 1, peers[:left]
    for peer in peers:
        instances[peer] += by * rounds
    return len(peers) * rounds
