"""Cases in plain JSON: a dataset's columns and what expectations say of them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"
KEY = "_id"
"""The field every row gets, wherever it is put, as MongoDB has it anyway; its values have the order of the rows."""


ENGINES = ("pandas", "stores")


@dataclass(frozen=True, slots=True)
class Case:
    """One expectation on one dataset.

    Args:
        expectation: Its type in GX: expect_column_values_to_be_unique.
        title: What the case is about; no two cases of an expectation share it.
        kwargs: The expectation's arguments.
        expected: success, and any of observed_value, unexpected_list, unexpected_index_list (positions of rows).
        engines: The engines it holds for: "pandas", "stores".
    """

    expectation: str
    title: str
    kwargs: dict[str, Any]
    expected: dict[str, Any]
    engines: tuple[str, ...] = ENGINES


@dataclass(frozen=True, slots=True)
class Dataset:
    """Columns of the same length, and the cases on them.

    Args:
        name: No two datasets share it.
        columns: Values by column.
        cases: The cases.
        bare: Whether a record is these columns and nothing else, not even a key of its own: for what is said of a
            whole table.
    """

    name: str
    columns: dict[str, list[Any]]
    cases: list[Case] = field(default_factory=list)
    bare: bool = False

    def rows(self) -> list[dict[str, Any]]:
        """The rows in their order, each with its key."""
        length = max((len(values) for values in self.columns.values()), default=0)
        return [
            {KEY: key_of(number), **{name: values[number] for name, values in self.columns.items()}}
            for number in range(length)
        ]


def key_of(position: int) -> str:
    """The key of the row at this position."""
    return f"k{position:05d}"


def own_datasets() -> list[Dataset]:
    """Every dataset of cases/*.json."""
    return [dataset for path in sorted(CASES.glob("*.json")) for dataset in _in_file(path)]


def _in_file(path: Path) -> list[Dataset]:
    text = json.loads(path.read_text(encoding="utf-8"), object_hook=_written)
    return [
        Dataset(
            f"{path.stem}-{number}",
            found["data"],
            [_case(path.stem, case) for case in found["cases"]],
        )
        for number, found in enumerate(text["datasets"], 1)
    ]


def _case(expectation: str, case: dict[str, Any]) -> Case:
    expected = {name: value for name, value in case.items() if name not in ("title", "kwargs", "engines")}
    return Case(expectation, case["title"], case["kwargs"], expected, tuple(case.get("engines", ENGINES)))


def _written(found: dict[str, Any]) -> Any:
    """A datetime is written {"$datetime": "2024-01-31T00:00:00"}."""
    return datetime.fromisoformat(found["$datetime"]) if set(found) == {"$datetime"} else found


def is_null(value: Any) -> bool:
    """Whether the value is null, NaN or pandas' own nothing."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in _NOTHING


_NOTHING = ("NaTType", "NAType")
