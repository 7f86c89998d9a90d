"""Core expectations of GX no store engine computes: which metric of theirs, why, and what to use instead.

An expectation that is refused by name is better than GX's "no provider for metric": it says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from expectations_plugins.engine.backend import UnsupportedError
from expectations_plugins.engine.metrics import MetricCall, MetricSpec, Plan


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a metric is not computed.

    Args:
        what: The expectation that asks for it, and why it is refused.
        instead: What to use instead.
    """

    what: str
    instead: str


_HISTOGRAM = Refusal(
    "ExpectColumnKLDivergenceToBeLessThan, which needs the histogram of the whole column",
    "Use ExpectColumnQuantileValuesToBeBetween.",
)
_OUTLIERS = Refusal(
    "ExpectColumnValuesToNotBeOutliers, whose limits depend on the batch itself",
    "Use ExpectColumnValuesToBeBetween with limits you know, or ExpectColumnQuantileValuesToBeBetween.",
)
_Z_SCORES = Refusal(
    "ExpectColumnValueZScoresToBeLessThan, whose limits depend on the batch itself",
    "Use ExpectColumnValuesToBeBetween with limits you know, or ExpectColumnStdevToBeBetween.",
)
_SCHEMA = Refusal(
    "ExpectColumnValuesToMatchJsonSchema, which no store can judge",
    "Check the fields one by one by their dotted paths: not null, of type, in set, between.",
)
_SQL = Refusal(
    "SQL, which the store does not speak (UnexpectedRowsExpectation, ExpectQueryResultsToMatchComparison)",
    "In Neo4j, define a Cypher query as an asset (add_query) and expect 0 rows of it; "
    "to compare two stores use ExpectStoresToReconcile.",
)

REFUSALS: dict[str, Refusal] = {
    "column.histogram": _HISTOGRAM,
    "column_values.nonnull.count": _HISTOGRAM,
    "column.partition": _HISTOGRAM,
    "column.outlier_statistics": _OUTLIERS,
    "column_values.not_outliers": _OUTLIERS,
    "column_values.z_score": _Z_SCORES,
    "column_values.match_json_schema": _SCHEMA,
    "base_query": _SQL,
    "comparison_query": _SQL,
    "query": _SQL,
    "unexpected_rows_query": _SQL,
}
"""By the metric's name, or how it begins."""

OTHER_TABLE = Refusal(
    "ExpectTableRowCountToEqualOtherTable, which names a table of the same SQL database",
    "Use ExpectStoresToReconcile, which compares the records of two stores.",
)


def refusing(name: str, store: str) -> MetricSpec:
    """A metric that is refused, in the name of a store, when an expectation asks for it."""
    known = next((one for prefix, one in REFUSALS.items() if name == prefix or name.startswith(f"{prefix}.")), None)
    refusal = known or Refusal(f"the metric {name}", "Check it in a store that has it: see docs/push-down.md.")

    def plan(_: MetricCall) -> Plan:
        raise UnsupportedError(store, refusal.what, refusal.instead)

    return MetricSpec(name, plan)
