"""GxGate: a GX checkpoint as the runner's gate. Bad data is FAIL, an outage is ERROR, and neither raises."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import great_expectations
from great_expectations.core.run_identifier import RunIdentifier

import expectations_plugins  # noqa: F401 - registers the data sources and expectations
from checkpoints.actions.scope import ActionScope, acting
from checkpoints.parameters import expected, parameters
from checkpoints.verdicts import findings, verdict_of
from expectations_plugins.engine import StoreExecutionEngine
from pipeline.errors import ConfigurationError, SluicegateError, TransientError
from pipeline.model import Finding, GateReport, Lease, Verdict, short
from pipeline.ports import Ledger, RawStore
from pipeline.settings import Settings
from pipeline.topology import GATES


def build_gates(
    settings: Settings, environment: Mapping[str, str], ledger: Ledger, raw_store: RawStore
) -> dict[str, GxGate]:
    """All gates of the topology, over the GX project of the settings.

    Args:
        settings: Where the GX project is, and what suites take from settings.
        environment: Values of the variables the project refers to, e.g. MONGODB_URI.
        ledger: Where a batch's manifest is.
        raw_store: Where records are quarantined.

    Raises:
        ConfigurationError: There is no GX project.
    """
    context = open_project(settings.gx_root, environment)
    return {name: GxGate(name, context, settings, ledger, raw_store) for name in GATES}


def open_project(root: Path, environment: Mapping[str, str]) -> Any:
    """Open the GX project.

    Raises:
        ConfigurationError: There is none at `root`.
    """
    if not (root / "great_expectations.yml").is_file():
        raise ConfigurationError(f"There is no Great Expectations project at {root}.", next_step="Run: run.py gx sync")
    return great_expectations.get_context(context_root_dir=root, runtime_environment=dict(environment))


class GxGate:
    """One checkpoint of the GX project.

    Args:
        name: The gate's and the checkpoint's name.
        context: The GX project.
        settings, ledger, raw_store: Where suite parameters come from.
    """

    def __init__(self, name: str, context: Any, settings: Settings, ledger: Ledger, raw_store: RawStore) -> None:
        self._name = name
        self._context = context
        self._settings = settings
        self._ledger = ledger
        self._raw_store = raw_store

    @property
    def name(self) -> str:
        """The gate's name."""
        return self._name

    def check(self, batch_id: str, lease: Lease | None) -> GateReport:
        """Judge a batch. With a lease the checkpoint's actions act; without one they say what they would do."""
        run_id = f"{short(batch_id)}-{self._name}-{uuid.uuid4().hex[:8]}"
        scope = ActionScope(self._name, batch_id, run_id, lease, self._raw_store)
        values: dict[str, Any] = {}
        try:
            document = self._ledger.batch(batch_id) or {"_id": batch_id}
            values = parameters(self._name, self._settings, document, self._raw_store)
            with acting(scope):
                result = self._run(batch_id, run_id, values)
        except Exception as error:  # noqa: BLE001 - whatever GX trips over says nothing of the data
            return self._could_not_run(scope, [error], values)
        if scope.faults:
            return self._could_not_run(scope, scope.faults, values)
        suite = next(iter(result.run_results.values()))
        verdict = verdict_of(suite.results, expected(self._name, values))
        return GateReport(
            gate=self._name,
            verdict=verdict,
            run_id=run_id,
            findings=findings(suite.results),
            actions=tuple(scope.outcomes),
            docs=scope.docs,
            parameters=values,
            transient=verdict is Verdict.ERROR and _is_outage(self._failures()),
        )

    def close(self) -> None:
        """Close the connections of the checkpoint's data sources."""
        for engine in self._engines():
            engine.close()

    def _run(self, batch_id: str, run_id: str, values: Mapping[str, Any]) -> Any:
        checkpoint = self._context.checkpoints.get(self._name)
        return checkpoint.run(
            batch_parameters={"batch_id": batch_id},
            expectation_parameters=dict(values),
            run_id=RunIdentifier(run_name=run_id, run_time=datetime.now(UTC)),
        )

    def _could_not_run(self, scope: ActionScope, errors: Sequence[Exception], values: Mapping[str, Any]) -> GateReport:
        text = str(errors[0]) if isinstance(errors[0], SluicegateError) else f"{type(errors[0]).__name__}: {errors[0]}"
        return GateReport(
            gate=self._name,
            verdict=Verdict.ERROR,
            run_id=scope.run_id,
            findings=(Finding(expectation=self._name, severity="critical", summary=text),),
            actions=tuple(scope.outcomes),
            docs=scope.docs,
            parameters=values,
            transient=_is_outage(errors),
        )

    def _failures(self) -> list[Exception]:
        return [failure for engine in self._engines() for failure in engine.failures.values()]

    def _engines(self) -> list[StoreExecutionEngine]:
        """Engines that were used; asking for one that was not would connect it."""
        checkpoint = self._context.checkpoints.get(self._name)
        sources = [definition.data.data_asset.datasource for definition in checkpoint.validation_definitions]
        return [s.execution_engine for s in sources if isinstance(s.execution_engine, StoreExecutionEngine)]


def _is_outage(errors: Sequence[Exception]) -> bool:
    return bool(errors) and all(isinstance(error, TransientError) for error in errors)
