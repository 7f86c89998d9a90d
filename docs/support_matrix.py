"""Writes docs/push-down.md: which GX metrics each store computes, from the engines' own tables.

Usage: python docs/support_matrix.py   A test holds the page equal to the tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expectations_plugins.backend import UnsupportedError
from expectations_plugins.metrics import Measures, MetricCall
from expectations_plugins.milvus.backend import MilvusBackend
from expectations_plugins.mongodb.backend import MongoDBBackend
from expectations_plugins.neo4j.backend import Neo4jBackend
from expectations_plugins.stock import SPECS

PAGE = Path(__file__).parent / "push-down.md"
NO_HANDLE: Any = None
BACKENDS = [MongoDBBackend(NO_HANDLE), Neo4jBackend(NO_HANDLE), MilvusBackend(NO_HANDLE)]
DOMAIN = {"column": "a", "column_A": "a", "column_B": "b"}
VALUES = {
    "value_set": [1],
    "regex": "a",
    "regex_list": ["a"],
    "min_value": 0,
    "max_value": 1,
    "value": 1,
    "value_pairs_set": [(1, 1)],
}
HEAD = """# Push-down: what runs inside the store

Generated from the engines' tables by `python docs/support_matrix.py`; do not edit by hand.

`import expectations_plugins` gives a GX context `data_sources.add_mongodb`, `.add_neo4j` and `.add_milvus`. Stock
expectations on their assets become queries: all counts and aggregates of a suite go out as one query (in MongoDB, one
more for each field whose values are grouped; in Milvus, one for each filter), and one more bounded query for the
examples of each expectation that failed. Lists of unexpected values and ids hold 200 at most.

| metric | MongoDB | Neo4j | Milvus |
|---|---|---|---|
"""
FOOT = """
Metrics that are not in this table are not there yet: GX then reports an exception that names the metric, and a gate
says ERROR, never PASS.

## Where stores differ from GX's pandas engine, by nature

A differential test (tests/expectations/test_differential.py) holds everything else equal on MongoDB and Neo4j.

- The **sum of no values** is null in a store, as in SQL; pandas says 0.
- **Regular expressions** are searched in text only; pandas turns numbers into text first. Patterns are the store's own
  dialect (PCRE in MongoDB, Java in Neo4j): keep to what these and Python share. `\\d` may or may not take digits of
  other scripts: write `[0-9]`.
- **1 and true** are equal in Python; stores keep them apart.
- A field that is **missing** is null, as is a NaN.
- Milvus has no order: its examples are the rows it finds first.
"""


def page() -> str:
    """The page's text."""
    counted = [name for name in SPECS if not name.split(".")[-1].startswith(("unexpected_values", "unexpected_index"))]
    shown = [name for name in counted if not name.endswith("unexpected_rows")]
    rows = [f"| `{name}` | {' | '.join(_support(backend, name) for backend in BACKENDS)} |\n" for name in shown]
    return HEAD + "".join(rows) + FOOT


def _support(backend: Any, name: str) -> str:
    plan = SPECS[name].plan(MetricCall(name, DOMAIN, VALUES))
    try:
        for measure in plan.measures if isinstance(plan, Measures) else ():
            backend.check(measure)
    except UnsupportedError:
        return "no"
    return "yes"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
