"""SQLite as the engine sees it: every method is one query on one table."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from expectations_plugins.conditions.expressions import (
    Aggregate,
    Asked,
    Condition,
    Count,
    Distinct,
    DistinctValues,
    IsNull,
    Kind,
    Measure,
    Modes,
    Not,
    OutOfOrder,
    OutOfOrderSample,
    Ranked,
    Records,
    Repeated,
    RepeatedSample,
    Row,
    Sample,
    TopValues,
    Values,
    both,
    condition_of,
)
from expectations_plugins.core.errors import TerminalError, TransientError
from expectations_plugins.engine.backend import Absent, Slice, UnsupportedError
from tests.conformance.stores.sqlite_store.conditions import OPERATORS, STORE, condition, quoted

AGGREGATES = {Kind.COUNT: "count", Kind.MIN: "min", Kind.MAX: "max", Kind.SUM: "total", Kind.MEAN: "avg"}


class SQLiteBackend:
    """Asks one database file.

    Args:
        path: The file; None is never connected (the support matrix asks what it could do).
    """

    store: ClassVar[str] = STORE
    typed_fields: ClassVar[bool] = False  # any column takes any value

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    def ping(self) -> None:
        """Check that the file is there."""
        self._ask("SELECT 1", [])

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()

    def absent(self, data: Slice) -> Absent | None:
        """The table, if there is none."""
        known = [str(row[0]) for row in self._ask("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')", [])]
        return None if data.target in known else Absent("table", str(data.target), known)

    def check(self, asked: Asked) -> None:
        """Compile without running."""
        if isinstance(asked, Aggregate) and asked.kind not in AGGREGATES:
            raise UnsupportedError(self.store, f"the {asked.kind} of a field", "Check the mean and the range instead.")
        condition(condition_of(asked), [])

    def measure(self, data: Slice, measures: Sequence[Measure]) -> Sequence[Any]:
        """All measures in one row, but for those that need rows of their own."""
        alone = {repr(one): self._alone(data, one) for one in measures if isinstance(one, Repeated | OutOfOrder)}
        together = [one for one in measures if not isinstance(one, Repeated | OutOfOrder)]
        values: list[Any] = []
        columns = ", ".join(_aggregation(one, values) for one in together) or "1"
        where = _where(data, None, values)
        [row] = self._ask(f"SELECT {columns} FROM {_table(data)}{where}", values)
        found = {repr(one): row[number] for number, one in enumerate(together)}
        return [_number(one, {**found, **alone}[repr(one)]) for one in measures]

    def sample(self, data: Slice, query: Records) -> Sequence[Row]:
        """Records by the asset's key, or in the order a question is about."""
        values: list[Any] = []
        source = self._records(data, query, values)
        columns = ", ".join(quoted(field) for field in query.fields) or "*"
        rows = self._ask(f"SELECT {columns} FROM {source} LIMIT {int(query.limit)}", values)
        return [_row(row) for row in rows]

    def stream(self, data: Slice, query: Sample) -> Iterator[Row]:
        """Records as the cursor gives them."""
        yield from self.sample(data, query)

    def values(self, data: Slice, query: Values) -> Sequence[Any]:
        """Values of one column."""
        values: list[Any] = []
        value = quoted(query.field)
        where = _where(data, both(query.where, Not(IsNull(query.field))), values)
        if isinstance(query, Ranked):
            sql = f"SELECT {value} FROM {_table(data)}{where} ORDER BY {value} LIMIT 1 OFFSET "
            return [row[0] for rank in query.ranks for row in self._ask(sql + str(rank), values)]
        counted = f"SELECT {value} AS v, count(*) AS n FROM {_table(data)}{where} GROUP BY {value}"
        if isinstance(query, Modes):
            counted = f"SELECT v FROM ({counted}) WHERE n = (SELECT max(n) FROM ({counted}))"
            values = values * 2
        assert isinstance(query, Modes | DistinctValues)
        rows = self._ask(f"SELECT v FROM ({counted}) ORDER BY v LIMIT {int(query.limit)}", values)
        return [row[0] for row in rows]

    def top_values(self, data: Slice, query: TopValues) -> Sequence[tuple[Any, int]]:
        """(value, count), most frequent first."""
        values: list[Any] = []
        value, where = quoted(query.field), _where(data, query.where, values)
        sql = f"SELECT {value}, count(*) FROM {_table(data)}{where} GROUP BY {value} ORDER BY 2 DESC, 1"
        return [(row[0], int(row[1])) for row in self._ask(f"{sql} LIMIT {int(query.limit)}", values)]

    def columns(self, data: Slice) -> Mapping[str, str]:
        """Columns of the table, with the types they were declared with."""
        rows = self._ask(f"PRAGMA table_info({_table(data)})", [])
        return {str(row[1]): str(row[2] or "ANY") for row in rows}

    def explain(self, data: Slice, query: Sample) -> str:
        """The query to paste into sqlite3, with its values."""
        values: list[Any] = []
        where = _where(data, query.where, values)
        return f"SELECT * FROM {_table(data)}{where} -- {json.dumps(values, default=str)}"

    def direct(self, metric: str, data: Slice, values: Mapping[str, Any]) -> Any:
        """SQLite has no metrics of its own."""
        del data, values
        raise UnsupportedError(self.store, metric, "Use the store that has it.")

    def _alone(self, data: Slice, measure: Repeated | OutOfOrder) -> int:
        values: list[Any] = []
        query: Records = (
            RepeatedSample(measure, (), 0) if isinstance(measure, Repeated) else OutOfOrderSample(measure, (), 0)
        )
        [row] = self._ask(f"SELECT count(*) FROM {self._records(data, query, values)}", values)
        return int(row[0])

    def _records(self, data: Slice, query: Records, values: list[Any]) -> str:
        by_key = f'ORDER BY "{data.key}"' if data.key else ""
        where = _where(data, condition_of(query), values)
        if isinstance(query, Sample):
            return f"(SELECT * FROM {_table(data)}{where} {by_key})"
        if isinstance(query, RepeatedSample):
            keys = ", ".join(map(quoted, query.repeated.fields))
            counted = f"SELECT *, count(*) OVER (PARTITION BY {keys}) AS _n FROM {_table(data)}{where}"
            return f"(SELECT * FROM ({counted}) WHERE _n > 1 {by_key})"
        value, by = quoted(query.found.field), quoted(data.ordered_by(self.store))
        present = f"{where} AND {value} IS NOT NULL" if where else f" WHERE {value} IS NOT NULL"
        before = f"SELECT *, lag({value}) OVER (ORDER BY {by}) AS _before FROM {_table(data)}{present}"
        wrong = f"NOT {value} {OPERATORS[query.found.allowed]} _before"
        return f"(SELECT * FROM ({before}) WHERE _before IS NOT NULL AND {wrong} ORDER BY {by})"

    def _ask(self, sql: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        try:
            return self._connection().execute(sql, list(values)).fetchall()
        except sqlite3.OperationalError as error:
            kind = TransientError if "unable to open" in str(error) or "locked" in str(error) else TerminalError
            raise kind(f"{self.store}: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            uri = f"file:{Path(str(self._path))}?mode=ro"
            self._open = sqlite3.connect(uri, uri=True)
            self._open.row_factory = sqlite3.Row
            self._open.create_function("REGEXP", 2, lambda pattern, text: re.search(pattern, text) is not None)
        return self._open


def _table(data: Slice) -> str:
    return '"' + str(data.target).replace('"', '""') + '"'


def _where(data: Slice, more: Condition | None, values: list[Any]) -> str:
    where = both(data.where, more) if more is not None else data.where
    text = condition(where, values)
    return "" if text == "1" else f" WHERE {text}"


def _aggregation(measure: Measure, values: list[Any]) -> str:
    if isinstance(measure, Count):
        return f"total({condition(measure.where, values)})"
    assert isinstance(measure, Aggregate | Distinct)
    value = f"CASE WHEN {condition(measure.where, values)} THEN {quoted(measure.field)} END"
    return f"count(DISTINCT {value})" if isinstance(measure, Distinct) else f"{AGGREGATES[measure.kind]}({value})"


def _number(measure: Measure, value: Any) -> Any:
    return value if isinstance(measure, Aggregate) else int(value or 0)


def _row(row: sqlite3.Row) -> Row:
    return {name: row[name] for name in row.keys() if row[name] is not None and not name.startswith("_")}  # noqa: SIM118
