"""Map metrics of one column: one line a condition says which records are *unexpected*.

GX leaves null fields out of every one of them but the two that are about nulls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from expectations_plugins.conditions.expressions import (
    Always,
    And,
    Compare,
    CompareLength,
    Condition,
    Field,
    HasType,
    InSet,
    IsNull,
    Matches,
    Not,
    Op,
    Or,
    OutOfOrder,
    Repeated,
    any_element,
    both,
)
from expectations_plugins.conditions.patterns import like
from expectations_plugins.engine.metrics import MetricCall, MetricSpec
from expectations_plugins.stock.arguments import check_bounds, check_choice, check_lengths
from expectations_plugins.stock.parsing import PARSERS
from expectations_plugins.stock.results import MapMetric, Streamed, specs
from expectations_plugins.stock.types import types_named

ANY, ALL = "any", "all"

Values = Mapping[str, Any]
Unexpected = Callable[[Field, Values], Condition]


def _in_set(column: Field, values: Values) -> Condition:
    wanted = values["value_set"]
    return Always(False) if wanted is None else Not(InSet(column, tuple(wanted)))  # GX: no set is vacuously true


def _not_in_set(column: Field, values: Values) -> Condition:
    if values["value_set"] is None:
        raise ValueError("value_set cannot be None")
    return InSet(column, tuple(values["value_set"]))


def _match_regex(column: Field, values: Values) -> Condition:
    return Not(Matches(column, values["regex"], shown=True))


def _not_match_regex(column: Field, values: Values) -> Condition:
    return Matches(column, values["regex"], shown=True)


def _match_regex_list(column: Field, values: Values) -> Condition:
    parts = tuple(Matches(column, regex, shown=True) for regex in values["regex_list"])
    return Not(_matched(parts, values.get("match_on")))


def _not_match_regex_list(column: Field, values: Values) -> Condition:
    return Or(tuple(Matches(column, regex, shown=True) for regex in values["regex_list"]))


def _match_like(column: Field, values: Values) -> Condition:
    return Not(Matches(column, like(values["like_pattern"])))


def _not_match_like(column: Field, values: Values) -> Condition:
    return Matches(column, like(values["like_pattern"]))


def _match_like_list(column: Field, values: Values) -> Condition:
    parts = tuple(Matches(column, like(pattern)) for pattern in values["like_pattern_list"])
    return Not(_matched(parts, values.get("match_on")))


def _not_match_like_list(column: Field, values: Values) -> Condition:
    return Or(tuple(Matches(column, like(pattern)) for pattern in values["like_pattern_list"]))


def _matched(parts: tuple[Condition, ...], match_on: Any) -> Condition:
    check_choice("match_on", match_on or ANY, (ANY, ALL))
    return And(parts) if match_on == ALL else Or(parts)


def _of_type(column: Field, values: Values) -> Condition:
    return Not(HasType(column, types_named([values["type_"]])))


def _in_type_list(column: Field, values: Values) -> Condition:
    names = values["type_list"]
    return Always(False) if names is None else Not(HasType(column, types_named(names)))  # GX: any type will do


def _between(column: Field, values: Values) -> Condition:
    check_bounds(values.get("min_value"), values.get("max_value"))
    return Not(_inside(partial(_compared, column), values))


def _length_between(column: Field, values: Values) -> Condition:
    check_lengths(values.get("min_value"), values.get("max_value"))
    return Not(_inside(partial(_compared_length, column), values))


def _length_equals(column: Field, values: Values) -> Condition:
    return Not(CompareLength(Op.EQ, column, values["value"], shown=True))


def _compared(column: Field, op: Op, bound: Any) -> Condition:
    return Compare(op, column, bound)


def _compared_length(column: Field, op: Op, bound: Any) -> Condition:
    return CompareLength(op, column, bound, shown=True)


def _inside(compare: Callable[[Op, Any], Condition], values: Values) -> Condition:
    low, high = values.get("min_value"), values.get("max_value")
    above = (Op.GT if values.get("strict_min") else Op.GE, low)
    below = (Op.LT if values.get("strict_max") else Op.LE, high)
    return And(tuple(compare(op, bound) for op, bound in (above, below) if bound is not None))


CONDITIONS: dict[str, Unexpected] = {
    "column_values.in_set": _in_set,
    "column_values.not_in_set": _not_in_set,
    "column_values.match_regex": _match_regex,
    "column_values.not_match_regex": _not_match_regex,
    "column_values.match_regex_list": _match_regex_list,
    "column_values.not_match_regex_list": _not_match_regex_list,
    "column_values.match_like_pattern": _match_like,
    "column_values.not_match_like_pattern": _not_match_like,
    "column_values.match_like_pattern_list": _match_like_list,
    "column_values.not_match_like_pattern_list": _not_match_like_list,
    "column_values.of_type": _of_type,
    "column_values.in_type_list": _in_type_list,
    "column_values.between": _between,
    "column_values.value_length.between": _length_between,
    "column_values.value_length.equals": _length_equals,
}
"""Map metrics over records whose field is not null."""

NULLITY: dict[str, Unexpected] = {
    "column_values.nonnull": lambda column, _: IsNull(column),
    "column_values.null": lambda column, _: Not(IsNull(column)),
}
"""Map metrics over all records."""


def _unexpected(condition: Unexpected, call: MetricCall) -> Condition:
    column = Field.of(call.domain["column"])
    return both(call.where, any_element(column, both(Not(IsNull(column)), condition(column, call.values))))


def _of_all(condition: Unexpected, call: MetricCall) -> Condition:
    column = Field.of(call.domain["column"])
    return both(call.where, any_element(column, condition(column, call.values)))


def _not_unique(call: MetricCall) -> Repeated:
    column = Field.of(call.domain["column"])
    return Repeated((column,), both(call.where, Not(IsNull(column))))


def _ordered(loose: Op, strict: Op, call: MetricCall) -> OutOfOrder:
    return OutOfOrder(Field.of(call.domain["column"]), strict if call.values.get("strictly") else loose, call.where)


def _streamed(accepts: Callable[[Any, Values], bool], call: MetricCall) -> Streamed:
    column = Field.of(call.domain["column"])
    some = both(call.where, any_element(column, Not(IsNull(column))))
    return Streamed(column, some, partial(_accepted, accepts, call.values, len(column.parts) > 1))


def _accepted(accepts: Callable[[Any, Values], bool], values: Values, several: bool, value: Any) -> bool:
    """Whether a value is; each of the values of a path that leads through a list, which a store gives as one."""
    if several and isinstance(value, list):
        return all(accepts(one, values) for one in value if one is not None)
    return accepts(value, values)


def _column(call: MetricCall) -> tuple[str, ...]:
    return (str(call.domain["column"]),)


def _only(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values()))


MAPS = [
    *(MapMetric(name, partial(_unexpected, condition), _column, _only) for name, condition in CONDITIONS.items()),
    *(MapMetric(name, partial(_of_all, condition), _column, _only) for name, condition in NULLITY.items()),
    *(MapMetric(name, partial(_streamed, accepts), _column, _only) for name, accepts in PARSERS.items()),
    MapMetric("column_values.unique", _not_unique, _column, _only),
    MapMetric("column_values.increasing", partial(_ordered, Op.GE, Op.GT), _column, _only),
    MapMetric("column_values.decreasing", partial(_ordered, Op.LE, Op.LT), _column, _only),
]

COLUMN_MAPS: list[MetricSpec] = [spec for metric in MAPS for spec in specs(metric)]
"""Every metric of one column's values."""
