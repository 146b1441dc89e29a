"""Draws that a seed repeats on every machine.

Everything is made from `random.Random.random`, the one method whose sequence Python promises to
keep from version to version.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """One stream of draws. The seed is text, so that streams can be named."""

    __slots__ = ("random",)

    def __init__(self, seed: str) -> None:
        self.random = Random(seed).random  # noqa: S311 - invented data, no secret
        """The next number in [0, 1)."""

    def chance(self, share: float) -> bool:
        return self.random() < share

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def one_of(self, things: Sequence[T]) -> T:
        return things[int(self.random() * len(things))]

    def weighted(self, things: Sequence[tuple[T, float]]) -> T:
        """One of the (thing, weight) pairs' things; weights need not sum to anything."""
        left = self.random() * sum(weight for _, weight in things)
        for thing, weight in things:
            left -= weight
            if left < 0:
                return thing
        return things[-1][0]

    def sample(self, population: int, count: int) -> list[int]:
        """`count` different numbers below `population`, in random order."""
        if not 0 <= count <= population:
            raise ValueError(f"cannot draw {count} different numbers out of {population}")
        swapped: dict[int, int] = {}
        drawn = []
        for place in range(count):
            other = self.whole(place, population - 1)
            drawn.append(swapped.get(other, other))
            swapped[other] = swapped.get(place, place)
        return drawn
