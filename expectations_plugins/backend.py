"""The port every store's engine stands on: a slice of an asset, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from expectations_plugins.expressions import Always, Condition, Measure, RepeatedSample, Row, Sample, TopValues
from pipeline.errors import TerminalError


class UnsupportedError(TerminalError):
    """A store cannot compute what an expectation needs.

    Args:
        store: The store's name.
        what: What it cannot do, e.g. the expectation or metric.
        instead: What to use instead.
    """

    def __init__(self, store: str, what: str, instead: str) -> None:
        super().__init__(f"{store} cannot compute {what}.", next_step=instead)


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of an asset that a batch definition selects.

    Args:
        target: What the asset is, in the store's terms (a collection, a label, …).
        where: Which of its records belong to the batch.
        key: The field that names a record; examples come in its order. "" takes the store's own key.
    """

    target: str
    where: Condition = Always(True)
    key: str = ""


class Backend(Protocol):
    """One store, as the engine sees it. Every method is one bounded query, or raises a SluicegateError."""

    @property
    def store(self) -> str:
        """The store's name, for messages."""

    def ping(self) -> None:
        """Check that the store answers."""

    def close(self) -> None:
        """Close the connection."""

    def check(self, measure: Measure) -> None:
        """Compile without running.

        Raises:
            UnsupportedError: The store cannot compute it.
        """

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """The value of each measure over the slice, in one query where the store has such a query."""

    def sample(self, data: Slice, query: Sample) -> Sequence[Row]:
        """Records of the slice."""

    def repeated(self, data: Slice, query: RepeatedSample) -> Sequence[Row]:
        """Records of the slice that share their values with another."""

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count) pairs of the slice."""

    def columns(self, data: Slice) -> Sequence[str]:
        """Names of the slice's fields, in the order the store keeps them, or sorted where it keeps none."""

    def explain(self, data: Slice, query: Sample) -> str:
        """The query in the store's own language, ready to be copied by a person."""

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """A metric only this store has.

        Raises:
            UnsupportedError: It has no such metric.
        """
