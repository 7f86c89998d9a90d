"""What each store is sent for one record, as a reviewer can read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pipeline.core.embeddings import VectorRow
from pipeline.core.records import GraphRecord, MetricRow
from pipeline.stores.bigquery import metrics_store
from pipeline.stores.milvus import queries as milvus
from pipeline.stores.neo4j import queries as neo4j

INSTANT = datetime(2026, 11, 20, 9, 10, tzinfo=UTC)

Golden = Callable[[str, str], None]


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=datetime.isoformat) + "\n"


def test_rows_of_metrics(golden: Golden) -> None:
    full = MetricRow("ab" * 32, "c_1", "click", INSTANT, 3, 2, Decimal("1.500000000"))
    empty = MetricRow("ab" * 32, None, None, None, 0, 0, Decimal("1E-9"))
    golden("bigquery_rows.json", as_json([metrics_store._json_row(row) for row in (full, empty)]))


def test_rows_of_interactions(golden: Golden) -> None:
    full = GraphRecord("i_1", "u_001", "c_1", "click", INSTANT)
    empty = GraphRecord("i_2", "u_001", None, None, None)
    golden("neo4j_store_interactions.json", as_json(neo4j.interaction_rows([full, empty])))


def test_rows_of_campaigns(golden: Golden) -> None:
    campaign = {"campaign_id": "c_1", "name": "'ünï'", "tags": ["a", 1], "starts": INSTANT, "in_catalogue": False}
    golden("neo4j_store_campaigns.json", as_json(neo4j.campaign_rows([campaign])))


def test_a_row_of_vectors(golden: Golden) -> None:
    row = VectorRow("i_1", "ab" * 32, "e" * 32, "gemini-embedding-001", 7, (0.5, -0.5))
    golden("milvus_store_row.json", as_json(milvus.entity(row)))
