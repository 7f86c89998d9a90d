"""The port every store's engine stands on: a slice of an asset, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Always,
    Asked,
    Condition,
    Field,
    Kind,
    Measure,
    Records,
    Row,
    Sample,
    TopValues,
    Values,
)
from expectations_plugins.conditions.patterns import PatternError, common
from expectations_plugins.core.errors import TerminalError


class UnsupportedError(TerminalError):
    """A store cannot compute what an expectation needs.

    Args:
        store: The store's name.
        what: What it cannot do, e.g. the expectation or metric.
        instead: What to use instead.
    """

    def __init__(self, store: str, what: str, instead: str) -> None:
        super().__init__(f"{store} cannot compute {what}.", next_step=instead)


def pattern_for(store: str, pattern: str) -> str:
    """A regular expression as it is sent to a store: text that PCRE, Java and Python read the same.

    Raises:
        UnsupportedError: It has none.
    """
    try:
        return common(pattern)
    except PatternError as error:
        raise UnsupportedError(store, f"the regular expression {pattern!r}", str(error)) from None


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of an asset that a batch definition selects.

    Args:
        target: What the asset is, in the store's terms: a name (a collection, a label), or several named parts.
        where: Which of its records belong to the batch.
        key: The field that names a record; examples come in its order. "" takes the store's own key.
        sort_by: The field that gives the records an order, for expectations that are about one; "" when there is none.
        allow_missing: Whether the target need not exist, and is empty then.
    """

    target: str | Mapping[str, str]
    where: Condition = Always(True)
    key: str = ""
    sort_by: str = ""
    allow_missing: bool = False

    def ordered_by(self, store: str) -> Field:
        """The field that gives the records an order.

        Raises:
            UnsupportedError: There is none.
        """
        if self.sort_by:
            return Field.of(self.sort_by)
        raise UnsupportedError(
            store, "an order of records that have none", "Give the asset a sort_by: add_…(..., sort_by='timestamp')."
        )


def value_of_no_records(measure: Measure) -> int | None:
    """What a measure is of no records: counts and sums are 0, a mean or a smallest value there is not."""
    return None if isinstance(measure, Aggregate) and measure.kind not in (Kind.SUM, Kind.COUNT) else 0


@dataclass(frozen=True, slots=True)
class Absent:
    """Something an asset names that the store does not have.

    Args:
        kind: What it would be, "collection" or "label".
        name: Its name.
        known: Names of all that are there.
        place: Where they are, "database shop"; "" where there is one place only.
    """

    kind: str
    name: str
    known: Sequence[str]
    place: str = ""


class Backend(Protocol):
    """One store, as the engine sees it. Every method is one bounded query, or raises a SluicegateError."""

    store: ClassVar[str]
    """The store's name, for messages."""

    typed_fields: ClassVar[bool]
    """Whether a schema gives each field one type."""

    def ping(self) -> None:
        """Check that the store answers."""

    def close(self) -> None:
        """Close the connection."""

    def absent(self, data: Slice) -> Absent | None:
        """What the slice's target names that does not exist; None when all of it does."""

    def check(self, asked: Asked) -> None:
        """Compile without running.

        Raises:
            UnsupportedError: The store cannot compute it.
        """

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """The value of each measure over the slice, in one query where the store has such a query."""

    def sample(self, data: Slice, query: Records) -> Sequence[Row]:
        """Records of the slice, in the order of its key; whole ones when the query names no fields."""

    def values(self, data: Slice, query: Values) -> Sequence[Any]:
        """Values of one field of the slice."""

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        """Records of the slice in no order, read as they are asked for: what a client holds does not grow."""

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count) pairs of the slice."""

    def columns(self, data: Slice) -> Mapping[str, str]:
        """Names of the slice's fields and the types of their values, in the store's order, or sorted if it has none."""

    def explain(self, data: Slice, query: Sample) -> str:
        """The query in the store's own language, ready to be copied by a person."""

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """A metric only this store has.

        Raises:
            UnsupportedError: It has no such metric.
        """
