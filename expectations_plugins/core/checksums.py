"""A checksum of a set of keys that does not depend on their order, and that can name one key too many.

Each key becomes a number, the start of its hash. The checksum is how many keys there are, and the sums of their numbers
and of the squares of these, modulo a prime: checksums add and subtract as the sets do. Where two sets differ by one key
on either side, both sums together give the number of each (Minsky, Trachtenberg and Zippel 2003, set reconciliation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PRIME = 2**61 - 1
"""Sums are below it, so that every store can keep them as an integer."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """Of some keys.

    Args:
        count: How many there are.
        first, second: The sum of their numbers, and of the squares of their numbers; modulo `PRIME`.
    """

    count: int = 0
    first: int = 0
    second: int = 0

    @classmethod
    def of(cls, keys: Iterable[str]) -> Checksum:
        """The checksum of keys; one that occurs twice counts twice."""
        count = first = second = 0
        for key in keys:
            number = number_of(key)
            count, first, second = count + 1, first + number, second + number * number
        return cls(count, first % PRIME, second % PRIME)

    @classmethod
    def read(cls, kept: Sequence[int]) -> Checksum | None:
        """What `as_list` gave; None where nothing was kept."""
        return cls(*map(int, kept)) if kept else None

    def as_list(self) -> list[int]:
        """Plain numbers, for a ledger."""
        return [self.count, self.first, self.second]

    def __add__(self, other: Checksum) -> Checksum:
        return Checksum(
            self.count + other.count, (self.first + other.first) % PRIME, (self.second + other.second) % PRIME
        )

    def __sub__(self, other: Checksum) -> Checksum:
        return Checksum(
            self.count - other.count, (self.first - other.first) % PRIME, (self.second - other.second) % PRIME
        )

    def added(self) -> int | None:
        """The number of the one key too many, of what is left of a set less the one it ought to be.

        Returns:
            None when there is none, or when the sets differ by more than one key on a side.
        """
        if self.count == 1 and self.first * self.first % PRIME == self.second:
            return self.first
        if self.count == 0 and self.first:  # a key in another's place: a - b is known, and a² - b² = (a - b)(a + b)
            both = self.second * pow(self.first, -1, PRIME)
            return (self.first + both) * pow(2, -1, PRIME) % PRIME
        return None


def number_of(key: str) -> int:
    """The number a key has in checksums, at least 0 and less than `PRIME`."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PRIME
