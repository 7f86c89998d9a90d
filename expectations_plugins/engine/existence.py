"""Whether what an asset names is there: a misspelt collection or label would pass every check with no records.

A store holds names of things that exist (collections, labels, types of relationships). An asset of one that does not is
an error that says so, unless the asset says `allow_missing`: then it is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

from expectations_plugins.conditions.expressions import Asked, Measure, Records, Row, Sample, TopValues, Values
from expectations_plugins.core.errors import ConfigurationError
from expectations_plugins.engine.backend import Absent, Backend, Slice, value_of_no_records

CLOSEST = 3
"""How many similar names an error lists, or how many names of all when none is similar."""


def backend_for(backend: Backend, data: Slice) -> Backend:
    """What answers questions about a slice: the store, or nothing where its target may be missing and is.

    Raises:
        ConfigurationError: Its target does not exist, and may not be missing.
        SluicegateError: The store could not be asked.
    """
    absent = backend.absent(data)
    if absent is None:
        return backend
    if data.allow_missing:
        return EmptyBackend(backend)
    place = f" in {absent.place}" if absent.place else ""
    raise ConfigurationError(
        f"{backend.store} has no {absent.kind} {absent.name!r}{place}; {_similar(absent)}.",
        next_step="Correct the name; if it is created later, give the asset allow_missing=True.",
    )


def _similar(absent: Absent) -> str:
    folded = {name.casefold(): name for name in sorted(absent.known)}
    close = get_close_matches(absent.name.casefold(), folded, n=CLOSEST)
    if close:
        return f"the closest names are {', '.join(repr(folded[name]) for name in close)}"
    if not absent.known:
        return "there is none"
    some = sorted(absent.known)[:CLOSEST]
    more = len(absent.known) - len(some)
    return f"there are {', '.join(map(repr, some))}" + (f" and {more:,} more" if more else "")


class EmptyBackend:
    """Answers for a target that is missing and may be: there is no record.

    Args:
        backend: The store, which answers what only it knows.
    """

    store: ClassVar[str]
    typed_fields: ClassVar[bool]

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.store, self.typed_fields = backend.store, backend.typed_fields  # type: ignore[misc]

    def ping(self) -> None:
        """Check that the store answers."""
        self._backend.ping()

    def close(self) -> None:
        """Close the connection."""
        self._backend.close()

    def absent(self, data: Slice) -> Absent | None:
        """What is missing."""
        return self._backend.absent(data)

    def check(self, asked: Asked) -> None:
        """Refuse what the store would refuse."""
        self._backend.check(asked)

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """No records are counted; a smallest value, a mean and the like there are not."""
        del data
        return [value_of_no_records(measure) for measure in measures]

    def sample(self, data: Slice, query: Records) -> Sequence[Row]:
        """No records."""
        del data, query
        return []

    def values(self, data: Slice, query: Values) -> Sequence[Any]:
        """No values."""
        del data, query
        return []

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        """No records."""
        del data, query
        yield from ()

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """No values."""
        del data, query
        return []

    def columns(self, data: Slice) -> Mapping[str, str]:
        """No fields."""
        del data
        return {}

    def explain(self, data: Slice, query: Sample) -> str:
        """No query: it would fail."""
        del data, query
        return ""

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """What only the store can say."""
        return self._backend.direct(metric, data, values)
