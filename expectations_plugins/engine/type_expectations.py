"""Some core expectations know GX's own three engines and their tables only; here they learn of store engines.

ExpectColumnValuesToBeOfType and ExpectColumnValuesToBeInTypeList look at the engine's class: for pandas they count
values, for SQL and Spark they look at the schema, for any other engine they do nothing. Stores have values of many
types in one field, so a store engine gets the counting way; where a schema gives a field one type, its type decides.
ExpectColumnTypeToBe is about that one type. ExpectColumnToExist knows the names of records' own fields, not paths.
Nothing changes for other engines.
"""

from __future__ import annotations

from typing import Any

from great_expectations.expectations import (
    ExpectColumnToExist,
    ExpectColumnTypeToBe,
    ExpectColumnValuesToBeInTypeList,
    ExpectColumnValuesToBeOfType,
)

from expectations_plugins.conditions.expressions import Field
from expectations_plugins.core.errors import TerminalError
from expectations_plugins.engine.backend import Backend, UnsupportedError
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ColumnMapExpectation

COUNTED: list[type[ColumnMapExpectation]] = [ExpectColumnValuesToBeOfType, ExpectColumnValuesToBeInTypeList]


def teach_type_expectations() -> None:
    """Let these expectations run on store engines; doing it again changes nothing."""
    for expectation in COUNTED:
        if not hasattr(expectation, "_knows_stores"):
            _count_in_stores(expectation)
    if not hasattr(ExpectColumnTypeToBe, "_knows_stores"):
        _declare_in_stores(ExpectColumnTypeToBe)
    if not hasattr(ExpectColumnToExist, "_knows_stores"):
        _look_for_names_in_stores(ExpectColumnToExist)


def _count_in_stores(expectation: Any) -> None:
    dependencies, validate = expectation.get_validation_dependencies, expectation._validate  # noqa: SLF001

    def get_validation_dependencies(
        self: Any, execution_engine: Any = None, runtime_configuration: Any = None, **kwargs: Any
    ) -> Any:
        if isinstance(execution_engine, StoreExecutionEngine):
            return ColumnMapExpectation.get_validation_dependencies(self, execution_engine, runtime_configuration)
        return dependencies(self, execution_engine, runtime_configuration, **kwargs)

    def _validate(self: Any, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None) -> Any:
        if isinstance(execution_engine, StoreExecutionEngine):
            return ColumnMapExpectation._validate(self, metrics, runtime_configuration, execution_engine)  # noqa: SLF001
        return validate(self, metrics, runtime_configuration, execution_engine)

    expectation.get_validation_dependencies = get_validation_dependencies
    expectation._validate = _validate  # noqa: SLF001
    expectation._knows_stores = True  # noqa: SLF001


def _declare_in_stores(expectation: Any) -> None:
    validate = expectation._validate  # noqa: SLF001

    def _validate(self: Any, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None) -> Any:
        if isinstance(execution_engine, StoreExecutionEngine):
            return _declared(execution_engine.backend, metrics, **self._get_success_kwargs())
        return validate(self, metrics, runtime_configuration, execution_engine)

    expectation._validate = _validate  # noqa: SLF001
    expectation._knows_stores = True  # noqa: SLF001


def _declared(backend: Backend, metrics: Any, *, column: str, type_: str, **_: Any) -> dict[str, Any]:
    """The type a schema gives a field, by the store's own name of it."""
    if not backend.typed_fields:
        raise UnsupportedError(
            backend.store,
            "ExpectColumnTypeToBe, because a field has no type of its own, its values have",
            "Use ExpectColumnValuesToBeOfType.",
        )
    types = {str(one["name"]): str(one["type"]) for one in metrics["table.column_types"]}
    if not types:
        raise TerminalError(f"{backend.store}: the collection does not exist yet, and so has no field {column!r}.")
    if column not in types:
        raise TerminalError(
            f"{backend.store}: there is no field {column!r}; there are {', '.join(types)}.",
            next_step="Correct the expectation's column.",
        )
    found = types[column]
    return {"success": found.casefold() == type_.casefold(), "result": {"observed_value": found}}


def _look_for_names_in_stores(expectation: Any) -> None:
    validate = expectation._validate  # noqa: SLF001

    def _validate(self: Any, metrics: Any, runtime_configuration: Any = None, execution_engine: Any = None) -> Any:
        if isinstance(execution_engine, StoreExecutionEngine):
            _check_is_name(execution_engine.backend, metrics, self._get_success_kwargs()["column"])
            if self.column_index is None:
                return {"success": Field.of(self.column).parts[0] in metrics["table.columns"]}
        return validate(self, metrics, runtime_configuration, execution_engine)

    expectation._validate = _validate  # noqa: SLF001
    expectation._knows_stores = True  # noqa: SLF001


def _check_is_name(backend: Backend, metrics: Any, column: str) -> None:
    """Refuse a path: a store lists the names of records' own fields, and GX would look for the path among them."""
    parts = Field.of(column).parts
    if len(parts) > 1 and column not in metrics["table.columns"]:
        raise UnsupportedError(
            backend.store,
            f"ExpectColumnToExist of {column!r}, because it knows the names of records' own fields, not paths",
            "Expect the path's values not to be null, or its first name to exist.",
        )
