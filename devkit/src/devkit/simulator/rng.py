"""Random numbers that a seed repeats on every machine.

Everything is made from `random.Random.random`, the only method whose sequence Python promises not
to change from version to version.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Rng:
    """One stream of random numbers. The seed is text, so that streams can be named."""

    __slots__ = ("random",)

    def __init__(self, seed: str) -> None:
        self.random = Random(seed).random  # noqa: S311 - invented data, no secret
        """The next number in [0, 1)."""

    def chance(self, share: float) -> bool:
        """Returns True with the probability `share`."""
        return self.random() < share

    def whole(self, low: int, high: int) -> int:
        """Returns a whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def one_of(self, things: Sequence[T]) -> T:
        """Returns one of the things, each with the same probability."""
        return things[int(self.random() * len(things))]

    def weighted(self, things: Sequence[tuple[T, float]]) -> T:
        """Returns the thing of one of the (thing, weight) pairs; the weights may have any sum."""
        left = self.random() * sum(weight for _, weight in things)
        for thing, weight in things:
            left -= weight
            if left < 0:
                return thing
        return things[-1][0]

    def sample(self, population: int, count: int) -> list[int]:
        """Returns `count` different numbers below `population`, in random order."""
        if not 0 <= count <= population:
            raise ValueError(f"cannot draw {count} different numbers out of {population}")
        swapped: dict[int, int] = {}
        drawn = []
        for place in range(count):
            other = self.whole(place, population - 1)
            drawn.append(swapped.get(other, other))
            swapped[other] = swapped.get(place, place)
        return drawn
