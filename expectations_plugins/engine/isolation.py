"""One expectation that cannot be begun must not take its suite with it.

GX asks each expectation of a suite which metrics it needs before it computes any, and what one raises then ends the
whole check: KL divergence without a partition, for one, computes metrics at that moment. On a store engine each
expectation is asked by itself, and what it raises becomes its own result. Nothing changes for other engines.
"""

from __future__ import annotations

import traceback
from typing import Any

from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import ExceptionInfo, ExpectationValidationResult, Validator

METHOD = "_generate_metric_dependency_subgraphs_for_each_expectation_configuration"


def isolate_expectations() -> None:
    """Have GX begin each expectation by itself on store engines; doing it again changes nothing."""
    whole_suite = getattr(Validator, METHOD)
    if hasattr(whole_suite, "isolates"):
        return

    def one_by_one(
        self: Any,
        expectation_configurations: list[Any],
        processed_configurations: list[Any],
        catch_exceptions: bool,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> Any:
        def begin(configurations: list[Any]) -> Any:
            return whole_suite(self, configurations, processed_configurations, catch_exceptions, runtime_configuration)

        engine = self._execution_engine
        if not isinstance(engine, StoreExecutionEngine) or not catch_exceptions:
            return begin(expectation_configurations)
        graphs, results = [], []
        for configuration in expectation_configurations:
            try:
                begun, refused, _ = begin([configuration])
            except Exception as error:  # noqa: BLE001 - one expectation's fault must not take the others with it
                refused, begun = [_failed(configuration, error, engine)], []
            graphs += begun
            results += refused
        return graphs, results, processed_configurations

    one_by_one.isolates = True  # type: ignore[attr-defined]
    setattr(Validator, METHOD, one_by_one)


def _failed(configuration: Any, error: Exception, engine: StoreExecutionEngine) -> Any:
    """The result. GX's KeyError names a metric that is missing; the store's error says why it is."""
    metric = error.args[0] if isinstance(error, KeyError) and error.args else None
    failure = engine.failures.get(metric)
    text = str(failure) if failure is not None else f"{type(error).__name__}: {error}"
    info = ExceptionInfo(exception_traceback=traceback.format_exc(), exception_message=text)
    return ExpectationValidationResult(success=False, exception_info=info, expectation_config=configuration)
