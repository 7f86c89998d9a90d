"""The cases Great Expectations tested its own engines with, read from JSON definitions that lie beside the repository.

They are data for tests only (Apache-2.0, Great Expectations contributors), never copied into the repository. README.md
says where they come from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.gx_cases.plain import is_null

FOLDER = Path(__file__).parents[2].parent / "shared" / "gx_definitions"
"""Where they are, as the real logs are: beside the repository."""

ROW = "pk_index"
"""The column GX's own runner adds to the datasets of map expectations: the position of a row."""

NUMBERED = ("column_map_expectations", "column_pair_map_expectations", "multicolumn_map_expectations")
WHOLE = "other_expectations"
"""The folder whose expectations are about a table's columns and rows: nothing may be added to its datasets."""

FORM = ("catch_exceptions", "result_format")
"""Arguments that say how a result is given, and not what is expected."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One dataset of a definition.

    Args:
        name: No two datasets share it.
        written: Values by column, as the file has them; with ROW where GX's runner adds it.
        types: The pandas type of a column, where the file names it.
        moments: The columns that hold dates on engines whose columns have types.
        whole: Whether its cases are about all of its columns, so that a store may add none.
    """

    name: str
    written: Mapping[str, Sequence[Any]]
    types: Mapping[str, str]
    moments: frozenset[str]
    whole: bool

    def frame(self) -> pd.DataFrame:
        """The dataset as GX's own runner gives it to pandas."""
        return self._frame(self.types)

    def _frame(self, types: Mapping[str, str]) -> pd.DataFrame:
        frame = pd.DataFrame(dict(self.written))
        for column, name in types.items():
            frame[column] = _typed(frame[column], name)
        return frame

    def columns(self) -> dict[str, list[Any]]:
        """The values a store is given: of the type the file names, or else as they are written; nothing is None."""
        types = {**dict.fromkeys(self.moments, "datetime"), **self.types}
        frame = self._frame(types)
        return {
            name: [_plain(value) for value in (frame[name] if name in types else values)]
            for name, values in self.written.items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """One case.

    Args:
        file: The definition file's name, without folder and ending.
        title: The case's title; numbered where a file has it again.
        expectation: GX's type of the expectation.
        table: The dataset it is asked of.
        kwargs: The expectation's arguments.
        out: What the result must say; see judging.py.
        raises: Whether an error is what is expected.
        exact: Whether `out` is a whole result and not some parts of one.
        result_format: The result format the case names; None for the whole result.
        tolerance: Of numbers, relative; None for GX's own.
        only_for: The engines it is for, in GX's names; empty for all of them.
        suppressed: The engines it is not for.
    """

    file: str
    title: str
    expectation: str
    table: Table
    kwargs: Mapping[str, Any]
    out: Mapping[str, Any]
    raises: bool
    exact: bool
    result_format: str | None
    tolerance: float | None
    only_for: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()

    @property
    def numbered(self) -> bool:
        """Whether the dataset has a column for the position of a row."""
        return ROW in self.table.written


@cache
def definitions() -> tuple[Definition, ...]:
    """Every case, file by file; none where the folder is missing."""
    return tuple(case for path in sorted(FOLDER.glob("*/*.json")) for case in _in_file(path))


def _in_file(path: Path) -> Iterator[Definition]:
    text = json.loads(path.read_text(encoding="utf-8"))
    titles: Counter[str] = Counter()
    for number, dataset in enumerate(text["datasets"], 1):
        table = _table(path, number, dataset)
        for test in dataset["tests"]:
            titles[test["title"]] += 1
            again = titles[test["title"]]
            title = test["title"] if again == 1 else f"{test['title']} ({again})"
            yield _definition(path.stem, title, text["expectation_type"], table=table, dataset=dataset, test=test)


def _table(path: Path, number: int, dataset: Mapping[str, Any]) -> Table:
    data = dataset["data"]
    written = dict(data[0]["data"] if isinstance(data, list) else data)  # of several tables the first is asked
    if path.parent.name in NUMBERED:
        written[ROW] = list(range(len(next(iter(written.values())))))
    schemas = dataset.get("schemas", {})
    moments = frozenset(name for name, type_ in schemas.get("spark", {}).items() if type_ == "TimestampType")
    return Table(f"{path.stem}-{number}", written, schemas.get("pandas", {}), moments, path.parent.name == WHOLE)


def _definition(
    file: str, title: str, expectation: str, *, table: Table, dataset: Mapping[str, Any], test: Mapping[str, Any]
) -> Definition:
    given = test["in"] if isinstance(test["in"], dict) else {}
    return Definition(
        file=file,
        title=title,
        expectation=expectation,
        table=table,
        kwargs={name: value for name, value in given.items() if name not in FORM},
        out=test["out"],
        raises="error" in test or "traceback_substring" in test["out"],
        exact=test["exact_match_out"],
        result_format=given.get("result_format"),
        tolerance=test.get("tolerance"),
        only_for=(*dataset.get("only_for", ()), *test.get("only_for", ())),
        suppressed=(*dataset.get("suppress_test_for", ()), *test.get("suppress_test_for", ())),
    )


def _typed(values: pd.Series, name: str) -> pd.Series:
    """As GX's self_check.util types a column; its "timestamp" has a zone."""
    if name in ("timestamp", "datetime64[ns, tz]"):
        return pd.to_datetime(values, utc=True, format="mixed")
    if name in ("datetime", "datetime64", "datetime64[ns]"):
        return pd.to_datetime(values, format="mixed")
    if name == "date":
        return pd.to_datetime(values, format="mixed").dt.date.astype(object)
    return values.astype(getattr(pd, name)() if name.endswith("Dtype") else np.dtype(name))


def _plain(value: Any) -> Any:
    if is_null(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value
