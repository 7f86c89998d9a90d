"""Telling GX about metrics: each spec becomes a metric provider under GX's own name and keys.

GX keys providers by the engine's class name, and registering a stock metric with other keys would overwrite them for
every engine in the process: so a stock metric always takes the keys GX has.
"""

from __future__ import annotations

from typing import Any, ClassVar

from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.gx_internals import (
    MetricConfiguration,
    MetricProvider,
    register_metric,
    registered_metrics,
)
from expectations_plugins.engine.metrics import MetricSpec
from expectations_plugins.engine.refusals import refusing

COLUMN_DOMAIN = ("batch_id", "table", "column", "row_condition", "condition_parser")
TABLE_DOMAIN = ("batch_id", "table", "row_condition", "condition_parser")

OURS = "sluicegate."
PARTS_OF_METRICS = (".aggregate_fn", ".condition", ".map")
"""How GX calls what only its own engines compose metrics of."""


ENGINES: list[type[StoreExecutionEngine]] = []
"""Every engine that is registered, in order: the support matrix is made of them."""

OFFERED: dict[str, MetricSpec] = {}
"""Metrics that expectations bring along, by name."""


class StoreMetric(MetricProvider):
    """A provider GX asks for keys and dependencies; the engine computes the value."""

    spec: ClassVar[MetricSpec]

    @classmethod
    def get_evaluation_dependencies(
        cls,
        metric: MetricConfiguration,
        configuration: Any = None,
        execution_engine: Any = None,
        runtime_configuration: Any = None,
    ) -> dict[str, MetricConfiguration]:
        """The metrics that must be known first, over the same domain."""
        del configuration, execution_engine, runtime_configuration
        return {name: _dependency(name, metric) for name in cls.spec.depends}


def register_engine(engine: type[StoreExecutionEngine]) -> None:
    """Register an engine class's metrics, and a refusal for each of GX's it has not; again, it changes nothing."""
    if engine not in ENGINES:
        ENGINES.append(engine)
    engine.specs = {**_refused(engine), **engine.specs, **OFFERED}
    _register_specs(engine)
    for other in ENGINES:  # what one engine computes for an expectation of ours, the others refuse by its name
        foreign = {name: refusing(name, other.backend_type.store) for name in _ours() if name not in other.specs}
        other.specs = {**other.specs, **foreign}
        _register_specs(other)


def _ours() -> set[str]:
    return {name for engine in ENGINES for name in engine.specs if name.startswith(OURS)}


def _register_specs(engine: type[StoreExecutionEngine]) -> None:
    for spec in engine.specs.values():
        stock = registered_metrics.get(spec.name)
        if stock is None or spec.domain_keys is not None:
            domain_keys, value_keys = spec.domain_keys or TABLE_DOMAIN, spec.value_keys or ()
            defaults = dict(spec.value_defaults)
        else:
            domain_keys, value_keys = stock["metric_domain_keys"], stock["metric_value_keys"]
            defaults = dict(stock["default_kwarg_values"])
        if stock is not None and engine.__name__ in stock["providers"]:
            continue
        keys = {"domain_keys": domain_keys, "value_keys": value_keys, "default_kwarg_values": defaults, "spec": spec}
        provider = type(f"{engine.__name__}:{spec.name}", (StoreMetric,), keys)
        register_metric(
            metric_name=spec.name,
            metric_domain_keys=domain_keys,
            metric_value_keys=value_keys,
            execution_engine=engine,
            metric_class=provider,
            metric_provider=_computed_by_the_engine,
        )


def offer(*specs: MetricSpec) -> None:
    """Have every engine, also those to come, compute metrics of an expectation; again, it changes nothing.

    An engine whose store cannot compute one refuses it by name when it is asked.

    Args:
        specs: The metrics; their names must be nobody else's.
    """
    OFFERED.update({spec.name: spec for spec in specs})
    for engine in ENGINES:
        register_engine(engine)


def _refused(engine: type[StoreExecutionEngine]) -> dict[str, MetricSpec]:
    asked_for = [
        name
        for name in registered_metrics
        if name not in engine.specs and not name.startswith(OURS) and not name.endswith(PARTS_OF_METRICS)
    ]
    return {name: refusing(name, engine.backend_type.store) for name in asked_for}


def _dependency(name: str, metric: MetricConfiguration) -> MetricConfiguration:
    known = registered_metrics[name]
    return MetricConfiguration(
        metric_name=name,
        metric_domain_kwargs=type(metric.metric_domain_kwargs)(
            {key: value for key, value in metric.metric_domain_kwargs.items() if key in known["metric_domain_keys"]}
        ),
        metric_value_kwargs=type(metric.metric_value_kwargs)(
            {key: value for key, value in metric.metric_value_kwargs.items() if key in known["metric_value_keys"]}
        ),
    )


def _computed_by_the_engine(**_: Any) -> Any:
    raise RuntimeError("a store engine computes its metrics itself; see StoreExecutionEngine.resolve_metrics")
