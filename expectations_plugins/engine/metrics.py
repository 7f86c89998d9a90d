"""Metrics as data: what each GX metric needs from a store, and how its value follows from that.

One `MetricSpec` a metric. Its plan is one of five things: measures (bundled into one query with those of every other
metric of the suite), a bounded question (a sample or the top values), a value known without asking, a metric only
one store has, or ids, which are read once for all metrics. Stock metrics keep GX's own names and keys; nothing here
talks to a store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from expectations_plugins.conditions.expressions import Always, Condition, Measure, Records, TopValues, Values
from expectations_plugins.engine.backend import Backend, Slice
from expectations_plugins.engine.id_comparison import IdReader


@dataclass(frozen=True, slots=True)
class MetricCall:
    """One metric to compute.

    Args:
        name: The metric's name.
        domain: GX's domain keys (column, …) without the batch and the row condition.
        values: GX's value keys.
        where: The row condition.
        metrics: Values of the metrics it depends on, by name.
    """

    name: str
    domain: Mapping[str, Any]
    values: Mapping[str, Any]
    where: Condition = Always(True)
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures over the slice, and the metric's value made of their values, in the same order."""

    measures: tuple[Measure, ...]
    finish: Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A bounded question: the same question asked by several metrics is asked once."""

    query: Records | Values | TopValues
    finish: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A value that needs no query."""

    value: Any


@dataclass(frozen=True, slots=True)
class Direct:
    """A call of the store itself."""

    ask: Callable[[Backend, Slice], Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A call of the store that shares what it reads with the other metrics of its check, which ask at the same time."""

    ask: Callable[[Backend, Slice, IdReader], Any]


Plan = Measures | Question | Known | Direct | Remembered


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric.

    Args:
        name: GX's name of it, or `sluicegate.…` for our own.
        plan: What it needs, from a call.
        depends: Metrics of the same domain and values that must be known first.
        domain_keys: GX's domain keys; None takes those GX registered under this name.
        value_keys: GX's value keys; None takes those GX registered under this name.
        value_defaults: Defaults of value keys.
    """

    name: str
    plan: Callable[[MetricCall], Plan]
    depends: tuple[str, ...] = ()
    domain_keys: tuple[str, ...] | None = None
    value_keys: tuple[str, ...] | None = None
    value_defaults: Mapping[str, Any] = field(default_factory=dict)
