"""What somebody who adds a store gives the conformance suite: one small class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

Rows = Sequence[Mapping[str, Any]]

EVERYTHING = frozenset({"groups", "regex", "order", "pairs", "aggregates", "stdev", "nulls", "any_names"})
"""Every capability a test may need.

groups: values that occur more than once, distinct values, quantiles. order: increasing and decreasing. pairs: two
fields compared. aggregates: min, max, mean, sum. stdev: the standard deviation. nulls: a field may be absent.
any_names: a field may have any name.
"""


class StoreUnderTest:
    """A store, reached through its GX data source.

    Subclasses set `name` (as the engine's errors call the store) and `can`, and say how to fill it. Records have a text
    column `key`, by which examples are sorted.
    """

    name: ClassVar[str]
    can: ClassVar[frozenset[str]] = EVERYTHING

    def asset(self, rows: Rows, where: Any = None) -> Any:
        """A GX asset that holds exactly these records; the ones before are gone.

        Args:
            rows: The records; None stands for a null or an absent field, as the store has it.
            where: A GX row condition the asset is limited to.
        """
        raise NotImplementedError

    def drop(self, asset: Any) -> None:
        """Take away what the asset names, as a person would who drops a collection."""
        raise NotImplementedError

    def unreachable(self) -> Any:
        """A GX batch of a server nobody listens at."""
        raise NotImplementedError

    def close(self) -> None:
        """Take everything away."""

    def batch(self, rows: Rows, where: Any = None) -> Any:
        """A batch of all the records."""
        return self.asset(rows, where).add_batch_definition("all").get_batch()
