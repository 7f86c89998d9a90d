"""Writes docs/push-down.md: which of GX's expectations each store computes, from the engines' own tables.

Usage: python docs/support_matrix.py   A test holds the page equal to the tables.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import great_expectations.expectations as core

import expectations_plugins
from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.engine.execution import StoreExecutionEngine
from expectations_plugins.engine.metrics import Direct, Measures, MetricCall, Question
from expectations_plugins.engine.registration import ENGINES

expectations_plugins.register()

FOLDER = Path(__file__).parent
PAGE = FOLDER / "push-down.md"
CASES = FOLDER / "gx_cases.json"
"""What became of GX's own test cases in each store; `python -m pytest tests/gx_cases --update-golden` writes it."""

OUTCOMES = ("pass", "fail", "as pandas", "refused", "not applicable")
OURS = [engine for engine in ENGINES if engine.__module__.startswith("expectations_plugins.")]
STORES = {engine.backend_type.store: engine for engine in sorted(OURS, key=lambda one: one.__name__)}
ARGUMENTS: dict[str, Any] = {
    "column": "a",
    "column_A": "a",
    "column_B": "b",
    "column_list": ["a", "b"],
    "column_set": ["a"],
    "column_index": 0,
    "value_set": ["x"],
    "value_pairs_set": [("x", "y")],
    "regex": "a",
    "regex_list": ["a"],
    "like_pattern": "a%",
    "like_pattern_list": ["a%"],
    "type_": "str",
    "type_list": ["str"],
    "min_value": 0,
    "max_value": 1,
    "value": 1,
    "sum_total": 1,
    "strftime_format": "%Y",
    "json_schema": {},
    "threshold": 3,
    "double_sided": True,
    "method": "iqr",
    "multiplier": 1.5,
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]},
    "quantiles": [0.5],
    "partition_object": {"values": ["x"], "weights": [1.0]},
    "other_table_name": "t",
    "unexpected_rows_query": "SELECT * FROM {batch}",
    "base_query": "SELECT 1",
    "comparison_data_source_name": "d",
    "comparison_query": "SELECT 1",
}
UNFINISHED = {"Expectation", "ExpectMulticolumnValuesToBeUnique"}
"""The base class, and one that GX itself can run on no engine (use ExpectCompoundColumnsToBeUnique)."""

EVERY_COUNT: dict[str, Any] = defaultdict(lambda: 1)
MEASURED = "yes"
STREAMED = "reads 100,000 values at most"


def expectations() -> list[Any]:
    """One example of each of GX's core expectations."""
    names = [name for name in sorted(dir(core)) if name.startswith("Expect") and name not in UNFINISHED]
    classes = [getattr(core, name) for name in names]
    return [_example(one) for one in [*classes, core.UnexpectedRowsExpectation]]


def _example(expectation: Any) -> Any:
    known = {name: value for name, value in ARGUMENTS.items() if name in expectation.__fields__}
    return expectation(**known)


def engine(store: str) -> StoreExecutionEngine:
    """An engine that is not connected."""
    found = object.__new__(STORES[store])
    make: Any = STORES[store].backend_type
    StoreExecutionEngine.__init__(found, make(None))
    return found


def support(store: str, expectation: Any) -> str:
    """`yes`, or why not and what to use instead."""
    asked = engine(store)
    try:
        needed = expectation.get_validation_dependencies(execution_engine=asked, runtime_configuration=None)
        answers = {_asked(asked, metric) for metric in needed.metric_configurations.values()}
        if isinstance(expectation, core.ExpectColumnTypeToBe):
            declared = [{"name": expectation.column, "type": expectation.type_}]
            expectation._validate({"table.column_types": declared}, None, asked)  # noqa: SLF001 - it is refused there
    except UnsupportedError as error:
        return f"no: {error}"
    return STREAMED if STREAMED in answers else MEASURED


def _asked(asked: StoreExecutionEngine, metric: Any) -> str:
    if metric.metric_domain_kwargs.get("table"):
        asked._plan(metric, {})  # noqa: SLF001 - raises
    call = MetricCall(metric.metric_name, dict(metric.metric_domain_kwargs), dict(metric.metric_value_kwargs))
    plan = asked.specs[metric.metric_name].plan(MetricCall(call.name, call.domain, call.values, metrics=EVERY_COUNT))
    for one in plan.measures if isinstance(plan, Measures) else [plan.query] if isinstance(plan, Question) else []:
        asked.backend.check(one)
    if isinstance(plan, Direct) and metric.metric_name.endswith("unexpected_count"):
        return STREAMED
    return MEASURED


def rows() -> Iterator[str]:
    """The table: a line for each expectation, a column for each store."""
    yield f"| expectation | {' | '.join(STORES)} |"
    yield f"|---|{'---|' * len(STORES)}"
    for expectation in expectations():
        found = [support(store, expectation) for store in STORES]
        shown = ["no" if one.startswith("no:") else one for one in found]
        yield f"| {type(expectation).__name__} | {' | '.join(shown)} |"


def refusals() -> Iterator[str]:
    """A line for each reason."""
    stores: dict[str, list[str]] = {}
    for expectation in expectations():
        for store in STORES:
            found = support(store, expectation)
            if found.startswith("no:"):
                named = stores.setdefault(found.partition("cannot compute ")[2], [])
                named.extend([store] if store not in named else [])
    yield from (f"- {_in_words(named)} cannot compute {sentence}" for sentence, named in stores.items())


def _in_words(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def cases() -> Iterator[str]:
    """The outcomes of GX's own test cases: a line for each outcome, and for each reason why cases do not apply."""
    yield f"| outcome | {' | '.join(STORES)} |"
    yield f"|---|{'---|' * len(STORES)}"
    stores = json.loads(CASES.read_text(encoding="utf-8"))["stores"]
    for outcome in OUTCOMES:
        yield f"| **{outcome}** | {' | '.join(str(stores[store][outcome]) for store in STORES)} |"
    for reason, counted in _counted("not applicable, by reason").items():
        yield f"| not applicable: {reason} | {' | '.join(str(counted.get(store, 0)) for store in STORES)} |"


def deviations() -> Iterator[str]:
    """A line for each reason why a store gives something else."""
    for why, counted in _counted("deviations").items():
        yield f"- {', '.join(f'{store} {many}' for store, many in counted.items())}: {why}"


def _counted(what: str) -> dict[str, dict[str, int]]:
    """How many cases each reason has in each store."""
    stores = json.loads(CASES.read_text(encoding="utf-8"))["stores"]
    reasons = dict.fromkeys(reason for store in STORES for reason in stores[store][what])
    return {
        reason: {store: stores[store][what][reason] for store in STORES if reason in stores[store][what]}
        for reason in sorted(reasons)
    }


PARTS = {"table": rows, "refusals": refusals, "cases": cases, "deviations": deviations}
"""What the template names, and what gives its lines."""


def page() -> str:
    """The page's text."""
    text = (FOLDER / "push-down.template.md").read_text(encoding="utf-8")
    for name, lines in PARTS.items():
        text = text.replace(f"{{{{ {name} }}}}", "\n".join(lines()))
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
