"""A case asked of one place: what comes back, in plain values, or what was raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from great_expectations.exceptions import ExpectationNotFoundError
from great_expectations.expectations.registry import get_expectation_impl

from expectations_plugins.core.errors import TransientError
from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.engine.execution import StoreExecutionEngine
from tests.gx_cases.definitions import ROW, Definition, Table
from tests.gx_cases.judging import raised
from tests.gx_cases.plain import Dataset
from tests.gx_cases.stores import InPandas, Place


@dataclass(frozen=True, slots=True)
class Answer:
    """What a place says of a case.

    Args:
        success: GX's verdict; None where something was raised.
        result: GX's result, as JSON.
        error: What was raised; "" when nothing was.
        refused: How an engine of ours refuses it by name; "" when it does not.
    """

    success: bool | None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    refused: str = ""


class Asked:
    """A place and what it says; each dataset is put there once, when it is first asked about."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._batches: dict[str, Callable[[], Any]] = {}
        self._answers: dict[tuple[str, str], Answer] = {}

    def answer(self, case: Definition) -> Answer:
        """What the place says of a case; asked once."""
        key = (case.file, case.title)
        if key not in self._answers:
            self._answers[key] = self._ask(case)
        return self._answers[key]

    def _ask(self, case: Definition) -> Answer:
        try:
            expectation = made(case)
        except (ExpectationNotFoundError, ValueError, TypeError) as error:
            return Answer(None, error=f"{type(error).__name__}: {error}")
        batch = self._batch(case.table)
        try:
            found = batch.validate(expectation, result_format=result_format(case))
        except UnsupportedError as error:
            return Answer(None, error=str(error), refused=str(error))
        except Exception as error:  # noqa: BLE001 - what is raised is the answer
            return Answer(None, error=f"{type(error).__name__}: {error}")
        if messages := raised(found):
            return Answer(None, error=" / ".join(dict.fromkeys(messages)), refused=_refused(batch))
        plain = found.to_json_dict()
        return Answer(bool(found.success), plain["result"])

    def _batch(self, table: Table) -> Any:
        """A new one each time, for an engine of ours forgets what was raised when it makes one."""
        if table.name not in self._batches:
            self._batches[table.name] = self._put(table)
        return self._batches[table.name]()

    def _put(self, table: Table) -> Callable[[], Any]:
        if isinstance(self.place, InPandas):
            return self.place.put_frame(table.name, table.frame())
        return self.place.put(Dataset(table.name, table.columns(), bare=table.whole))


def made(case: Definition) -> Any:
    """The expectation of a case."""
    return get_expectation_impl(case.expectation)(**case.kwargs)


def result_format(case: Definition) -> dict[str, Any]:
    """The result format the case names, or the whole result with the positions of rows, as GX's own runner asked."""
    if case.result_format:
        return {"result_format": case.result_format}
    rows = {"unexpected_index_column_names": [ROW]} if case.numbered else {}
    return {"result_format": "COMPLETE", **rows}


def _refused(batch: Any) -> str:
    """How the engine refuses; an outage is no answer and ends the test."""
    engine = batch.data.execution_engine
    failures = list(engine.failures.values()) if isinstance(engine, StoreExecutionEngine) else []
    if outage := next((error for error in failures if isinstance(error, TransientError)), None):
        raise outage
    return next((str(error) for error in failures if isinstance(error, UnsupportedError)), "")
