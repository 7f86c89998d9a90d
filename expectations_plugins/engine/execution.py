"""The execution engine all stores share: metrics of a suite become one query, failures keep their type.

GX calls `resolve_metrics` once for all metrics whose dependencies are known. All measures of such a wave go to the
store as one query; questions that several metrics share are asked once. What a store raises is kept as it is in
`failures`, beside the GX result, which holds strings only: so a gate can tell an outage from bad data.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from expectations_plugins.conditions.expressions import Condition, TopValues, Values, both
from expectations_plugins.core.background import in_background
from expectations_plugins.core.errors import SluicegateError, TerminalError, TransientError
from expectations_plugins.engine import existence, slicing
from expectations_plugins.engine.backend import Backend, Slice, UnsupportedError
from expectations_plugins.engine.gx_internals import (
    BatchData,
    BatchMarkers,
    ExecutionEngine,
    MetricConfiguration,
    MetricResolutionError,
)
from expectations_plugins.engine.id_comparison import IdReader
from expectations_plugins.engine.metrics import Known, Measures, MetricCall, MetricSpec, Plan, Question, Remembered
from expectations_plugins.engine.refusals import OTHER_TABLE
from expectations_plugins.engine.row_conditions import RowConditions

GX_ASKS_AGAIN = 2
"""How often GX asks for a metric again that failed (its MAX_METRIC_COMPUTATION_RETRIES, less the first time)."""

DOMAIN_META = frozenset({"batch_id", "table", "row_condition", "condition_parser"})


class BatchOfStore(BatchData):
    """What GX calls batch data: a slice of an asset and the engine that can ask about it. Holds no records."""

    def __init__(self, execution_engine: StoreExecutionEngine, data: Slice) -> None:
        super().__init__(execution_engine)
        self.data = data


P = TypeVar("P", Measures, Question)


@dataclass(slots=True)
class _Group(Generic[P]):
    """What is asked together: of one backend, about one slice.

    Args:
        backend: What answers.
        data: The slice.
        plans: The metrics, and what each needs.
    """

    backend: Backend
    data: Slice
    plans: list[tuple[MetricConfiguration, P]] = field(default_factory=list)


class _Wave:
    """Metrics that can be computed now, and what became of each."""

    def __init__(self) -> None:
        self.values: dict[Any, Any] = {}
        self.failed: dict[Any, tuple[MetricConfiguration, Exception]] = {}
        # grouped by repr: 1 and True are equal keys in Python, and two different questions
        self.measured: dict[str, _Group[Measures]] = {}
        self.asked: dict[str, _Group[Question]] = {}
        self.answers: list[tuple[MetricConfiguration, Future[Any]]] = []

    def fail(self, metric: MetricConfiguration, error: Exception) -> None:
        self.failed[metric.id] = (metric, error)

    def finish(self, metric: MetricConfiguration, make: Callable[[Any], Any], found: Any) -> None:
        try:
            self.values[metric.id] = make(found)
        except Exception as error:  # noqa: BLE001 - one metric's fault must not take the others with it
            self.fail(metric, error)


class StoreExecutionEngine(RowConditions, ExecutionEngine[Condition]):
    """Computes metrics inside a store. Subclasses name their backend and metrics, and connect."""

    backend_type: ClassVar[type[Backend]]
    specs: ClassVar[Mapping[str, MetricSpec]] = {}

    def __init__(self, backend: Backend, **kwargs: Any) -> None:
        kwargs["caching"] = False  # GX's metric cache outlives a run, and stores change between runs
        super().__init__(**kwargs)
        self.backend = backend
        self.failures: dict[Any, SluicegateError] = {}
        self._repeats: dict[Any, int] = {}
        self._targets: dict[str, Backend | SluicegateError] = {}
        self._reader = IdReader()

    def get_batch_data_and_markers(self, batch_spec: Mapping[str, Any]) -> tuple[BatchOfStore, BatchMarkers]:
        """Make the batch that a batch definition describes; asks the store nothing."""
        self.failures.clear()
        self._repeats.clear()
        self._reader = IdReader()  # of one check only: the next one asks again
        filtered = self.row_condition(batch_spec["where"], None)
        data = Slice(
            target=batch_spec["target"],
            where=both(slicing.condition(batch_spec), filtered),
            key=batch_spec["key"],
            sort_by=batch_spec["sort_by"],
            allow_missing=batch_spec["allow_missing"],
        )
        return BatchOfStore(self, data), BatchMarkers({"ge_load_time": str(uuid.uuid4())})

    def test_connection(self) -> None:
        """Check that the store answers.

        Raises:
            SluicegateError: It does not.
        """
        self.backend.ping()

    def close(self) -> None:
        """Close the connection."""
        self.backend.close()

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Compute metrics whose dependencies are known.

        Raises:
            MetricResolutionError: Some could not be computed; `failures` has the typed exception of each.
        """
        wanted = list(metrics_to_resolve)
        ours = [metric for metric in wanted if metric.metric_name in self.specs]
        others = [metric for metric in wanted if metric.metric_name not in self.specs]
        resolved = dict(super().resolve_metrics(others, metrics, runtime_configuration)) if others else {}
        if not metrics:
            self._targets.clear()  # a check begins: what was there at the last one may be gone
        wave = self._resolve(ours, metrics or {})
        resolved.update(wave.values)
        if wave.failed:
            if metrics is not None:
                metrics.update(resolved)  # GX drops what a failing wave returns; what is known stays known
            self._raise(wave)
        return resolved

    def _raise(self, wave: _Wave) -> None:
        """Raise the first error, for the metrics that have it: GX shows one text for all metrics an error names.

        It asks again for the others, and is given theirs then.
        """
        for metric_id, (_, error) in wave.failed.items():
            self.failures[metric_id] = _typed(error, self.backend.store)
            self._repeats.setdefault(metric_id, GX_ASKS_AGAIN)
        first = next(iter(wave.failed.values()))[1]
        failed = [metric for metric, error in wave.failed.values() if str(error) == str(first)]
        for metric_id in wave.failed.keys() - {metric.id for metric in failed}:
            self._repeats[metric_id] += 1
        raise MetricResolutionError(message=str(first), failed_metrics=tuple(failed)) from first

    def _resolve(self, wanted: Sequence[MetricConfiguration], known: Mapping[Any, Any]) -> _Wave:
        wave = _Wave()
        for metric in sorted(wanted, key=lambda metric: str(metric.id)):
            try:
                self._begin(wave, metric, known)
            except Exception as error:  # noqa: BLE001 - one metric's fault must not take the others with it
                wave.fail(metric, error)
        for group in wave.measured.values():
            self._measure(wave, group)
        for question in wave.asked.values():
            self._ask(wave, question)
        for metric, answer in wave.answers:
            wave.finish(metric, Future.result, answer)
        return wave

    def _begin(self, wave: _Wave, metric: MetricConfiguration, known: Mapping[Any, Any]) -> None:
        data, plan = self._plan(metric, known)
        backend = self._target(data)
        if isinstance(plan, Measures):
            for measure in plan.measures:
                backend.check(measure)
            measured = wave.measured.setdefault(repr(data), _Group[Measures](backend, data))
            measured.plans.append((metric, plan))
        elif isinstance(plan, Question):
            backend.check(plan.query)
            asked = wave.asked.setdefault(repr((data, plan.query)), _Group[Question](backend, data))
            asked.plans.append((metric, plan))
        elif isinstance(plan, Remembered):
            ask = partial(plan.ask, backend, data, self._reader)
            wave.answers.append((metric, in_background(ask, f"check-{backend.store}")))
        else:
            wave.values[metric.id] = plan.value if isinstance(plan, Known) else plan.ask(backend, data)

    def _target(self, data: Slice) -> Backend:
        """What answers questions about a slice; whether its target exists is asked once a check.

        Raises:
            SluicegateError: It does not exist, or the store could not be asked.
        """
        key = repr((data.target, data.allow_missing))
        if key not in self._targets:
            try:
                self._targets[key] = existence.backend_for(self.backend, data)
            except SluicegateError as error:
                self._targets[key] = error
        found = self._targets[key]
        if isinstance(found, SluicegateError):
            raise found
        return found

    def _plan(self, metric: MetricConfiguration, known: Mapping[Any, Any]) -> tuple[Slice, Plan]:
        self._not_again(metric)
        domain = dict(metric.metric_domain_kwargs)
        if domain.get("table"):
            raise UnsupportedError(self.backend.store, OTHER_TABLE.what, OTHER_TABLE.instead)
        depends = {name: known[needed.id] for name, needed in metric.metric_dependencies.items()}
        call = MetricCall(
            name=metric.metric_name,
            domain={key: value for key, value in domain.items() if key not in DOMAIN_META},
            values=dict(metric.metric_value_kwargs),
            where=self.row_condition(domain.get("row_condition"), domain.get("condition_parser")),
            metrics=depends,
        )
        return self._slice(domain.get("batch_id")), self.specs[metric.metric_name].plan(call)

    def _not_again(self, metric: MetricConfiguration) -> None:
        """GX asks again when a metric fails; within one check an outage is not asked about again, in the next it is."""
        repeats = self._repeats.pop(metric.id, 0)
        if repeats:
            self._repeats[metric.id] = repeats - 1
            raise self.failures[metric.id]
        self.failures.pop(metric.id, None)

    def _slice(self, batch_id: str | None) -> Slice:
        key = batch_id or self.batch_manager.active_batch_data_id
        held = self.batch_manager.batch_data_cache[str(key)]
        assert isinstance(held, BatchOfStore)
        return held.data

    def _measure(self, wave: _Wave, group: _Group[Measures]) -> None:
        measures = {repr(measure): measure for _, plan in group.plans for measure in plan.measures}
        try:
            values = dict(zip(measures, group.backend.measure(group.data, list(measures.values())), strict=True))
        except Exception as error:  # noqa: BLE001 - recorded with its type, raised as GX's own
            if len(group.plans) > 1 and not isinstance(error, TransientError):
                for one in group.plans:  # one bad measure must not take the others with it
                    self._measure(wave, _Group(group.backend, group.data, [one]))
                return
            for metric, _ in group.plans:
                wave.fail(metric, error)
            return
        for metric, plan in group.plans:
            wave.finish(metric, plan.finish, [values[repr(measure)] for measure in plan.measures])

    def _ask(self, wave: _Wave, group: _Group[Question]) -> None:
        try:
            found = _found(group.backend, group.data, group.plans[0][1].query)
        except Exception as error:  # noqa: BLE001 - recorded with its type, raised as GX's own
            for metric, _ in group.plans:
                wave.fail(metric, error)
            return
        for metric, plan in group.plans:
            wave.finish(metric, plan.finish, found)


def _found(backend: Backend, data: Slice, query: Any) -> Any:
    if isinstance(query, TopValues):
        return backend.top_values(data, query)
    return backend.values(data, query) if isinstance(query, Values) else backend.sample(data, query)


def _typed(error: Exception, store: str) -> SluicegateError:
    if isinstance(error, SluicegateError):
        return error
    return TerminalError(f"{store}: the check could not run: {type(error).__name__}: {error}")
