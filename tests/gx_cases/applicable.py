"""Which cases a store can be asked, and why not the others: a small list of reasons, fixed before anything is run."""

from __future__ import annotations

from enum import StrEnum

from great_expectations.expectations.registry import list_registered_expectation_implementations

from tests.gx_cases.definitions import Definition
from tests.gx_cases.stores import InMilvus, Place

SQL = frozenset({"sqlite", "postgresql", "mysql", "mssql", "trino", "bigquery", "snowflake", "redshift"})
ENGINES = SQL | {"pandas", "spark"}
MANY = 5
"""From so many of GX's ten engines on, what a case says is taken for GX's meaning and not for one engine's."""

ALSO = {
    "sqlalchemy": SQL,
    "pandas_v3_api": {"pandas"},
    "pandas>=024": {"pandas"},
    "bigquery_v3_api": {"bigquery"},
}
"""Other names of engines; those that are not here are of interfaces of GX and releases of pandas that are gone."""

TYPES = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
COLUMNS = ("expect_table_column", "expect_column_to_exist")
NAMED = ("column", "column_A", "column_B")


class Reason(StrEnum):
    """Why a case cannot be asked of a store."""

    GONE = "GX 1.24 has no such expectation"
    NOBODY = "for no engine of today: for an interface of GX or a release of pandas that is gone, or for none at all"
    FEW = "for fewer than five of GX's ten engines and not for pandas: about their dialect, rounding or text"
    TYPES = "about the types of SQL or of Spark"
    COLUMNS = "about all columns of a table: a Milvus collection has a key and a vector beside them"


def not_applicable(case: Definition, place: Place) -> str:
    """Why the case cannot be asked of the store; "" when it can."""
    reasons = {
        Reason.GONE: case.expectation not in list_registered_expectation_implementations(),
        Reason.NOBODY: not engines(case),
        Reason.TYPES: case.expectation in TYPES and "pandas" not in engines(case),
        Reason.FEW: "pandas" not in engines(case) and len(engines(case)) < MANY,
        Reason.COLUMNS: isinstance(place, InMilvus) and _about_columns(case),
    }
    return next((reason for reason, holds in reasons.items() if holds), "") or _cannot_hold(case, place)


def engines(case: Definition) -> frozenset[str]:
    """GX's engines the case is for."""
    only = _named(case.only_for) if case.only_for else ENGINES
    return only - _named(case.suppressed)


def _named(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(engine for name in names for engine in ALSO.get(name, {name})) & ENGINES


def _about_columns(case: Definition) -> bool:
    whole = case.expectation.startswith(COLUMNS[0]) or case.kwargs.get("column_index") is not None
    return whole and not case.raises


def _cannot_hold(case: Definition, place: Place) -> str:
    named = [case.kwargs[name] for name in NAMED if name in case.kwargs] + list(case.kwargs.get("column_list") or ())
    columns = case.table.columns()
    reasons = (place.cannot_hold(name, columns[name]) for name in named if name in columns)
    return next((reason for reason in reasons if reason), "")
