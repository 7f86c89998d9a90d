"""BigQuery: connection, error table and metrics store. google.cloud.bigquery is imported here and nowhere else."""

from __future__ import annotations

from pipeline.stores.bigquery.connection import Client, connect
from pipeline.stores.bigquery.errors import ERRORS
from pipeline.stores.bigquery.metrics_store import BigQueryMetricsStore
from pipeline.stores.bigquery.version_mark import BigQueryVersionMark

__all__ = ["ERRORS", "BigQueryMetricsStore", "BigQueryVersionMark", "Client", "connect"]
