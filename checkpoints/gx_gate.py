"""GxGate: a GX checkpoint as the runner's gate. Bad data is FAIL, an outage is ERROR, and neither raises."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import great_expectations
from great_expectations.core.run_identifier import RunIdentifier

import expectations_plugins
from checkpoints.actions import ACTIONS
from checkpoints.actions.scope import PENDING, ActionScope, Effects, acting
from checkpoints.core.verdicts import judged
from checkpoints.data_docs import gx_site
from checkpoints.data_docs.gate_pages import GatePages
from checkpoints.data_docs.object_storage import keep_elsewhere
from checkpoints.gates import gate_file
from checkpoints.project_file import has_project, refuse_outdated
from checkpoints.records import unfinished
from expectations_plugins.core.errors import ConfigurationError, LeaseLostError, SluicegateError, TransientError
from expectations_plugins.core.masking import Masks
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import project_manager
from pipeline.config import Settings
from pipeline.core.batch import Batch
from pipeline.core.batches import Lease, short
from pipeline.core.program import program
from pipeline.core.topology import GATES
from pipeline.core.verdicts import Finding, GateReport, Verdict
from pipeline.storage.atomic_files import FullDiskError, is_full_disk
from pipeline.storage.private_folders import make_private

COLLECTION = "MILVUS_COLLECTION"
"""The variable of the GX project that names the collection whose vectors are checked."""


def build_gates(
    settings: Settings, environment: Mapping[str, str], effects: Effects, context: Any = None
) -> dict[str, GxGate]:
    """All gates of the topology, over the GX project of the settings.

    Args:
        settings: Where the GX project is, and what suites take from settings.
        environment: Values of the variables the project refers to, e.g. MONGODB_URI.
        effects: What the checkpoints' actions act on.
        context: The GX project, when it is open already.

    Raises:
        ConfigurationError: There is no GX project.
    """
    context = context or open_project(settings.gx_root, environment, settings)
    return {name: GxGate(name, context, settings, effects) for name in GATES}


def open_project(root: Path, environment: Mapping[str, str], settings: Settings | None = None) -> Any:
    """Open the GX project.

    Args:
        root: Its folder.
        environment: Values of the variables it refers to.
        settings: Where results and pages are kept; None keeps them where the project says.

    Raises:
        ConfigurationError: There is none at `root`, or it is not of this version.
    """
    if not has_project(root):
        raise ConfigurationError(
            f"There is no Great Expectations project at {root}.", next_step=f"Run: {program()} gx sync"
        )
    refuse_outdated(root)
    make_private(root / "uncommitted", *((settings.results_url, settings.docs_url) if settings is not None else ()))
    expectations_plugins.register()
    gx_site.use()
    context = great_expectations.get_context(context_root_dir=root, runtime_environment=dict(environment))
    if settings is not None:
        keep_elsewhere(context, settings)
    return context


class GxGate:
    """One checkpoint of the GX project.

    Args:
        name: The gate's and the checkpoint's name.
        context: The GX project.
        settings: Where suite parameters come from, besides the ledger.
        effects: What the checkpoint's actions act on.
    """

    def __init__(self, name: str, context: Any, settings: Settings, effects: Effects) -> None:
        self._name = name
        self._file = gate_file(name)
        self._context = context
        self._settings = settings
        self._effects = effects
        self._collection = str(context.runtime_environment.get(COLLECTION) or settings.vector_collection)

    @property
    def name(self) -> str:
        """The gate's name."""
        return self._name

    def check(self, batch_id: str, lease: Lease | None) -> GateReport:
        """Judge a batch. With a lease the checkpoint's actions act; without one they say what they would do.

        Raises:
            LeaseLostError: Another run took the batch over.
            FullDiskError: There is no room for the results.
        """
        run_id, values = f"{short(batch_id)}-{self._name}-{uuid.uuid4().hex[:8]}", dict[str, Any]()
        scope = self._scope(batch_id, run_id, lease, lambda results: self._judged(run_id, results, values))
        try:
            batch = self._effects.ledger.batch(batch_id) or Batch(batch_id)
            if lease is not None and (left := unfinished(batch, self._name)) is not None:
                return self._finish(replace(scope, run_id=left.run_id, report=left))
            values |= self._file.parameters(self._settings, batch, self._effects)
            self._look_in(batch)
            with acting(scope):
                result = self._run(batch_id, run_id, values)
            report = scope.plan([], result)
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever GX trips over says nothing of the data
            return self._could_not_run(scope, [error], values)
        return self._could_not_run(scope, scope.faults, values) if scope.faults else scope.report or report

    def _finish(self, scope: ActionScope) -> GateReport:
        """Do what an earlier run wrote down and did not get to; its verdict stands."""
        assert scope.report is not None
        for kind, action in ACTIONS.items():
            if any(intent.action == kind and intent.status == PENDING for intent in scope.report.intents):
                scope.act(kind, action.perform, would=action.would, marks_records=action.marks_records)
        if scope.faults:
            return self._could_not_run(scope, scope.faults, scope.report.parameters)
        return scope.report

    def _scope(
        self, batch_id: str, run_id: str, lease: Lease | None, judge: Callable[[Sequence[Any]], GateReport]
    ) -> ActionScope:
        masks = Masks(self._settings.masked)
        pages = GatePages(self._context, masks)
        return ActionScope(self._name, batch_id, run_id, lease, self._effects, judge, pages, masks=masks)

    def _judged(self, run_id: str, results: Sequence[Any], values: Mapping[str, Any]) -> GateReport:
        number = int(values[self._file.EXPECTED])
        outage = _is_outage(self._failures())
        masks = Masks(self._settings.masked)
        return judged(self._name, run_id, results, expected=number, parameters=values, outage=outage, masks=masks)

    def close(self) -> None:
        """Close the connections of the checkpoint's data sources."""
        for engine in self._engines():
            engine.close()

    def _look_in(self, batch: Batch) -> None:
        """Have GX read the collection that the batch was embedded into; the settings' one when that was not noted."""
        noted = batch.embedding.collection if batch.embedding else ""
        self._context.runtime_environment[COLLECTION] = noted or self._collection

    def _run(self, batch_id: str, run_id: str, values: Mapping[str, Any]) -> Any:
        project_manager.set_project(self._context)  # what is compared with is looked up there, whoever opened one since
        checkpoint = self._context.checkpoints.get(self._name)
        return checkpoint.run(
            batch_parameters={"batch_id": batch_id},
            expectation_parameters=dict(values),
            run_id=RunIdentifier(run_name=run_id, run_time=datetime.now(UTC)),
        )

    def _could_not_run(self, scope: ActionScope, errors: Sequence[Exception], values: Mapping[str, Any]) -> GateReport:
        """The check, or an action the verdict relies on, failed. A new check intends again what was not done.

        Raises:
            LeaseLostError: Another run took the batch over.
            FullDiskError: There is no room for the results, so that nothing can be checked.
        """
        for error in errors:
            if isinstance(error, LeaseLostError):
                raise error
            if is_full_disk(error):
                raise FullDiskError(
                    f"The {self._name} gate could not be checked, for its result cannot be written: {error}.",
                    next_step="Make room where GX keeps its results (SLUICEGATE_RESULTS_URL), then run again.",
                ) from error
        text = str(errors[0]) if isinstance(errors[0], SluicegateError) else f"{type(errors[0]).__name__}: {errors[0]}"
        report = scope.report or GateReport(gate=self._name, verdict=Verdict.ERROR, run_id=scope.run_id)
        return replace(
            report,
            verdict=Verdict.ERROR,
            findings=(Finding(expectation=self._name, severity="critical", summary=text), *report.findings),
            parameters=values,
            intents=(),
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
